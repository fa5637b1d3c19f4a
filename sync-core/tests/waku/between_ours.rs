//! Two of our sessions with each other: both find the truth, in few frames and bytes.

use proptest::prelude::*;
use sync_core::waku::{HeaderForm, Initiator, Responder, Splitting};
use sync_core::{Bound, Item, Range, RangeTree, Scope, SessionError, SessionLimits, TopicFilter};

use crate::generated::{BEGIN, item, pairs};
use crate::support::archive::{Archive, Stored, Tree};
use crate::support::cases::cases;
use crate::support::frames::most_frames;
use crate::support::run::{Found, Run, between, ours};

fn assert_true(left: &Archive, right: &Archive, scope: &Scope, limits: &SessionLimits) -> Run {
    let run = ours(left, right, scope, limits).unwrap();
    let (ids_left, ids_right) = (left.ids(scope), right.ids(scope));
    assert_eq!(run.initiator, Found::truth(&ids_left, &ids_right));
    assert_eq!(run.responder, Found::truth(&ids_right, &ids_left));
    run
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn both_sides_find_the_truth_within_the_promised_frames(pair in pairs()) {
        let (left, right) = pair.archives();
        let run = assert_true(&left, &right, &pair.scope(), &SessionLimits::default());
        let most = most_frames(&pair.left, &pair.right);
        prop_assert!(run.frames_up + run.frames_down <= most, "{run:?}");
    }

    #[test]
    fn both_sides_find_the_truth_however_ranges_are_divided(
        pair in pairs(),
        parts in (0..20_usize, 0..20_usize),
        item_set_at_most in (0..40_usize, 0..40_usize),
        listed_at_most in (0..5_usize, 0..5_usize),
    ) {
        let (left, right) = pair.archives();
        let scope = pair.scope();
        let splitting = |parts, item_set_at_most, listed_at_most| Splitting {
            parts,
            item_set_at_most,
            listed_at_most,
        };
        let form = HeaderForm::Topics;
        let limits = SessionLimits::default();
        let (initiator, first) =
            Initiator::start(Box::new(left.clone()), scope.clone(), form, limits.clone()).unwrap();
        let responder = Responder::new(Box::new(right.clone()), scope.clone(), form, limits);
        let run = between(
            initiator.with_splitting(splitting(parts.0, item_set_at_most.0, listed_at_most.0)),
            first,
            responder.with_splitting(splitting(parts.1, item_set_at_most.1, listed_at_most.1)),
        )
        .unwrap();
        let (ids_left, ids_right) = (left.ids(&scope), right.ids(&scope));
        prop_assert_eq!(run.initiator, Found::truth(&ids_left, &ids_right));
        prop_assert_eq!(run.responder, Found::truth(&ids_right, &ids_left));
    }

    #[test]
    fn small_frames_change_the_number_of_rounds_and_nothing_else(
        pair in pairs(),
        most in 12_000..40_000_usize,
    ) {
        let limits = SessionLimits { frame_bytes_sent: most, ..SessionLimits::default() };
        let (left, right) = pair.archives();
        // Up to 5 runs of at most 260 items of one timestamp, all within eight nanoseconds, may
        // have to go into one frame, which then doesn't fit: an error, never a wrong answer.
        match ours(&left, &right, &pair.scope(), &limits) {
            Ok(run) => {
                assert_true(&left, &right, &pair.scope(), &limits);
                prop_assert!(run.largest <= most, "{run:?}");
            }
            Err(error) => prop_assert_eq!(
                error,
                SessionError::Limit { name: "frame_bytes_sent", max: most as u64 }
            ),
        }
    }
}

/// `count` items over an hour, the left side lacking every item for which `lacks` gives 0, the
/// right side those for which it gives 1.
fn spread(count: u64, lacks: impl Fn(u64) -> u64) -> (Archive, Archive) {
    let at = |number: u64| item(BEGIN + 3_600_000_000_000 / count * number, number + 1);
    let without = |side| {
        let held = (0..count).filter(|number| lacks(*number) != side);
        Archive::of_items(held.map(at))
    };
    (without(0), without(1))
}

fn hour() -> Scope {
    Scope::of_window(Range::of_times(BEGIN, BEGIN + 3_600_000_000_000))
}

