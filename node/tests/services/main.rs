//! A node's services against peers that behave badly, over loopback, by the library.
#![expect(clippy::unwrap_used, reason = "a test that fails should stop")]

mod network;
#[expect(dead_code, reason = "other tests use the rest")]
#[path = "../peers/mod.rs"]
mod peers;
mod reading;
mod retention;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use libp2p::{Multiaddr, PeerId, StreamProtocol, Swarm};
use prost::Message;
use store_adapter::store::{StoreAnswer, StoreQueryRequest};
use store_adapter::transfer::WakuMessageAndTopic;
use store_adapter::{ArchiveUrl, Record};
use sync_net::{
    Behaviour, ConnectionLimits, Control, FramedStream, NetLimits, build_swarm, identity,
};
use wakustore::net::protocols;
use wakustore::node::{Node, NodeConfig};
use wakustore::store::Store;
use wakustore::traffic::Traffic;

const PATIENCE: Duration = Duration::from_secs(20);

/// A node with some messages in memory.
async fn node() -> (Node, Arc<Store>, Vec<Record>) {
    let mut traffic = Traffic::new(7, 1);
    let now = wakustore::cli::time::now();
    let messages: Vec<_> = (0..20)
        .map(|_| traffic.message(now - 1_000_000_000, now))
        .collect();
    let store = Store::open(&ArchiveUrl::Memory).await.unwrap();
    store.put(messages.clone()).await.unwrap();
    let config = NodeConfig::new(identity::generate(), None)
        .listening_on(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
    let node = Node::start(config, Arc::clone(&store)).await.unwrap();
    let record = |(topic, message)| Record::new(topic, message).unwrap();
    (node, store, messages.into_iter().map(record).collect())
}

/// A foreign peer, connected to `address`.
async fn peer(address: &Multiaddr) -> Control {
    let behaviour = Behaviour::new(NetLimits::default());
    let control = behaviour.control();
    let limits = ConnectionLimits::default();
    let mut swarm: Swarm<Behaviour> =
        build_swarm(&identity::generate(), behaviour, &limits).unwrap();
    swarm.dial(address.clone()).unwrap();
    while control.connected_peers().is_empty() {
        swarm.select_next_some().await;
    }
    tokio::spawn(async move { while swarm.next().await.is_some() {} });
    control
}

async fn open(control: &Control, to: PeerId, protocol: &'static str) -> FramedStream {
    control
        .open(to, StreamProtocol::new(protocol))
        .await
        .unwrap()
}

#[tokio::test]
async fn idle_streams_of_some_peers_do_not_hold_up_the_queries_of_others() {
    let (node, _, records) = node().await;
    let address = node.addresses()[0].clone();
    let mut idle = Vec::new();
    for _ in 0..3 {
        let hostile = peer(&address).await;
        for _ in 0..60 {
            idle.push(open(&hostile, node.peer_id(), protocols::STORE).await);
        }
    }
    let honest = peer(&address).await;
    let hashes: Vec<_> = records.iter().map(Record::hash).collect();
    let request = StoreQueryRequest::by_hashes("r", &hashes, true).encode_to_vec();
    let protocol = StreamProtocol::new(protocols::STORE);
    let asking = honest.request(node.peer_id(), protocol, &request, 16 << 20);
    let response = tokio::time::timeout(PATIENCE, asking)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        StoreAnswer::decode(&response, "r").unwrap().entries.len(),
        records.len()
    );
    assert_eq!(idle.len(), 180);
    node.stop().await;
}

#[tokio::test]
async fn unsolicited_pushes_are_refused_and_counted() {
    let (node, store, _) = node().await;
    let control = peer(&node.addresses()[0]).await;
    let mut stream = open(&control, node.peer_id(), protocols::TRANSFER).await;
    let now = wakustore::cli::time::now();
    let (pubsub_topic, message) = Traffic::new(7, 99).message(now - 1_000, now);
    let frame = WakuMessageAndTopic {
        pubsub_topic,
        message,
    }
    .encode_frame()
    .unwrap();
    stream.send(&frame).await.unwrap();
    stream.close().await.unwrap();
    // The node closes its side when it has dealt with everything.
    assert!(stream.receive().await.unwrap().is_none());
    assert_eq!(node.syncer().counters().unsolicited_pushes.get(), 1);
    assert_eq!(store.len(), 20);
    node.stop().await;
}

#[tokio::test]
async fn a_malformed_push_ends_its_stream_and_nothing_else() {
    let (node, _, records) = node().await;
    let control = peer(&node.addresses()[0]).await;
    let mut stream = open(&control, node.peer_id(), protocols::TRANSFER).await;
    stream.send(&[0xff; 40]).await.unwrap();
    // The stream ends, cleanly or by a reset.
    assert!(!matches!(stream.receive().await, Ok(Some(_))));
    assert_eq!(node.syncer().counters().malformed_pushes.get(), 1);
    let request = StoreQueryRequest::by_hashes("r", &[records[0].hash()], false).encode_to_vec();
    let protocol = StreamProtocol::new(protocols::STORE);
    let response = control
        .request(node.peer_id(), protocol, &request, 1 << 20)
        .await
        .unwrap();
    assert_eq!(
        StoreAnswer::decode(&response, "r").unwrap().entries.len(),
        1
    );
    node.stop().await;
}
