//! The Waku message as it stands on the wire, nothing lost.
//!
//! Fields as in 14/WAKU2-MESSAGE: payload = 1, content_topic = 2, version = 3, timestamp = 10
//! (sint64), meta = 11, rate_limit_proof = 21, ephemeral = 31. The codec is written by hand since
//! a derived one drops unknown fields.

use prost::DecodeError;
use prost::bytes::{Buf, BufMut};
use prost::encoding::{self, DecodeContext, WireType};

use crate::unknown;

const PAYLOAD: u32 = 1;
const CONTENT_TOPIC: u32 = 2;
const VERSION: u32 = 3;
const TIMESTAMP: u32 = 10;
const META: u32 = 11;
const RATE_LIMIT_PROOF: u32 = 21;
const EPHEMERAL: u32 = 31;

/// A Waku message with every field that its sender wrote, absent ones absent.
///
/// Encoded, payload and content topic are always written, empty ones too, as nwaku does;
/// everything else only if present. Decoding takes the last of repeated fields, as protobuf asks.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct WakuMessage {
    /// What the application sent.
    pub payload: Vec<u8>,
    /// The application's topic, `/app/version/name/encoding` by convention.
    pub content_topic: String,
    /// The application's encryption version.
    pub version: Option<u32>,
    /// Nanoseconds since 1970; absent counts as 0. Negative on the wire is possible and refused at
    /// ingest.
    pub timestamp: Option<i64>,
    /// At most 64 bytes of the application's; hashed.
    pub meta: Option<Vec<u8>>,
    /// An encoded [`RateLimitProof`], unless somebody sent something else.
    pub rate_limit_proof: Option<Vec<u8>>,
    /// Whether the message isn't meant to be stored.
    pub ephemeral: Option<bool>,
    /// Fields that this program doesn't know, encoded, in the order received.
    pub unknown: Vec<u8>,
}

impl WakuMessage {
    /// The timestamp in nanoseconds since 1970; 0 if absent, as the hash has it.
    #[must_use]
    pub fn timestamp(&self) -> i64 {
        self.timestamp.unwrap_or_default()
    }

    /// Whether the sender marked it as not to be stored.
    #[must_use]
    pub fn is_ephemeral(&self) -> bool {
        self.ephemeral.unwrap_or_default()
    }

    /// Drops the proof if it isn't a [`RateLimitProof`]; gives whether it did.
    ///
    /// js-waku decodes the field as a nested message, and one that doesn't decode fails the whole
    /// page it is in.
    pub fn drop_unreadable_proof(&mut self) -> bool {
        let unreadable = self
            .rate_limit_proof
            .as_deref()
            .is_some_and(|proof| <RateLimitProof as prost::Message>::decode(proof).is_err());
        if unreadable {
            self.rate_limit_proof = None;
        }
        unreadable
    }
}

impl prost::Message for WakuMessage {
    fn encode_raw(&self, buf: &mut impl BufMut) {
        encoding::bytes::encode(PAYLOAD, &self.payload, buf);
        encoding::string::encode(CONTENT_TOPIC, &self.content_topic, buf);
        if let Some(version) = &self.version {
            encoding::uint32::encode(VERSION, version, buf);
        }
        if let Some(timestamp) = &self.timestamp {
            encoding::sint64::encode(TIMESTAMP, timestamp, buf);
        }
        if let Some(meta) = &self.meta {
            encoding::bytes::encode(META, meta, buf);
        }
        if let Some(proof) = &self.rate_limit_proof {
            encoding::bytes::encode(RATE_LIMIT_PROOF, proof, buf);
        }
        if let Some(ephemeral) = &self.ephemeral {
            encoding::bool::encode(EPHEMERAL, ephemeral, buf);
        }
        buf.put_slice(&self.unknown);
    }

    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buf: &mut impl Buf,
        ctx: DecodeContext,
    ) -> Result<(), DecodeError> {
        match tag {
            PAYLOAD => encoding::bytes::merge(wire_type, &mut self.payload, buf, ctx),
            CONTENT_TOPIC => encoding::string::merge(wire_type, &mut self.content_topic, buf, ctx),
            VERSION => {
                encoding::uint32::merge(wire_type, self.version.get_or_insert_default(), buf, ctx)
            }
            TIMESTAMP => {
                let timestamp = self.timestamp.get_or_insert_default();
                encoding::sint64::merge(wire_type, timestamp, buf, ctx)
            }
            META => encoding::bytes::merge(wire_type, self.meta.get_or_insert_default(), buf, ctx),
            RATE_LIMIT_PROOF => {
                let proof = self.rate_limit_proof.get_or_insert_default();
                encoding::bytes::merge(wire_type, proof, buf, ctx)
            }
            EPHEMERAL => {
                encoding::bool::merge(wire_type, self.ephemeral.get_or_insert_default(), buf, ctx)
            }
            _ => unknown::keep(tag, wire_type, buf, ctx, &mut self.unknown),
        }
    }

    fn encoded_len(&self) -> usize {
        encoding::bytes::encoded_len(PAYLOAD, &self.payload)
            + encoding::string::encoded_len(CONTENT_TOPIC, &self.content_topic)
            + len_of(&self.version, |v| encoding::uint32::encoded_len(VERSION, v))
            + len_of(&self.timestamp, |v| {
                encoding::sint64::encoded_len(TIMESTAMP, v)
            })
            + len_of(&self.meta, |v| encoding::bytes::encoded_len(META, v))
            + len_of(&self.rate_limit_proof, |v| {
                encoding::bytes::encoded_len(RATE_LIMIT_PROOF, v)
            })
            + len_of(&self.ephemeral, |v| {
                encoding::bool::encoded_len(EPHEMERAL, v)
            })
            + self.unknown.len()
    }

    fn clear(&mut self) {
        *self = Self::default();
    }
}

