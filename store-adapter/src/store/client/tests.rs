//! Walks through simulated stores on a virtual clock.

mod simulated;

use std::collections::BTreeSet;

use proptest::prelude::*;
use sync_core::Id;

use self::simulated::{Habits, Lie, Outcome, Simulated, run};
use super::*;
use crate::testing::record;

const SECOND: u64 = 1_000_000_000;

fn records(count: i64) -> Vec<Record> {
    // Groups of three share a timestamp.
    let record = |n: i64| {
        let topic = ["/t/0", "/t/1"][(n % 2) as usize];
        let content = ["/c/0", "/c/1", "/c/2"][(n % 3) as usize];
        record(topic, content, 10 + n / 3, &n.to_be_bytes())
    };
    let mut records: Vec<Record> = (0..count).map(record).collect();
    records.sort_by_key(Record::item);
    records
}

fn hashes(records: &[Record]) -> Vec<Id> {
    records.iter().map(Record::hash).collect()
}

fn everything() -> StoreCriteria {
    StoreCriteria::of_content(ContentCriteria::all()).page(10)
}

fn honest(records: &[Record]) -> Simulated {
    Simulated::new(records, Habits::default())
}

fn with(records: &[Record], habits: Habits) -> Simulated {
    Simulated::new(records, habits)
}

fn given(outcome: &Outcome) -> Vec<Id> {
    outcome.found.iter().map(|found| found.hash).collect()
}

fn left(outcome: &Outcome) -> Vec<(usize, Trouble)> {
    let left = |notice: &Notice<usize>| match notice {
        Notice::Left { peer, why } => Some((*peer, why.clone())),
        _ => None,
    };
    outcome.notices.iter().filter_map(left).collect()
}

#[test]
fn one_peer_is_read_to_the_end_in_both_directions() {
    let records = records(95);
    for backward in [false, true] {
        let content = ContentCriteria::all();
        let content = if backward {
            content.backward()
        } else {
            content
        };
        let criteria = StoreCriteria::of_content(content).page(10);
        let outcome = run(criteria, vec![honest(&records)]);
        let mut expected = hashes(&records);
        if backward {
            expected.reverse();
        }
        assert_eq!(given(&outcome), expected);
        assert_eq!(outcome.ended, Ended::Complete);
        assert_eq!((outcome.requests, outcome.notices.len()), (10, 0));
        let records: Vec<_> = outcome
            .found
            .into_iter()
            .map(|found| found.record)
            .collect();
        assert!(records.iter().all(Option::is_some));
    }
}

#[test]
fn every_criterion_narrows_what_is_read() {
    let records = records(90);
    let content = ContentCriteria::all()
        .content_topic("/c/0")
        .content_topic("/c/1")
        .since(12)
        .until(30)
        .behind(records[20].hash());
    let criteria = StoreCriteria::of_content(content)
        .pubsub_topic("/t/1")
        .page(3);
    let matching: Vec<Record> = records[21..]
        .iter()
        .filter(|record| {
            &**record.pubsub_topic() == "/t/1"
                && record.message().content_topic != "/c/2"
                && (12..=30).contains(&record.item().timestamp)
        })
        .cloned()
        .collect();
    assert!(matching.len() > 6);
    let outcome = run(criteria.clone(), vec![honest(&records)]);
    assert_eq!(given(&outcome), hashes(&matching));
    let outcome = run(criteria.clone().at_most(4), vec![honest(&records)]);
    assert_eq!(given(&outcome), hashes(&matching[..4]));
    assert_eq!(outcome.ended, Ended::Enough);
    let outcome = run(criteria.hashes_only(), vec![honest(&records)]);
    assert_eq!(given(&outcome), hashes(&matching));
    assert!(outcome.found.iter().all(|found| found.record.is_none()));
}

#[test]
fn a_peer_that_gives_shorter_pages_than_asked_for_is_read_all_the_same() {
    let records = records(50);
    let habits = Habits {
        page_max: 3,
        ..Habits::default()
    };
    let outcome = run(everything(), vec![with(&records, habits)]);
    assert_eq!(given(&outcome), hashes(&records));
    assert_eq!(outcome.requests, 17);
}

#[test]
fn a_peer_that_takes_fewer_hashes_is_asked_for_fewer() {
    let records = records(90);
    let habits = Habits {
        hashes_max: 20,
        ..Habits::default()
    };
    let criteria = StoreCriteria::of_hashes(hashes(&records));
    let outcome = run(criteria, vec![with(&records, habits)]);
    let given: BTreeSet<Id> = given(&outcome).into_iter().collect();
    assert_eq!(given, hashes(&records).into_iter().collect());
    assert_eq!(outcome.ended, Ended::Complete);
    // 90, 49 and 24 are refused, and 12 a time is not tried to be doubled again.
    assert_eq!(outcome.requests, 3 + 8);
    assert_eq!(outcome.now, 0, "that is no reason to wait");
}

