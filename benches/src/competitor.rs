//! What a way to reconcile two sets is asked for, and what it comes to.

use sync_core::Id;

use crate::clock::Laps;
use crate::inputs::Pair;

/// A way to reconcile two sets that both lie in memory.
pub trait Competitor {
    /// What it is called in tables.
    fn name(&self) -> &str;

    /// Reconciles the sets from the start, as if nobody had before; tells `laps` whose turn ended.
    ///
    /// # Panics
    /// When a side fails: between two honest ones none does.
    fn reconcile(&self, laps: &mut Laps) -> Outcome;
}

/// What a reconciliation found, and what it sent.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Outcome {
    /// The ids that the initiator has and the responder lacks, in any order; some implementations
    /// repeat ids when frames are limited.
    pub have: Vec<Id>,
    /// The ids that the responder has and the initiator lacks, in any order.
    pub need: Vec<Id>,
    /// What went from the initiator to the responder.
    pub up: Traffic,
    /// What went from the responder to the initiator.
    pub down: Traffic,
}

impl Outcome {
    /// Whether it found what `pair` differs by.
    #[must_use]
    pub fn is_difference_of(&self, pair: &Pair) -> bool {
        let sorted = |ids: &[Id]| {
            let mut ids = ids.to_vec();
            ids.sort_unstable();
            ids.dedup();
            ids
        };
        sorted(&self.have) == pair.have && sorted(&self.need) == pair.need
    }

    /// All that was sent, in bytes.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.up.bytes + self.down.bytes
    }

    /// How many times a frame went up and another came down.
    #[must_use]
    pub fn round_trips(&self) -> usize {
        self.up.frames.max(self.down.frames)
    }

    /// The longest frame of either side, in bytes.
    #[must_use]
    pub fn largest_frame(&self) -> usize {
        self.up.largest.max(self.down.largest)
    }
}

/// What went one way.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Traffic {
    /// How many bytes.
    pub bytes: usize,
    /// In how many frames.
    pub frames: usize,
    /// The longest frame, in bytes.
    pub largest: usize,
}

impl Traffic {
    /// Counts a frame.
    pub fn add(&mut self, frame: &[u8]) {
        self.bytes += frame.len();
        self.frames += 1;
        self.largest = self.largest.max(frame.len());
    }
}
