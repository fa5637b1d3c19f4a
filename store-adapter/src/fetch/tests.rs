//! The plan against peers that fail in every way, and against itself under random histories.

use proptest::prelude::*;

use super::*;
use crate::message::WakuMessage;
use crate::testing::record;

const WINDOW: Range = Range::of_times(0, 1_000);
const PATIENCE: Duration = Duration::from_secs(600);

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn plan() -> FetchPlan<&'static str> {
    FetchPlan::new(WINDOW, FetchLimits::default())
}

fn records(count: i64) -> Vec<Record> {
    (0..count).map(|n| record("/t", "/c", n, b"x")).collect()
}

fn hashes(records: &[Record]) -> Vec<Id> {
    records.iter().map(Record::hash).collect()
}

fn sorted(mut hashes: Vec<Id>) -> Vec<Id> {
    hashes.sort();
    hashes
}

fn entry(record: &Record) -> StoreEntry {
    let (topic, message) = record.clone().into_parts();
    StoreEntry {
        hash: record.hash(),
        content: Some((topic, message)),
    }
}

fn answer(records: &[Record]) -> StoreAnswer {
    StoreAnswer {
        entries: records.iter().map(entry).collect(),
        cursor: None,
    }
}

/// The records of these hashes.
fn of(records: &[Record], asked: &[Id]) -> Vec<Record> {
    let asked = |record: &&Record| asked.contains(&record.hash());
    records.iter().filter(asked).cloned().collect()
}

#[test]
fn everything_announced_is_asked_once_in_batches_that_fit() {
    let (mut plan, records) = (plan(), records(60));
    let announced = plan.announce("a", &hashes(&records), seconds(0));
    assert_eq!(
        (announced.new, announced.known, announced.overflow),
        (60, 0, 0)
    );
    let mut asked = Vec::new();
    let mut lens = Vec::new();
    while let Some(batch) = plan.next_batch(&"a", seconds(0)) {
        lens.push(batch.len());
        asked.extend(batch);
    }
    assert_eq!(lens, [26, 26, 8]);
    assert_eq!(sorted(asked.clone()), sorted(hashes(&records)));
    let answered = plan.answered(&"a", &asked, answer(&records), seconds(1));
    assert_eq!((answered.records.len(), answered.refused.len()), (60, 0));
    assert!(!plan.is_done());
    for record in answered.records {
        assert!(plan.owes(&record.hash()));
        assert!(plan.settled(&record.hash()));
        assert!(!plan.settled(&record.hash()));
    }
    assert!(plan.is_done());
    assert_eq!((plan.report().fetched, plan.report().owed), (60, 0));
    assert_eq!(plan.next_batch(&"a", PATIENCE), None);
}

#[test]
fn a_full_batch_of_the_longest_messages_fits_a_response() {
    let limits = FetchLimits::default();
    let page = crate::limits::StoreLimits::default().page_bytes;
    assert!(limits.batch * (crate::limits::MESSAGE_BYTES + 2_000) <= page);
}

#[test]
fn no_batch_has_a_hundred_hashes() {
    for (batch, count, expected) in [
        (100, 300, vec![99, 99, 99, 3]),
        (200, 300, vec![199, 101]),
        (150, 250, vec![150, 99, 1]),
        (0, 2, vec![1, 1]),
    ] {
        let limits = FetchLimits {
            batch,
            ..FetchLimits::default()
        };
        let mut plan = FetchPlan::new(WINDOW, limits);
        plan.announce("a", &hashes(&records(count)), seconds(0));
        let lens: Vec<usize> =
            std::iter::from_fn(|| plan.next_batch(&"a", seconds(0)).map(|b| b.len())).collect();
        assert_eq!(lens, expected);
    }
}

#[test]
fn what_is_under_way_is_asked_of_nobody_else() {
    let (mut plan, records) = (plan(), records(30));
    plan.announce("a", &hashes(&records), seconds(0));
    let again = plan.announce("b", &hashes(&records), seconds(0));
    assert_eq!((again.new, again.known), (0, 30));
    let first = plan.next_batch(&"a", seconds(0)).unwrap();
    let second = plan.next_batch(&"b", seconds(0)).unwrap();
    assert_eq!((first.len(), second.len()), (26, 4));
    assert!(first.iter().all(|hash| !second.contains(hash)));
    assert_eq!(plan.next_batch(&"a", seconds(0)), None);
    assert_eq!(plan.next_batch(&"b", seconds(0)), None);
    assert_eq!(plan.next_batch(&"c", seconds(0)), None);
}