#[test]
fn a_peer_that_asks_for_patience_gets_it_ever_longer_and_then_goes_on() {
    let records = records(30);
    let habits = Habits {
        refuses: vec![1, 2, 3],
        ..Habits::default()
    };
    let outcome = run(everything(), vec![with(&records, habits)]);
    assert_eq!(given(&outcome), hashes(&records));
    // With a jitter of 0, half of 1, 2 and 4 seconds.
    assert_eq!(outcome.now, 7 * SECOND / 2);
    let waits = |notice: &&Notice<usize>| matches!(notice, Notice::BackedOff { why: Trouble::Answer(error), .. } if error.is_rate_limit());
    assert_eq!(outcome.notices.iter().filter(waits).count(), 3);
}

#[test]
fn the_next_peer_goes_on_from_the_message_read_last() {
    let records = records(60);
    let dying = Habits {
        dies_after: Some(2),
        ..Habits::default()
    };
    for criteria in [everything(), everything().hashes_only()] {
        let peers = vec![with(&records, dying.clone()), honest(&records)];
        let outcome = run(criteria, peers);
        assert_eq!(given(&outcome), hashes(&records));
        assert_eq!(outcome.requests, 3 + 4, "what was read isn't read again");
        assert!(outcome.notices.contains(&Notice::Turned { from: 0, to: 1 }));
        assert_eq!(outcome.now, 0, "nobody waits while another peer is there");
    }
}

#[test]
fn a_peer_that_does_not_know_the_last_message_goes_on_from_its_time() {
    let records = records(60);
    // The last message before the first peer dies is one of three of its time.
    let without: Vec<Record> = records
        .iter()
        .filter(|record| record.hash() != records[19].hash())
        .cloned()
        .collect();
    let dying = Habits {
        dies_after: Some(2),
        ..Habits::default()
    };
    for empty_for_unknown_cursor in [false, true] {
        let other = Habits {
            empty_for_unknown_cursor,
            ..Habits::default()
        };
        let peers = vec![with(&records, dying.clone()), with(&without, other.clone())];
        let outcome = run(everything(), peers);
        assert_eq!(given(&outcome), hashes(&records));
        let time = Some(records[19].item().timestamp);
        let notice = Notice::WithoutCursor { peer: 1, time };
        assert!(outcome.notices.contains(&notice));
        // Without data there is no time to go on from.
        let peers = vec![with(&records, dying.clone()), with(&without, other)];
        let outcome = run(everything().hashes_only(), peers);
        assert_eq!(given(&outcome), hashes(&records));
        let notice = Notice::WithoutCursor {
            peer: 1,
            time: None,
        };
        assert!(outcome.notices.contains(&notice));
    }
}

#[test]
fn an_end_behind_what_another_peer_gave_is_made_sure_of_and_nothing_given_twice() {
    let records = records(21);
    let dying = Habits {
        dies_after: Some(2),
        ..Habits::default()
    };
    for criteria in [everything(), everything().hashes_only()] {
        let peers = vec![with(&records, dying.clone()), honest(&records[..20])];
        let outcome = run(criteria, peers);
        assert_eq!(given(&outcome), hashes(&records[..20]));
        assert_eq!(outcome.ended, Ended::Complete);
    }
}

#[test]
fn a_peer_read_again_from_the_beginning_may_repeat_what_others_gave_also_after_a_pause() {
    let records = records(9);
    let dying = Habits {
        page_max: 1,
        dies_after: Some(5),
        ..Habits::default()
    };
    // Doesn't know the fifth message, gives one that lies before it, and then asks for patience while
    // the first one is tried again.
    let pausing = Habits {
        page_max: 1,
        refuses: vec![0, 3],
        ..Habits::default()
    };
    let first = [&records[..3], &records[4..6], &records[8..]].concat();
    let second = [&records[3..5], &records[6..]].concat();
    let peers = vec![with(&first, dying), with(&second, pausing)];
    let outcome = run(everything().hashes_only(), peers);
    let given: BTreeSet<Id> = given(&outcome).into_iter().collect();
    assert_eq!(given, hashes(&records).into_iter().collect());
    assert_eq!(outcome.ended, Ended::Complete);
}

#[test]
fn a_walk_without_data_that_is_too_long_to_be_remembered_leaves_such_a_peer() {
    let records = records(60);
    let dying = Habits {
        dies_after: Some(2),
        ..Habits::default()
    };
    let limits = StoreClientLimits {
        remembered: 19,
        ..StoreClientLimits::default()
    };
    let peers = vec![with(&records, dying), honest(&records[40..])];
    let outcome = simulated::run_within(everything().hashes_only(), peers, limits);
    assert_eq!(given(&outcome), hashes(&records[..20]));
    assert_eq!(outcome.ended, Ended::NobodyLeft);
    assert!(left(&outcome).contains(&(1, Trouble::UnknownCursor)));
}

