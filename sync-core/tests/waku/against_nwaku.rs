//! Our sessions against nwaku's splitting: what we find is the truth, whatever that peer finds.

use proptest::prelude::*;
use sync_core::{Bound, Item, Range, Scope, SessionError, SessionLimits, TopicFilter};

use crate::generated::{BEGIN, Pair, item, pairs, zero};
use crate::support::archive::{Archive, Stored};
use crate::support::cases::cases;
use crate::support::nwaku::Nwaku;
use crate::support::run::{Found, initiating, responding};
use crate::support::vectors::Recorded;

/// More frames than any of these sessions may take.
const MOST_FRAMES: usize = 40;

/// We find the truth about `scope` in both roles, and the peer loses no range.
fn assert_true(
    ours: &Archive,
    theirs: &Archive,
    scope: &Scope,
    peer_topics: (&[String], &[String]),
    limits: &SessionLimits,
) -> Result<(), SessionError> {
    let truth = Found::truth(&ours.ids(scope), &theirs.ids(scope));
    let peer = || Nwaku::new(theirs, peer_topics.0, peer_topics.1);
    let mut answering = peer();
    let (found, frames) = initiating(ours, &mut answering, scope, limits)?;
    assert_eq!(found, truth, "as initiator");
    assert!(frames <= MOST_FRAMES, "{frames} frames as initiator");
    let times = (
        scope.window.lower.timestamp(),
        scope.window.upper.timestamp(),
    );
    let mut asking = peer();
    let (found, frames) = responding(ours, &mut asking, scope, times, limits)?;
    assert_eq!(found, truth, "as responder");
    assert!(frames <= MOST_FRAMES, "{frames} frames as responder");
    assert_eq!(
        (answering.lost, asking.lost),
        (0, 0),
        "ranges lost by the peer"
    );
    Ok(())
}

fn assert_true_of(pair: &Pair) {
    let (ours, theirs) = pair.archives();
    assert_true(
        &ours,
        &theirs,
        &pair.scope(),
        (&[], &[]),
        &SessionLimits::default(),
    )
    .unwrap();
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn we_find_the_truth_in_both_roles(pair in pairs()) {
        assert_true_of(&pair);
    }

    #[test]
    fn in_small_frames_we_find_the_truth_or_say_what_doesnt_fit(
        pair in pairs(),
        most in 10_000..30_000_usize,
    ) {
        let (ours, theirs) = pair.archives();
        let limits = SessionLimits { frame_bytes_sent: most, ..SessionLimits::default() };
        if let Err(error) = assert_true(&ours, &theirs, &pair.scope(), (&[], &[]), &limits) {
            prop_assert_eq!(
                error,
                SessionError::Limit { name: "frame_bytes_sent", max: most as u64 }
            );
        }
    }
}

#[test]
fn a_rest_too_short_for_its_splitting_isnt_fingerprinted_when_a_frame_is_full() {
    let length = 20;
    let held: Vec<Item> = (1..=250)
        .flat_map(|number| [item(BEGIN + 1, number), item(BEGIN + length - 1, number)])
        .collect();
    let limits = SessionLimits {
        frame_bytes_sent: 15_000,
        ..SessionLimits::default()
    };
    let (ours, theirs) = (&held[4..], &held[..496]);
    let scope = Scope::of_window(Range::of_times(BEGIN, BEGIN + length));
    let [ours, theirs] = [ours, theirs].map(|items| Archive::of_items(items.iter().copied()));
    assert_true(&ours, &theirs, &scope, (&[], &[]), &limits).unwrap();
}

#[test]
fn we_find_the_truth_on_the_recorded_sets_from_either_side() {
    for session in Recorded::read_all() {
        let [a, b] = session.archives();
        let scope = Scope {
            window: Range::of_times(session.lower_time, session.upper_time),
            pubsub_topics: TopicFilter::from_wire(session.pubsub_topics.iter().cloned()),
            content_topics: TopicFilter::from_wire(session.content_topics.iter().cloned()),
        };
        let topics = (&session.pubsub_topics[..], &session.content_topics[..]);
        assert_true(&a, &b, &scope, topics, &SessionLimits::default()).unwrap();
        assert_true(&b, &a, &scope, topics, &SessionLimits::default()).unwrap();
    }
}

#[test]
fn seven_of_ten_thousand_items_in_one_nanosecond_are_named() {
    let time = BEGIN + 123_456_789_012;
    let all: Vec<Item> = (1..=10_000).map(|number| item(time, number)).collect();
    let most: Vec<Item> = all
        .iter()
        .enumerate()
        .filter(|(index, _)| index % 1_429 != 3)
        .map(|(_, item)| *item)
        .collect();
    assert_eq!(all.len() - most.len(), 7);
    let window = Range::of_times(BEGIN, BEGIN + 3_600_000_000_000);
    let scope = Scope::of_window(window);
    let (all, most) = (Archive::of_items(all), Archive::of_items(most));
    assert_true(&all, &most, &scope, (&[], &[]), &SessionLimits::default()).unwrap();
    assert_true(&most, &all, &scope, (&[], &[]), &SessionLimits::default()).unwrap();
}

#[test]
fn windows_too_short_for_its_splitting_are_listed() {
    for length in 1..24 {
        for skew in 0..length.min(9) {
            let held: Vec<Item> = (1..=1_200)
                .map(|number| item(BEGIN + number * 5 % (length - skew), number))
                .collect();
            let pair = Pair {
                left: held[7..].to_vec(),
                right: held[..1_150].to_vec(),
                length,
            };
            assert_true_of(&pair);
        }
    }
}