/// Each division takes from one side only its longest run, for what is left lies before the next
/// bound but one, and the crowd in the last 8 ns keeps the range from being listed.
#[test]
fn a_crowd_at_the_end_of_ranges_takes_more_divisions_and_no_more_than_promised() {
    let end = hour().window.upper.timestamp();
    // 3,941 items beside 59 crowded ones: 250, 20, 5 and none are left by the divisions.
    let runs = [3_691, 230, 15, 5];
    let held = |side: u64| -> Vec<Item> {
        let crowd = (0..59).map(|number| item(end - 7 + number % 7, 10_000 * side + number));
        let of_run = |(place, count): (u64, u64)| {
            let time = BEGIN + 16 * (2 * place + side);
            (0..count).map(move |number| item(time, number + 1))
        };
        (1..).zip(runs).flat_map(of_run).chain(crowd).collect()
    };
    // The responder divides first.
    let (left, right) = (held(2), held(1));
    assert_eq!((left.len(), right.len()), (4_000, 4_000));
    let most = most_frames(&left, &right);
    let (left, right) = (Archive::of_items(left), Archive::of_items(right));
    let run = assert_true(&left, &right, &hour(), &SessionLimits::default());
    let frames = run.frames_up + run.frames_down;
    assert!((12..=most).contains(&frames), "{frames} of {most}");
}

#[test]
fn equal_sets_take_two_frames() {
    let (left, right) = spread(1_000, |_| 2);
    let run = assert_true(&left, &right, &hour(), &SessionLimits::default());
    assert_eq!((run.frames_up, run.frames_down), (1, 1));
}

#[test]
fn seven_of_ten_thousand_items_in_one_nanosecond_are_named() {
    let time = BEGIN + 123_456_789_012;
    let all: Vec<Item> = (1..=10_000).map(|number| item(time, number)).collect();
    let most: Vec<Item> = (all.iter().enumerate())
        .filter(|(index, _)| index % 1_429 != 3)
        .map(|(_, item)| *item)
        .collect();
    assert_eq!(all.len() - most.len(), 7);
    let (all, most) = (Archive::of_items(all), Archive::of_items(most));
    for (left, right) in [(&all, &most), (&most, &all)] {
        let run = assert_true(left, right, &hour(), &SessionLimits::default());
        assert!(run.frames_up <= 4 && run.frames_down <= 4, "{run:?}");
    }
}

/// Two trees of a million items over an hour, each lacking 500 that the other has.
fn million_with_a_thousand_differences() -> (RangeTree, RangeTree) {
    let at = |number: u64| item(BEGIN + 3_600_000 * number, number + 1);
    let differs = |number: u64| {
        let scatter = item(number / 1_000, 5).id.0;
        number % 1_000 == u64::from(u16::from_le_bytes([scatter[0], scatter[1]])) % 1_000
    };
    let without = |side| {
        let held = (0..1_000_000).filter(|n| !differs(*n) || n / 1_000 % 2 == side);
        RangeTree::from_sorted(held.map(at)).unwrap()
    };
    (without(0), without(1))
}

/// The figures behind `Splitting`'s defaults.
#[test]
fn a_thousand_differences_in_a_million_take_less_than_the_promised_bytes_and_frames() {
    let (left, right) = million_with_a_thousand_differences();
    let form = HeaderForm::Topics;
    let limits = SessionLimits::default();
    let left = Box::new(Tree(left));
    let (initiator, first) = Initiator::start(left, hour(), form, limits.clone()).unwrap();
    let responder = Responder::new(Box::new(Tree(right)), hour(), form, limits);
    let run = between(initiator, first, responder).unwrap();
    assert_eq!(
        (run.initiator.have.len(), run.initiator.need.len()),
        (500, 500)
    );
    assert_eq!(run.initiator.have, run.responder.need);
    assert_eq!(run.initiator.need, run.responder.have);
    assert!(run.bytes <= 1_400_000, "{}", run.bytes);
    assert!(run.frames_up <= 4 && run.frames_down <= 4);
}

#[test]
fn a_whole_archive_crosses_frames_of_bounded_size() {
    let (left, right) = spread(20_000, |_| 1);
    let limits = SessionLimits {
        frame_bytes_sent: 60_000,
        ..SessionLimits::default()
    };
    for (left, right) in [(&left, &right), (&right, &left)] {
        let run = assert_true(left, right, &hour(), &limits);
        assert!(run.largest <= 60_000);
        assert!(run.frames_up <= 40, "{}", run.frames_up);
    }
}

#[test]
fn times_too_small_for_the_decoders_are_padded() {
    for length in [1, 7, 8, 300] {
        let left = Archive::of_items((0..40).map(|number| item(number % length, number + 1)));
        let right = Archive::of_items((20..60).map(|number| item(number % length, number + 1)));
        let scope = Scope::of_window(Range::of_times(0, length));
        assert_true(&left, &right, &scope, &SessionLimits::default());
        assert_true(
            &left,
            &Archive::of_items([]),
            &scope,
            &SessionLimits::default(),
        );
        assert_true(
            &Archive::of_items([]),
            &right,
            &scope,
            &SessionLimits::default(),
        );
    }
}

