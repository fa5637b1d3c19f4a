//! Sessions of the `negentropy` crate, over its sorted vector.

use negentropy::{Negentropy, NegentropyStorageVector};
use sync_core::{Id, Item};

use crate::clock::{Laps, Side};
use crate::competitor::{Competitor, Outcome};

/// Two sorted vectors, reconciled by the `negentropy` crate.
#[derive(Debug)]
pub struct NegentropyCrate {
    left: NegentropyStorageVector,
    right: NegentropyStorageVector,
    frame_bytes: u64,
}

impl NegentropyCrate {
    /// `left` is the initiator's set. Frames are of at most `frame_bytes`, at least 4096; 0 is no
    /// limit.
    #[must_use]
    pub fn new(left: &[Item], right: &[Item], frame_bytes: usize) -> Self {
        Self {
            left: storage(left),
            right: storage(right),
            frame_bytes: frame_bytes as u64,
        }
    }
}

impl Competitor for NegentropyCrate {
    fn name(&self) -> &str {
        "negentropy crate"
    }

    fn reconcile(&self, laps: &mut Laps) -> Outcome {
        let initiator = Negentropy::borrowed(&self.left, self.frame_bytes);
        let mut initiator = initiator.expect("a legal frame limit");
        let mut frame = initiator.initiate().expect("a fresh session");
        laps.end_turn(Side::Initiator);
        let responder = Negentropy::borrowed(&self.right, self.frame_bytes);
        let mut responder = responder.expect("a legal frame limit");
        let (mut have, mut need) = (Vec::new(), Vec::new());
        let mut outcome = Outcome::default();
        loop {
            outcome.up.add(&frame);
            let answer = responder.reconcile(&frame).expect("both sides are honest");
            laps.end_turn(Side::Responder);
            outcome.down.add(&answer);
            let next = initiator.reconcile_with_ids(&answer, &mut have, &mut need);
            laps.end_turn(Side::Initiator);
            match next.expect("both sides are honest") {
                Some(next) => frame = next,
                None => break,
            }
        }
        outcome.have = ids(&have);
        outcome.need = ids(&need);
        outcome
    }
}

fn ids(ids: &[negentropy::Id]) -> Vec<Id> {
    ids.iter().map(|id| Id(id.to_bytes())).collect()
}

/// The items, in any order, as the crate's sorted vector.
///
/// # Panics
/// Never: the vector is new.
#[must_use]
pub fn storage(items: &[Item]) -> NegentropyStorageVector {
    let mut storage = NegentropyStorageVector::with_capacity(items.len());
    for item in items {
        let id = negentropy::Id::from_byte_array(item.id.0);
        storage
            .insert(item.timestamp, id)
            .expect("a storage that isn't sealed yet");
    }
    storage.seal().expect("a storage that isn't sealed yet");
    storage
}