#[test]
fn a_peer_that_lies_is_left_and_its_page_not_taken() {
    let records = records(40);
    for lie in Lie::ALL {
        let lying = Habits {
            lie: Some(lie),
            lies_after: 1,
            ..Habits::default()
        };
        let peers = vec![with(&records, lying.clone()), honest(&records)];
        let outcome = run(everything(), peers);
        assert_eq!(given(&outcome), hashes(&records), "{lie:?}");
        assert_eq!(outcome.ended, Ended::Complete);
        let left = left(&outcome);
        assert_eq!(left.len(), 1, "{lie:?}");
        assert_eq!(left[0].0, 0);
        let outcome = run(everything(), vec![with(&records, lying)]);
        assert_eq!(given(&outcome), hashes(&records[..10]), "{lie:?}");
        assert_eq!(outcome.ended, Ended::NobodyLeft);
        let most = if lie == Lie::EmptyPages { 110 } else { 3 };
        assert!(outcome.requests <= most, "{lie:?}: {}", outcome.requests);
    }
}

#[test]
fn a_peer_that_gives_what_was_not_asked_for_is_left() {
    let records = records(20);
    let lying = Habits {
        lie: Some(Lie::Unasked),
        ..Habits::default()
    };
    let topic = ContentCriteria::all().content_topic("/c/0");
    let criteria = [
        (StoreCriteria::of_hashes(hashes(&records[..5])), 5),
        (StoreCriteria::of_content(topic), 7),
        (everything().pubsub_topic("/t/0"), 10),
        (
            StoreCriteria::of_content(ContentCriteria::all().since(1_000_000)),
            0,
        ),
    ];
    for (criteria, expected) in criteria {
        let peers = vec![with(&records, lying.clone()), honest(&records)];
        let outcome = run(criteria, peers);
        assert_eq!(outcome.found.len(), expected);
        assert!(matches!(left(&outcome)[..], [(0, Trouble::Unasked(_))]));
    }
}

#[test]
fn a_peer_that_fails_for_good_is_left_and_the_walk_ends() {
    let records = records(30);
    let dead = Habits {
        dies_after: Some(0),
        ..Habits::default()
    };
    let outcome = run(
        everything(),
        vec![with(&records, dead.clone()), with(&records, dead)],
    );
    assert_eq!(outcome.ended, Ended::NobodyLeft);
    assert_eq!((outcome.found.len(), outcome.requests), (0, 6));
    assert_eq!(left(&outcome).len(), 2);
    let outcome = run(everything(), Vec::new());
    assert_eq!(outcome.ended, Ended::NobodyLeft);
    let outcome = run(StoreCriteria::of_hashes([]), vec![honest(&records)]);
    assert_eq!((outcome.ended, outcome.requests), (Ended::Complete, 0));
}

#[test]
fn hashes_that_nobody_has_are_named() {
    let records = records(20);
    let asked: Vec<Id> = hashes(&records).into_iter().chain([Id([1; 32])]).collect();
    let peers = vec![honest(&records[..12]), honest(&records[5..])];
    let outcome = run(StoreCriteria::of_hashes(asked).page(7), peers);
    assert_eq!(outcome.ended, Ended::Complete);
    assert_eq!(outcome.found.len(), 20);
    assert_eq!(outcome.missing, BTreeSet::from([Id([1; 32])]));
}

#[test]
fn a_search_that_a_server_bounds_goes_on_without_a_pause() {
    let mut records: Vec<Record> = (0..60_000)
        .map(|n| record("/t", "/c/frequent", n, b""))
        .collect();
    records.push(record("/t", "/c/rare", 59_000, b"x"));
    let bounded = Habits {
        query_rows: 10_000,
        ..Habits::default()
    };
    let rare = ContentCriteria::all().content_topic("/c/rare");
    let outcome = run(
        StoreCriteria::of_content(rare),
        vec![with(&records, bounded)],
    );
    assert_eq!((outcome.found.len(), outcome.ended), (1, Ended::Complete));
    assert_eq!((outcome.now, outcome.notices.len()), (0, 0));
}

fn any_habits() -> impl Strategy<Value = Habits> {
    (
        1usize..40,
        1usize..40,
        prop::collection::vec(0u32..30, 0..6),
        prop::option::weighted(0.3, 0u32..12),
        prop::option::weighted(0.2, prop::sample::select(&Lie::ALL[..])),
        0u32..6,
        any::<bool>(),
    )
        .prop_map(
            |(page_max, hashes_max, refuses, dies_after, lie, lies_after, empty)| Habits {
                page_max,
                hashes_max,
                refuses,
                dies_after,
                lie,
                lies_after,
                empty_for_unknown_cursor: empty,
                ..Habits::default()
            },
        )
}

