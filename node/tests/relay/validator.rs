//! What whoever embeds a node admits.

use wakustore::relay::{RelayConfig, Validator};

use crate::support::{Relaying, TOPIC, message, until};

#[tokio::test]
async fn what_the_validator_does_not_admit_is_neither_archived_nor_passed_on_nor_blamed() {
    let picky = Relaying::start(RelayConfig {
        validator: Some(Validator::new(|topic, message| {
            topic == TOPIC && message.payload.starts_with(b"good")
        })),
        ..RelayConfig::of_topics([TOPIC])
    })
    .await;
    let (before, behind) = (Relaying::plain().await, Relaying::plain().await);
    for other in [&before, &behind] {
        other.meet(&picky).await;
        other.sees(TOPIC, 1).await;
    }
    picky.sees(TOPIC, 2).await;
    let bad = before.publishes(message(b"bad", 0)).await;
    let good = before.publishes(message(b"good", 0)).await;
    behind.gets(good).await;
    assert!(picky.holds(good).await);
    assert!(!picky.holds(bad).await);
    assert!(!behind.holds(bad).await);
    until(async || picky.relay().counters().refused().get("not_admitted") == Some(&1)).await;
    let peers = picky.relay().peers().await;
    assert!(peers.iter().all(|peer| peer.score >= 0.0), "{peers:?}");
    // What the node publishes itself isn't asked about.
    let own = picky.publishes(message(b"bad, but its own", 0)).await;
    assert!(picky.holds(own).await);
    behind.gets(own).await;
}