#[test]
fn a_failed_batch_goes_to_another_peer_at_once_and_to_the_same_one_later() {
    let (mut plan, records) = (plan(), records(3));
    plan.announce("a", &hashes(&records), seconds(0));
    plan.announce("b", &hashes(&records), seconds(0));
    let asked = plan.next_batch(&"a", seconds(0)).unwrap();
    plan.failed(&"a", &asked, seconds(5));
    assert_eq!(plan.next_batch(&"a", seconds(5)), None);
    assert_eq!(plan.next_time(&"a"), Some(seconds(6)));
    let others = plan.next_batch(&"b", seconds(5)).unwrap();
    assert_eq!(sorted(others.clone()), sorted(asked));
    plan.failed(&"b", &others, seconds(6));
    assert_eq!(plan.next_batch(&"a", seconds(6)).unwrap().len(), 3);
}

#[test]
fn a_peer_is_asked_a_bounded_number_of_times_with_growing_pauses() {
    let (mut plan, records) = (plan(), records(1));
    plan.announce("a", &hashes(&records), seconds(0));
    let mut now = seconds(0);
    let mut pauses = Vec::new();
    while let Some(asked) = plan.next_batch(&"a", now) {
        plan.failed(&"a", &asked, now);
        let Some(next) = plan.next_time(&"a") else {
            break;
        };
        pauses.push(next - now);
        now = next;
    }
    assert_eq!(pauses, [seconds(1), seconds(2)]);
    assert!(plan.is_done());
    let report = plan.report();
    assert_eq!((report.owed, report.abandoned), (1, 1));
    plan.announce("a", &hashes(&records), now);
    assert!(plan.is_done());
    plan.announce("b", &hashes(&records), now);
    assert!(!plan.is_done());
    assert_eq!(plan.next_batch(&"b", now), Some(hashes(&records)));
    assert!(plan.settled(&records[0].hash()));
    assert_eq!((plan.report().owed, plan.report().abandoned), (0, 0));
}

#[test]
fn an_abandoned_hash_is_settled_by_any_door() {
    let (mut plan, records) = (plan(), records(1));
    plan.announce("a", &hashes(&records), seconds(0));
    plan.forget(&"a");
    assert_eq!(plan.report().abandoned, 1);
    assert!(plan.owes(&records[0].hash()));
    assert!(plan.settled(&records[0].hash()));
    assert_eq!((plan.report().owed, plan.report().fetched), (0, 1));
}

#[test]
fn messages_that_are_not_what_was_promised_stay_owed() {
    let promised = records(5);
    let with = |record: &Record, change: &dyn Fn(&mut WakuMessage)| {
        let mut changed = entry(record);
        let (_, message) = changed.content.as_mut().unwrap();
        change(message);
        changed
    };
    let outside = record("/t", "/c", 1_000, b"x");
    let negative = WakuMessage {
        timestamp: Some(-1),
        ..WakuMessage::default()
    };
    let mut all = promised.clone();
    all.push(outside.clone());
    let entries = vec![
        with(&promised[0], &|message| message.payload = b"y".to_vec()),
        with(&promised[1], &|message| message.ephemeral = Some(true)),
        with(&promised[2], &|message| *message = negative.clone()),
        StoreEntry {
            content: None,
            ..entry(&promised[3])
        },
        entry(&outside),
        entry(&record("/t", "/c", 77, b"never asked for")),
        entry(&promised[4]),
        entry(&promised[4]),
    ];
    let mut plan = plan();
    plan.announce("a", &hashes(&all), seconds(0));
    let asked = plan.next_batch(&"a", seconds(0)).unwrap();
    let cursor = None;
    let answered = plan.answered(&"a", &asked, StoreAnswer { entries, cursor }, seconds(0));
    assert_eq!(answered.records, promised[4..]);
    let kinds: Vec<_> = answered.refused.iter().map(|(_, r)| r.kind()).collect();
    let expected = [
        "wrong_hash",
        "ephemeral",
        "negative_timestamp",
        "no_data",
        "outside_window",
        "not_asked",
        "not_asked",
    ];
    assert_eq!(kinds, expected);
    plan.settled(&promised[4].hash());
    let report = plan.report();
    assert_eq!((report.fetched, report.owed), (1, 5));
    assert_eq!(report.refused["not_asked"], 2);
    assert_eq!(report.refused["wrong_hash"], 1);
    assert_eq!(plan.next_batch(&"a", seconds(0)), None);
    assert_eq!(plan.next_batch(&"a", seconds(1)).unwrap().len(), 5);
}

