//! The door: its rules by origin, and the order of archive and index.

use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use sync_core::{Range, TopicFilter};

use super::*;
use crate::archive::{ArchiveStats, MemoryArchive, Scan, ScanPage};
use crate::hash::message_hash;
use crate::record::Key;
use crate::testing::record;

const NOW: u64 = 1_700_000_000_000_000_000;
const SECOND: u64 = 1_000_000_000;

async fn door_to(archive: Arc<dyn Archive>) -> Ingest {
    let index = Index::rebuild(Arc::clone(&archive)).await.unwrap();
    Ingest::new(archive, Arc::new(index), IngestLimits::default())
}

async fn door() -> Ingest {
    door_to(Arc::new(MemoryArchive::new())).await
}

fn message(timestamp: i64) -> WakuMessage {
    WakuMessage {
        payload: b"x".to_vec(),
        content_topic: "/c".into(),
        timestamp: Some(timestamp),
        ..WakuMessage::default()
    }
}

async fn outcome(door: &Ingest, origin: Origin, arrival: Arrival) -> Ingested {
    let report = door.ingest(origin, vec![arrival]).await.unwrap();
    assert_eq!(report.new + report.duplicates + report.refused, 1);
    report.outcomes[0]
}

async fn refusal(origin: Origin, arrival: Arrival) -> Option<Refusal> {
    let door = door().await;
    match outcome(&door, origin, arrival).await {
        Ingested::Refused(refusal) => {
            assert_eq!(door.archive().stats().await.unwrap().messages, 0);
            assert_eq!(door.index().len(), 0);
            assert_eq!(door.counters().refused[refusal.kind()], 1);
            Some(refusal)
        }
        Ingested::New(item) => {
            assert!(door.index().contains(&item));
            assert_eq!(door.counters().new, 1);
            None
        }
        Ingested::Duplicate(_) => panic!("the archive was empty"),
    }
}

const LIVE: Origin = Origin::Live { now: NOW };

fn synced(scope: Scope) -> Origin {
    let scope = Arc::new(scope);
    Origin::Synced { scope }
}

/// Of any topic, a second from now at most.
fn around_now() -> Scope {
    Scope::of_window(Range::of_times(NOW - SECOND, NOW + SECOND))
}

#[tokio::test]
async fn rules_of_every_origin_hold_at_the_bound_and_one_past_it() {
    let plain = || message(NOW as i64);
    let padded = |bytes: usize| {
        let mut long = plain();
        long.payload = vec![1; 150_000];
        let overhead = prost::Message::encoded_len(&long) - 150_000;
        long.payload = vec![1; bytes - overhead];
        assert_eq!(prost::Message::encoded_len(&long), bytes);
        long
    };
    let with_meta = |bytes| WakuMessage {
        meta: Some(vec![7; bytes]),
        ..plain()
    };
    let with_topic = |bytes| WakuMessage {
        content_topic: "t".repeat(bytes),
        ..plain()
    };
    let ephemeral = |ephemeral| WakuMessage {
        ephemeral,
        ..plain()
    };
    let cases = [
        ("/t", plain(), None),
        ("/t", message(-1), Some(Refusal::NegativeTimestamp(-1))),
        ("/t", ephemeral(Some(true)), Some(Refusal::Ephemeral)),
        ("/t", ephemeral(Some(false)), None),
        ("/t", with_meta(64), None),
        (
            "/t",
            with_meta(65),
            Some(Refusal::MetaTooLong { bytes: 65 }),
        ),
        ("/t", padded(153_600), None),
        (
            "/t",
            padded(153_601),
            Some(Refusal::MessageTooLong { bytes: 153_601 }),
        ),
        ("", plain(), Some(Refusal::EmptyTopic)),
        ("/t", with_topic(0), Some(Refusal::EmptyTopic)),
        ("/t", with_topic(1_024), None),
        (
            "/t",
            with_topic(1_025),
            Some(Refusal::TopicTooLong { bytes: 1_025 }),
        ),
        (
            &"t".repeat(1_025),
            plain(),
            Some(Refusal::TopicTooLong { bytes: 1_025 }),
        ),
    ];
    for origin in [LIVE, synced(around_now()), Origin::Imported] {
        for (topic, message, expected) in cases.clone() {
            let refused = refusal(origin.clone(), Arrival::new(topic, message.clone())).await;
            assert_eq!(refused, expected, "{origin:?} {:?}", message.timestamp);
        }
    }
}

