//! The deterministic message hash of 14/WAKU2-MESSAGE.

use sha2::{Digest, Sha256};
use sync_core::Id;

use crate::message::WakuMessage;

/// SHA-256 of pubsub topic, payload, content topic, meta if present, and the timestamp as 8 bytes
/// big-endian, one behind the other.
///
/// Nothing tells where one part ends, and version, ephemeral, proof and unknown fields don't enter
/// it: the hash is a key and no proof of every field.
#[must_use]
pub fn message_hash(pubsub_topic: &str, message: &WakuMessage) -> Id {
    let mut hasher = Sha256::new();
    hasher.update(pubsub_topic.as_bytes());
    hasher.update(&message.payload);
    hasher.update(message.content_topic.as_bytes());
    if let Some(meta) = &message.meta {
        hasher.update(meta);
    }
    hasher.update(message.timestamp().to_be_bytes());
    Id(hasher.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{message_of, vectors};

    #[test]
    fn recorded_hashes_are_met() {
        let vectors = vectors("message_hash.json");
        let recorded = vectors.as_array().unwrap();
        assert!(recorded.len() >= 15);
        for vector in recorded {
            let topic = vector["pubsubTopic"].as_str().unwrap();
            let hash = message_hash(topic, &message_of(vector));
            assert_eq!(
                hash.to_string(),
                vector["hash"].as_str().unwrap(),
                "{vector}"
            );
        }
    }

    #[test]
    fn the_parts_are_joined_without_lengths() {
        let plain = WakuMessage {
            content_topic: "/a/1/b/proto".into(),
            ..WakuMessage::default()
        };
        let shifted = WakuMessage {
            content_topic: "/a/1/b/pro".into(),
            meta: Some(b"to".to_vec()),
            ..WakuMessage::default()
        };
        assert_eq!(message_hash("/t", &plain), message_hash("/t", &shifted));
    }
}
