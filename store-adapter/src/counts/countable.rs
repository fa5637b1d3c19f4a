//! What can be counted.

use std::sync::Arc;

use sync_core::Item;

use crate::record::{Key, Record};

/// A message, as far as it is to be known for counting it.
pub trait Countable {
    /// Timestamp and hash.
    fn item(&self) -> Item;

    /// The topic it was published on.
    fn pubsub_topic(&self) -> &Arc<str>;

    /// The application's topic.
    fn content_topic(&self) -> &str;

    /// Length of the encoded message, in bytes.
    fn message_bytes(&self) -> u64;
}

impl Countable for Key {
    fn item(&self) -> Item {
        self.item
    }

    fn pubsub_topic(&self) -> &Arc<str> {
        &self.pubsub_topic
    }

    fn content_topic(&self) -> &str {
        &self.content_topic
    }

    fn message_bytes(&self) -> u64 {
        self.message_bytes as u64
    }
}

impl Countable for Record {
    fn item(&self) -> Item {
        Self::item(self)
    }

    fn pubsub_topic(&self) -> &Arc<str> {
        Self::pubsub_topic(self)
    }

    fn content_topic(&self) -> &str {
        &self.message().content_topic
    }

    fn message_bytes(&self) -> u64 {
        self.encoded_len() as u64
    }
}
