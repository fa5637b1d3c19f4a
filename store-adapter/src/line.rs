//! The line format of import and export: one JSON object a line, bytes in padded base64.
//!
//! Keys in this order: `messageHash` (0x and hex), `pubsubTopic`, `message` with `payload`,
//! `contentTopic`, `version`?, `timestamp`, `meta`?, `ephemeral`?, `proof`?. What a message lacks
//! stays absent, but for the timestamp, which is written as the 0 that it counts as. Protobuf
//! fields that this program doesn't know aren't part of the format.

use std::collections::BTreeMap;
use std::io::{self, BufRead};

use base64::prelude::{BASE64_STANDARD, Engine};
use serde::de::{Error as _, IgnoredAny};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sync_core::Id;

use crate::limits::LINE_BYTES;
use crate::lines::BoundedLines;
use crate::message::WakuMessage;
use crate::record::Record;

/// A line of an import, parsed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ImportLine {
    /// The hash that the line claims; to be compared with the one of its fields.
    pub message_hash: Option<Id>,
    /// The topic that the message was published on.
    pub pubsub_topic: String,
    /// The message.
    pub message: WakuMessage,
    /// Keys that aren't part of the format, in order; those of `message` with `message.` before
    /// them.
    pub unknown_keys: Vec<String>,
}

impl ImportLine {
    /// Parses one line, with or without its line break.
    ///
    /// # Errors
    /// When it is longer than [`LINE_BYTES`] or isn't of the format; the message says what was
    /// expected where.
    pub fn parse(line: &[u8]) -> Result<Self, LineError> {
        if line.len() > LINE_BYTES {
            return Err(LineError::TooLong);
        }
        let line: Line = serde_json::from_slice(line)?;
        let nested = line.message.unknown.into_keys();
        Ok(Self {
            message_hash: line.message_hash.map(|Hash(id)| id),
            pubsub_topic: line.pubsub_topic,
            unknown_keys: line
                .unknown
                .into_keys()
                .chain(nested.map(|key| format!("message.{key}")))
                .collect(),
            message: WakuMessage {
                payload: line.message.payload.0,
                content_topic: line.message.content_topic,
                version: line.message.version,
                timestamp: Some(line.message.timestamp),
                meta: line.message.meta.map(|Base64(bytes)| bytes),
                rate_limit_proof: line.message.proof.map(|Base64(bytes)| bytes),
                ephemeral: line.message.ephemeral,
                unknown: Vec::new(),
            },
        })
    }
}

/// The line of a record, without a line break.
#[must_use]
pub fn export_line(record: &Record) -> String {
    let message = record.message();
    let line = Line {
        message_hash: Some(Hash(record.hash())),
        pubsub_topic: record.pubsub_topic().to_string(),
        message: LineMessage {
            payload: Base64(message.payload.clone()),
            content_topic: message.content_topic.clone(),
            version: message.version,
            timestamp: message.timestamp(),
            meta: message.meta.clone().map(Base64),
            ephemeral: message.ephemeral,
            proof: message.rate_limit_proof.clone().map(Base64),
            unknown: BTreeMap::new(),
        },
        unknown: BTreeMap::new(),
    };
    serde_json::to_string(&line).expect("invariant: all keys are strings and nothing can fail")
}

/// Reads the lines of an import, each of at most [`LINE_BYTES`].
#[derive(Debug)]
pub struct LineReader<R>(BoundedLines<R>);

impl<R: BufRead> LineReader<R> {
    /// Reads from `input`.
    pub const fn new(input: R) -> Self {
        Self(BoundedLines::new(input, LINE_BYTES))
    }

    /// The number of the line last given, from 1 on.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.0.number()
    }

    /// The next line that isn't blank; `None` at the end. A line that can't be parsed doesn't
    /// end the reading.
    ///
    /// # Errors
    /// When the input can't be read.
    pub fn next_line(&mut self) -> io::Result<Option<Result<ImportLine, LineError>>> {
        let line = self.0.next_line()?;
        Ok(line.map(|line| ImportLine::parse(line.map_err(|_| LineError::TooLong)?)))
    }
}

/// Why a line can't be taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LineError {
    /// It is too long.
    #[error("a line has at most {LINE_BYTES} bytes, this one more")]
    TooLong,
    /// It isn't of the format.
    #[error(
        "{0}; expected an object like {{\"pubsubTopic\":\"/waku/2/rs/0/0\",\"message\":\
         {{\"payload\":\"aGk=\",\"contentTopic\":\"/app/1/chat/proto\",\"timestamp\":0}}}}"
    )]
    Malformed(#[from] serde_json::Error),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    message_hash: Option<Hash>,
    pubsub_topic: String,
    message: LineMessage,
    #[serde(flatten, skip_serializing)]
    unknown: BTreeMap<String, IgnoredAny>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LineMessage {
    payload: Base64,
    content_topic: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<u32>,
    timestamp: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    meta: Option<Base64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ephemeral: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    proof: Option<Base64>,
    #[serde(flatten, skip_serializing)]
    unknown: BTreeMap<String, IgnoredAny>,
}

/// Bytes in standard base64 with padding.
struct Base64(Vec<u8>);

impl Serialize for Base64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64_STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = BASE64_STANDARD.decode(&text);
        bytes
            .map(Self)
            .map_err(|error| D::Error::custom(format!("expected padded base64: {error}")))
    }
}