#[tokio::test]
async fn each_origin_has_its_own_rule_of_time() {
    let at = |origin, time: u64| refusal(origin, Arrival::new("/t", message(time as i64)));
    let (not_live, outside) = (
        |timestamp| Some(Refusal::NotLive { timestamp }),
        |timestamp| Some(Refusal::OutsideWindow { timestamp }),
    );
    assert_eq!(at(LIVE, NOW - 20 * SECOND).await, None);
    assert_eq!(at(LIVE, NOW + 20 * SECOND).await, None);
    let early = NOW - 20 * SECOND - 1;
    assert_eq!(at(LIVE, early).await, not_live(early));
    let late = NOW + 20 * SECOND + 1;
    assert_eq!(at(LIVE, late).await, not_live(late));
    let synced = || synced(around_now());
    assert_eq!(at(synced(), NOW - SECOND).await, None);
    assert_eq!(
        at(synced(), NOW - SECOND - 1).await,
        outside(NOW - SECOND - 1)
    );
    assert_eq!(at(synced(), NOW + SECOND).await, outside(NOW + SECOND));
    for time in [0, 1, early, late, i64::MAX as u64] {
        assert_eq!(at(Origin::Imported, time).await, None);
    }
    let mut timeless = message(0);
    timeless.timestamp = None;
    assert_eq!(
        refusal(LIVE, Arrival::new("/t", timeless)).await,
        not_live(0)
    );
}

#[test]
fn what_is_passed_on_is_what_a_live_door_lets_in_and_ephemeral_messages() {
    let limits = IngestLimits::default();
    let check = |topic: &str, message: &WakuMessage| check_live(topic, message, &limits, NOW);
    let mut plain = message(NOW as i64);
    assert_eq!(check("/t", &plain), Ok(()));
    assert_eq!(check("", &plain), Err(Refusal::EmptyTopic));
    plain.ephemeral = Some(true);
    assert_eq!(check("/t", &plain), Ok(()));
    for timestamp in [NOW - 20 * SECOND, NOW + 20 * SECOND] {
        plain.timestamp = Some(timestamp as i64);
        assert_eq!(check("/t", &plain), Ok(()));
    }
    for timestamp in [NOW - 20 * SECOND - 1, NOW + 20 * SECOND + 1] {
        plain.timestamp = Some(timestamp as i64);
        assert_eq!(check("/t", &plain), Err(Refusal::NotLive { timestamp }));
    }
    plain.timestamp = Some(-1);
    assert_eq!(check("/t", &plain), Err(Refusal::NegativeTimestamp(-1)));
    plain = message(NOW as i64);
    plain.meta = Some(vec![0; 65]);
    assert_eq!(check("/t", &plain), Err(Refusal::MetaTooLong { bytes: 65 }));
    plain = message(NOW as i64);
    plain.payload = vec![0; 153_600];
    assert!(matches!(
        check("/t", &plain),
        Err(Refusal::MessageTooLong { .. })
    ));
}

#[tokio::test]
async fn synced_messages_of_topics_outside_the_scope_are_refused_and_others_are_not() {
    let only = |topic: &str| TopicFilter::from_wire([topic]);
    let outside = Some(Refusal::OutsideTopics);
    for (pubsub_topics, content_topics, expected) in [
        (only("/t"), TopicFilter::All, None),
        (only("/u"), TopicFilter::All, outside),
        (only("/t"), only("/c"), None),
        (TopicFilter::All, only("/d"), outside),
        (TopicFilter::Only([].into()), TopicFilter::All, outside),
    ] {
        let origin = synced(Scope {
            pubsub_topics,
            content_topics,
            ..around_now()
        });
        let record = Record::new("/t", message(NOW as i64)).unwrap();
        for arrival in [
            Arrival::new("/t", message(NOW as i64)),
            Arrival::from(record),
        ] {
            assert_eq!(refusal(origin.clone(), arrival).await, expected);
        }
    }
}

#[tokio::test]
async fn a_message_that_is_not_the_promised_one_is_refused() {
    let promised = record("/t", "/c", 5, b"x");
    let other = record("/t", "/c", 5, b"y");
    let (expected, actual) = (promised.hash(), other.hash());
    for origin in [LIVE, synced(around_now()), Origin::Imported] {
        let arrivals = [
            Arrival::from(other.clone()),
            Arrival::new("/t", other.message().clone()),
        ];
        for mut arrival in arrivals {
            arrival.expected = Some(expected);
            let wrong = refusal(origin.clone(), arrival).await;
            assert_eq!(wrong, Some(Refusal::WrongHash { expected, actual }));
        }
    }
    let mut raw = Arrival::new("/t", promised.message().clone());
    raw.expected = Some(expected);
    assert_eq!(refusal(Origin::Imported, raw).await, None);
    let said = Refusal::WrongHash { expected, actual }.to_string();
    assert!(said.contains(&expected.to_string()) && said.contains(&actual.to_string()));
}

