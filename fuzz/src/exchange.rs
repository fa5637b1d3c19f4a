//! Runs of two sessions, and how many frames they may take.

use std::collections::BTreeSet;

use sync_core::{Id, Session, SessionError, Step};

/// A range of fewer items is listed instead of divided, by default.
pub const LISTED_BELOW: usize = 64;

/// The same by the reference's division.
pub const REFERENCE_LISTED_BELOW: usize = 32;

/// What one side has reported.
#[derive(Default, PartialEq, Eq, Debug)]
pub struct Told {
    /// What the peer lacks.
    pub have: BTreeSet<Id>,
    /// What this side lacks.
    pub need: BTreeSet<Id>,
}

impl Told {
    /// Takes what a step reports, which must be new.
    pub fn take(&mut self, step: &Step) {
        for id in &step.have {
            assert!(self.have.insert(*id), "{id} is reported twice as held");
        }
        for id in &step.need {
            assert!(self.need.insert(*id), "{id} is reported twice as needed");
        }
    }

    /// The same without these ids.
    pub fn without(mut self, ids: &BTreeSet<Id>) -> Self {
        self.have.retain(|id| !ids.contains(id));
        self.need.retain(|id| !ids.contains(id));
        self
    }

    /// How many ids.
    pub fn len(&self) -> usize {
        self.have.len() + self.need.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What came of two sessions.
#[derive(Default, Debug)]
pub struct Run {
    /// What the initiator has reported.
    pub initiator: Told,
    /// What the responder has reported.
    pub responder: Told,
    /// How many frames both sides together have sent.
    pub frames: usize,
}

/// Lets two sessions take turns until one of them is done, which takes at most so many frames.
pub fn run(
    initiator: &mut dyn Session,
    first: Vec<u8>,
    responder: &mut dyn Session,
    most_frames: usize,
) -> Result<Run, SessionError> {
    let mut run = Run::default();
    let mut frame = first;
    loop {
        run.frames += 1;
        let step = responder.receive(&frame)?;
        run.responder.take(&step);
        let Some(answer) = step.reply else { break };
        run.frames += 1;
        let step = initiator.receive(&answer)?;
        run.initiator.take(&step);
        let Some(next) = step.reply else { break };
        frame = next;
        assert!(run.frames < most_frames, "more than {most_frames} frames");
    }
    assert!(run.frames <= most_frames, "{} frames", run.frames);
    Ok(run)
}

/// Most frames that two negentropy sessions take, over sets of so many items, which are divided into
/// at least so many `parts` and listed below `listed` items.
///
/// Each side divides every second time. The side whose parts first are small enough lists them, which
/// the other side answers by a list, unless it is the initiator and done.
pub fn negentropy_frames(items: [usize; 2], parts: [usize; 2], listed: usize) -> usize {
    let [left, right] = [0, 1].map(|side| divisions(items[side], parts[side], listed));
    2 * left.min(right) + 2
}

/// How often so many items are divided until parts are listed.
fn divisions(mut items: usize, parts: usize, listed: usize) -> usize {
    let mut divisions = 0;
    while items >= listed {
        items = items.div_ceil(parts);
        divisions += 1;
    }
    divisions
}

/// Most frames that two sessions of the `waku` dialect take, as its documentation says.
pub fn waku_frames(items: [usize; 2]) -> usize {
    let divisions = |items: usize| {
        if items <= 32 {
            return 0;
        }
        let levels = items.next_power_of_two().ilog2().div_ceil(4) as usize;
        (levels - 1) * (levels + 6) / 2
    };
    items.iter().map(|items| divisions(*items)).sum::<usize>() + 4
}

/// Most frames where frames are bounded, given how many are most where they aren't.
///
/// Behind what a full frame says the rest is one fingerprint, however much was known about it. But the
/// first range that differs is always in the frame, and so is settled after as many frames as a whole
/// session would take without bounds. Each such range holds a difference, or fills a frame with
/// `listed` items that both have.
pub fn bounded_frames(unbounded: usize, differences: usize, listed: usize) -> usize {
    unbounded * (1 + differences + listed)
}