/// A hash in hex behind 0x.
struct Hash(Id);

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("0x{}", self.0))
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut id = [0; 32];
        let digits = text.strip_prefix("0x").unwrap_or(&text);
        hex::decode_to_slice(digits, &mut id).map_err(|_| {
            D::Error::custom("expected a messageHash of 0x and 64 hexadecimal digits")
        })?;
        Ok(Self(Id(id)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::any_message;

    const PLAIN: &str =
        r#"{"pubsubTopic":"/t","message":{"payload":"aGk=","contentTopic":"/c","timestamp":5}}"#;

    #[test]
    fn keys_come_in_order_and_bytes_in_padded_base64() {
        let message = WakuMessage {
            payload: b"hi".to_vec(),
            content_topic: "/c".into(),
            version: Some(0),
            timestamp: Some(5),
            meta: Some(Vec::new()),
            rate_limit_proof: Some(vec![0xfb, 0xff]),
            ephemeral: Some(false),
            unknown: Vec::new(),
        };
        let record = Record::new("/t", message).unwrap();
        let expected = format!(
            r#"{{"messageHash":"0x{}","pubsubTopic":"/t","message":{{"payload":"aGk=","contentTopic":"/c","version":0,"timestamp":5,"meta":"","ephemeral":false,"proof":"+/8="}}}}"#,
            record.hash()
        );
        assert_eq!(export_line(&record), expected);
    }

    #[test]
    fn absent_keys_stay_absent() {
        let line = ImportLine::parse(PLAIN.as_bytes()).unwrap();
        assert_eq!(line.message_hash, None);
        let record = Record::new(line.pubsub_topic, line.message).unwrap();
        let exported = export_line(&record);
        assert!(exported.ends_with(&PLAIN[1..]), "{exported}");
    }

    #[test]
    fn unknown_keys_are_named() {
        let line = PLAIN
            .replace("\"payload\"", "\"color\":[1,{}],\"payload\"")
            .replacen('{', "{\"zone\":null,", 1);
        let line = ImportLine::parse(line.as_bytes()).unwrap();
        assert_eq!(line.unknown_keys, ["zone", "message.color"]);
    }

    #[test]
    fn errors_say_what_was_expected() {
        let cases = [
            ("{", "expected an object like"),
            ("[]", "expected an object like"),
            (&PLAIN.replace("aGk=", "aGk"), "expected padded base64"),
            (
                &PLAIN.replace(",\"timestamp\":5", ""),
                "missing field `timestamp`",
            ),
            (&PLAIN.replace(":5", ":9223372036854775808"), "expected i64"),
            (
                &PLAIN.replacen('{', "{\"messageHash\":\"0x12\",", 1),
                "64 hexadecimal digits",
            ),
        ];
        for (line, expected) in cases {
            let error = ImportLine::parse(line.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(expected), "{line}: {error}");
        }
        let not_utf8 = [&b"{\"pubsubTopic\":\"\xff\""[..], &PLAIN.as_bytes()[19..]].concat();
        assert!(ImportLine::parse(&not_utf8).is_err());
    }

    #[test]
    fn an_oversized_line_is_skipped_and_the_rest_read() {
        let oversized = PLAIN.replace("aGk=", &"AAAA".repeat(LINE_BYTES / 4));
        let input = format!("\n{PLAIN}\n{oversized}\r\n  \n{PLAIN}");
        let mut lines = LineReader::new(input.as_bytes());
        assert!(lines.next_line().unwrap().unwrap().is_ok());
        assert_eq!(lines.number(), 2);
        let refused = lines.next_line().unwrap().unwrap();
        assert!(matches!(refused, Err(LineError::TooLong)));
        assert_eq!(lines.number(), 3);
        assert!(lines.next_line().unwrap().unwrap().is_ok());
        assert_eq!(lines.number(), 5);
        assert!(lines.next_line().unwrap().is_none());
    }

    proptest! {
        #[test]
        fn any_record_comes_back_from_its_line(message in any_message(), topic in ".{0,20}") {
            let timestamp = message.timestamp.map_or(0, |time| time & i64::MAX);
            let message = WakuMessage {
                timestamp: Some(timestamp),
                unknown: Vec::new(),
                ..message
            };
            let record = Record::new(topic.as_str(), message.clone()).unwrap();
            let line = ImportLine::parse(export_line(&record).as_bytes()).unwrap();
            prop_assert_eq!(line.message_hash, Some(record.hash()));
            prop_assert_eq!(line.pubsub_topic, topic);
            prop_assert_eq!(line.message, message);
            prop_assert!(line.unknown_keys.is_empty());
        }
    }
}