#[tokio::test]
async fn a_proof_that_is_none_is_dropped_and_counted() {
    let door = door().await;
    let mut garbled = message(5);
    garbled.rate_limit_proof = Some(vec![0x9f]);
    let mut proper = message(6);
    proper.rate_limit_proof = Some(b"\x0a\x01x".to_vec());
    let arrivals = [garbled, proper.clone()].map(|message| Arrival::new("/t", message));
    let report = door.ingest(Origin::Imported, arrivals.to_vec()).await;
    assert_eq!(report.unwrap().new, 2);
    assert_eq!(door.counters().proofs_dropped, 1);
    let hashes = [message_hash("/t", &message(5)), message_hash("/t", &proper)];
    let stored = door.archive().lookup(&hashes).await.unwrap();
    assert_eq!(stored[0].message(), &message(5));
    assert_eq!(stored[1].message(), &proper);
}

#[tokio::test]
async fn a_mixed_batch_is_reported_in_its_order() {
    let door = door().await;
    let mut settled = door.settled();
    let (first, second) = (record("/t", "/c", 1, b""), record("/u", "/c", 2, b""));
    let arrivals = vec![
        Arrival::from(first.clone()),
        Arrival::new("/t", message(-1)),
        Arrival::from(first.clone()),
        Arrival::from(second.clone()),
    ];
    let report = door
        .ingest(Origin::Imported, arrivals.clone())
        .await
        .unwrap();
    let outcomes = [
        Ingested::New(first.item()),
        Ingested::Refused(Refusal::NegativeTimestamp(-1)),
        Ingested::Duplicate(first.item()),
        Ingested::New(second.item()),
    ];
    assert_eq!(report.outcomes, outcomes);
    assert_eq!((report.new, report.duplicates, report.refused), (2, 1, 1));
    assert_eq!(door.index().len(), 2);
    let announced = settled.recv().await.unwrap();
    assert_eq!(announced[..], [first.hash(), first.hash(), second.hash()]);
    let again = door.ingest(Origin::Imported, arrivals).await.unwrap();
    assert_eq!((again.new, again.duplicates, again.refused), (0, 3, 1));
    assert_eq!(door.index().len(), 2);
    assert!(settled.recv().await.is_ok());
    let counters = door.counters();
    assert_eq!((counters.new, counters.duplicates), (2, 4));
    assert_eq!(counters.refused["negative_timestamp"], 2);
}

#[tokio::test]
async fn what_lies_below_the_floor_is_removed_and_refused_from_then_on() {
    let door = door().await;
    let records: Vec<Record> = (0..10).map(|n| record("/t", "/c", n, b"")).collect();
    let arrivals: Vec<Arrival> = records.iter().cloned().map(Arrival::from).collect();
    door.ingest(Origin::Imported, arrivals.clone())
        .await
        .unwrap();
    let floor = Bound::Before(records[4].item());
    assert_eq!(door.retain_from(floor).await.unwrap(), 4);
    assert_eq!(door.retain_from(Bound::MIN).await.unwrap(), 0);
    let report = door.ingest(Origin::Imported, arrivals).await.unwrap();
    assert_eq!((report.duplicates, report.refused), (6, 4));
    let refused = Ingested::Refused(Refusal::BelowFloor { timestamp: 3 });
    assert_eq!(report.outcomes[3], refused);
    assert_eq!(door.index().len(), 6);
    assert_eq!(door.archive().stats().await.unwrap().messages, 6);
    let rebuilt = Index::rebuild(Arc::clone(door.archive())).await.unwrap();
    assert_eq!(rebuilt.floor(), floor);
}

#[tokio::test]
async fn a_message_let_in_while_the_floor_goes_up_is_refused_and_not_archived_below_it() {
    let archive = Arc::new(Fickle::default());
    let door = door_to(archive.clone()).await;
    let records: Vec<Record> = (0..2).map(|n| record("/t", "/c", n, b"")).collect();
    // The floor is on its way to the disk, and the door is held meanwhile.
    let held = archive.writing.lock().await;
    let raising = tokio::spawn({
        let (door, floor) = (door.clone(), Bound::Before(records[1].item()));
        async move { door.retain_from(floor).await }
    });
    while !archive.waits.load(Ordering::SeqCst) {
        tokio::task::yield_now().await;
    }
    // Checked by the old floor, and in line at the door.
    let arrivals = records.iter().cloned().map(Arrival::from).collect();
    let ingesting = door.ingest(Origin::Imported, arrivals);
    tokio::pin!(ingesting);
    tokio::select! {
        biased;
        _ = &mut ingesting => panic!("the door is held"),
        () = std::future::ready(()) => {}
    }
    drop(held);
    assert_eq!(raising.await.unwrap().unwrap(), 0);
    let report = ingesting.await.unwrap();
    let refused = Ingested::Refused(Refusal::BelowFloor { timestamp: 0 });
    assert_eq!(report.outcomes, [refused, Ingested::New(records[1].item())]);
    assert_eq!(door.archive().stats().await.unwrap().messages, 1);
}

