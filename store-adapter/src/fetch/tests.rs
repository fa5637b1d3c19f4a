//! The plan against peers that fail in every way, and against itself under random histories.

use std::collections::VecDeque;

use proptest::prelude::*;
use sync_core::{Range, TopicFilter};

use super::*;
use crate::message::WakuMessage;

const A: u8 = 1;
const B: u8 = 2;

fn record(timestamp: i64) -> Record {
    let message = WakuMessage {
        timestamp: Some(timestamp),
        ..WakuMessage::default()
    };
    Record::new("/t", message).unwrap()
}

fn times(since: u64, until: u64) -> Scope {
    Scope::of_window(Range::of_times(since, until))
}

fn plan(limits: FetchLimits) -> FetchPlan<u8> {
    FetchPlan::new(times(10, 100), limits)
}

fn quick() -> FetchLimits {
    FetchLimits {
        first_batch: usize::MAX,
        attempts: 2,
        backoff: 10,
        patience: 100,
        ..FetchLimits::default()
    }
}

#[test]
fn what_arrives_is_archived_and_settled() {
    let (mut plan, record) = (plan(quick()), record(50));
    plan.announce(A, &[record.hash()]);
    let batch = plan.next_batch(A, 0).unwrap();
    assert_eq!(batch, [record.hash()]);
    assert_eq!(plan.next_batch(A, 0), None, "it is being asked for");
    let taken = plan.answered(A, &batch, vec![record.clone()], 1);
    assert_eq!(taken, std::slice::from_ref(&record));
    assert!(!plan.is_done(), "it is owed until it is archived");
    plan.settled(&record.hash());
    assert!(plan.is_done());
    assert_eq!((plan.report().fetched, plan.report().owed()), (1, 0));
}

#[test]
fn arrival_by_another_door_settles() {
    let (mut plan, record) = (plan(quick()), record(50));
    plan.announce(A, &[record.hash()]);
    plan.settled(&record.hash());
    assert_eq!(plan.next_batch(A, 0), None);
    assert_eq!((plan.report().elsewhere, plan.report().owed()), (1, 0));
}

#[test]
fn other_messages_than_those_asked_for_are_refused_and_the_hash_stays_owed() {
    let (mut plan, wanted) = (plan(quick()), record(50));
    plan.announce(A, &[wanted.hash()]);
    let batch = plan.next_batch(A, 0).unwrap();
    assert_eq!(plan.answered(A, &batch, vec![record(51)], 0), []);
    assert_eq!(plan.report().refusals[&FetchRefusal::NotOwed], 1);
    assert!(plan.owes(&wanted.hash()));
    assert_eq!(
        plan.next_batch(A, 9),
        None,
        "not before the back-off has passed"
    );
    assert_eq!(plan.next_batch(A, 10), Some(batch));
}

#[test]
fn messages_outside_the_window_and_ephemeral_ones_are_refused() {
    let mut plan = plan(quick());
    let late = record(100);
    let ephemeral = WakuMessage {
        timestamp: Some(50),
        ephemeral: Some(true),
        ..WakuMessage::default()
    };
    let ephemeral = Record::new("/t", ephemeral).unwrap();
    plan.announce(A, &[late.hash(), ephemeral.hash()]);
    let batch = plan.next_batch(A, 0).unwrap();
    assert_eq!(plan.answered(A, &batch, vec![late, ephemeral], 0), []);
    let refusals = plan.report().refusals;
    assert_eq!(refusals[&FetchRefusal::OutsideWindow], 1);
    assert_eq!(refusals[&FetchRefusal::Ephemeral], 1);
    let batch = plan.next_batch(A, 10).unwrap();
    plan.failed(A, &batch, 10);
    plan.expire(110);
    assert_eq!(
        (plan.report().given_up_refused, plan.report().owed()),
        (2, 2)
    );
}

#[test]
fn a_window_that_was_narrowed_refuses_what_lies_outside_of_it() {
    let (mut plan, early) = (plan(quick()), record(20));
    plan.announce(A, &[early.hash()]);
    plan.narrow(&times(30, 1_000));
    assert!(!plan.accept_push(&early));
    assert_eq!(plan.report().refusals[&FetchRefusal::OutsideWindow], 1);
}