#[test]
fn an_item_that_equals_a_bound_is_in_the_range_behind_it() {
    // 3600 s in eight parts, and the end of the window.
    for eighth in 0..=8 {
        let bound = zero(BEGIN + 450_000_000_000 * eighth);
        let common: Vec<Item> = (1..=2_000)
            .map(|number| item(BEGIN + 1_800_000_000 * number, number))
            .collect();
        // Differences on both sides of the bound, so that both ranges that meet there are listed:
        // the id zero leaves every fingerprint as it is.
        let near = [bound.timestamp, bound.timestamp - 1]
            .map(|time| item(time.clamp(BEGIN, BEGIN + 3_599_999_999_999), 9_000));
        for (left, right) in [(true, false), (false, true), (true, true)] {
            let with = |there: bool| common.iter().copied().chain(there.then_some(bound));
            let pair = Pair {
                left: with(left).chain(near).collect(),
                right: with(right).collect(),
                length: 3_600_000_000_000,
            };
            assert_true_of(&pair);
        }
    }
}

#[test]
fn nothing_outside_the_window_or_below_the_floor_is_named() {
    let held: Vec<Item> = (0..3_000)
        .map(|number| item(BEGIN - 1_000 + number, number + 1))
        .collect();
    let floor = held[1_500];
    let ours = Archive::of_items(held.iter().skip(10).step_by(2).copied())
        .with_floor(Bound::Before(floor));
    let theirs = Archive::of_items(held.iter().step_by(3).copied());
    let scope = Scope::of_window(Range::of_times(BEGIN, BEGIN + 1_500));
    let allowed = Range::new(Bound::Before(floor), scope.window.upper);
    let truth = Found::truth(&ours.ids(&scope), &theirs.ids(&Scope::of_window(allowed)));
    let mut peer = Nwaku::new(&theirs, &[], &[]);
    let (found, _) = initiating(&ours, &mut peer, &scope, &SessionLimits::default()).unwrap();
    assert_eq!(found, truth);
    // The peer asks about more than we serve.
    let mut peer = Nwaku::new(&theirs, &[], &[]);
    let (found, _) = responding(
        &ours,
        &mut peer,
        &scope,
        (BEGIN - 1_000, BEGIN + 9_000),
        &SessionLimits::default(),
    )
    .unwrap();
    assert_eq!(found, truth);
}

/// Items of shard `shard`, numbered.
fn of_shard(shard: u16, numbers: impl Iterator<Item = u64>) -> Vec<Stored> {
    numbers
        .map(|number| Stored {
            item: item(
                BEGIN + number * 1_000_003,
                number + 10_000 * u64::from(shard) + 1,
            ),
            pubsub: format!("/waku/2/rs/99/{shard}"),
            content: format!("/test/1/{}/proto", number % 2),
        })
        .collect()
}

#[test]
fn the_topics_of_both_sides_bound_the_session() {
    let shards = |left: [std::ops::Range<u64>; 3]| {
        let items = left
            .into_iter()
            .enumerate()
            .flat_map(|(shard, numbers)| of_shard(shard as u16, numbers));
        Archive::new(items)
    };
    let ours = shards([0..700, 50..900, 0..5]);
    let theirs = shards([10..750, 0..800, 3..40]);
    let window = Range::of_times(BEGIN, BEGIN + 3_600_000_000_000);
    let topic = |shard: u16| format!("/waku/2/rs/99/{shard}");
    let content = ["/test/1/1/proto".to_owned()];
    // Our shards, theirs, and what is common.
    let cases: [(&[u16], &[u16], &[u16]); 4] = [
        (&[0, 1], &[1, 2], &[1]),
        (&[], &[0, 2], &[0, 2]),
        (&[2], &[], &[2]),
        (&[0], &[1], &[]),
    ];
    for (ours_named, theirs_named, common) in cases {
        let named = |shards: &[u16]| shards.iter().map(|shard| topic(*shard)).collect::<Vec<_>>();
        let scope = |shards: &[u16]| Scope {
            window,
            pubsub_topics: TopicFilter::from_wire(named(shards)),
            content_topics: TopicFilter::from_wire(content.clone()),
        };
        let truth = if common.is_empty() {
            Found::default()
        } else {
            let scope = scope(common);
            Found::truth(&ours.ids(&scope), &theirs.ids(&scope))
        };
        let mut peer = Nwaku::new(&theirs, &named(theirs_named), &[]);
        let (found, _) = initiating(
            &ours,
            &mut peer,
            &scope(ours_named),
            &SessionLimits::default(),
        )
        .unwrap();
        assert_eq!(found, truth, "{ours_named:?} {theirs_named:?}");
        let mut peer = Nwaku::new(&theirs, &named(theirs_named), &[]);
        let times = (BEGIN, BEGIN + 3_600_000_000_000);
        let (found, _) = responding(
            &ours,
            &mut peer,
            &scope(ours_named),
            times,
            &SessionLimits::default(),
        )
        .unwrap();
        assert_eq!(found, truth, "{ours_named:?} {theirs_named:?}");
    }
}

#[test]
fn a_peer_that_takes_an_unknown_filter_as_none_holds_nothing_in_scope() {
    let ours = Archive::new(of_shard(0, 0..90).into_iter().chain(of_shard(5, 0..200)));
    let theirs = Archive::new(of_shard(0, 10..99));
    let scope = Scope {
        window: Range::of_times(BEGIN, BEGIN + 3_600_000_000_000),
        pubsub_topics: TopicFilter::from_wire(["/waku/2/rs/99/5"]),
        content_topics: TopicFilter::All,
    };
    let topics = ["/waku/2/rs/99/5".to_owned()];
    assert_true(
        &ours,
        &theirs,
        &scope,
        (&topics, &[]),
        &SessionLimits::default(),
    )
    .unwrap();
}
