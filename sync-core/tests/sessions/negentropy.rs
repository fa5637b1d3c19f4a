//! Negentropy V1 between sessions of ours, and what they refuse.

use crate::cases::cases;
use crate::support::{arbitrary_pair, assert_differences, items_at, split_pair, sync, view};
use proptest::prelude::*;
use sync_core::negentropy::{Initiator, Responder};
use sync_core::{Item, Session, SessionError, SessionLimits, SortedItems};

fn limits(frame_bytes_sent: usize) -> SessionLimits {
    SessionLimits::with_frame_limit(frame_bytes_sent)
}

fn set(items: &[Item]) -> SortedItems {
    items.iter().copied().collect()
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn views_find_the_differences_wherever_their_shards_lie(
        (ours, theirs) in arbitrary_pair(4_000),
        shards in (1usize..6, 1usize..6),
        by_time in any::<(bool, bool)>(),
        frame_bytes in prop_oneof![Just(0), Just(4_096)],
    ) {
        let left = view(&ours, shards.0, by_time.0);
        let right = view(&theirs, shards.1, by_time.1);
        let (mut initiator, first) = Initiator::start(left, limits(frame_bytes)).unwrap();
        let mut responder = Responder::new(right, limits(frame_bytes)).unwrap();
        let told = sync(&mut initiator, first, &mut responder);
        assert_differences(&ours, &theirs, told.initiator.0, told.initiator.1);
    }

    #[test]
    fn arbitrary_bytes_are_answered_or_refused(frame in prop::collection::vec(any::<u8>(), 0..200)) {
        let items = items_at(7, 100);
        let mut responder = Responder::new(set(&items), limits(0)).unwrap();
        let _ = responder.receive(&frame);
        let (mut initiator, _) = Initiator::start(set(&items), limits(0)).unwrap();
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
        let (mut initiator, first) = Initiator::start(set(&ours), limits(frame_bytes)).unwrap();
        let mut responder = Responder::new(set(&all), limits(frame_bytes)).unwrap();
        let told = sync(&mut initiator, first, &mut responder);
        assert_differences(&ours, &all, told.initiator.0, told.initiator.1);
    }
}

#[test]
fn views_of_items_of_one_nanosecond_are_reconciled() {
    let items = items_at(5, 2_000);
    let (ours, theirs) = (&items[3..], &items[..1_998]);
    let (left, right) = (view(ours, 4, false), view(theirs, 3, false));
    let (mut initiator, first) = Initiator::start(left, limits(0)).unwrap();
    let mut responder = Responder::new(right, limits(0)).unwrap();
    let told = sync(&mut initiator, first, &mut responder);
    assert_differences(ours, theirs, told.initiator.0, told.initiator.1);
}

#[test]
fn an_unknown_version_is_answered_by_the_known_one_and_then_served() {
    let items = items_at(5, 64);
    let mut responder = Responder::new(set(&items), limits(0)).unwrap();
    assert_eq!(
        responder.receive(&[0x62, 1, 2, 3]).unwrap().reply,
        Some(vec![0x61])
    );
    let (_, first) = Initiator::start(set(&items), limits(0)).unwrap();
    assert_eq!(responder.receive(&first).unwrap().reply, Some(vec![0x61]));
    let (mut initiator, _) = Initiator::start(set(&items), limits(0)).unwrap();
    assert_eq!(
        initiator.receive(&[0x60]),
        Err(SessionError::Version { theirs: 0x60 })
    );
}

#[test]
fn malformed_frames_say_where_and_what_was_expected() {
    let offset_of = |frame: &[u8]| {
        let mut responder = Responder::new(set(&items_at(5, 40)), limits(0)).unwrap();
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
    let items = items_at(5, 64);
    let (_, first) = Initiator::start(set(&items), limits(0)).unwrap();
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
    assert_eq!(ask(ranges(8), 1), Ok(()));
    assert_eq!(ask(ranges(7), 1), broken("ranges_per_frame", 7));
}

#[test]
fn lists_of_more_items_than_allowed_are_refused() {
    let items = items_at(5, 20);
    let (_, first) = Initiator::start(set(&items), limits(0)).unwrap();
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
    assert!(Responder::new(set(&[]), limits(4_096)).is_ok());
    let fault = Responder::new(set(&[]), limits(4_095)).err();
    let said = fault.as_ref().map(ToString::to_string).unwrap_or_default();
    assert!(
        said.contains("4095: expected 0 for no bound, or at least 4096"),
        "{said}"
    );
    assert!(matches!(
        fault,
        Some(SessionError::Setting {
            name: "frame_bytes_sent",
            ..
        })
    ));
    assert_eq!(Initiator::start(set(&[]), limits(4_095)).err(), fault);
}
