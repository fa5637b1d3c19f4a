//! Why a message isn't stored.

use sync_core::Id;

/// Why a message isn't stored. Times are nanoseconds since 1970.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Its timestamp is before 1970, so it has no place in the order.
    #[error("expected a timestamp of 0 or more, got {0}")]
    NegativeTimestamp(i64),
    /// Its sender doesn't want it stored.
    #[error("the message is ephemeral: its sender doesn't want it stored")]
    Ephemeral,
    /// Its `meta` is too long.
    #[error("meta is too long: {bytes} bytes")]
    MetaTooLong {
        /// Its length.
        bytes: usize,
    },
    /// It is too long, encoded.
    #[error("the message is too long: {bytes} bytes encoded")]
    MessageTooLong {
        /// Its length.
        bytes: usize,
    },
    /// Pubsub or content topic is empty.
    #[error("expected a pubsub topic and a content topic, got an empty one")]
    EmptyTopic,
    /// Pubsub or content topic is too long.
    #[error("a topic is too long: {bytes} bytes")]
    TopicTooLong {
        /// Its length.
        bytes: usize,
    },
    /// It is said to be live, and its time isn't now.
    #[error("the time {timestamp} is too far from now for a message just published")]
    NotLive {
        /// Its time.
        timestamp: u64,
    },
    /// It wasn't asked for.
    #[error("the time {timestamp} lies outside the window that was asked for")]
    OutsideWindow {
        /// Its time.
        timestamp: u64,
    },
    /// A topic of it wasn't asked for.
    #[error("the pubsub or content topic lies outside the scope that was asked for")]
    OutsideTopics,
    /// Retention has given up its time.
    #[error("the time {timestamp} lies before the oldest that is kept")]
    BelowFloor {
        /// Its time.
        timestamp: u64,
    },
    /// It isn't the message that was promised.
    #[error("expected the message of hash 0x{expected}, got one of hash 0x{actual}")]
    WrongHash {
        /// The hash that was promised.
        expected: Id,
        /// The hash of what came.
        actual: Id,
    },
}

impl Refusal {
    /// The kinds, as [`Refusal::kind`] gives them.
    pub const KINDS: [&'static str; 11] = [
        "negative_timestamp",
        "ephemeral",
        "meta_too_long",
        "message_too_long",
        "empty_topic",
        "topic_too_long",
        "not_live",
        "outside_window",
        "below_floor",
        "wrong_hash",
        "outside_topics",
    ];

    /// The kind, as a name for counters and logs.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        Self::KINDS[self.place()]
    }

    pub(super) const fn place(&self) -> usize {
        match self {
            Self::NegativeTimestamp(_) => 0,
            Self::Ephemeral => 1,
            Self::MetaTooLong { .. } => 2,
            Self::MessageTooLong { .. } => 3,
            Self::EmptyTopic => 4,
            Self::TopicTooLong { .. } => 5,
            Self::NotLive { .. } => 6,
            Self::OutsideWindow { .. } => 7,
            Self::BelowFloor { .. } => 8,
            Self::WrongHash { .. } => 9,
            Self::OutsideTopics => 10,
        }
    }
}
