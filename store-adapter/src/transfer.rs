//! The messages of `/vac/waku/transfer/1.0.0`, as deployed: pubsub topic in field 1, message in
//! field 2. (The written specification has them the other way round.)

use prost::Message;

use crate::limits::TRANSFER_FRAME_BYTES;
use crate::message::WakuMessage;

/// A message together with the topic it was published on: one frame of a transfer stream.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct WakuMessageAndTopic {
    /// The topic it was published on.
    pub pubsub_topic: String,
    /// The message.
    pub message: WakuMessage,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Wire {
    #[prost(string, optional, tag = "1")]
    pubsub_topic: Option<String>,
    #[prost(message, optional, tag = "2")]
    message: Option<WakuMessage>,
}

impl WakuMessageAndTopic {
    /// The frame, without the stream's length prefix.
    ///
    /// # Errors
    /// When it would be longer than [`TRANSFER_FRAME_BYTES`]; the receiver would close the stream.
    pub fn encode_frame(&self) -> Result<Vec<u8>, TransferError> {
        let wire = Wire {
            pubsub_topic: Some(self.pubsub_topic.clone()),
            message: Some(self.message.clone()),
        };
        let bytes = wire.encoded_len();
        if bytes > TRANSFER_FRAME_BYTES {
            return Err(TransferError::TooLong { bytes });
        }
        Ok(wire.encode_to_vec())
    }

    /// Reads a frame, without the stream's length prefix.
    ///
    /// # Errors
    /// When it is longer than [`TRANSFER_FRAME_BYTES`], isn't of the format, or lacks a field.
    pub fn decode_frame(frame: &[u8]) -> Result<Self, TransferError> {
        if frame.len() > TRANSFER_FRAME_BYTES {
            let bytes = frame.len();
            return Err(TransferError::TooLong { bytes });
        }
        let wire = Wire::decode(frame)?;
        Ok(Self {
            pubsub_topic: wire
                .pubsub_topic
                .ok_or(TransferError::Missing("pubsub_topic (field 1)"))?,
            message: wire
                .message
                .ok_or(TransferError::Missing("message (field 2)"))?,
        })
    }
}

/// Why a transfer frame can't be sent or read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransferError {
    /// It is longer than deployed nodes take.
    #[error("a transfer frame has at most {TRANSFER_FRAME_BYTES} bytes, this one {bytes}")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// It isn't of the format.
    #[error("expected a transfer frame: {0}")]
    Malformed(#[from] prost::DecodeError),
    /// A field isn't there that must be.
    #[error("a transfer frame lacks its {0}")]
    Missing(&'static str),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::message_hash;
    use crate::testing::{bytes_of, message_of, vectors};

    #[test]
    fn recorded_frames_decode_and_encode_to_the_same_bytes() {
        let vectors = vectors("transfer.json");
        let recorded = vectors["wakuMessageAndTopic"].as_array().unwrap();
        assert!(recorded.len() >= 12);
        for vector in recorded {
            let wire = bytes_of(&vector["wire"]).unwrap();
            let decoded = WakuMessageAndTopic::decode_frame(&wire).unwrap();
            assert_eq!(decoded.pubsub_topic, vector["pubsub"].as_str().unwrap());
            assert_eq!(decoded.message, message_of(&vector["message"]));
            assert_eq!(decoded.encode_frame().unwrap(), wire, "{}", vector["name"]);
            let hash = message_hash(&decoded.pubsub_topic, &decoded.message);
            assert_eq!(hash.to_string(), vector["hash"].as_str().unwrap());
        }
    }

    #[test]
    fn recorded_malformed_frames_are_refused() {
        let vectors = vectors("transfer.json");
        let recorded = vectors["malformed"].as_array().unwrap();
        assert!(recorded.len() >= 4);
        for vector in recorded {
            let wire = bytes_of(&vector["wire"]).unwrap();
            let error = WakuMessageAndTopic::decode_frame(&wire).unwrap_err();
            let expected = vector["decoded"]["err"].as_str().unwrap();
            let missing = matches!(error, TransferError::Missing(_));
            assert_eq!(missing, expected.starts_with("MissingRequired"), "{vector}");
        }
    }

    #[test]
    fn a_frame_at_the_limit_passes_and_one_past_it_does_not() {
        let of_payload = |bytes: usize| WakuMessageAndTopic {
            pubsub_topic: "/waku/2/rs/99/0".into(),
            message: WakuMessage {
                payload: vec![1; bytes],
                ..WakuMessage::default()
            },
        };
        let overhead = of_payload(100_000).encode_frame().unwrap().len() - 100_000;
        let largest = of_payload(TRANSFER_FRAME_BYTES - overhead);
        let frame = largest.encode_frame().unwrap();
        assert_eq!(frame.len(), TRANSFER_FRAME_BYTES);
        assert_eq!(WakuMessageAndTopic::decode_frame(&frame), Ok(largest));
        let bytes = TRANSFER_FRAME_BYTES + 1;
        let longer = of_payload(bytes - overhead);
        assert_eq!(longer.encode_frame(), Err(TransferError::TooLong { bytes }));
        let frame = vec![0; bytes];
        let refused = WakuMessageAndTopic::decode_frame(&frame);
        assert_eq!(refused, Err(TransferError::TooLong { bytes }));
    }
}
