//! A page of messages.

use prost::Message;
use serde::Serialize;
use store_adapter::limits::{STORE_RESPONSE_BYTES, STORE_RESPONSE_MESSAGES};
use store_adapter::message_hash;
use store_adapter::store::{
    StoreAnswer, StoreAnswerError, StoreQueryResponse, StoredMessage, status,
};

use crate::wire::fault::Fault;
use crate::wire::protobuf::{self, Fields, walk};
use crate::wire::rows::Rows;
use crate::wire::summary::Summary;
use crate::wire::text::{counted, quoted, short};
use crate::wire::transfer::refusal_of;

/// A response: its fields, and how its messages hash.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct StoreResponseParts {
    /// The fields.
    #[serde(flatten)]
    pub fields: Fields,
    /// The status. Only 200 is success.
    pub status_code: u32,
    /// The hashes of the messages, in the order of the page.
    pub messages: Vec<StoredHashes>,
    /// Where the next page begins, in hex; none on the last one.
    pub cursor: Option<String>,
    #[serde(skip)]
    status_desc: String,
}

/// The hashes of a message in a page, in hex.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct StoredHashes {
    /// What the server says.
    pub told: Option<String>,
    /// That of the message, if it is there with its topic.
    pub message_hash: Option<String>,
}

impl StoreResponseParts {
    /// Reads a response; gives also why a client would refuse it or a message in it, if it would.
    pub(in crate::wire) fn decode(frame: &[u8]) -> Result<(Self, Option<String>), Fault> {
        // First what bounds the memory that decoding takes.
        match StoreAnswer::decode(frame, "") {
            Err(StoreAnswerError::TooLong { .. }) => {
                let limit = "store_response_bytes";
                return Err(Fault::limit(limit, STORE_RESPONSE_BYTES));
            }
            Err(StoreAnswerError::TooMany) => {
                let limit = "store_response_messages";
                return Err(Fault::limit(limit, STORE_RESPONSE_MESSAGES));
            }
            _ => {}
        }
        let fields = walk(&protobuf::STORE_RESPONSE, frame, 0)?;
        let response =
            StoreQueryResponse::decode(frame).map_err(|error| Fault::undecodable(0, error))?;
        // The request isn't known here: any id is the right one.
        let refused = match StoreAnswer::decode(frame, &response.request_id) {
            Ok(_) => response.messages.iter().enumerate().find_map(refusal),
            Err(StoreAnswerError::Status { .. }) => None,
            Err(error) => Some(error.to_string()),
        };
        let parts = Self {
            fields,
            status_code: response.status_code,
            messages: response.messages.iter().map(StoredHashes::of).collect(),
            cursor: response.pagination_cursor.map(hex::encode),
            status_desc: response.status_desc,
        };
        Ok((parts, refused))
    }

    pub(in crate::wire) fn rows(&self, rows: &mut Rows) {
        let mut hashes = self.messages.iter();
        self.fields.rows_with(rows, |field, rows| {
            if field.number == protobuf::STORE_RESPONSE_MESSAGES
                && let Some(StoredHashes {
                    told,
                    message_hash: Some(hash),
                }) = hashes.next()
            {
                let as_told = match told {
                    Some(told) if told == hash => ", as told",
                    _ => ", not as told",
                };
                rows.remark(1, format!("hash {}{as_told}", short(hash)));
            }
        });
    }

    pub(in crate::wire) fn summary(&self, summary: &mut Summary) {
        let desc = quoted(&self.status_desc);
        let success = match self.status_code {
            status::OK => "",
            _ => ", no success",
        };
        summary.line("status", format!("{} {desc}{success}", self.status_code));
        if self.status_code != status::OK {
            return;
        }
        summary.line("page", counted(self.messages.len(), "message"));
        let next = match &self.cursor {
            Some(cursor) => format!("behind {}", short(cursor)),
            None => "none: this is the last page".into(),
        };
        summary.line("next", next);
    }
}

impl StoredHashes {
    fn of(stored: &StoredMessage) -> Self {
        let content = stored.pubsub_topic.as_ref().zip(stored.message.as_ref());
        Self {
            told: stored.message_hash.as_ref().map(hex::encode),
            message_hash: content.map(|(topic, message)| message_hash(topic, message).to_string()),
        }
    }
}

fn refusal((index, stored): (usize, &StoredMessage)) -> Option<String> {
    let (topic, message) = stored.pubsub_topic.as_ref().zip(stored.message.as_ref())?;
    let hash = message_hash(topic, message);
    let reason = if stored.message_hash.as_deref() == Some(hash.as_bytes()) {
        refusal_of(topic, message)?
    } else {
        format!("it hashes to {hash}, which isn't what the server says")
    };
    Some(format!("messages[{index}]: {reason}"))
}
