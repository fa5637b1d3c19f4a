//! Subscriptions that change while nodes run, and nodes that end and come back.

use std::sync::Arc;

use store_adapter::ArchiveUrl;
use store_adapter::sharding::Autosharding;
use wakustore::relay::{PublishError, RelayConfig, RelayError};
use wakustore::store::Store;

use crate::support::{CLUSTER, Relaying, TOPIC, message, pair, until};

const OTHER: &str = "/waku/2/rs/99/5";

fn owned(topics: &[&str]) -> Vec<String> {
    topics.iter().map(|&topic| topic.to_owned()).collect()
}

#[tokio::test]
async fn a_node_takes_messages_of_what_it_is_subscribed_to_alone() {
    let [one, two] = pair().await;
    let refused = one.relay().publish(OTHER, message(b"no", 0)).await;
    assert!(matches!(refused, Err(PublishError::NotSubscribed(topic)) if topic == OTHER));
    one.relay().subscribe(&owned(&[OTHER])).await.unwrap();
    two.sees(OTHER, 1).await;
    let alone = one.relay().publish(OTHER, message(b"alone", 0)).await;
    assert!(matches!(alone, Err(PublishError::NoPeers(_))), "{alone:?}");
    assert_eq!(two.relay().cached(OTHER), None);

    two.relay().subscribe(&owned(&[OTHER])).await.unwrap();
    assert_eq!(Vec::from_iter(two.relay().subscriptions()), [TOPIC, OTHER]);
    one.sees(OTHER, 1).await;
    let sent = one.relay().publish(OTHER, message(b"both", 0)).await;
    two.gets(sent.unwrap().hash).await;
    until(async || two.relay().cached(OTHER).unwrap().len() == 1).await;

    two.relay().unsubscribe(&owned(&[OTHER])).await.unwrap();
    one.sees(OTHER, 0).await;
    assert_eq!(two.relay().cached(OTHER), None);
    let alone = one.relay().publish(OTHER, message(b"left", 0)).await;
    assert!(matches!(alone, Err(PublishError::NoPeers(_))), "{alone:?}");

    two.relay().subscribe(&owned(&[OTHER])).await.unwrap();
    one.sees(OTHER, 1).await;
    let sent = one.relay().publish(OTHER, message(b"back", 0)).await;
    two.gets(sent.unwrap().hash).await;
    assert_eq!(two.store.len(), 2);
}

#[tokio::test]
async fn peers_of_a_topic_get_into_its_mesh() {
    let [one, two] = pair().await;
    until(async || one.relay().mesh().await == [(TOPIC.to_owned(), vec![two.node.peer_id()])])
        .await;
    let peers = one.relay().peers().await;
    assert_eq!(peers[0].topics, [TOPIC]);
    assert_eq!(peers[0].meshes, [TOPIC]);
}

#[tokio::test]
async fn content_topics_are_read_by_themselves() {
    let auto = || RelayConfig {
        autosharding: Autosharding::new(CLUSTER, 8),
        ..RelayConfig::default()
    };
    let (one, two) = (Relaying::start(auto()).await, Relaying::start(auto()).await);
    let content = message(b"hi", 0).content_topic;
    for node in [&one, &two] {
        let topics = [content.clone()];
        node.relay().subscribe_content(&topics).await.unwrap();
    }
    one.meet(&two).await;
    let shard = "/waku/2/rs/99/3";
    one.sees(shard, 1).await;
    let sent = one.relay().publish(shard, message(b"hi", 0)).await;
    two.gets(sent.unwrap().hash).await;
    assert_eq!(two.relay().cached(shard), None, "not subscribed to as such");
    assert_eq!(two.relay().cached_content("/a/1/b/proto"), None);
    until(async || {
        let cached = two.relay().cached_content(&content).unwrap();
        cached.iter().any(|message| message.payload == b"hi")
    })
    .await;
    two.relay().unsubscribe_content(&[content]).await.unwrap();
    assert!(two.relay().subscriptions().is_empty());
    one.sees(shard, 0).await;
}

#[tokio::test]
async fn content_topics_without_a_shard_change_nothing() {
    let node = Relaying::plain().await;
    let topics = owned(&["/a/1/b/proto"]);
    let refused = node.relay().subscribe_content(&topics).await;
    assert!(matches!(refused, Err(RelayError::StaticSharding)));
    let node = Relaying::start(RelayConfig {
        autosharding: Autosharding::new(CLUSTER, 8),
        ..RelayConfig::default()
    })
    .await;
    let topics = owned(&["/a/1/b/proto", "/a/b"]);
    let refused = node.relay().subscribe_content(&topics).await;
    assert!(matches!(refused, Err(RelayError::ContentTopic(_))));
    assert!(node.relay().subscriptions().is_empty());
}

#[tokio::test]
async fn a_node_that_ends_has_archived_what_it_took_and_relays_again_after() {
    let directory = tempfile::tempdir().unwrap();
    let url = ArchiveUrl::Redb(directory.path().join("archive"));
    let one = Relaying::plain().await;
    let start = async || {
        let store = Store::open(&url).await.unwrap();
        Relaying::over(RelayConfig::of_topics([TOPIC]), store).await
    };
    let two = start().await;
    two.meet(&one).await;
    one.sees(TOPIC, 1).await;
    let mut hashes = Vec::new();
    for number in 0..100_u8 {
        hashes.push(one.publishes(message(&[number], 0)).await);
    }
    let taken = {
        let counters = two.relay().counters();
        until(async || counters.received.get() == 100).await;
        counters.received.get() - counters.dropped.get()
    };
    let Relaying { node, store } = two;
    node.stop().await;
    assert_eq!(store.len(), taken);
    // Two nodes can't have one archive.
    until(async || Arc::strong_count(&store) == 1).await;
    drop(store);

    one.sees(TOPIC, 0).await;
    let two = start().await;
    assert_eq!(two.store.len(), taken);
    two.meet(&one).await;
    one.sees(TOPIC, 1).await;
    let hash = one.publishes(message(b"again", 0)).await;
    two.gets(hash).await;
}