#[tokio::test]
async fn messages_come_in_while_what_is_below_the_floor_is_being_removed() {
    let archive = Arc::new(Fickle::default());
    let door = door_to(archive.clone()).await;
    let records: Vec<Record> = (0..3).map(|n| record("/t", "/c", n, b"")).collect();
    let arrival = |place: usize| vec![Arrival::from(records[place].clone())];
    door.ingest(Origin::Imported, arrival(0)).await.unwrap();
    let held = archive.removing.lock().await;
    let raising = tokio::spawn({
        let (door, floor) = (door.clone(), Bound::Before(records[1].item()));
        async move { door.retain_from(floor).await }
    });
    while door.index().contains(&records[0].item()) {
        tokio::task::yield_now().await;
    }
    for place in [1, 2] {
        let report = door.ingest(Origin::Imported, arrival(place)).await.unwrap();
        assert_eq!(report.new, 1);
    }
    assert_eq!(door.archive().stats().await.unwrap().messages, 3);
    drop(held);
    assert_eq!(raising.await.unwrap().unwrap(), 1);
    assert_eq!(door.archive().stats().await.unwrap().messages, 2);
}

#[tokio::test]
async fn a_sweep_that_comes_between_a_floor_and_the_index_leaves_nothing_below_the_floor() {
    let archive = Arc::new(Fickle::default());
    let door = door_to(archive.clone()).await;
    let arrivals = (1..=9).map(|time| Arrival::from(record("/t", "/c", time, b"")));
    door.ingest(Origin::Imported, arrivals.collect())
        .await
        .unwrap();
    let held = archive.writing.lock().await;
    let raising = tokio::spawn({
        let door = door.clone();
        async move { door.retain_from(Bound::at_time(5)).await }
    });
    while !archive.waits.load(Ordering::SeqCst) {
        tokio::task::yield_now().await;
    }
    assert_eq!(door.sweep().await.unwrap(), 0);
    drop(held);
    assert_eq!(raising.await.unwrap().unwrap(), 4);
    assert_eq!(door.archive().stats().await.unwrap().messages, 5);
}

