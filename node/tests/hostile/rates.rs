//! Peers that ask and push more than they may have in a time. Others get theirs.

use std::time::Duration;

use libp2p::StreamProtocol;
use prost::Message;
use store_adapter::Record;
use store_adapter::metadata::WakuMetadata;
use store_adapter::store::{StoreQueryRequest, StoreQueryResponse, status};
use store_adapter::transfer::WakuMessageAndTopic;
use sync_net::{DialectChoice, RequestError};
use tokio::time::timeout;
use wakustore::cli::DialectArg;
use wakustore::net::protocols;
use wakustore::node::NodeConfig;
use wakustore::rates::{RateLimits, RateSetting, Reason, Service};

use crate::peers::{PATIENCE, Peer, record};
use crate::support::{Target, an_hour_ago, eventually, messages, window};

fn config(settings: &[&str]) -> NodeConfig {
    let settings: Vec<RateSetting> = settings.iter().map(|text| text.parse().unwrap()).collect();
    let mut config = Target::config();
    config.rates.limits = RateLimits::with(&settings);
    config
}

async fn ask(peer: &Peer, target: &Target) -> StoreQueryResponse {
    let hash = messages(5)[0].hash();
    let request = StoreQueryRequest::by_hashes("r", &[hash], true).encode_to_vec();
    let protocol = StreamProtocol::new(protocols::STORE);
    let asking = peer
        .control
        .request(target.node.peer_id(), protocol, &request, 1 << 20);
    let response = timeout(PATIENCE, asking).await.unwrap().unwrap();
    StoreQueryResponse::decode(&*response).unwrap()
}

async fn metadata(peer: &Peer, target: &Target) -> Result<Vec<u8>, RequestError> {
    let request = WakuMetadata::new(Some(7), vec![]).unwrap().encode();
    let protocol = StreamProtocol::new(protocols::METADATA);
    let asking = peer
        .control
        .request(target.node.peer_id(), protocol, &request, 1 << 10);
    timeout(PATIENCE, asking).await.unwrap()
}

#[tokio::test]
async fn a_flood_of_queries_of_one_peer_is_refused_by_word_and_the_others_get_theirs() {
    let target = Target::start(config(&["store:40/1h", "store/peer:5/1h"]), &messages(5)).await;
    let flood = Peer::connect(&target.address()).await;
    let (mut served, mut refused) = (0, 0);
    for _ in 0..50 {
        let response = ask(&flood, &target).await;
        match response.status_code {
            status::OK => served += 1,
            code => {
                assert_eq!(code, status::TOO_MANY_REQUESTS);
                assert_eq!(response.status_desc, "TOO_MANY_REQUESTS");
                assert_eq!(response.request_id, "N/A", "it was answered unread");
                refused += 1;
            }
        }
    }
    assert_eq!((served, refused), (5, 45));
    for _ in 0..3 {
        let other = Peer::connect(&target.address()).await;
        for _ in 0..5 {
            assert_eq!(ask(&other, &target).await.status_code, status::OK);
        }
    }
    let counters = target.node.limiter().counters(Service::Store);
    assert_eq!(counters.served.get(), 20);
    assert_eq!(counters.refused_for(Reason::PeerRequests), 45);
    assert_eq!(counters.refused(), 45);
}

#[tokio::test]
async fn answers_are_counted_in_bytes_and_a_peer_that_had_its_bytes_waits() {
    let target = Target::start(config(&["store/peer:1kB/1h"]), &messages(5)).await;
    let (greedy, other) = (
        Peer::connect(&target.address()).await,
        Peer::connect(&target.address()).await,
    );
    let mut served = 0;
    while ask(&greedy, &target).await.status_code == status::OK {
        served += 1;
    }
    let counters = target.node.limiter().counters(Service::Store);
    let bytes = counters.sent.get() + counters.received.get();
    assert!((2..8).contains(&served), "{served}");
    assert!((700..2_000).contains(&bytes), "in units of 64: {bytes}");
    assert_eq!(counters.refused_for(Reason::PeerBytes), 1);
    assert_eq!(ask(&other, &target).await.status_code, status::OK);
}

#[tokio::test]
async fn metadata_beyond_the_rate_is_refused_without_a_word_and_counted() {
    let target = Target::start(config(&["metadata/peer:3/1h"]), &[]).await;
    let (flood, other) = (
        Peer::connect(&target.address()).await,
        Peer::connect(&target.address()).await,
    );
    let mut refused = 0;
    for _ in 0..10 {
        refused += usize::from(metadata(&flood, &target).await.is_err());
    }
    assert_eq!(refused, 7);
    assert!(metadata(&other, &target).await.is_ok());
    let counters = target.node.limiter().counters(Service::Metadata);
    assert_eq!((counters.served.get(), counters.refused()), (4, 7));
}

