//! Our negentropy sessions with those of the `negentropy` crate, in both roles: they find exactly the
//! differences, and where ours divide as the crate's do, every frame is the same.
#![no_main]

use std::collections::BTreeSet;

use ::negentropy::{Negentropy, NegentropyStorageVector};
use arbitrary::Arbitrary;
use fuzz::exchange::{REFERENCE_LISTED_BELOW, Told, bounded_frames, negentropy_frames};
use fuzz::sets::{Cluster, missing, pair};
use fuzz::source::{Counted, Held, Kind};
use libfuzzer_sys::fuzz_target;
use sync_core::negentropy::{Division, Initiator, MIN_FRAME_BYTES, Responder};
use sync_core::{Bound, Id, Item, Session, SessionLimits};

/// Most items of both sides together.
const ITEMS: usize = 3_000;

#[derive(Arbitrary, Debug)]
struct Input {
    roles: Roles,
    kinds: [Kind; 2],
    /// So much longer than the shortest, if frames are bounded; of each side.
    frame_bytes: [Option<u16>; 2],
    clusters: Vec<Cluster>,
}

#[derive(Arbitrary, Debug, Clone, Copy)]
enum Roles {
    /// Two of ours and two of the crate's, compared frame by frame.
    Both,
    WeInitiate,
    WeRespond,
}

struct Case {
    items: [Vec<Item>; 2],
    kinds: [Kind; 2],
    frame_bytes: [usize; 2],
}

impl Case {
    fn set(&self, side: usize) -> Counted {
        Held::new(&self.items[side], self.kinds[side], Bound::MIN).everything()
    }

    fn limits(&self, side: usize) -> SessionLimits {
        SessionLimits {
            frame_bytes_sent: self.frame_bytes[side],
            ..SessionLimits::default()
        }
    }

    fn storage(&self, side: usize) -> NegentropyStorageVector {
        let mut storage = NegentropyStorageVector::with_capacity(self.items[side].len());
        for item in &self.items[side] {
            let id = ::negentropy::Id::from_byte_array(item.id.0);
            storage.insert(item.timestamp, id).expect("it isn't sealed");
        }
        storage.seal().expect("it isn't sealed");
        storage
    }

    fn truth(&self) -> Told {
        let [ours, theirs] = &self.items;
        Told {
            have: missing(ours, theirs),
            need: missing(theirs, ours),
        }
    }

    /// The crate lists less items than this engine by default, and divides into more parts.
    fn most_frames(&self) -> usize {
        let items = [self.items[0].len(), self.items[1].len()];
        let unbounded = negentropy_frames(
            items,
            [self.kinds[0].parts(), self.kinds[1].parts()],
            REFERENCE_LISTED_BELOW,
        );
        if self.frame_bytes == [0, 0] {
            unbounded
        } else {
            bounded_frames(unbounded, self.truth().len(), 0)
        }
    }

    fn peer<'a>(
        &self,
        side: usize,
        storage: &'a NegentropyStorageVector,
    ) -> Negentropy<'a, NegentropyStorageVector> {
        Negentropy::borrowed(storage, self.frame_bytes[side] as u64).expect("a legal limit")
    }

    fn both(&self) {
        let storages = [self.storage(0), self.storage(1)];
        let mut their_initiator = self.peer(0, &storages[0]);
        let mut their_responder = self.peer(1, &storages[1]);
        let (mut initiator, mut frame) =
            Initiator::start_dividing(self.set(0), Division::Reference, self.limits(0))
                .expect("a legal limit");
        let mut responder = Responder::dividing(self.set(1), Division::Reference, self.limits(1))
            .expect("a legal limit");
        assert_eq!(frame, their_initiator.initiate().expect("a fresh session"));
        let mut told = Told::default();
        for _ in 0..self.most_frames() {
            let answer = responder.receive(&frame).expect("an honest frame");
            let answer = answer.reply.expect("a responder answers");
            assert_eq!(
                answer,
                their_responder.reconcile(&frame).expect("an honest frame")
            );
            let step = initiator.receive(&answer).expect("an honest frame");
            told.take(&step);
            let next = their_initiator.reconcile_with_ids(&answer, &mut vec![], &mut vec![]);
            assert_eq!(step.reply, next.expect("an honest frame"));
            match step.reply {
                Some(next) => frame = next,
                None => {
                    assert_eq!(told, self.truth());
                    return;
                }
            }
        }
        panic!("more than {} frames", self.most_frames());
    }

    fn we_initiate(&self) {
        let storage = self.storage(1);
        let mut responder = self.peer(1, &storage);
        let (mut initiator, mut frame) =
            Initiator::start(self.set(0), self.limits(0)).expect("a legal limit");
        let mut told = Told::default();
        for _ in 0..self.most_frames() {
            let answer = responder.reconcile(&frame).expect("an honest frame");
            let step = initiator.receive(&answer).expect("an honest frame");
            told.take(&step);
            match step.reply {
                Some(next) => frame = next,
                None => {
                    assert_eq!(told, self.truth());
                    return;
                }
            }
        }
        panic!("more than {} frames", self.most_frames());
    }

    fn we_respond(&self) {
        let storage = self.storage(0);
        let mut initiator = self.peer(0, &storage);
        let mut responder = Responder::new(self.set(1), self.limits(1)).expect("a legal limit");
        let mut frame = initiator.initiate().expect("a fresh session");
        let (mut have, mut need) = (Vec::new(), Vec::new());
        for _ in 0..self.most_frames() {
            let answer = responder.receive(&frame).expect("an honest frame");
            let answer = answer.reply.expect("a responder answers");
            let next = initiator.reconcile_with_ids(&answer, &mut have, &mut need);
            match next.expect("an honest frame") {
                Some(next) => frame = next,
                None => {
                    // The crate may name an id again where frames are bounded.
                    let told = Told {
                        have: unique(&have),
                        need: unique(&need),
                    };
                    assert_eq!(told, self.truth());
                    return;
                }
            }
        }
        panic!("more than {} frames", self.most_frames());
    }
}

fn unique(ids: &[::negentropy::Id]) -> BTreeSet<Id> {
    ids.iter().map(|id| Id(id.to_bytes())).collect()
}

fuzz_target!(|input: Input| {
    let (ours, theirs) = pair(&input.clusters, u64::MAX, ITEMS);
    let frame_bytes =
        |bytes: Option<u16>| bytes.map_or(0, |bytes| MIN_FRAME_BYTES + usize::from(bytes) % 20_000);
    let mut case = Case {
        items: [ours, theirs],
        kinds: input.kinds,
        frame_bytes: input.frame_bytes.map(frame_bytes),
    };
    match input.roles {
        Roles::Both => {
            // Views don't divide at the same places as the crate's vector, trees do.
            for kind in &mut case.kinds {
                if kind.parts() < 16 {
                    *kind = Kind::Tree;
                }
            }
            case.both();
        }
        Roles::WeInitiate => case.we_initiate(),
        Roles::WeRespond => case.we_respond(),
    }
});