#[test]
fn messages_of_topics_outside_the_scope_are_refused_fetched_or_pushed() {
    let of = |pubsub: &str, content: &str| {
        let message = WakuMessage {
            content_topic: content.into(),
            timestamp: Some(50),
            ..WakuMessage::default()
        };
        Record::new(pubsub, message).unwrap()
    };
    let all = [of("/t", "/c"), of("/u", "/c"), of("/t", "/d")];
    let hashes: Vec<Id> = all.iter().map(Record::hash).collect();
    let only = |topic: &str| TopicFilter::from_wire([topic]);
    for (pubsub_topics, content_topics, taken) in [
        (TopicFilter::All, TopicFilter::All, vec![0, 1, 2]),
        (only("/t"), TopicFilter::All, vec![0, 2]),
        (TopicFilter::All, only("/c"), vec![0, 1]),
        (only("/t"), only("/c"), vec![0]),
    ] {
        let scope = Scope {
            pubsub_topics,
            content_topics,
            ..times(10, 100)
        };
        let expected: Vec<Record> = taken.iter().map(|place| all[*place].clone()).collect();
        let (mut pulled, mut pushed) = (plan(quick()), plan(quick()));
        for plan in [&mut pulled, &mut pushed] {
            plan.narrow(&scope);
            plan.announce(A, &hashes);
        }
        let batch = pulled.next_batch(A, 0).unwrap();
        assert_eq!(pulled.answered(A, &batch, all.to_vec(), 0), expected);
        let accepted = all.iter().filter(|record| pushed.accept_push(record));
        assert_eq!(accepted.cloned().collect::<Vec<_>>(), expected);
        let outside = (all.len() - expected.len()) as u64;
        for mut plan in [pulled, pushed] {
            expected.iter().for_each(|r| plan.settled(&r.hash()));
            let refused = plan
                .report()
                .refusals
                .get(&FetchRefusal::OutsideTopics)
                .copied();
            assert_eq!(refused.unwrap_or_default(), outside);
            for now in [10, 30] {
                if let Some(batch) = plan.next_batch(A, now) {
                    plan.failed(A, &batch, now);
                }
            }
            plan.expire(200);
            assert_eq!(plan.report().given_up_refused, outside);
        }
    }
}

#[test]
fn what_one_peer_fails_to_deliver_is_asked_of_another() {
    let (mut plan, record) = (plan(quick()), record(50));
    plan.announce(A, &[record.hash()]);
    for now in [0, 10] {
        let batch = plan.next_batch(A, now).unwrap();
        assert_eq!(
            plan.next_batch(B, now),
            None,
            "as long as the first may deliver"
        );
        plan.failed(A, &batch, now);
    }
    assert_eq!(plan.next_batch(A, 1_000), None, "asked as often as allowed");
    let batch = plan.next_batch(B, 20).unwrap();
    let taken = plan.answered(B, &batch, vec![record.clone()], 20);
    assert_eq!(taken, std::slice::from_ref(&record));
    plan.expire(10_000);
    plan.settled(&record.hash());
    assert_eq!(plan.report().fetched, 1);
}

#[test]
fn a_second_holder_is_asked_although_its_turn_came_while_the_first_was_asked() {
    let (mut plan, record) = (plan(quick()), record(50));
    plan.announce(A, &[record.hash()]);
    plan.announce(B, &[record.hash()]);
    let batch = plan.next_batch(A, 0).unwrap();
    assert_eq!(
        plan.next_batch(B, 0),
        None,
        "it is being asked of the first"
    );
    plan.failed(A, &batch, 0);
    assert_eq!(plan.next_batch(B, 0), Some(batch));
}

#[test]
fn what_nobody_delivers_expires_and_is_reported() {
    let mut plan = plan(quick());
    plan.announce(A, &[record(50).hash()]);
    for now in [0, 10] {
        let batch = plan.next_batch(A, now).unwrap();
        plan.failed(A, &batch, now);
    }
    plan.expire(109);
    assert!(!plan.is_done());
    plan.expire(110);
    assert!(plan.is_done());
    assert_eq!(
        (plan.report().given_up_expired, plan.report().owed()),
        (1, 1)
    );
}