#[test]
fn every_item_is_in_the_window_of_all_times() {
    let left = Archive::of_items((0..900).map(|number| item(number * number, number + 1)));
    let right = Archive::of_items((100..1_000).map(|number| item(number * number, number + 1)));
    let scope = Scope::of_window(Range::ALL);
    assert_true(&left, &right, &scope, &SessionLimits::default());
}

#[test]
fn nothing_below_either_floor_is_offered_or_asked_for() {
    let held: Vec<Item> = (0..2_000)
        .map(|number| item(BEGIN + number / 3, number + 1))
        .collect();
    let mut ordered = held.clone();
    ordered.sort();
    let (low, high) = (ordered[400], ordered[1_000]);
    let left =
        Archive::of_items(held.iter().skip(1).step_by(3).copied()).with_floor(Bound::Before(low));
    let right = Archive::of_items(held.iter().step_by(2).copied()).with_floor(Bound::Before(high));
    let run = ours(&left, &right, &hour(), &SessionLimits::default()).unwrap();
    let above =
        |floor: Item| Scope::of_window(Range::new(Bound::Before(floor), hour().window.upper));
    // The right side neither offers nor takes what is below its own floor, and says nothing of it;
    // only within the nanosecond of the floor can't the format tell the two apart.
    let of_floor = |item: &Item| item.timestamp == high.timestamp && *item < high;
    let tolerated: std::collections::BTreeSet<_> = held
        .iter()
        .filter(|item| of_floor(item))
        .map(|item| item.id)
        .collect();
    let truth = Found::truth(&left.ids(&above(high)), &right.ids(&above(high)));
    assert_eq!(&run.initiator.have - &tolerated, truth.have);
    assert_eq!(run.initiator.need, truth.need);
    assert_eq!(
        run.responder,
        Found {
            have: truth.need,
            need: truth.have
        }
    );
}

#[test]
fn both_header_forms_carry_a_session() {
    let stored = |shard: u64, number: u64| Stored {
        item: item(BEGIN + number * 1_000, number + 10_000 * shard + 1),
        pubsub: format!("/waku/2/rs/99/{shard}"),
        content: "/test/1/a/proto".into(),
    };
    let held = |numbers: std::ops::Range<u64>| {
        Archive::new((0..3).flat_map(|shard| numbers.clone().map(move |n| stored(shard, n))))
    };
    let (left, right) = (held(0..300), held(30..330));
    let scope = |shards: &[u64]| Scope {
        pubsub_topics: TopicFilter::from_wire(
            shards.iter().map(|shard| format!("/waku/2/rs/99/{shard}")),
        ),
        ..hour()
    };
    let limits = SessionLimits::default();
    for form in [HeaderForm::Topics, HeaderForm::Cluster(99)] {
        let source = Box::new(left.clone());
        let (initiator, first) =
            Initiator::start(source, scope(&[0, 1]), form, limits.clone()).unwrap();
        let served = scope(&[1, 2]);
        let responder = Responder::new(Box::new(right.clone()), served, form, limits.clone());
        let run = between(initiator, first, responder).unwrap();
        let common = scope(&[1]);
        assert_eq!(
            run.initiator,
            Found::truth(&left.ids(&common), &right.ids(&common)),
            "{form:?}"
        );
    }
}

#[test]
fn a_first_list_of_more_topics_than_the_responder_has_costs_nothing_but_a_round() {
    let stored = |shard: u64, number: u64| Stored {
        item: item(BEGIN + number % 3, number + 1_000 * shard + 1),
        pubsub: format!("/waku/2/rs/99/{shard}"),
        content: "/test/1/a/proto".into(),
    };
    let held = |shards: std::ops::Range<u64>, numbers: std::ops::Range<u64>| {
        Archive::new(shards.flat_map(|shard| numbers.clone().map(move |n| stored(shard, n))))
    };
    let short = Scope::of_window(Range::of_times(BEGIN, BEGIN + 3));
    let of_one = Scope {
        pubsub_topics: TopicFilter::from_wire(["/waku/2/rs/99/1"]),
        ..short.clone()
    };
    // The responder holds other topics' items too, or nothing of them.
    for right in [held(0..4, 5..25), held(1..2, 5..25), held(0..4, 0..20)] {
        let left = held(0..3, 0..20);
        let (form, limits) = (HeaderForm::Topics, SessionLimits::default());
        let source = Box::new(left.clone());
        let (initiator, first) =
            Initiator::start(source, short.clone(), form, limits.clone()).unwrap();
        let responder = Responder::new(Box::new(right.clone()), of_one.clone(), form, limits);
        let run = between(initiator, first, responder).unwrap();
        let (left, right) = (left.ids(&of_one), right.ids(&of_one));
        assert_eq!(run.initiator, Found::truth(&left, &right));
        assert_eq!(run.responder, Found::truth(&right, &left));
        assert!(run.frames_up + run.frames_down <= 4, "{run:?}");
    }
}
