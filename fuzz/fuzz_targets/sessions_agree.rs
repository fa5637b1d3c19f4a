//! Two sessions over arbitrary sets end, and name exactly the symmetric difference, once each.
#![no_main]

use std::collections::BTreeSet;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use sync_core::waku::HeaderForm;
use sync_core::{
    Id, Item, ItemSet, Range, Scope, Session, SessionLimits, Slice, SortedItems, Source,
    SourceError, negentropy, waku,
};

#[derive(Arbitrary, Debug)]
struct Sets {
    spread: u64,
    members: Vec<(u64, bool, bool)>,
    small_frames: bool,
}

#[derive(Clone)]
struct Fixed(SortedItems);

impl Source for Fixed {
    fn open(&self, scope: &Scope) -> Result<Box<dyn ItemSet + Send>, SourceError> {
        Ok(Box::new(Slice::new(self.0.clone(), scope.window)))
    }
}

type Told = (Vec<Id>, Vec<Id>);

fn run(
    mut initiator: impl Session,
    mut frame: Vec<u8>,
    mut responder: impl Session,
) -> (Told, Told) {
    let (mut left, mut right) = (Told::default(), Told::default());
    for _ in 0..10_000 {
        let step = responder.receive(&frame).expect("an honest frame is taken");
        right.0.extend(step.have);
        right.1.extend(step.need);
        let Some(answer) = step.reply else {
            return (left, right);
        };
        let step = initiator
            .receive(&answer)
            .expect("an honest answer is taken");
        left.0.extend(step.have);
        left.1.extend(step.need);
        let Some(next) = step.reply else {
            return (left, right);
        };
        frame = next;
    }
    panic!("a session without end");
}

fn assert_named(told: Vec<Id>, truth: &BTreeSet<Id>) {
    assert_eq!(told.len(), truth.len());
    assert_eq!(&told.into_iter().collect::<BTreeSet<_>>(), truth);
}

fuzz_target!(|sets: Sets| {
    let (mut ours, mut theirs) = (BTreeSet::new(), BTreeSet::new());
    for (index, (word, left, right)) in sets.members.into_iter().enumerate() {
        let mut id = Id([0; 32]);
        id.0[..8].copy_from_slice(&word.to_be_bytes());
        // The rest is scattered: ids that xor to nothing are invisible to the waku dialect.
        let mut state = word ^ (index as u64).rotate_left(32);
        for bytes in id.0[8..].chunks_exact_mut(8) {
            state = (state ^ (state >> 29))
                .wrapping_mul(0xbf58_476d_1ce4_e5b9)
                .wrapping_add(1);
            state ^= state >> 32;
            bytes.copy_from_slice(&state.to_be_bytes());
        }
        let item = Item::new(
            word.rotate_left(17) % sets.spread.clamp(1, waku::TIME_END),
            id,
        );
        if left {
            ours.insert(item);
        }
        if right {
            theirs.insert(item);
        }
    }
    let have: BTreeSet<Id> = ours.difference(&theirs).map(|item| item.id).collect();
    let need: BTreeSet<Id> = theirs.difference(&ours).map(|item| item.id).collect();
    let (ours, theirs) = (
        ours.into_iter().collect::<SortedItems>(),
        theirs.into_iter().collect::<SortedItems>(),
    );
    let limits = SessionLimits {
        frame_bytes_sent: if sets.small_frames { 4_096 } else { 0 },
        ..SessionLimits::default()
    };
    let (initiator, first) =
        negentropy::Initiator::start(ours.clone(), limits.clone()).expect("a legal limit");
    let responder = negentropy::Responder::new(theirs.clone(), limits).expect("a legal limit");
    let (told, _) = run(initiator, first, responder);
    assert_named(told.0, &have);
    assert_named(told.1, &need);

    let (limits, form) = (SessionLimits::default, HeaderForm::Topics);
    let scope = || Scope::of_window(Range::ALL);
    let (initiator, first) =
        waku::Initiator::start(Box::new(Fixed(ours)), scope(), form, limits()).expect("a scope");
    let responder = waku::Responder::new(Box::new(Fixed(theirs)), scope(), form, limits());
    let (left, right) = run(initiator, first, responder);
    assert_named(left.0, &have);
    assert_named(left.1, &need);
    assert_named(right.0, &need);
    assert_named(right.1, &have);
});
