//! A message as nwaku's databases have it.

use sync_core::Id;

use crate::limits::MESSAGE_BYTES;
use crate::message::WakuMessage;

/// A row, and the message that it is, if it is one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NwakuRow {
    /// Its time, in nanoseconds since 1970; 0 if it has none.
    pub timestamp: i64,
    /// The hash that the database has of it, if that is one: to be told from the message's own.
    pub hash: Option<Id>,
    /// The topic that the message was published on, and the message.
    pub message: Result<(String, WakuMessage), RowFault>,
}

/// Why a row is no message.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RowFault {
    /// A topic isn't text.
    #[error("`{0}` is no text in UTF-8")]
    NotText(&'static str),
    /// Bytes aren't written as hexadecimal digits.
    #[error("`{0}` isn't written in hexadecimal digits")]
    NotHex(&'static str),
    /// A value is of another type.
    #[error("`{0}` is of another type than expected, or absent")]
    Type(&'static str),
    /// The payload is longer than any message.
    #[error("`payload` is longer than the {MESSAGE_BYTES} bytes of the longest message")]
    TooLong,
}

impl RowFault {
    /// The kind, as a name for counts.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::NotText(_) => "not_text",
            Self::NotHex(_) => "not_hex",
            Self::Type(_) => "wrong_type",
            Self::TooLong => "payload_too_long",
        }
    }
}

/// The values of a row as they were read.
pub(super) struct Fields {
    pub(super) pubsub_topic: Result<String, RowFault>,
    pub(super) content_topic: Result<String, RowFault>,
    pub(super) payload: Result<Vec<u8>, RowFault>,
    pub(super) version: Option<i64>,
    pub(super) timestamp: Option<i64>,
    pub(super) meta: Result<Vec<u8>, RowFault>,
    pub(super) hash: Option<Vec<u8>>,
}

impl Fields {
    pub(super) fn into_row(self) -> NwakuRow {
        let hash = self.hash.as_deref().and_then(|hash| hash.try_into().ok());
        NwakuRow {
            timestamp: self.timestamp.unwrap_or_default(),
            hash: hash.map(Id),
            message: self.into_message(),
        }
    }

    fn into_message(self) -> Result<(String, WakuMessage), RowFault> {
        let version = self.version.and_then(|version| u32::try_from(version).ok());
        let message = WakuMessage {
            payload: self.payload?,
            content_topic: self.content_topic?,
            version: Some(version.ok_or(RowFault::Type("version"))?),
            timestamp: Some(self.timestamp.ok_or(RowFault::Type("timestamp"))?),
            // nwaku has no way to tell an empty one from none, and neither has the hash.
            meta: Some(self.meta?).filter(|meta| !meta.is_empty()),
            ..WakuMessage::default()
        };
        Ok((self.pubsub_topic?, message))
    }
}