fn len_of<T>(field: &Option<T>, len: impl FnOnce(&T) -> usize) -> usize {
    field.as_ref().map_or(0, len)
}

/// The proof that a message's sender kept the network's rate limit, as 17/WAKU2-RLN-RELAY has it.
///
/// Not verified here: kept for those downstream who do.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct RateLimitProof {
    /// The zero-knowledge proof.
    #[prost(bytes = "vec", tag = "1")]
    pub proof: Vec<u8>,
    /// Root of the membership tree.
    #[prost(bytes = "vec", tag = "2")]
    pub merkle_root: Vec<u8>,
    /// The epoch that it counts for.
    #[prost(bytes = "vec", tag = "3")]
    pub epoch: Vec<u8>,
    /// Share of the sender's key, x.
    #[prost(bytes = "vec", tag = "4")]
    pub share_x: Vec<u8>,
    /// Share of the sender's key, y.
    #[prost(bytes = "vec", tag = "5")]
    pub share_y: Vec<u8>,
    /// Tells two messages of one sender in one epoch.
    #[prost(bytes = "vec", tag = "6")]
    pub nullifier: Vec<u8>,
    /// The application.
    #[prost(bytes = "vec", tag = "7")]
    pub rln_identifier: Vec<u8>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use prost::Message;

    use super::*;
    use crate::testing::{any_message, vectors};

    #[test]
    fn recorded_messages_decode_and_encode_to_the_same_bytes() {
        let vectors = vectors("transfer.json");
        let recorded = vectors["wakuMessage"].as_array().unwrap();
        assert!(recorded.len() >= 10);
        for vector in recorded {
            let wire = hex::decode(vector["wire"].as_str().unwrap()).unwrap();
            let message = WakuMessage::decode(&wire[..]).unwrap();
            let expected = crate::testing::message_of(&vector["message"]);
            assert_eq!(message, expected, "{}", vector["name"]);
            assert_eq!(message.encode_to_vec(), wire, "{}", vector["name"]);
        }
    }

    #[test]
    fn absent_fields_stay_absent_and_empty_ones_present() {
        let absent = WakuMessage::decode(&[][..]).unwrap();
        assert_eq!(absent, WakuMessage::default());
        let empty = WakuMessage {
            version: Some(0),
            timestamp: Some(0),
            meta: Some(Vec::new()),
            rate_limit_proof: Some(Vec::new()),
            ephemeral: Some(false),
            ..WakuMessage::default()
        };
        assert_ne!(absent, empty);
        for message in [absent, empty] {
            let wire = message.encode_to_vec();
            assert_eq!(wire.len(), message.encoded_len());
            assert_eq!(WakuMessage::decode(&wire[..]).unwrap(), message);
        }
    }

    #[test]
    fn a_proof_is_kept_only_if_it_is_one() {
        let proof = RateLimitProof {
            proof: vec![7; 128],
            epoch: vec![1; 32],
            ..RateLimitProof::default()
        };
        let mut message = WakuMessage {
            rate_limit_proof: Some(proof.encode_to_vec()),
            ..WakuMessage::default()
        };
        assert!(!message.drop_unreadable_proof());
        assert!(message.rate_limit_proof.is_some());
        message.rate_limit_proof = Some(vec![0x9f, 0xcb, 0x6f]);
        assert!(message.drop_unreadable_proof());
        assert_eq!(message.rate_limit_proof, None);
        assert!(!message.drop_unreadable_proof());
    }

    proptest! {
        #[test]
        fn any_message_survives_a_round_trip(message in any_message()) {
            let wire = message.encode_to_vec();
            prop_assert_eq!(wire.len(), message.encoded_len());
            prop_assert_eq!(WakuMessage::decode(&wire[..]).unwrap(), message);
        }

        #[test]
        fn any_bytes_decode_to_what_encodes_and_decodes_alike(
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            if let Ok(message) = WakuMessage::decode(&bytes[..]) {
                let wire = message.encode_to_vec();
                prop_assert_eq!(WakuMessage::decode(&wire[..]).unwrap(), message);
            }
        }
    }
}
