//! What can go wrong at the relay's handle.

use store_adapter::limits::TOPIC_BYTES;
use store_adapter::sharding::ContentTopicError;
use store_adapter::{ArchiveError, Refusal};

use super::Published;

/// Why subscriptions aren't changed. None of those that were asked for together is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RelayError {
    /// A topic is empty or too long.
    #[error("expected a pubsub topic of 1 to {TOPIC_BYTES} bytes, got one of {bytes}")]
    Topic {
        /// Its length.
        bytes: usize,
    },
    /// A content topic has no shard.
    #[error(transparent)]
    ContentTopic(#[from] ContentTopicError),
    /// There is no rule from content topics to shards.
    #[error(
        "shards are static here, so content topics have none: name a pubsub topic, or start the node \
         with --num-shards-in-network"
    )]
    StaticSharding,
    /// There would be too many subscriptions.
    #[error("there would be more than {most} subscriptions: unsubscribe from others first")]
    TooMany {
        /// How many there may be.
        most: usize,
    },
    /// The node is shutting down.
    #[error("the node is shutting down")]
    Stopped,
}

/// Why a message isn't published.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The node isn't subscribed to the topic. Nothing was done.
    #[error("Node not subscribed to topic: {0}")]
    NotSubscribed(String),
    /// No peer would take the message. Nothing was done.
    #[error(transparent)]
    Refused(Refusal),
    /// The archive can't be written. Nothing was sent, so that it may be tried again.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// No peer is subscribed to the topic. The message is archived nevertheless, and so found by
    /// peers that sync.
    #[error("no connected peer is subscribed to the topic; the message is archived here only")]
    NoPeers(Published),
    /// Every peer is too slow at the moment. The message is archived nevertheless.
    #[error("the message can't be sent, since much else waits for every peer; it is archived here")]
    Busy(Published),
    /// The node is shutting down.
    #[error("the node is shutting down")]
    Stopped,
}
