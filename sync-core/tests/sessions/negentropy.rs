//! Negentropy V1 against the `negentropy` crate: as peer in both roles, and as the oracle of the
//! exact bytes.

use std::collections::BTreeSet;

use crate::cases::cases;
use crate::support::{arbitrary_pair, items_at, split_pair, sync, true_differences};
use ::negentropy::{Negentropy, NegentropyStorageVector};
use proptest::prelude::*;
use sync_core::negentropy::{Initiator, Responder};
use sync_core::{Id, Item, RangeTree, Session, SessionError, SessionLimits, SortedItems, View};

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

fn set(items: &[Item]) -> SortedItems {
    items.iter().copied().collect()
}

/// The items as several trees: by id, or by time, which the shards then share very unevenly.
fn view(items: &[Item], shards: usize, by_time: bool) -> View<RangeTree> {
    let latest = items.iter().map(|item| item.timestamp).max().unwrap_or(0);
    let shard_of = |item: &Item| {
        if by_time {
            (item.timestamp as u128 * shards as u128 / (u128::from(latest) + 1)) as usize
        } else {
            usize::from(item.id.0[31]) % shards
        }
    };
    (0..shards)
        .map(|shard| {
            let of_shard = items.iter().filter(|item| shard_of(item) == shard);
            of_shard.copied().collect::<RangeTree>()
        })
        .collect()
}

