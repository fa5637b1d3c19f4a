//! The deterministic message hash of 14/WAKU2-MESSAGE.

use sha2::{Digest, Sha256};
use sync_core::Id;
use sync_core::sha256::{BLOCK_BYTES, State, pad};

use crate::message::WakuMessage;

/// Blocks for what comes behind the payload's whole blocks: its last bytes, a content topic, meta,
/// the timestamp and the padding. What doesn't fit is hashed the slower way.
const TAIL_BLOCKS: usize = 4;

/// SHA-256 of pubsub topic, payload, content topic, meta if present, and the timestamp as 8 bytes
/// big-endian, one behind the other.
///
/// Nothing tells where one part ends, and version, ephemeral, proof and unknown fields don't enter
/// it: the hash is a key and no proof of every field.
#[must_use]
pub fn message_hash(pubsub_topic: &str, message: &WakuMessage) -> Id {
    let parts = Parts {
        pubsub_topic: pubsub_topic.as_bytes(),
        payload: &message.payload,
        behind: [
            message.content_topic.as_bytes(),
            message.meta.as_deref().unwrap_or_default(),
            &message.timestamp().to_be_bytes(),
        ],
    };
    Id(parts.hash_in_place().unwrap_or_else(|| parts.hash()))
}

/// What is hashed, in this order.
struct Parts<'a> {
    pubsub_topic: &'a [u8],
    payload: &'a [u8],
    behind: [&'a [u8]; 3],
}

impl Parts<'_> {
    fn hash(&self) -> [u8; 32] {
        let mut hasher = Sha256::new();
        hasher.update(self.pubsub_topic);
        hasher.update(self.payload);
        self.behind.iter().for_each(|part| hasher.update(part));
        hasher.finalize().into()
    }

    /// As [`Parts::hash`], faster: the payload is hashed where it lies, but for what fills up the
    /// first and the last blocks.
    ///
    /// Bytes that were just copied together can't be loaded as one word before they have reached
    /// the cache, and there they come only behind all that was under way, a block being hashed,
    /// say. So the tail is made first: by the time it is wanted it is there. `None` where the topic
    /// and the payload don't fill a block, or the tail has no room.
    fn hash_in_place(&self) -> Option<[u8; 32]> {
        let mut head = [0; BLOCK_BYTES];
        let (topic, room) = head.split_at_mut_checked(self.pubsub_topic.len())?;
        let (lead, payload) = self.payload.split_at_checked(room.len())?;
        topic.copy_from_slice(self.pubsub_topic);
        room.copy_from_slice(lead);
        let (body, rest) = payload.as_chunks();

        let mut tail = [[0; BLOCK_BYTES]; TAIL_BLOCKS];
        let bytes = tail.as_flattened_mut();
        let mut len = 0;
        for part in [rest].iter().chain(&self.behind) {
            bytes.get_mut(len..len + part.len())?.copy_from_slice(part);
            len += part.len();
        }
        let tail = pad(&mut tail, len, BLOCK_BYTES * (1 + body.len()))?;

        let mut state = State::START;
        state.compress(&[head]);
        state.compress(body);
        state.compress(tail);
        Some(state.finish())
    }
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

    #[test]
    fn hashing_in_place_is_hashing_part_by_part() {
        let bytes: Vec<u8> = (0..600usize).map(|i| (i * 13 + 5) as u8).collect();
        let timestamp = 7i64.to_be_bytes();
        let mut in_place = 0;
        for topic in (0..=66).step_by(3) {
            for payload in (0..=200).chain([500]) {
                for behind in [0, 25, 120, 300] {
                    let parts = Parts {
                        pubsub_topic: &bytes[..topic],
                        payload: &bytes[..payload],
                        behind: [&bytes[..behind], &bytes[1..=behind / 5], &timestamp],
                    };
                    if let Some(hash) = parts.hash_in_place() {
                        assert_eq!(hash, parts.hash(), "{topic} {payload} {behind}");
                        in_place += 1;
                    }
                }
            }
        }
        assert!(in_place > 5_000, "{in_place}");
    }
}
