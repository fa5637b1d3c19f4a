//! `/store/v1/counts`.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use store_adapter::archive::{ArchiveStats, MemoryArchive, Scan, ScanPage};
use store_adapter::{Archive, ArchiveError, Key, Record, WakuMessage};
use sync_core::{Bound, Id, Range};
use sync_net::identity;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use wakustore::counts::{Bucket, CountsSpan};
use wakustore::node::{Node, NodeConfig};
use wakustore::rest::{RestConfig, RestServer};
use wakustore::store::Store;

use crate::client::Client;
use crate::{CLUSTER, PATIENCE, Place, messages};

const PATH: &str = "/store/v1/counts";

/// Nanoseconds of an hour.
const HOUR: u64 = 3_600_000_000_000;

/// A time at the beginning of an hour and a day.
const MIDNIGHT: u64 = 1_700_006_400_000_000_000;

/// How long an answer may take, whatever the archive is at.
const AT_ONCE: Duration = Duration::from_secs(1);

fn record(shard: u16, content_topic: &str, time: u64, length: usize) -> Record {
    let message = WakuMessage {
        payload: vec![7; length],
        content_topic: content_topic.into(),
        timestamp: Some(i64::try_from(time).unwrap()),
        ..WakuMessage::default()
    };
    Record::new(format!("/waku/2/rs/{CLUSTER}/{shard}"), message).unwrap()
}