/// Runs two of the crate's sessions and two of ours, one over a tree and one over a vector, on the
/// same sets, and compares every frame.
fn assert_same_frames(ours: &[Item], theirs: &[Item], frame_bytes: usize) {
    let (left, right) = (storage(ours), storage(theirs));
    let mut peer_initiator = Negentropy::borrowed(&left, frame_bytes as u64).unwrap();
    let mut peer_responder = Negentropy::borrowed(&right, frame_bytes as u64).unwrap();
    let tree: RangeTree = ours.iter().copied().collect();
    let (mut initiator, first) =
        Initiator::start(tree, SessionLimits::with_frame_limit(frame_bytes)).unwrap();
    let mut responder =
        Responder::new(set(theirs), SessionLimits::with_frame_limit(frame_bytes)).unwrap();
    assert_eq!(first, peer_initiator.initiate().unwrap());
    let mut frame = first;
    let (mut have, mut need) = (Vec::new(), Vec::new());
    loop {
        let answer = responder.receive(&frame).unwrap().reply.unwrap();
        assert_eq!(answer, peer_responder.reconcile(&frame).unwrap());
        assert!(frame_bytes == 0 || answer.len() <= frame_bytes);
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

/// Each difference is there, and once.
fn assert_differences(ours: &[Item], theirs: &[Item], have: Vec<Id>, need: Vec<Id>) {
    let (true_have, true_need) = true_differences(ours, theirs);
    assert_eq!((have.len(), need.len()), (true_have.len(), true_need.len()));
    assert_eq!(have.into_iter().collect::<BTreeSet<_>>(), true_have);
    assert_eq!(need.into_iter().collect::<BTreeSet<_>>(), true_need);
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn frames_equal_the_crates_without_a_limit((ours, theirs) in arbitrary_pair(3_000)) {
        assert_same_frames(&ours, &theirs, 0);
    }

    #[test]
    fn frames_equal_the_crates_with_a_limit(
        (ours, theirs) in arbitrary_pair(6_000),
        frame_bytes in 4_096usize..12_000,
    ) {
        assert_same_frames(&ours, &theirs, frame_bytes);
    }

    #[test]
    fn views_find_the_differences_wherever_their_shards_lie(
        (ours, theirs) in arbitrary_pair(4_000),
        shards in (1usize..6, 1usize..6),
        by_time in any::<(bool, bool)>(),
        frame_bytes in prop_oneof![Just(0), Just(4_096)],
    ) {
        let left = view(&ours, shards.0, by_time.0);
        let right = view(&theirs, shards.1, by_time.1);
        let (mut initiator, first) = Initiator::start(left, SessionLimits::with_frame_limit(frame_bytes)).unwrap();
        let mut responder = Responder::new(right, SessionLimits::with_frame_limit(frame_bytes)).unwrap();
        let told = sync(&mut initiator, first, &mut responder);
        let (have, need) = true_differences(&ours, &theirs);
        prop_assert_eq!(told.initiator.0.into_iter().collect::<BTreeSet<_>>(), have);
        prop_assert_eq!(told.initiator.1.into_iter().collect::<BTreeSet<_>>(), need);
    }

    #[test]
    fn the_crate_as_initiator_learns_the_differences_from_us(
        (ours, theirs) in arbitrary_pair(3_000),
        framed in any::<bool>(),
    ) {
        let frame_bytes = if framed { 4_096 } else { 0 };
        let left = storage(&ours);
        let mut initiator = Negentropy::borrowed(&left, frame_bytes as u64).unwrap();
        let mut responder = Responder::new(set(&theirs), SessionLimits::with_frame_limit(frame_bytes)).unwrap();
        let mut frame = initiator.initiate().unwrap();
        let (mut have, mut need) = (Vec::new(), Vec::new());
        loop {
            let answer = responder.receive(&frame).unwrap().reply.unwrap();
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
        framed in any::<bool>(),
    ) {
        let frame_bytes = if framed { 4_096 } else { 0 };
        let right = storage(&theirs);
        let mut responder = Negentropy::borrowed(&right, frame_bytes as u64).unwrap();
        let (mut initiator, mut frame) = Initiator::start(set(&ours), SessionLimits::with_frame_limit(frame_bytes)).unwrap();
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

    #[test]
    fn arbitrary_bytes_are_answered_or_refused(frame in prop::collection::vec(any::<u8>(), 0..200)) {
        let items = items_at(7, 100);
        let mut responder = Responder::new(set(&items), SessionLimits::default()).unwrap();
        let _ = responder.receive(&frame);
        let (mut initiator, _) = Initiator::start(set(&items), SessionLimits::default()).unwrap();
        let mut versioned = vec![0x61];
        versioned.extend(frame);
        let _ = initiator.receive(&versioned);
    }
}

#[test]
fn seven_of_ten_thousand_items_in_one_nanosecond_are_named() {
    let all = items_at(1_700_000_000_000_000_000, 10_000);
    let ours: Vec<Item> = all
        .iter()
        .enumerate()
        .filter(|(i, _)| i % 1_500 != 3)
        .map(|(_, i)| *i)
        .collect();
    assert_eq!(all.len() - ours.len(), 7);
    for frame_bytes in [0, 4_096] {
        let (mut initiator, first) =
            Initiator::start(set(&ours), SessionLimits::with_frame_limit(frame_bytes)).unwrap();
        let mut responder =
            Responder::new(set(&all), SessionLimits::with_frame_limit(frame_bytes)).unwrap();
        let told = sync(&mut initiator, first, &mut responder);
        assert_differences(&ours, &all, told.initiator.0, told.initiator.1);
    }
}

#[test]
fn views_of_items_of_one_nanosecond_are_reconciled() {
    let items = items_at(5, 2_000);
    let (ours, theirs) = (&items[3..], &items[..1_998]);
    let (left, right) = (view(ours, 4, false), view(theirs, 3, false));
    let (mut initiator, first) = Initiator::start(left, SessionLimits::default()).unwrap();
    let mut responder = Responder::new(right, SessionLimits::default()).unwrap();
    let told = sync(&mut initiator, first, &mut responder);
    let (have, need) = true_differences(ours, theirs);
    assert_eq!(told.initiator.0.into_iter().collect::<BTreeSet<_>>(), have);
    assert_eq!(told.initiator.1.into_iter().collect::<BTreeSet<_>>(), need);
}

#[test]
fn an_unknown_version_is_answered_by_the_known_one_and_then_served() {
    let items = items_at(5, 40);
    let mut responder = Responder::new(set(&items), SessionLimits::default()).unwrap();
    assert_eq!(
        responder.receive(&[0x62, 1, 2, 3]).unwrap().reply,
        Some(vec![0x61])
    );
    let (_, first) = Initiator::start(set(&items), SessionLimits::default()).unwrap();
    assert_eq!(responder.receive(&first).unwrap().reply, Some(vec![0x61]));
    let (mut initiator, _) = Initiator::start(set(&items), SessionLimits::default()).unwrap();
    assert_eq!(
        initiator.receive(&[0x60]),
        Err(SessionError::Version { theirs: 0x60 })
    );
}

#[test]
fn malformed_frames_say_where_and_what_was_expected() {
    let offset_of = |frame: &[u8]| {
        let mut responder =
            Responder::new(set(&items_at(5, 40)), SessionLimits::default()).unwrap();
        match responder.receive(frame) {
            Err(SessionError::Malformed { offset, .. }) => offset,
            other => panic!("not malformed: {other:?}"),
        }
    };
    assert_eq!(offset_of(&[]), 0);
    assert_eq!(offset_of(&[0x20]), 0);
    assert_eq!(offset_of(&[0x61, 0x80]), 1);
    assert_eq!(offset_of(&[0x61, 0x00, 0x21]), 2);
    assert_eq!(offset_of(&[0x61, 0x00, 0x02, 0xaa]), 3);
    assert_eq!(offset_of(&[0x61, 0x00, 0x00, 0x03]), 3);
    assert_eq!(offset_of(&[0x61, 0x00, 0x00, 0x01, 0xaa]), 4);
    // 2^34 ids are claimed and none follows: refused before any room is reserved.
    assert_eq!(
        offset_of(&[0x61, 0x00, 0x00, 0x02, 0xc0, 0x80, 0x80, 0x80, 0x00]),
        9
    );
    // The second bound lies before the first.
    assert_eq!(
        offset_of(&[0x61, 0x05, 0x01, 0x09, 0x00, 0x01, 0x01, 0x08, 0x00]),
        5
    );
}

#[test]
fn each_limit_holds_at_its_value_and_refuses_one_past_it() {
    let items = items_at(5, 40);
    let (_, first) = Initiator::start(set(&items), SessionLimits::default()).unwrap();
    let ask = |limits: SessionLimits, frames: usize| {
        let mut responder = Responder::new(set(&items), limits).unwrap();
        (0..frames).try_for_each(|_| responder.receive(&first).map(drop))
    };
    let broken = |name, max| Err(SessionError::Limit { name, max });
    let base = SessionLimits::default();

    let frame = |max| SessionLimits {
        frame_bytes_received: max,
        ..base.clone()
    };
    assert_eq!(ask(frame(first.len()), 1), Ok(()));
    let short = first.len() - 1;
    assert_eq!(
        ask(frame(short), 1),
        broken("frame_bytes_received", short as u64)
    );

    let rounds = SessionLimits {
        rounds: 2,
        ..base.clone()
    };
    assert_eq!(ask(rounds.clone(), 2), Ok(()));
    assert_eq!(ask(rounds, 3), broken("rounds", 2));

    let total = first.len() as u64 * 2;
    let bytes = SessionLimits {
        session_bytes: total,
        ..base.clone()
    };
    assert_eq!(ask(bytes.clone(), 2), Ok(()));
    assert_eq!(ask(bytes, 3), broken("session_bytes", total));

    let ranges = |max| SessionLimits {
        ranges_per_frame: max,
        ..base.clone()
    };
    assert_eq!(ask(ranges(16), 1), Ok(()));
    assert_eq!(ask(ranges(15), 1), broken("ranges_per_frame", 15));
}

#[test]
fn lists_of_more_items_than_allowed_are_refused() {
    let items = items_at(5, 20);
    let (_, first) = Initiator::start(set(&items), SessionLimits::default()).unwrap();
    let with = |max| {
        let limits = SessionLimits {
            items_per_frame: max,
            ..SessionLimits::default()
        };
        Responder::new(set(&items), limits)
            .unwrap()
            .receive(&first)
            .map(drop)
    };
    assert_eq!(with(20), Ok(()));
    assert_eq!(
        with(19),
        Err(SessionError::Limit {
            name: "items_per_frame",
            max: 19
        })
    );
}

#[test]
fn a_session_that_would_report_too_many_differences_ends() {
    let (ours, theirs) = split_pair(10);
    let with = |differences| {
        let limits = SessionLimits {
            differences,
            ..SessionLimits::default()
        };
        let mut responder = Responder::new(set(&theirs), SessionLimits::default()).unwrap();
        let (mut initiator, first) = Initiator::start(set(&ours), limits).unwrap();
        let answer = responder.receive(&first).unwrap().reply.unwrap();
        initiator.receive(&answer).map(drop)
    };
    assert_eq!(with(20), Ok(()));
    assert_eq!(
        with(19),
        Err(SessionError::Limit {
            name: "differences",
            max: 19
        })
    );
}

#[test]
fn frame_limits_under_the_formats_minimum_are_refused() {
    assert!(Responder::new(set(&[]), SessionLimits::with_frame_limit(4_096)).is_ok());
    assert!(Responder::new(set(&[]), SessionLimits::with_frame_limit(4_095)).is_err());
}
