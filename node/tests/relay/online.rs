//! Peers that only relay: the node is online with them, and is told of as what it is.

use libp2p::StreamProtocol;
use store_adapter::ArchiveUrl;
use store_adapter::limits::METADATA_BYTES;
use store_adapter::metadata::WakuMetadata;
use sync_net::identity;
use wakustore::net::protocols;
use wakustore::node::{Node, NodeConfig, Services};
use wakustore::relay::RelayConfig;
use wakustore::resume::ResumeConfig;
use wakustore::store::Store;

use crate::peers::Peer;
use crate::support::{CLUSTER, Relaying, TOPIC, until};

/// A node that keeps track of its absences, and relays if `relay` says how.
async fn keeping_track(relay: Option<RelayConfig>) -> Node {
    let config = NodeConfig {
        resume: Some(ResumeConfig::default()),
        relay,
        ..NodeConfig::new(identity::generate(), Some(CLUSTER))
    };
    let store = Store::open(&ArchiveUrl::Memory).await.unwrap();
    Node::start(config, store).await.unwrap()
}

#[tokio::test]
async fn a_node_that_relays_is_online_with_a_peer_that_does_nothing_else() {
    let config = NodeConfig {
        serve: Services {
            store: false,
            sync: false,
        },
        ..Relaying::config(RelayConfig::of_topics([TOPIC]))
    };
    let store = Store::open(&ArchiveUrl::Memory).await.unwrap();
    let relays = Node::start(config, store).await.unwrap();
    let address = &relays.addresses()[0];

    let alone = keeping_track(None).await;
    alone.connect(address).await.unwrap();
    let node = keeping_track(Some(RelayConfig::of_topics([TOPIC]))).await;
    node.connect(address).await.unwrap();
    until(async || node.resume().unwrap().ledger().last_online().is_some()).await;
    // It was connected before, and looks as often.
    assert_eq!(alone.resume().unwrap().ledger().last_online(), None);
}

#[tokio::test]
async fn peers_are_told_of_the_shards_that_are_relayed() {
    let topics = [TOPIC, "/waku/2/rs/99/7", "/waku/2/rs/98/3", "/other"];
    let node = Relaying::start(RelayConfig::of_topics(topics)).await;
    let peer = Peer::connect(&node.node.addresses()[0]).await;
    let request = WakuMetadata::new(Some(CLUSTER.into()), Vec::new())
        .unwrap()
        .encode();
    let protocol = StreamProtocol::new(protocols::METADATA);
    let asking = peer
        .control
        .request(node.node.peer_id(), protocol, &request, METADATA_BYTES);
    let told = WakuMetadata::decode(&asking.await.unwrap()).unwrap();
    assert_eq!(told.cluster_id, Some(CLUSTER.into()));
    assert_eq!(told.shards, [0, 7]);
}
