//! What one node publishes, others archive, by the rules of live messages.

use prost::Message;
use store_adapter::Refusal;
use store_adapter::message_hash;
use wakustore::relay::PublishError;

use crate::support::{Relaying, SECOND, TOPIC, message, pair, until};

#[tokio::test]
async fn what_one_node_publishes_is_archived_at_all() {
    let [first, middle] = pair().await;
    let last = Relaying::plain().await;
    last.meet(&middle).await;
    // The middle one alone is connected with both others.
    middle.sees(TOPIC, 2).await;
    last.sees(TOPIC, 1).await;
    let sent = message(b"hi", 0);
    let hash = first.publishes(sent.clone()).await;
    assert_eq!(hash, message_hash(TOPIC, &sent));
    assert!(first.holds(hash).await, "before publish returns");
    middle.gets(hash).await;
    last.gets(hash).await;
    let stored = last.store.archive().lookup(&[hash]).await.unwrap();
    assert_eq!(stored[0].message(), &sent);
    assert_eq!(&**stored[0].pubsub_topic(), TOPIC);
    assert_eq!(last.store.len(), 1, "in the index too");
    for node in [&first, &middle, &last] {
        // It is kept for readers once it is archived.
        until(async || node.relay().cached(TOPIC).unwrap() == std::slice::from_ref(&sent)).await;
        assert_eq!(node.relay().cached(TOPIC).unwrap(), [], "taken before");
    }
    assert_eq!(first.relay().counters().published.get(), 1);
    assert_eq!(last.relay().counters().archived.get(), 1);
    for node in [first, middle, last] {
        node.node.stop().await;
    }
}

#[tokio::test]
async fn many_messages_at_once_are_all_archived() {
    let [one, two] = pair().await;
    let mut hashes = Vec::new();
    for number in 0..200_u32 {
        hashes.push(one.publishes(message(&number.to_be_bytes(), 0)).await);
    }
    for hash in hashes {
        two.gets(hash).await;
    }
    assert_eq!(two.store.digest(), one.store.digest());
    assert_eq!(two.relay().counters().dropped.get(), 0);
}

#[tokio::test]
async fn an_ephemeral_message_is_passed_on_and_archived_nowhere() {
    let [one, two] = pair().await;
    let mut fleeting = message(b"now or never", 0);
    fleeting.ephemeral = Some(true);
    let published = one.relay().publish(TOPIC, fleeting.clone()).await.unwrap();
    assert_eq!(published.unarchived, Some(Refusal::Ephemeral));
    assert_eq!(one.relay().counters().ephemeral.get(), 1);
    until(async || two.relay().counters().ephemeral.get() == 1).await;
    until(async || two.relay().cached(TOPIC).unwrap() == std::slice::from_ref(&fleeting)).await;
    assert!(!one.holds(published.hash).await);
    assert!(!two.holds(published.hash).await);
    assert_eq!(two.store.len(), 0);
}

#[tokio::test]
async fn messages_of_another_time_are_sent_but_archived_nowhere() {
    let [one, two] = pair().await;
    for (from_now, refused) in [(-21 * SECOND, 1), (25 * SECOND, 2)] {
        let published = one.relay().publish(TOPIC, message(b"late", from_now)).await;
        let refusal = published.unwrap().unarchived;
        assert!(matches!(refusal, Some(Refusal::NotLive { .. })));
        until(async || two.relay().counters().refused()["not_live"] == refused).await;
    }
    assert_eq!((one.store.len(), two.store.len()), (0, 0));
    assert_eq!(two.relay().cached(TOPIC).unwrap(), []);
    // Nobody is blamed for it.
    let peers = two.relay().peers().await;
    assert!(peers[0].score >= 0.0, "{peers:?}");
    let hash = one.publishes(message(b"in time", -19 * SECOND)).await;
    two.gets(hash).await;
}

#[tokio::test]
async fn what_no_peer_would_take_is_not_sent() {
    let [one, two] = pair().await;
    let mut oversized = message(&[7; 153_000], 0);
    let rest = 153_601 - oversized.encoded_len();
    oversized.payload.extend(vec![7; rest]);
    let refused = one.relay().publish(TOPIC, oversized.clone()).await;
    assert!(
        matches!(
            refused,
            Err(PublishError::Refused(Refusal::MessageTooLong {
                bytes: 153_601
            }))
        ),
        "{refused:?}"
    );
    oversized.payload.pop();
    let hash = one.publishes(oversized).await;
    two.gets(hash).await;
    assert_eq!(two.relay().counters().received.get(), 1);
}

#[tokio::test]
async fn without_a_peer_the_message_is_archived_and_the_publisher_told() {
    let alone = Relaying::plain().await;
    let result = alone.relay().publish(TOPIC, message(b"hello?", 0)).await;
    let Err(PublishError::NoPeers(published)) = result else {
        panic!("there is nobody: {result:?}");
    };
    assert!(alone.holds(published.hash).await);
    assert_eq!(alone.relay().counters().unsent.get(), 1);
}

#[tokio::test]
async fn a_message_published_twice_is_stored_and_sent_once() {
    let [one, two] = pair().await;
    let sent = message(b"again", 0);
    let hash = one.publishes(sent.clone()).await;
    assert_eq!(one.publishes(sent).await, hash);
    let last = one.publishes(message(b"behind it", 0)).await;
    two.gets(last).await;
    assert_eq!(two.relay().counters().received.get(), 2);
    assert_eq!(one.relay().counters().duplicates.get(), 1);
    assert_eq!(one.store.len(), 2);
}
