//! A transfer frame.

use serde::Serialize;
use store_adapter::ingest::check_fields;
use store_adapter::limits::{IngestLimits, TRANSFER_FRAME_BYTES};
use store_adapter::transfer::TransferError;
use store_adapter::{Record, WakuMessage, WakuMessageAndTopic, message_hash};

use super::fault::Fault;
use super::protobuf::{Fields, TRANSFER, walk};
use super::rows::Rows;
use super::summary::Summary;

/// A message and the topic it was published on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct TransferParts {
    /// The fields.
    #[serde(flatten)]
    pub fields: Fields,
    /// The message's deterministic hash, in hex.
    pub message_hash: String,
}

impl TransferParts {
    /// Reads a frame; gives also why no archive would store the message, and what else is odd.
    pub(super) fn decode(frame: &[u8]) -> Result<(Self, Option<String>, Vec<String>), Fault> {
        let (limit, max) = ("transfer_frame_bytes", TRANSFER_FRAME_BYTES);
        Fault::at_most(limit, frame.len(), max)?;
        let fields = walk(&TRANSFER, frame, 0)?;
        let decoded = WakuMessageAndTopic::decode_frame(frame).map_err(|error| match error {
            TransferError::Missing(field) => Fault::malformed(frame.len(), field),
            error => Fault::undecodable(0, error),
        })?;
        let WakuMessageAndTopic {
            pubsub_topic,
            mut message,
        } = decoded;
        let parts = Self {
            fields,
            message_hash: message_hash(&pubsub_topic, &message).to_string(),
        };
        let refused = refusal_of(&pubsub_topic, &message);
        let notes = match message.drop_unreadable_proof() {
            true => {
                vec!["rate_limit_proof is no proof, and dropped when the message is stored".into()]
            }
            false => Vec::new(),
        };
        Ok((parts, refused, notes))
    }

    pub(super) fn rows(&self, rows: &mut Rows) {
        self.fields.rows(rows);
    }

    pub(super) fn summary(&self, summary: &mut Summary) {
        summary.line("hash", self.message_hash.clone());
    }
}

/// Why no archive stores a message, whatever its origin.
pub(super) fn refusal_of(pubsub_topic: &str, message: &WakuMessage) -> Option<String> {
    match check_fields(pubsub_topic, message, &IngestLimits::default()) {
        Err(refusal) => Some(refusal.to_string()),
        Ok(()) => {
            let record = Record::new(pubsub_topic, message.clone());
            record.err().map(|error| error.to_string())
        }
    }
}