#[test]
fn what_a_short_page_left_out_is_asked_on_without_blame() {
    let (mut plan, records) = (plan(), records(4));
    plan.announce("a", &hashes(&records), seconds(0));
    let asked = plan.next_batch(&"a", seconds(0)).unwrap();
    let short = StoreAnswer {
        cursor: Some(records[1].hash()),
        ..answer(&records[..2])
    };
    let got = plan.answered(&"a", &asked, short, seconds(0)).records;
    assert_eq!(got, records[..2]);
    let asked = plan.next_batch(&"a", seconds(0)).unwrap();
    assert_eq!(sorted(asked.clone()), sorted(hashes(&records[2..])));
    let empty = StoreAnswer {
        cursor: Some(records[1].hash()),
        ..StoreAnswer::default()
    };
    plan.answered(&"a", &asked, empty, seconds(0));
    assert_eq!(
        plan.next_batch(&"a", seconds(0)),
        None,
        "no progress is a failure"
    );
}

#[test]
fn a_message_that_the_door_refused_is_asked_of_others_only() {
    let (mut plan, records) = (plan(), records(1));
    let hash = records[0].hash();
    plan.announce("a", &[hash], seconds(0));
    plan.announce("b", &[hash], seconds(0));
    let asked = plan.next_batch(&"a", seconds(0)).unwrap();
    plan.answered(&"a", &asked, answer(&records), seconds(0));
    plan.rejected(&"a", &hash, &Refusal::MessageTooLong { bytes: 200_000 });
    plan.announce("a", &[hash], seconds(0));
    assert_eq!(plan.next_batch(&"a", seconds(99)), None);
    assert_eq!(plan.next_batch(&"b", seconds(0)), Some(vec![hash]));
    plan.rejected(&"b", &hash, &Refusal::MessageTooLong { bytes: 200_000 });
    assert!(plan.is_done());
    let report = plan.report();
    assert_eq!((report.owed, report.abandoned), (1, 1));
    assert_eq!(report.refused["message_too_long"], 2);
}

#[test]
fn what_arrived_by_another_door_is_not_ingested_again() {
    let (mut plan, records) = (plan(), records(2));
    plan.announce("a", &hashes(&records), seconds(0));
    let asked = plan.next_batch(&"a", seconds(0)).unwrap();
    assert!(plan.settled(&records[0].hash()));
    let answered = plan.answered(&"a", &asked, answer(&records), seconds(0));
    assert_eq!(answered.records, records[1..]);
    assert_eq!(answered.refused, []);
}

#[test]
fn what_does_not_come_in_time_expires_and_stays_owed() {
    let (mut plan, records) = (plan(), records(3));
    plan.announce("a", &hashes(&records[..2]), seconds(0));
    let asked = plan.next_batch(&"a", seconds(0)).unwrap();
    plan.announce("b", &hashes(&records[1..]), seconds(10));
    assert_eq!(plan.expire(PATIENCE - seconds(1)), []);
    assert_eq!(plan.expire(PATIENCE), hashes(&records[..1]));
    assert_eq!(plan.expire(PATIENCE), []);
    assert!(!plan.is_done());
    assert_eq!(
        sorted(plan.expire(PATIENCE + seconds(10))),
        sorted(hashes(&records[1..]))
    );
    assert!(plan.is_done());
    assert_eq!((plan.report().owed, plan.report().expired), (3, 3));
    assert_eq!(plan.next_batch(&"b", PATIENCE * 2), None);
    let late = plan.answered(&"a", &asked, answer(&records[..2]), PATIENCE * 2);
    assert_eq!(late.records, records[..2]);
    late.records
        .iter()
        .for_each(|r| assert!(plan.settled(&r.hash())));
    assert_eq!((plan.report().owed, plan.report().expired), (1, 1));
}

#[test]
fn hashes_past_the_limit_are_counted_and_not_held() {
    let limits = FetchLimits {
        owed: 10,
        holders: 2,
        ..FetchLimits::default()
    };
    let mut plan = FetchPlan::new(WINDOW, limits);
    let records = records(15);
    let announced = plan.announce("a", &hashes(&records), seconds(0));
    assert_eq!((announced.new, announced.overflow), (10, 5));
    assert_eq!(plan.owed().count(), 10);
    assert_eq!((plan.report().owed, plan.report().overflow), (15, 5));
    plan.announce("b", &hashes(&records[..10]), seconds(0));
    plan.announce("c", &hashes(&records[..10]), seconds(0));
    assert_eq!(
        plan.next_batch(&"c", seconds(0)),
        None,
        "two holders are remembered"
    );
    plan.announce("c", &hashes(&records[10..]), seconds(0));
    assert_eq!(plan.next_batch(&"c", seconds(0)), None);
}