#[test]
fn a_page_cut_by_its_bytes_is_continued_at_once() {
    let mut plan = plan(quick());
    let records: Vec<Record> = (20..30).map(record).collect();
    let hashes: Vec<Id> = records.iter().map(Record::hash).collect();
    plan.announce(A, &hashes);
    let batch = plan.next_batch(A, 0).unwrap();
    assert_eq!(plan.answered(A, &batch, records[..4].to_vec(), 0).len(), 4);
    let rest = plan.next_batch(A, 0).unwrap();
    assert_eq!(
        rest.iter().collect::<BTreeSet<_>>(),
        hashes[4..].iter().collect()
    );
}

#[test]
fn what_is_delivered_twice_is_archived_once() {
    let (mut plan, record) = (plan(quick()), record(50));
    plan.announce(A, &[record.hash()]);
    let batch = plan.next_batch(A, 0).unwrap();
    let twice = vec![record.clone(), record.clone()];
    assert_eq!(plan.answered(A, &batch, twice, 0), [record]);
}

#[test]
fn no_batch_has_exactly_a_hundred_hashes() {
    let limits = FetchLimits {
        batch: 100,
        ..quick()
    };
    let mut plan = plan(limits);
    let hashes: Vec<Id> = (0..250).map(|n| record(n).hash()).collect();
    plan.announce(A, &hashes);
    let sizes: Vec<usize> =
        std::iter::from_fn(|| plan.next_batch(A, 0).map(|batch| batch.len())).collect();
    assert_eq!(sizes, [99, 99, 52]);
}

#[test]
fn no_more_is_owed_than_the_limit_and_the_rest_is_reported() {
    let limits = FetchLimits { owed: 3, ..quick() };
    let mut plan = plan(limits);
    let hashes: Vec<Id> = (0..4).map(|n| record(n).hash()).collect();
    plan.announce(A, &hashes[..3]);
    assert_eq!(plan.report().over_limit, 0);
    plan.announce(A, &hashes);
    assert_eq!((plan.report().over_limit, plan.report().owed()), (1, 4));
}

#[test]
fn a_peer_is_asked_for_more_at_a_time_only_as_it_delivers() {
    let limits = FetchLimits {
        first_batch: 4,
        batch: 10,
        ..quick()
    };
    let records: Vec<Record> = (10..90).map(record).collect();
    let hashes: Vec<Id> = records.iter().map(Record::hash).collect();
    let mut plan = plan(limits);
    plan.announce(A, &hashes);
    let asked_for = |batch: &[Id]| -> Vec<Record> {
        let asked = records.iter().filter(|r| batch.contains(&r.hash()));
        asked.cloned().collect()
    };
    for most in [4, 8, 10, 10] {
        let batch = plan.next_batch(A, 0).unwrap();
        assert_eq!(batch.len(), most);
        plan.answered(A, &batch, asked_for(&batch), 0);
    }
    let batch = plan.next_batch(A, 0).unwrap();
    let mut delivered = asked_for(&batch);
    delivered.push(record(95));
    plan.answered(A, &batch, delivered, 0);
    let batch = plan.next_batch(A, 0).unwrap();
    assert_eq!(batch.len(), 4, "something else came too");
    plan.failed(A, &batch, 0);
    assert_eq!(plan.next_batch(A, 0).unwrap().len(), 4);
}

#[test]
fn what_another_plan_has_asked_for_is_put_off_once() {
    let (mut plan, record) = (plan(quick()), record(50));
    plan.announce(A, &[record.hash()]);
    assert_eq!(plan.next_batch_of(A, 0, 10, |_| false), None);
    assert_eq!(plan.next_batch_of(A, 9, 10, |_| true), None);
    let batch = plan.next_batch_of(A, 10, 10, |_| false).unwrap();
    plan.failed(A, &batch, 10);
    assert_eq!(plan.next_batch_of(A, 30, 10, |_| false), Some(batch));
}

#[test]
fn a_refusal_at_the_door_leaves_the_hash_owed() {
    let (mut plan, record) = (plan(quick()), record(50));
    plan.announce(A, &[record.hash()]);
    assert!(plan.accept_push(&record));
    assert!(!plan.accept_push(&record), "it is on its way");
    plan.refused_at_the_door(None, &record.hash(), 0);
    assert!(plan.owes(&record.hash()));
    assert_eq!(plan.report().refusals[&FetchRefusal::AtTheDoor], 1);
    assert!(plan.next_batch(A, 0).is_some(), "it was never asked for");
}

