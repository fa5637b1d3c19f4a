//! Messages that a peer lacks and that don't fit a frame to be pushed in.

use std::time::Duration;

use store_adapter::Record;
use store_adapter::limits::{MESSAGE_BYTES, TRANSFER_FRAME_BYTES};
use store_adapter::transfer::WakuMessageAndTopic;
use tokio::time::Instant;
use wakustore::cli::DialectArg;

use crate::peers::record;
use crate::support::{Target, an_hour_ago, window};

/// A message that an archive takes, and whose frame would be too long.
fn unpushable() -> Record {
    let overhead = record(an_hour_ago(), 100_000).message().clone();
    let overhead = prost::Message::encoded_len(&overhead) - 100_000;
    let long = record(an_hour_ago(), MESSAGE_BYTES - overhead);
    let (topic, message) = long.clone().into_parts();
    assert_eq!(prost::Message::encoded_len(&message), TRANSFER_FRAME_BYTES);
    let pubsub_topic = topic.to_string();
    let frame = WakuMessageAndTopic {
        pubsub_topic,
        message,
    };
    assert!(frame.encode_frame().is_err());
    long
}

#[tokio::test]
async fn a_message_too_long_to_be_pushed_is_pulled_or_else_reported_and_not_waited_for() {
    let held = [unpushable(), record(an_hour_ago() + 1_000_000, 50)];
    for (queries_at_once, undelivered) in [(4, 0), (0, 1)] {
        let mut config = Target::config();
        config.sync_limits.queries_at_once = queries_at_once;
        let peer = Target::start(config, &[]).await;
        let target = Target::start(Target::config(), &held).await;
        let id = target.node.connect(&peer.address()).await.unwrap();
        let begun = Instant::now();
        let syncer = target.node.syncer();
        let synced = syncer.sync(id, window().window, DialectArg::Waku).await;
        let job = synced.unwrap().job;
        assert_eq!((job.have, job.undelivered), (2, undelivered));
        assert_eq!(job.unpushable, undelivered);
        assert_eq!(peer.store.len(), 2 - undelivered);
        let patience = Target::config().sync_limits.pull_patience;
        assert!(begun.elapsed() < patience - Duration::from_secs(5));
    }
}