#[test]
fn deadlines_of_settled_hashes_do_not_pile_up() {
    let mut plan = plan();
    for n in 0..5_000i64 {
        let hash = record("/t", "/c", n, b"").hash();
        plan.announce("a", &[hash], seconds(0));
        plan.settled(&hash);
    }
    assert!(plan.deadlines.len() <= STALE_DEADLINES + 1);
    assert_eq!(plan.report().fetched, 5_000);
}

#[derive(Clone, Debug)]
enum Act {
    Announce(usize, Vec<usize>),
    Ask(usize),
    /// Of the batch asked longest ago, gives the first so many, and ingests them or not.
    Answer(usize, bool),
    Fail,
    Settle(usize),
    Reject(usize, usize),
    Forget(usize),
    Wait(u64),
}

fn any_act() -> impl Strategy<Value = Act> {
    let places = proptest::collection::vec(0..40usize, 1..20);
    prop_oneof![
        3 => (0..4usize, places).prop_map(|(peer, hashes)| Act::Announce(peer, hashes)),
        4 => (0..4usize).prop_map(Act::Ask),
        3 => (0..6usize, any::<bool>()).prop_map(|(n, ingest)| Act::Answer(n, ingest)),
        1 => Just(Act::Fail),
        1 => (0..40usize).prop_map(Act::Settle),
        1 => (0..4usize, 0..40usize).prop_map(|(peer, hash)| Act::Reject(peer, hash)),
        1 => (0..4usize).prop_map(Act::Forget),
        2 => (0..400u64).prop_map(Act::Wait),
    ]
}

proptest! {
    /// Whatever happens: counts agree with what was announced and settled, and given time the plan
    /// comes to its end.
    #[test]
    fn any_history_keeps_count_and_ends(acts in proptest::collection::vec(any_act(), 0..120)) {
        let limits = FetchLimits { batch: 5, owed: 30, holders: 3, ..FetchLimits::default() };
        let mut plan = FetchPlan::new(WINDOW, limits.clone());
        let records = records(40);
        let mut now = seconds(0);
        let mut under_way: VecDeque<(usize, Vec<Id>)> = VecDeque::new();
        let (mut taken_on, mut overflow, mut settled) = (0, 0, 0);
        for act in acts {
            match act {
                Act::Announce(peer, places) => {
                    let hashes: Vec<Id> = places.iter().map(|&n| records[n].hash()).collect();
                    let announced = plan.announce(peer, &hashes, now);
                    taken_on += announced.new as u64;
                    overflow += announced.overflow as u64;
                }
                Act::Ask(peer) => if let Some(batch) = plan.next_batch(&peer, now) {
                    prop_assert!(!batch.is_empty() && batch.len() <= limits.batch);
                    prop_assert!(batch.iter().all(|hash| plan.owes(hash)));
                    under_way.push_back((peer, batch));
                },
                Act::Answer(count, ingest) => if let Some((peer, asked)) = under_way.pop_front() {
                    let mut given = of(&records, &asked);
                    given.truncate(count);
                    let result = plan.answered(&peer, &asked, answer(&given), now);
                    prop_assert_eq!(result.refused, []);
                    for record in result.records {
                        if ingest {
                            prop_assert!(plan.settled(&record.hash()));
                            settled += 1;
                        } else {
                            plan.failed(&peer, &[record.hash()], now);
                        }
                    }
                },
                Act::Fail => if let Some((peer, asked)) = under_way.pop_front() {
                    plan.failed(&peer, &asked, now);
                },
                Act::Settle(n) => settled += u64::from(plan.settled(&records[n].hash())),
                Act::Reject(peer, n) => plan.rejected(&peer, &records[n].hash(), &Refusal::Ephemeral),
                Act::Forget(peer) => plan.forget(&peer),
                Act::Wait(more) => {
                    now += seconds(more);
                    plan.expire(now);
                }
            }
            let report = plan.report();
            prop_assert_eq!(report.fetched, settled);
            prop_assert_eq!(report.overflow, overflow);
            prop_assert_eq!(report.owed, taken_on - settled + overflow);
            prop_assert_eq!(plan.owed().count() as u64, taken_on - settled);
        }
        for (peer, asked) in under_way {
            plan.failed(&peer, &asked, now);
        }
        // Peers that never deliver: the plan ends by itself, well before its deadlines.
        for _ in 0..10 {
            for peer in 0..4 {
                while let Some(batch) = plan.next_batch(&peer, now) {
                    plan.failed(&peer, &batch, now);
                }
            }
            now += seconds(5);
        }
        prop_assert!(plan.is_done());
        prop_assert_eq!(plan.report().owed, taken_on - settled + overflow);
    }
}