#[test]
fn a_full_batch_of_the_longest_messages_fits_a_response() {
    use crate::limits::{MESSAGE_BYTES, STORE_RESPONSE_BYTES, TOPIC_BYTES};
    // Hash, tags and lengths take less than 100 bytes.
    let entry = MESSAGE_BYTES + TOPIC_BYTES + 100;
    assert!(FetchLimits::default().batch * entry + 1_000 <= STORE_RESPONSE_BYTES);
}

#[test]
fn a_batch_that_happens_to_have_a_hundred_hashes_is_one_shorter() {
    let limits = FetchLimits {
        batch: 150,
        ..quick()
    };
    let mut plan = plan(limits);
    let hashes: Vec<Id> = (0..250).map(|n| record(n).hash()).collect();
    plan.announce(A, &hashes);
    let sizes: Vec<usize> =
        std::iter::from_fn(|| plan.next_batch(A, 0).map(|batch| batch.len())).collect();
    assert_eq!(sizes, [150, 99, 1]);
}

#[test]
fn holders_that_failed_once_are_each_asked_again() {
    let (mut plan, record) = (plan(quick()), record(50));
    plan.announce(A, &[record.hash()]);
    plan.announce(B, &[record.hash()]);
    for peer in [A, B] {
        let batch = plan.next_batch(peer, 0).unwrap();
        plan.failed(peer, &batch, 0);
    }
    let batch = plan.next_batch(A, 10).unwrap();
    assert_eq!(
        plan.next_batch(B, 10),
        None,
        "it is being asked of the first"
    );
    plan.failed(A, &batch, 10);
    assert_eq!(plan.next_batch(B, 10), Some(batch.clone()));
    plan.failed(B, &batch, 10);
    plan.expire(110);
    assert!(plan.is_done());
}

#[test]
fn a_peer_is_asked_a_bounded_number_of_times_with_growing_pauses() {
    let limits = FetchLimits {
        attempts: 4,
        ..quick()
    };
    let mut plan = plan(limits);
    plan.announce(A, &[record(50).hash()]);
    let mut asked = Vec::new();
    for now in 0..1_000 {
        if let Some(batch) = plan.next_batch(A, now) {
            asked.push(now);
            plan.failed(A, &batch, now);
        }
    }
    assert_eq!(asked, [0, 10, 30, 70]);
}

#[test]
fn an_honest_holder_takes_the_place_of_one_that_failed() {
    let limits = FetchLimits {
        attempts: 1,
        holders: 2,
        ..quick()
    };
    let (mut plan, record) = (plan(limits), record(50));
    for peer in [A, B, 3] {
        plan.announce(peer, &[record.hash()]);
    }
    assert_eq!(plan.next_batch(3, 0), None, "two holders are remembered");
    let batch = plan.next_batch(A, 0).unwrap();
    plan.failed(A, &batch, 0);
    plan.announce(3, &[record.hash()]);
    assert_eq!(plan.next_batch(3, 0), Some(batch));
}

#[test]
fn what_a_push_brings_while_it_is_asked_for_is_not_blamed_on_who_was_asked() {
    let (mut plan, record) = (plan(quick()), record(50));
    plan.announce(A, &[record.hash()]);
    let batch = plan.next_batch(A, 0).unwrap();
    assert!(plan.accept_push(&record));
    assert_eq!(plan.answered(A, &batch, vec![record.clone()], 0), []);
    plan.not_archived(None, &record.hash(), 0);
    assert_eq!(plan.next_batch(A, 0), Some(batch));
}

#[derive(Clone, Debug)]
enum Act {
    Announce(u8, Vec<i64>),
    Ask(u8),
    /// Of the batch asked longest ago, delivers the first so many, which are archived or not.
    Answer(usize, bool),
    Fail,
    Push(i64, bool),
    Settle(i64),
    Wait(u64),
}