/// Peers, each with what it holds of sixty messages.
fn any_peers() -> impl Strategy<Value = Vec<(Vec<bool>, Habits)>> {
    let holds = prop::collection::vec(prop::bool::weighted(0.8), 60);
    prop::collection::vec((holds, any_habits()), 1..5)
}

fn simulated(peers: &[(Vec<bool>, Habits)], all: &[Record]) -> Vec<(Vec<Record>, Simulated)> {
    let peer = |(holds, habits): &(Vec<bool>, Habits)| {
        let held = all.iter().zip(holds).filter(|(_, held)| **held);
        let held: Vec<Record> = held.map(|(record, _)| record.clone()).collect();
        let simulated = Simulated::new(&held, habits.clone());
        (held, simulated)
    };
    peers.iter().map(peer).collect()
}

proptest! {
    #[test]
    fn walks_by_content_give_what_all_hold_and_nothing_that_none_holds(
        peers in any_peers(),
        backward: bool,
        with_data: bool,
        page in 1usize..30,
        since in prop::option::of(8u64..32),
        until in prop::option::of(8u64..32),
        topic in prop::option::of(prop::sample::select(&["/c/0", "/c/1"][..])),
    ) {
        let all = records(60);
        let mut content = ContentCriteria { since, until, backward, ..ContentCriteria::all() };
        content.content_topics.extend(topic.map(String::from));
        let mut criteria = StoreCriteria::of_content(content).page(page);
        criteria.include_data = with_data;
        let matches = |record: &&Record| {
            let time = record.item().timestamp;
            since.is_none_or(|since| time >= since)
                && until.is_none_or(|until| time <= until)
                && topic.is_none_or(|topic| topic == record.message().content_topic)
        };
        let (held, stores): (Vec<_>, Vec<_>) = simulated(&peers, &all).into_iter().unzip();
        let outcome = run(criteria, stores);
        let given = given(&outcome);
        let distinct: BTreeSet<Id> = given.iter().copied().collect();
        prop_assert_eq!(distinct.len(), given.len(), "each once");
        let lying_without_data = !with_data && peers.iter().any(|(_, habits)| habits.lie.is_some());
        if lying_without_data {
            return Ok(());
        }
        let by_any: BTreeSet<Id> = held.iter().flatten().filter(matches).map(Record::hash).collect();
        prop_assert!(distinct.is_subset(&by_any));
        if outcome.ended == Ended::Complete {
            let by_all = all.iter().filter(matches).filter(|record| {
                held.iter().all(|held| held.contains(record))
            });
            for record in by_all {
                prop_assert!(distinct.contains(&record.hash()), "{:?}", record.item());
            }
        }
        if with_data {
            let mut items: Vec<_> = outcome.found.iter().flat_map(|found| &found.record).map(Record::item).collect();
            if backward {
                items.reverse();
            }
            prop_assert!(items.is_sorted());
        }
        let healthy = peers.iter().any(|(_, habits)| habits.lie.is_none() && habits.dies_after.is_none());
        prop_assert!(!healthy || outcome.ended == Ended::Complete);
    }

    #[test]
    fn walks_by_hashes_give_all_that_those_have_that_answer(
        peers in any_peers(),
        asked in prop::collection::vec(any::<bool>(), 60),
        page in 1usize..30,
        with_data: bool,
    ) {
        let all = records(60);
        let asked = all.iter().zip(&asked).filter(|(_, asked)| **asked);
        let asked: BTreeSet<Id> = asked.map(|(record, _)| record.hash()).collect();
        let mut criteria = StoreCriteria::of_hashes(asked.iter().copied()).page(page);
        criteria.include_data = with_data;
        let (held, stores): (Vec<_>, Vec<_>) = simulated(&peers, &all).into_iter().unzip();
        let outcome = run(criteria, stores);
        let given = given(&outcome);
        let distinct: BTreeSet<Id> = given.iter().copied().collect();
        prop_assert_eq!(distinct.len(), given.len(), "each once");
        prop_assert!(distinct.is_subset(&asked));
        let missing: BTreeSet<Id> = asked.difference(&distinct).copied().collect();
        prop_assert_eq!(&outcome.missing, &missing);
        for (held, (_, habits)) in held.iter().zip(&peers) {
            if habits.lie.is_none() && habits.dies_after.is_none() {
                prop_assert!(held.iter().all(|record| !missing.contains(&record.hash())));
            }
        }
    }
}