#[tokio::test]
async fn concurrent_batches_end_with_index_and_archive_alike() {
    let door = door().await;
    let tasks: Vec<_> = (0..8)
        .map(|task| {
            let door = door.clone();
            tokio::spawn(async move {
                for n in 0..20 {
                    // Half of what each task brings is brought by its neighbour too.
                    let time = 10 * task + n;
                    let arrival = Arrival::from(record("/t", "/c", time, b""));
                    door.ingest(Origin::Imported, vec![arrival]).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(door.index().len(), 90);
    assert_eq!(door.archive().stats().await.unwrap().messages, 90);
    assert_eq!(door.counters().new, 90);
    assert_eq!(door.counters().duplicates, 70);
}

/// An archive whose commits can be made to fail, with or without having stored the batch.
#[derive(Debug, Default)]
struct Fickle {
    inner: MemoryArchive,
    fails: AtomicBool,
    stores: AtomicBool,
    /// Held to keep side states from being written.
    writing: Mutex<()>,
    /// Held to keep messages from being removed.
    removing: Mutex<()>,
    /// Whether one has been about to be written.
    waits: AtomicBool,
}

impl Fickle {
    fn set(&self, fails: bool, stores: bool) {
        self.fails.store(fails, Ordering::SeqCst);
        self.stores.store(stores, Ordering::SeqCst);
    }
}

#[async_trait]
impl Archive for Fickle {
    async fn append(&self, batch: Vec<Record>) -> Result<Vec<bool>, ArchiveError> {
        tokio::task::yield_now().await;
        if !self.fails.load(Ordering::SeqCst) {
            return self.inner.append(batch).await;
        }
        if self.stores.load(Ordering::SeqCst) {
            self.inner.append(batch).await?;
        }
        Err(ArchiveError::Ending)
    }
    async fn lookup(&self, hashes: &[Id]) -> Result<Vec<Record>, ArchiveError> {
        self.inner.lookup(hashes).await
    }
    async fn locate(&self, hashes: &[Id]) -> Result<Vec<Key>, ArchiveError> {
        self.inner.locate(hashes).await
    }
    async fn scan(&self, scan: &Scan) -> Result<ScanPage, ArchiveError> {
        self.inner.scan(scan).await
    }
    async fn remove(&self, span: &Range, limit: usize) -> Result<usize, ArchiveError> {
        let _removing = self.removing.lock().await;
        self.inner.remove(span, limit).await
    }
    async fn stats(&self) -> Result<ArchiveStats, ArchiveError> {
        self.inner.stats().await
    }
    async fn state(&self, name: &str) -> Result<Option<Vec<u8>>, ArchiveError> {
        self.inner.state(name).await
    }
    async fn set_state(&self, name: &str, value: Option<Vec<u8>>) -> Result<(), ArchiveError> {
        self.waits.store(true, Ordering::SeqCst);
        let _writing = self.writing.lock().await;
        self.inner.set_state(name, value).await
    }
}

#[tokio::test]
async fn a_failed_commit_acknowledges_nothing_and_leaves_the_index_true() {
    let archive = Arc::new(Fickle::default());
    let door = door_to(archive.clone()).await;
    let arrival = |time| vec![Arrival::from(record("/t", "/c", time, b""))];
    archive.set(true, false);
    assert!(door.ingest(Origin::Imported, arrival(1)).await.is_err());
    assert_eq!(door.index().len(), 0);
    archive.set(true, true);
    assert!(door.ingest(Origin::Imported, arrival(2)).await.is_err());
    assert_eq!(door.index().len(), 0);
    assert_eq!(door.counters().new, 0);
    archive.set(false, false);
    let mut settled = door.settled();
    let report = door.ingest(Origin::Imported, arrival(3)).await.unwrap();
    assert_eq!(report.new, 1);
    assert_eq!(door.index().len(), 2);
    assert!(door.index().contains(&record("/t", "/c", 2, b"").item()));
    assert_eq!(
        settled.recv().await.unwrap()[..],
        [record("/t", "/c", 2, b"").hash()]
    );
    let report = door.ingest(Origin::Imported, arrival(1)).await.unwrap();
    assert_eq!(report.new, 1);
}

#[tokio::test]
async fn a_caller_that_stops_waiting_leaves_no_gap_between_archive_and_index() {
    let archive = Arc::new(Fickle::default());
    let door = door_to(archive).await;
    for time in 0..50 {
        let arrivals = vec![Arrival::from(record("/t", "/c", time, b""))];
        tokio::select! {
            biased;
            _ = door.ingest(Origin::Imported, arrivals) => panic!("the archive yields first"),
            () = std::future::ready(()) => {}
        }
    }
    // The door is passed in turn, so that what follows comes last.
    let last = vec![Arrival::from(record("/t", "/c", 50, b""))];
    door.ingest(Origin::Imported, last).await.unwrap();
    let held = door.archive().stats().await.unwrap().messages;
    assert_eq!((held, door.index().len()), (51, 51));
}

#[tokio::test]
async fn a_batch_that_was_found_above_the_floor_is_indexed_before_the_floor_goes_up() {
    let door = door().await;
    let index = door.index();
    let record = record("/t", "/c", 1, b"x");
    let inner = Arc::clone(&door.inner);
    let mut unlocked = inner.door.lock().await;
    let held = index.hold_floor().await;
    // A batch waits for the floor as whoever raises it does, and neither goes between the other's steps.
    let mut checked = vec![Ok(record.clone())];
    let mut fresh = [false];
    let floor = Bound::after(&record.item());
    let removed = {
        let commit = inner.commit(&mut unlocked, &mut checked, &[0], &mut fresh);
        let mut commit = std::pin::pin!(commit);
        assert!(futures::poll!(&mut commit).is_pending());
        let mut raise = std::pin::pin!(index.raise(&floor));
        assert!(futures::poll!(&mut raise).is_pending());
        assert_eq!(index.floor(), Bound::MIN);
        drop(held);
        let (committed, removed) = tokio::join!(commit, raise);
        committed.unwrap();
        removed
    };
    // It was stored and indexed, and then taken out of the index.
    assert_eq!(removed, 1);
    assert_eq!(index.floor(), floor);
    // Whoever comes later is refused.
    inner
        .commit(&mut unlocked, &mut checked, &[0], &mut fresh)
        .await
        .unwrap();
    assert!(matches!(checked[0], Err(Refusal::BelowFloor { .. })));
}