fn any_act() -> impl Strategy<Value = Act> {
    let times = proptest::collection::vec(0..40i64, 1..20);
    prop_oneof![
        3 => (0..4u8, times).prop_map(|(peer, times)| Act::Announce(peer, times)),
        4 => (0..4u8).prop_map(Act::Ask),
        3 => (0..6usize, any::<bool>()).prop_map(|(n, stored)| Act::Answer(n, stored)),
        1 => Just(Act::Fail),
        1 => (0..40i64, any::<bool>()).prop_map(|(n, stored)| Act::Push(n, stored)),
        1 => (0..40i64).prop_map(Act::Settle),
        2 => (0..60u64).prop_map(Act::Wait),
    ]
}

/// A plan with the batches that are under way.
struct Played {
    plan: FetchPlan<u8>,
    under_way: VecDeque<(u8, Vec<Id>)>,
    settled: BTreeSet<Id>,
    now: u64,
}

impl Played {
    fn play(&mut self, act: Act) -> Result<(), TestCaseError> {
        let (plan, now) = (&mut self.plan, self.now);
        match act {
            Act::Announce(peer, times) => {
                let hashes: Vec<Id> = times.iter().map(|n| record(*n).hash()).collect();
                plan.announce(peer, &hashes);
            }
            Act::Ask(peer) => {
                if let Some(batch) = plan.next_batch(peer, now) {
                    prop_assert!(!batch.is_empty() && batch.len() <= 5);
                    prop_assert!(batch.iter().all(|hash| plan.owes(hash)));
                    let asked = self.under_way.iter().flat_map(|(_, batch)| batch);
                    // One that was settled and announced again may be.
                    let twice = |hash: &Id| batch.contains(hash) && !self.settled.contains(hash);
                    prop_assert!(!asked.into_iter().any(twice));
                    self.under_way.push_back((peer, batch));
                }
            }
            Act::Answer(count, stored) => {
                if let Some((peer, asked)) = self.under_way.pop_front() {
                    let all = (0..40).map(record);
                    let given = all
                        .filter(|r| asked.contains(&r.hash()))
                        .take(count)
                        .collect();
                    for taken in plan.answered(peer, &asked, given, now) {
                        finish(plan, Some(peer), &taken, stored, now);
                        self.settled.insert(taken.hash());
                    }
                }
            }
            Act::Fail => {
                if let Some((peer, asked)) = self.under_way.pop_front() {
                    plan.failed(peer, &asked, now);
                }
            }
            Act::Push(n, stored) => {
                if plan.accept_push(&record(n)) {
                    finish(plan, None, &record(n), stored, now);
                    self.settled.insert(record(n).hash());
                }
            }
            Act::Settle(n) => {
                plan.settled(&record(n).hash());
                self.settled.insert(record(n).hash());
            }
            Act::Wait(more) => {
                self.now += more;
                plan.expire(self.now);
            }
        }
        Ok(())
    }
}

fn finish(plan: &mut FetchPlan<u8>, peer: Option<u8>, record: &Record, stored: bool, now: u64) {
    if stored {
        plan.settled(&record.hash());
    } else {
        plan.not_archived(peer, &record.hash(), now);
    }
}

proptest! {
    /// Whatever happens: nothing that is owed is under way twice, every announced hash is in one
    /// count, and with peers that never deliver the plan comes to its end.
    #[test]
    fn any_history_keeps_count_and_ends(acts in proptest::collection::vec(any_act(), 0..150)) {
        let limits = FetchLimits { batch: 5, owed: 30, holders: 3, ..quick() };
        let plan = FetchPlan::new(times(5, 100), limits);
        let mut played = Played { plan, under_way: VecDeque::new(),
            settled: BTreeSet::new(), now: 0 };
        for act in acts {
            played.play(act)?;
            let report = played.plan.report();
            prop_assert_eq!(report.announced, report.owed() + report.fetched + report.elsewhere);
        }
        let Played { mut plan, under_way, mut now, .. } = played;
        for (peer, asked) in under_way {
            plan.failed(peer, &asked, now);
        }
        for _ in 0..60 {
            for peer in 0..4 {
                while let Some(batch) = plan.next_batch(peer, now) {
                    plan.failed(peer, &batch, now);
                }
            }
            plan.expire(now);
            now += 5;
        }
        prop_assert!(plan.is_done());
        prop_assert!(plan.orphans.is_empty() && plan.queues.iter().all(Queue::is_empty));
    }
}
