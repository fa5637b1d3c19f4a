//! Negentropy V1 against the `negentropy` crate: as peer in both roles, and as the oracle of the
//! exact bytes.

use std::collections::BTreeSet;

use ::negentropy::{Negentropy, NegentropyStorageVector};
use proptest::prelude::*;
use sync_core::negentropy::{Division, Initiator, Responder};
use sync_core::{Id, Item, ItemSet, ItemSetMut, RangeTree, Session, SessionLimits, SortedItems};

use crate::cases::cases;
use crate::support::{arbitrary_pair, assert_differences, true_differences, view};

fn storage(items: &[Item]) -> NegentropyStorageVector {
    let mut storage = NegentropyStorageVector::with_capacity(items.len());
    for item in items {
        storage
            .insert(item.timestamp, ::negentropy::Id::from_byte_array(item.id.0))
            .unwrap();
    }
    storage.seal().unwrap();
    storage
}

/// What holds a set.
#[derive(Clone, Copy, Debug)]
enum Form {
    Sorted,
    /// A tree built in one go, with full leaves.
    Built,
    /// A tree that grew item by item.
    Grown,
    /// Several trees; these divide at places of their own, so that their bytes are nobody else's.
    View,
}

impl Form {
    fn of(self, items: &[Item]) -> Box<dyn ItemSet + Send> {
        match self {
            Self::Sorted => Box::new(items.iter().copied().collect::<SortedItems>()),
            Self::Built => Box::new(items.iter().copied().collect::<RangeTree>()),
            Self::Grown => {
                let mut tree = RangeTree::new();
                items.iter().for_each(|item| _ = tree.insert(*item));
                Box::new(tree)
            }
            Self::View => Box::new(view(items, 3, items.len().is_multiple_of(2))),
        }
    }
}

/// Those whose bytes are the reference's.
fn exact_form() -> impl Strategy<Value = Form> {
    prop_oneof![Just(Form::Sorted), Just(Form::Built), Just(Form::Grown)]
}

fn any_form() -> impl Strategy<Value = Form> {
    prop_oneof![exact_form(), Just(Form::View)]
}

fn any_division() -> impl Strategy<Value = Division> {
    prop_oneof![3 => Just(Division::Lean), 1 => Just(Division::Reference)]
}

fn any_limit() -> impl Strategy<Value = usize> {
    prop_oneof![1 => Just(0), 3 => 4_096usize..8_192, 1 => 8_192usize..60_000]
}

/// Runs two of the crate's sessions and two of ours on the same sets, and compares every frame.
fn assert_same_frames(ours: &[Item], theirs: &[Item], forms: [Form; 2], limits: [usize; 2]) {
    let (left, right) = (storage(ours), storage(theirs));
    let mut peer_initiator = Negentropy::borrowed(&left, limits[0] as u64).unwrap();
    let mut peer_responder = Negentropy::borrowed(&right, limits[1] as u64).unwrap();
    let [our_set, their_set] = [forms[0].of(ours), forms[1].of(theirs)];
    let [up, down] = limits.map(SessionLimits::with_frame_limit);
    let division = Division::Reference;
    let (mut initiator, first) = Initiator::start_dividing(our_set, division, up).unwrap();
    let mut responder = Responder::dividing(their_set, division, down).unwrap();
    assert_eq!(first, peer_initiator.initiate().unwrap());
    let mut frame = first;
    let (mut have, mut need) = (Vec::new(), Vec::new());
    loop {
        let answer = responder.receive(&frame).unwrap().reply.unwrap();
        assert_eq!(answer, peer_responder.reconcile(&frame).unwrap());
        assert!(limits[0] == 0 || frame.len() <= limits[0]);
        assert!(limits[1] == 0 || answer.len() <= limits[1]);
        let step = initiator.receive(&answer).unwrap();
        let next = peer_initiator
            .reconcile_with_ids(&answer, &mut vec![], &mut vec![])
            .unwrap();
        assert_eq!(step.reply, next);
        assert_eq!(step.done, next.is_none());
        have.extend(step.have);
        need.extend(step.need);
        match step.reply {
            Some(next) => frame = next,
            None => break,
        }
    }
    assert_differences(ours, theirs, have, need);
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn frames_equal_the_crates_without_a_limit(
        (ours, theirs) in arbitrary_pair(3_000),
        forms in [exact_form(), exact_form()],
    ) {
        assert_same_frames(&ours, &theirs, forms, [0, 0]);
    }

    #[test]
    fn frames_equal_the_crates_with_a_limit(
        (ours, theirs) in arbitrary_pair(6_000),
        forms in [exact_form(), exact_form()],
        limits in [any_limit(), any_limit()],
    ) {
        assert_same_frames(&ours, &theirs, forms, limits);
    }

    #[test]
    fn the_crate_as_initiator_learns_the_differences_from_us(
        (ours, theirs) in arbitrary_pair(3_000),
        form in any_form(),
        division in any_division(),
        limits in [any_limit(), any_limit()],
    ) {
        let left = storage(&ours);
        let mut initiator = Negentropy::borrowed(&left, limits[0] as u64).unwrap();
        let down = SessionLimits::with_frame_limit(limits[1]);
        let mut responder = Responder::dividing(form.of(&theirs), division, down).unwrap();
        let mut frame = initiator.initiate().unwrap();
        let (mut have, mut need) = (Vec::new(), Vec::new());
        loop {
            let answer = responder.reconcile(&frame).unwrap();
            match initiator.reconcile_with_ids(&answer, &mut have, &mut need).unwrap() {
                Some(next) => frame = next,
                None => break,
            }
        }
        let unique = |ids: Vec<::negentropy::Id>| {
            ids.into_iter().map(|id| Id(id.to_bytes())).collect::<BTreeSet<_>>()
        };
        prop_assert_eq!((unique(have), unique(need)), true_differences(&ours, &theirs));
    }

    #[test]
    fn the_crate_as_responder_tells_us_the_differences(
        (ours, theirs) in arbitrary_pair(3_000),
        form in any_form(),
        division in any_division(),
        limits in [any_limit(), any_limit()],
    ) {
        let right = storage(&theirs);
        let mut responder = Negentropy::borrowed(&right, limits[1] as u64).unwrap();
        let up = SessionLimits::with_frame_limit(limits[0]);
        let (mut initiator, mut frame) = Initiator::start_dividing(form.of(&ours), division, up).unwrap();
        let (mut have, mut need) = (Vec::new(), Vec::new());
        loop {
            let step = initiator.receive(&responder.reconcile(&frame).unwrap()).unwrap();
            have.extend(step.have);
            need.extend(step.need);
            match step.reply {
                Some(next) => frame = next,
                None => break,
            }
        }
        assert_differences(&ours, &theirs, have, need);
    }
}
