//! Nodes that keep different lengths of history, and sync with each other all the same.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use store_adapter::archive::MemoryArchive;
use store_adapter::floor::FLOOR_STATE;
use store_adapter::{Archive, Record, RetentionPolicy, WakuMessage};
use sync_core::{Bound, Range};
use sync_net::identity;
use wakustore::cli::DialectArg;
use wakustore::node::{Node, NodeConfig};
use wakustore::store::Store;
use wakustore::sync::JobReport;

const SECOND: u64 = 1_000_000_000;

/// Messages of the last half hour, several of each nanosecond that has any.
fn records(now: u64, count: u64) -> Vec<Record> {
    let record = |number: u64| {
        let message = WakuMessage {
            payload: number.to_be_bytes().to_vec(),
            content_topic: "/test/1/retention/proto".into(),
            timestamp: i64::try_from(now - 1_800 * SECOND + number / 7 * SECOND).ok(),
            ..WakuMessage::default()
        };
        Record::new(format!("/waku/2/rs/7/{}", number % 2), message).unwrap()
    };
    (0..count).map(record).collect()
}

async fn started(records: &[Record], policy: &str) -> (Node, Arc<Store>) {
    let archive = Arc::new(MemoryArchive::new());
    archive.append(records.to_vec()).await.unwrap();
    let store = Store::kept(archive, policy.parse().unwrap()).await.unwrap();
    let config = NodeConfig::new(identity::generate(), Some(7))
        .listening_on(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
    (
        Node::start(config, Arc::clone(&store)).await.unwrap(),
        store,
    )
}

/// One session that `from` starts, and what came of it on both sides.
async fn sync(from: &Node, to: &Node, now: u64, dialect: DialectArg) -> [JobReport; 2] {
    let window = Range::of_times(now - 3_600 * SECOND, now);
    let mut finished = to.syncer().finished();
    let peer = from.connect(&to.addresses()[0]).await.unwrap();
    let synced = from.syncer().sync(peer, window, dialect).await.unwrap();
    let other = tokio::time::timeout(crate::PATIENCE, finished.recv()).await;
    [synced.job, other.unwrap().unwrap()]
}

async fn assert_held(store: &Store, count: u64) {
    let held = store.archive().stats().await.unwrap().messages;
    assert_eq!((store.len(), held), (count, count));
}

#[tokio::test]
async fn nodes_of_different_retention_never_refill_each_other() {
    let now = wakustore::cli::time::now();
    let all = records(now, 400);
    for dialect in [DialectArg::Auto, DialectArg::Waku] {
        // The floor lies among messages of one nanosecond: 300 is no multiple of 7.
        let (short, kept) = started(&all, "capacity:100").await;
        let (long, whole) = started(&all, "none").await;
        let floor = kept.index().floor();
        let Bound::Before(oldest) = floor else {
            panic!("a floor without an item");
        };
        assert!(all.iter().any(|record| {
            record.item().timestamp == oldest.timestamp && record.item() < oldest
        }));
        for _ in 0..3 {
            for (from, to) in [(&short, &long), (&long, &short)] {
                for job in sync(from, to, now, dialect).await {
                    assert_eq!((job.need(), job.have), (0, 0), "{dialect:?}: {job:?}");
                    assert_eq!((job.sent, job.received, job.unsolicited), (0, 0, 0));
                }
                assert_held(&kept, 100).await;
                assert_held(&whole, 400).await;
            }
        }
        // What is above the floor still goes both ways, and nothing else with it.
        let more = records(now, 404);
        let put = |record: &Record| (record.pubsub_topic().to_string(), record.message().clone());
        whole
            .put(more[400..402].iter().map(put).collect())
            .await
            .unwrap();
        kept.put(more[402..].iter().map(put).collect())
            .await
            .unwrap();
        for job in sync(&short, &long, now, dialect).await {
            assert_eq!(
                (job.need(), job.fetch.fetched),
                (2, 2),
                "{dialect:?}: {job:?}"
            );
        }
        assert_held(&kept, 104).await;
        assert_held(&whole, 404).await;
        assert_eq!(kept.index().floor(), floor);
        // The floor goes up while both run.
        let up = Bound::Before(more[390].item());
        kept.door().retain_from(up).await.unwrap();
        let left = kept.len();
        for (from, to) in [(&long, &short), (&short, &long)] {
            for job in sync(from, to, now, dialect).await {
                assert_eq!((job.need(), job.have), (0, 0), "{dialect:?}: {job:?}");
            }
            assert_held(&kept, left).await;
        }
        short.stop().await;
        long.stop().await;
    }
}

#[tokio::test]
async fn what_an_interrupted_removal_has_left_is_no_fault_and_goes_at_the_next_start() {
    let archive = Arc::new(MemoryArchive::new());
    let mut records = records(wakustore::cli::time::now(), 100);
    archive.append(records.clone()).await.unwrap();
    records.sort_by_key(Record::item);
    let first = records[40].item();
    let floor = [&first.timestamp.to_be_bytes()[..], &first.id.0].concat();
    archive.set_state(FLOOR_STATE, Some(floor)).await.unwrap();
    let looked_at = async |store: Arc<Store>| {
        let verified = store.verify().await.unwrap();
        assert_eq!(verified.shown, Vec::<String>::new());
        (verified.faults, verified.messages, verified.given_up)
    };
    let store = Store::over(archive.clone()).await.unwrap();
    assert_eq!(looked_at(store).await, (0, 60, 40));
    let store = Store::kept(archive, RetentionPolicy::NONE).await.unwrap();
    assert_eq!(looked_at(store).await, (0, 60, 0));
}
