//! Archives that can't be written for a while.

use std::sync::Arc;

use store_adapter::ArchiveUrl;
use store_adapter::archive::{self, ArchiveOptions};
use wakustore::relay::{PublishError, RelayConfig, RelayLimits};
use wakustore::store::Store;

use crate::faulty::{Fault, Faulty, Side};
use crate::support::{Relaying, TOPIC, message, until};

/// A node whose archive can be made to fail, connected with one whose archive is sound.
async fn pair(limits: RelayLimits) -> (Relaying, Arc<Faulty>, Relaying) {
    let memory = archive::open(&ArchiveUrl::Memory, &ArchiveOptions::default()).await;
    let faulty = Arc::new(Faulty::new(memory.unwrap(), Fault::Never));
    let archive: Arc<dyn store_adapter::Archive> = Arc::clone(&faulty) as _;
    let store = Store::over(archive).await.unwrap();
    let config = RelayConfig {
        limits,
        ..RelayConfig::of_topics([TOPIC])
    };
    let failing = Relaying::over(config, store).await;
    let sound = Relaying::plain().await;
    failing.meet(&sound).await;
    failing.sees(TOPIC, 1).await;
    sound.sees(TOPIC, 1).await;
    (failing, faulty, sound)
}

#[tokio::test]
async fn what_comes_while_the_archive_fails_is_archived_when_it_works_again() {
    let (failing, faulty, sound) = pair(RelayLimits::default()).await;
    faulty.fail(Fault::From(0, Side::Before));
    let hash = sound.publishes(message(b"wait", 0)).await;
    until(async || faulty.has_failed()).await;
    faulty.heal();
    failing.gets(hash).await;
    assert_eq!(failing.store.len(), 1);
    assert_eq!(failing.relay().counters().unstored.get(), 0);
}

#[tokio::test]
async fn what_comes_while_the_archive_fails_for_long_is_counted_and_the_rest_taken() {
    let (failing, faulty, sound) = pair(RelayLimits::default()).await;
    faulty.fail(Fault::From(0, Side::Before));
    sound.publishes(message(b"lost", 0)).await;
    until(async || failing.relay().counters().unstored.get() == 1).await;
    faulty.heal();
    let hash = sound.publishes(message(b"kept", 0)).await;
    failing.gets(hash).await;
    assert_eq!(failing.store.len(), 1);
}

#[tokio::test]
async fn what_cannot_be_archived_is_not_sent_and_may_be_published_again() {
    let (failing, faulty, sound) = pair(RelayLimits::default()).await;
    let sent = message(b"again", 0);
    faulty.fail(Fault::From(0, Side::Before));
    let result = failing.relay().publish(TOPIC, sent.clone()).await;
    assert!(
        matches!(result, Err(PublishError::Archive(_))),
        "{result:?}"
    );
    faulty.heal();
    let hash = failing.publishes(sent).await;
    sound.gets(hash).await;
    assert_eq!(sound.relay().counters().received.get(), 1);
}

#[tokio::test]
async fn what_the_queue_has_no_room_for_is_neither_waited_for_nor_passed_on() {
    // One message fills the queue, until it is stored.
    let (failing, faulty, sound) = pair(RelayLimits {
        waiting_bytes: 1,
        ..RelayLimits::default()
    })
    .await;
    let beyond = Relaying::plain().await;
    beyond.meet(&failing).await;
    failing.sees(TOPIC, 2).await;
    faulty.fail(Fault::From(0, Side::Before));
    let first = sound.publishes(message(b"first", 0)).await;
    let second = sound.publishes(message(b"second", 0)).await;
    until(async || failing.relay().counters().dropped.get() == 1).await;
    faulty.heal();
    failing.gets(first).await;
    beyond.gets(first).await;
    let third = sound.publishes(message(b"third", 0)).await;
    failing.gets(third).await;
    beyond.gets(third).await;
    assert_eq!(beyond.relay().counters().received.get(), 2);
    assert!(!failing.holds(second).await);
    // Nobody is blamed for it.
    let peers = failing.relay().peers().await;
    assert!(peers.iter().all(|peer| peer.score >= 0.0), "{peers:?}");
}
