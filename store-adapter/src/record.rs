//! A message with the topic it was published on and its hash: what archives hold.

use std::sync::Arc;

use prost::Message;
use sync_core::{Id, Item};

use crate::hash::message_hash;
use crate::message::WakuMessage;

/// A message that has a place in the order (timestamp, hash).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    item: Item,
    pubsub_topic: Arc<str>,
    message: WakuMessage,
}

impl Record {
    /// Hashes `message` as published on `pubsub_topic`.
    ///
    /// # Errors
    /// When the timestamp is negative: such a message has no place in the order.
    pub fn new(
        pubsub_topic: impl Into<Arc<str>>,
        message: WakuMessage,
    ) -> Result<Self, NegativeTimestamp> {
        let pubsub_topic = pubsub_topic.into();
        let timestamp = u64::try_from(message.timestamp())
            .map_err(|_| NegativeTimestamp(message.timestamp()))?;
        let hash = message_hash(&pubsub_topic, &message);
        Ok(Self {
            item: Item::new(timestamp, hash),
            pubsub_topic,
            message,
        })
    }

    /// A record as an archive keeps it under `item`; see [`Record::is_intact`].
    pub(crate) const fn stored(item: Item, pubsub_topic: Arc<str>, message: WakuMessage) -> Self {
        Self {
            item,
            pubsub_topic,
            message,
        }
    }

    /// Timestamp and hash.
    #[must_use]
    pub const fn item(&self) -> Item {
        self.item
    }

    /// The hash.
    #[must_use]
    pub const fn hash(&self) -> Id {
        self.item.id
    }

    /// The bytes of the hash.
    pub(crate) const fn hash_bytes(&self) -> &[u8] {
        &self.item.id.0
    }

    /// The topic it was published on.
    #[must_use]
    pub const fn pubsub_topic(&self) -> &Arc<str> {
        &self.pubsub_topic
    }

    /// The message.
    #[must_use]
    pub const fn message(&self) -> &WakuMessage {
        &self.message
    }

    /// Length of the encoded message, in bytes.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        self.message.encoded_len()
    }

    /// As [`WakuMessage::drop_unreadable_proof`]; the hash stays true, since the proof isn't hashed.
    pub(crate) fn drop_unreadable_proof(&mut self) -> bool {
        self.message.drop_unreadable_proof()
    }

    /// Topic and message, for those who keep them.
    #[must_use]
    pub fn into_parts(self) -> (Arc<str>, WakuMessage) {
        (self.pubsub_topic, self.message)
    }

    /// What an archive's index knows of it.
    #[must_use]
    pub fn key(&self) -> Key {
        Key {
            item: self.item,
            pubsub_topic: self.pubsub_topic.clone(),
            content_topic: self.message.content_topic.as_str().into(),
            message_bytes: self.encoded_len(),
        }
    }

    /// Whether timestamp and hash are those of the fields, hashed anew: what was read from a disk
    /// may have been damaged there.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        u64::try_from(self.message.timestamp()) == Ok(self.item.timestamp)
            && message_hash(&self.pubsub_topic, &self.message) == self.item.id
    }
}

/// A record without its payload.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Key {
    /// Timestamp and hash.
    pub item: Item,
    /// The topic it was published on.
    pub pubsub_topic: Arc<str>,
    /// The application's topic.
    pub content_topic: Arc<str>,
    /// Length of the encoded message, in bytes.
    pub message_bytes: usize,
}

/// A message has a timestamp before 1970 and so no place in the order.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("expected a timestamp of 0 or more nanoseconds since 1970, got {0}")]
pub struct NegativeTimestamp(pub i64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_negative_timestamp_has_no_place() {
        let message = WakuMessage {
            timestamp: Some(-42),
            ..WakuMessage::default()
        };
        assert_eq!(Record::new("/t", message), Err(NegativeTimestamp(-42)));
    }

    #[test]
    fn a_changed_field_is_seen() {
        let record = Record::new("/t", WakuMessage::default()).unwrap();
        assert!(record.is_intact());
        let other = WakuMessage {
            payload: vec![1],
            ..WakuMessage::default()
        };
        let (item, topic) = (record.item(), record.pubsub_topic().clone());
        assert!(!Record::stored(item, topic.clone(), other).is_intact());
        let later = Item::new(1, item.id);
        assert!(!Record::stored(later, topic, WakuMessage::default()).is_intact());
    }
}