/// Waits until the counts are as `expected` says.
async fn counts_with(
    client: Client,
    parameters: &[(&str, &str)],
    expected: impl Fn(&Value) -> bool,
) -> Value {
    let until = Instant::now() + PATIENCE;
    loop {
        let counts = client.query(PATH, parameters).await.json();
        if expected(&counts) {
            return counts;
        }
        assert!(Instant::now() < until, "the counts stay {counts}");
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn what_is_held_is_told_by_bucket_shard_and_content_topic() {
    let records = vec![
        record(0, "/a/1/x/proto", MIDNIGHT, 10),
        record(0, "/a/1/x/proto", MIDNIGHT + HOUR - 1, 20),
        record(1, "/a/1/y/proto", MIDNIGHT + HOUR, 30),
        record(0, "/a/1/x/proto", MIDNIGHT + 5 * HOUR, 40),
    ];
    let bytes: Vec<usize> = records.iter().map(Record::encoded_len).collect();
    let place = Place::start(records, RestConfig::default(), |_| {}).await;
    let since = MIDNIGHT.to_string();
    let parameters = [("since", &*since), ("until", "2023-11-15T04:30:00Z")];
    let counts = place.client.query(PATH, &parameters).await.json();
    let shard = |shard: u16, messages: u64, bytes: usize| {
        let topic = format!("/waku/2/rs/{CLUSTER}/{shard}");
        json!([{"pubsubTopic": topic, "messages": messages, "bytes": bytes}])
    };
    let topic = |topic: &str, messages: u64, bytes: usize| json!([{"contentTopic": topic, "messages": messages, "bytes": bytes}]);
    let first = bytes[0] + bytes[1];
    let expected = json!([
        {
            "start": MIDNIGHT, "messages": 2, "bytes": first, "shards": shard(0, 2, first),
            "contentTopics": topic("/a/1/x/proto", 2, first),
        },
        {
            "start": MIDNIGHT + HOUR, "messages": 1, "bytes": bytes[2],
            "shards": shard(1, 1, bytes[2]), "contentTopics": topic("/a/1/y/proto", 1, bytes[2]),
        },
    ]);
    assert_eq!(counts["buckets"], expected);
    assert_eq!(
        counts["total"],
        json!({"messages": 3, "bytes": first + bytes[2]})
    );
    assert_eq!(counts["since"], json!(MIDNIGHT));
    assert_eq!(counts["until"], json!(MIDNIGHT + 5 * HOUR));
    assert_eq!(counts["bucketSeconds"], json!(3_600));
    assert_eq!(counts["truncated"], json!(false));
    let now = wakustore::cli::time::now();
    let (at, age) = (
        counts["at"].as_u64().unwrap(),
        counts["ageSeconds"].as_f64().unwrap(),
    );
    assert!((0.0..20.0).contains(&age) && at <= now && now - at < 30_000_000_000);
    let parameters = [("bucket", "6h"), ("since", &*since)];
    let counts = place.client.query(PATH, &parameters).await.json();
    assert_eq!(counts["buckets"].as_array().unwrap().len(), 1);
    assert_eq!(counts["buckets"][0]["messages"], json!(4));
    let other = place
        .client
        .query(PATH, &[("since", &*since), ("until", &*since)])
        .await;
    assert_eq!(other.json()["buckets"], json!([]));
    place.node.stop().await;
}

#[tokio::test]
async fn counts_follow_what_comes_and_goes() {
    let store = Store::over(Arc::new(MemoryArchive::new())).await.unwrap();
    let (node, client) = node_over(&store).await;
    let records = messages(300, 3);
    put(&store, &records).await;
    let counts = counts_with(client, &[], |counts| counts["total"]["messages"] == 300).await;
    let mut expected = BTreeMap::<String, u64>::new();
    for record in &records {
        *expected
            .entry(record.pubsub_topic().to_string())
            .or_default() += 1;
    }
    let mut told = BTreeMap::<String, u64>::new();
    for bucket in counts["buckets"].as_array().unwrap() {
        for shard in bucket["shards"].as_array().unwrap() {
            let topic = shard["pubsubTopic"].as_str().unwrap().to_owned();
            *told.entry(topic).or_default() += shard["messages"].as_u64().unwrap();
        }
    }
    assert_eq!(told, expected);
    let floor = Bound::Before(records[100].item());
    store.door().retain_from(floor).await.unwrap();
    counts_with(client, &[], |counts| counts["total"]["messages"] == 200).await;
    let now = wakustore::cli::time::now();
    let span = CountsSpan::new(Bucket::HOUR, now - 2 * HOUR, now);
    assert_eq!(node.counts().read(&span).total.messages, 200);
    node.stop().await;
}

#[tokio::test]
async fn a_parameter_that_cannot_be_read_is_refused_with_what_was_expected() {
    let place = Place::holding(1).await;
    let get = async |parameters: &[(&str, &str)]| place.client.query(PATH, parameters).await;
    get(&[("bucket", "10m")]).await.refuses(400, "whole hours");
    get(&[("bucket", "0h")]).await.refuses(400, "1h");
    get(&[("since", "yesterday")])
        .await
        .refuses(400, "RFC 3339");
    get(&[("until", "-1x")]).await.refuses(400, "-2h");
    let twice = [("since", "-1h"), ("since", "-2h")];
    get(&twice).await.refuses(400, "expected `since` once");
    assert_eq!(get(&[("unknown", "x")]).await.status, 200);
    place.node.stop().await;
}

/// An archive whose scans can be held up.
#[derive(Debug)]
struct Busy {
    inner: MemoryArchive,
    busy: watch::Sender<bool>,
}

#[async_trait]
impl Archive for Busy {
    async fn append(&self, batch: Vec<Record>) -> Result<Vec<bool>, ArchiveError> {
        self.inner.append(batch).await
    }
    async fn lookup(&self, hashes: &[Id]) -> Result<Vec<Record>, ArchiveError> {
        self.inner.lookup(hashes).await
    }
    async fn locate(&self, hashes: &[Id]) -> Result<Vec<Key>, ArchiveError> {
        self.inner.locate(hashes).await
    }
    async fn scan(&self, scan: &Scan) -> Result<ScanPage, ArchiveError> {
        let mut busy = self.busy.subscribe();
        let _ = busy.wait_for(|busy| !busy).await;
        self.inner.scan(scan).await
    }
    async fn remove(&self, span: &Range, limit: usize) -> Result<usize, ArchiveError> {
        self.inner.remove(span, limit).await
    }
    async fn stats(&self) -> Result<ArchiveStats, ArchiveError> {
        self.inner.stats().await
    }
    async fn state(&self, name: &str) -> Result<Option<Vec<u8>>, ArchiveError> {
        self.inner.state(name).await
    }
    async fn set_state(&self, name: &str, value: Option<Vec<u8>>) -> Result<(), ArchiveError> {
        self.inner.set_state(name, value).await
    }
}

async fn node_over(store: &Arc<Store>) -> (Node, Client) {
    let config = RestConfig {
        port: 0,
        ..RestConfig::default()
    };
    let rest = RestServer::listen(config).await.unwrap();
    let client = Client(rest.address());
    let mut config = NodeConfig::new(identity::generate(), Some(CLUSTER))
        .listening_on(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
    config.rest = Some(rest);
    (
        Node::start(config, Arc::clone(store)).await.unwrap(),
        client,
    )
}

async fn put(store: &Store, records: &[Record]) {
    let parts = records.iter().cloned().map(Record::into_parts);
    let messages = parts.map(|(topic, message)| (topic.to_string(), message));
    store.put(messages.collect()).await.unwrap();
}

#[tokio::test]
async fn a_busy_archive_is_told_of_by_the_last_figures_and_their_age() {
    let archive = Arc::new(Busy {
        inner: MemoryArchive::new(),
        busy: watch::Sender::new(false),
    });
    let store = Store::over(Arc::<Busy>::clone(&archive)).await.unwrap();
    let (node, client) = node_over(&store).await;
    let records: Vec<Record> = (0..30)
        .map(|n| record(0, "/a/1/x/proto", MIDNIGHT + n, 10))
        .collect();
    put(&store, &records).await;
    let path = format!("{PATH}?since={MIDNIGHT}");
    let since = MIDNIGHT.to_string();
    let parameters = [("since", &*since)];
    let held = |messages: u64| move |counts: &Value| counts["total"]["messages"] == messages;
    counts_with(client, &parameters, held(30)).await;
    archive.busy.send_replace(true);
    // The hour that loses messages can't be counted anew.
    let floor = Bound::Before(records[10].item());
    store.door().retain_from(floor).await.unwrap();
    let until = Instant::now() + PATIENCE;
    let mut age = 0.0;
    while age < 2.5 {
        let answer = timeout(AT_ONCE, client.get(&path)).await.unwrap().json();
        age = answer["ageSeconds"].as_f64().unwrap();
        assert_eq!(answer["total"]["messages"], 30);
        assert!(Instant::now() < until, "the age stays {age}");
        sleep(Duration::from_millis(100)).await;
    }
    archive.busy.send_replace(false);
    let counts = counts_with(client, &parameters, held(20)).await;
    assert!(counts["ageSeconds"].as_f64().unwrap() < age);
    node.stop().await;
}