#[tokio::test]
async fn sessions_beyond_the_rate_are_answered_busy_and_others_reconcile() {
    for (choice, protocol) in [
        (DialectChoice::Own, protocols::RECONCILE),
        (DialectChoice::Waku, protocols::RECONCILIATION),
    ] {
        let all = messages(30);
        let target = Target::start(config(&["sync/peer:2/1h"]), &all).await;
        let to = target.node.peer_id();
        let (flood, other) = (
            Peer::connect(&target.address()).await,
            Peer::connect(&target.address()).await,
        );
        let items = || all.iter().map(Record::item);
        let mut done = 0;
        let sessions = flood.claiming(items());
        for _ in 0..10 {
            done += usize::from(sessions.reconcile(to, window(), choice).await.is_ok());
        }
        assert_eq!(done, 2, "{protocol}");
        let honest = other.claiming(items());
        assert_eq!(
            honest.reconcile(to, window(), choice).await.unwrap().need,
            0
        );
        let counters = target.node.limiter().counters(Service::Sync);
        assert_eq!(
            (counters.served.get(), counters.refused()),
            (3, 8),
            "{protocol}"
        );
    }
}

#[tokio::test]
async fn a_flood_of_pushes_waits_and_the_pushes_of_others_are_read() {
    let target = Target::start(config(&["transfer/peer:4/1h"]), &[]).await;
    let to = target.node.peer_id();
    let (flood, other) = (
        Peer::connect(&target.address()).await,
        Peer::connect(&target.address()).await,
    );
    let unsolicited = &target.node.syncer().counters().unsolicited_pushes;
    let mut flooding = flood.open(to, protocols::TRANSFER).await;
    for number in 0..20 {
        flooding.send(&push(number)).await.unwrap();
    }
    eventually("four are read", || unsolicited.get() == 4).await;
    let mut pushing = other.open(to, protocols::TRANSFER).await;
    for number in 0..4 {
        pushing.send(&push(100 + number)).await.unwrap();
    }
    eventually("four of the other are read", || unsolicited.get() == 8).await;
    let counters = target.node.limiter().counters(Service::Transfer);
    assert_eq!((counters.served.get(), counters.refused()), (8, 0));
    assert_eq!(
        counters.paced.get(),
        1,
        "the flood waits, and wasn't cut off"
    );
}

fn push(number: u64) -> Vec<u8> {
    let (topic, message) = record(an_hour_ago() + number, 100).into_parts();
    let frame = WakuMessageAndTopic {
        pubsub_topic: topic.to_string(),
        message,
    };
    frame.encode_frame().unwrap()
}

#[tokio::test]
async fn streams_beyond_the_rate_are_refused_and_others_have_theirs() {
    let target = Target::start(config(&["streams/peer:10/1h"]), &messages(5)).await;
    let (flood, other) = (
        Peer::connect(&target.address()).await,
        Peer::connect(&target.address()).await,
    );
    for _ in 0..10 {
        assert_eq!(ask(&flood, &target).await.status_code, status::OK);
    }
    for _ in 0..5 {
        let refused = ask(&flood, &target).await;
        assert_eq!(refused.status_code, status::TOO_MANY_REQUESTS);
        assert!(metadata(&flood, &target).await.is_err());
    }
    assert_eq!(ask(&other, &target).await.status_code, status::OK);
    assert!(metadata(&other, &target).await.is_ok());
    let counters = target.node.limiter().counters(Service::Streams);
    assert_eq!(counters.refused_for(Reason::PeerRequests), 10);
}

#[tokio::test]
async fn under_a_bandwidth_a_sync_fills_everything_and_is_held_to_it() {
    let all: Vec<Record> = (0..60)
        .map(|number| record(an_hour_ago() + number, 20_000))
        .collect();
    let mut config = config(&[]);
    config.rates.bandwidth = Some(1_000_000);
    let server = Target::start(config, &all).await;
    let mut config = Target::config();
    config.sync_limits.query = PATIENCE;
    let puller = Target::start(config, &[]).await;
    let peer = puller.node.connect(&server.address()).await.unwrap();
    let begun = std::time::Instant::now();
    let syncing = puller
        .node
        .syncer()
        .sync(peer, window().window, DialectArg::default());
    let synced = syncing.await.unwrap();
    assert_eq!(synced.job.fetch.fetched, 60);
    // A tenth of a second's bytes go at once. Slower is no fault.
    assert!(
        begun.elapsed() > Duration::from_secs(1),
        "{:?}",
        begun.elapsed()
    );
    let counters = server.node.limiter().counters(Service::Store);
    assert!(counters.sent.get() > 1_200_000);
    assert!(counters.paced.get() > 50, "{}", counters.paced.get());
}

#[tokio::test]
async fn a_node_that_is_asked_to_be_patient_fills_everything_in_the_end() {
    let all = messages(400);
    let server = Target::start(config(&["store/peer:3/1s"]), &all).await;
    let puller = Target::start(Target::config(), &[]).await;
    let peer = puller.node.connect(&server.address()).await.unwrap();
    let syncing = puller
        .node
        .syncer()
        .sync(peer, window().window, DialectArg::default());
    let synced = syncing.await.unwrap();
    assert_eq!(
        (synced.job.fetch.fetched, synced.job.fetch.owed()),
        (400, 0)
    );
    let refused = server.node.limiter().counters(Service::Store).refused();
    assert!(refused > 0, "it was refused, and asked again");
}
