//! Messages in JSON: bytes in padded standard base64, times in nanoseconds since 1970 as numbers.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use store_adapter::WakuMessage;
use store_adapter::limits::META_BYTES;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use utoipa::{PartialSchema, ToSchema};

use super::topics::ContentTopic;

/// Padded; that the bits behind the last byte are zero isn't insisted on.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// 2^63, the smallest number that 64 bits don't hold.
const BEYOND_I64: f64 = 9_223_372_036_854_775_808.0;

/// Bytes, in base64.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Base64(pub(super) Vec<u8>);

impl Serialize for Base64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        let bytes = BASE64.decode(text.as_ref()).map_err(|error| {
            D::Error::custom(format!("expected padded standard base64: {error}"))
        })?;
        Ok(Self(bytes))
    }
}

/// A message.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Message {
    /// What the application sent, in base64.
    #[schema(value_type = String, format = Byte)]
    payload: Base64,
    /// The application's topic.
    content_topic: String,
    /// At most 64 bytes of the application's, in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Byte, nullable = false)]
    meta: Option<Base64>,
    /// The application's encryption version; 0 where the message has none.
    version: u32,
    /// Nanoseconds since 1970; 0 where the message has none.
    timestamp: i64,
    /// Whether the message isn't meant to be stored.
    ephemeral: bool,
    /// A proof that its sender kept the network's rate limit, in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Byte, nullable = false)]
    proof: Option<Base64>,
}

impl From<WakuMessage> for Message {
    fn from(message: WakuMessage) -> Self {
        let some = |bytes: Option<Vec<u8>>| bytes.filter(|bytes| !bytes.is_empty()).map(Base64);
        Self {
            version: message.version.unwrap_or_default(),
            timestamp: message.timestamp(),
            ephemeral: message.is_ephemeral(),
            payload: Base64(message.payload),
            content_topic: message.content_topic,
            meta: some(message.meta),
            proof: some(message.rate_limit_proof),
        }
    }
}

/// A message to be published.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct NewMessage {
    /// What the application sends, in base64; not empty.
    #[schema(value_type = String, format = Byte,
             pattern = "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)$")]
    payload: Base64,
    /// The application's topic, like /app/1/chat/proto; not blank.
    #[schema(pattern = "\\S")]
    content_topic: String,
    /// The application's encryption version; 0 by default.
    #[serde(default, deserialize_with = "integer")]
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 4294967295_i64)]
    version: Option<u32>,
    /// Nanoseconds since 1970; now by default, and if it is 0.
    #[serde(default, deserialize_with = "integer")]
    #[schema(minimum = 0, maximum = 9223372036854775807_i64)]
    timestamp: Option<i64>,
    /// At most 64 bytes of the application's, in base64.
    #[schema(value_type = Option<String>, format = Byte,
             pattern = "^(?:(?:[A-Za-z0-9+/]{4}){0,20}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})?|(?:[A-Za-z0-9+/]{4}){21}(?:[A-Za-z0-9+/]{2}==)?)$")]
    meta: Option<Base64>,
    /// Whether the message isn't to be stored.
    ephemeral: Option<bool>,
    /// A proof that the network's rate limit is kept, an encoded RateLimitProof in base64.
    #[schema(value_type = Option<String>, format = "rate-limit-proof")]
    proof: Option<Base64>,
}

/// A number without a fraction, however it is written: to JavaScript, and to JSON Schema, 4.0 is 4.
fn integer<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<i64>,
{
    let Some(number) = Option::<serde_json::Number>::deserialize(deserializer)? else {
        return Ok(None);
    };
    let whole = number.as_i64().or_else(|| {
        let float = number.as_f64()?;
        let fits = float.fract() == 0.0 && float.abs() < BEYOND_I64;
        fits.then_some(float as i64)
    });
    let integer = whole.and_then(|whole| T::try_from(whole).ok());
    let bits = 8 * size_of::<T>();
    let wrong = || D::Error::custom(format!("expected an integer of {bits} bits, got {number}"));
    integer.map(Some).ok_or_else(wrong)
}

/// A message to be published on the shard of its content topic.
pub(super) struct NewContentMessage;

impl PartialSchema for NewContentMessage {
    fn schema() -> RefOr<Schema> {
        let mut schema = NewMessage::schema();
        if let RefOr::T(Schema::Object(object)) = &mut schema {
            let topic = ContentTopic::schema();
            object.properties.insert("contentTopic".into(), topic);
        }
        schema
    }
}

impl ToSchema for NewContentMessage {}

impl NewMessage {
    /// The message, with the time `now` (nanoseconds since 1970) if it has none.
    ///
    /// # Errors
    /// When it can't be one; in words.
    pub(super) fn into_message(self, now: u64) -> Result<WakuMessage, String> {
        if self.payload.0.is_empty() {
            return Err("Field `payload` is missing or empty".into());
        }
        if self.content_topic.trim().is_empty() {
            return Err("Field `contentTopic` is missing or empty".into());
        }
        let timestamp = match self.timestamp {
            None | Some(0) => i64::try_from(now).unwrap_or(i64::MAX),
            Some(timestamp) if timestamp < 0 => {
                return Err(format!(
                    "Field `timestamp`: expected nanoseconds since 1970, got {timestamp}"
                ));
            }
            Some(timestamp) => timestamp,
        };
        let mut message = WakuMessage {
            payload: self.payload.0,
            content_topic: self.content_topic,
            version: Some(self.version.unwrap_or_default()),
            timestamp: Some(timestamp),
            meta: self
                .meta
                .map(|Base64(bytes)| bytes)
                .filter(|meta| !meta.is_empty()),
            rate_limit_proof: self
                .proof
                .map(|Base64(bytes)| bytes)
                .filter(|proof| !proof.is_empty()),
            ephemeral: Some(self.ephemeral.unwrap_or_default()),
            unknown: Vec::new(),
        };
        let meta = message.meta.as_ref().map_or(0, Vec::len);
        if meta > META_BYTES {
            return Err(format!(
                "Field `meta`: expected at most {META_BYTES} bytes, got {meta}"
            ));
        }
        if message.drop_unreadable_proof() {
            return Err("Field `proof`: expected an encoded RateLimitProof".into());
        }
        Ok(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000_000_000_000;

    fn read(json: &str) -> Result<WakuMessage, String> {
        let message: NewMessage = serde_json::from_str(json).map_err(|error| error.to_string())?;
        message.into_message(NOW)
    }

    #[test]
    fn what_a_new_message_lacks_is_filled_in() {
        let message = read(r#"{"payload":"aGk=","contentTopic":"/a/1/b/proto"}"#).unwrap();
        let expected = WakuMessage {
            payload: b"hi".to_vec(),
            content_topic: "/a/1/b/proto".into(),
            version: Some(0),
            timestamp: i64::try_from(NOW).ok(),
            ephemeral: Some(false),
            ..WakuMessage::default()
        };
        assert_eq!(message, expected);
        let zero =
            read(r#"{"payload":"aGk=","contentTopic":"/a/1/b/proto","timestamp":0,"meta":""}"#);
        assert_eq!(zero.unwrap(), expected);
    }

    #[test]
    fn integers_may_be_written_as_floats_and_null_is_nothing() {
        let with = |fields: &str| {
            read(&format!(
                r#"{{"payload":"aGk=","contentTopic":"/a/1/b/proto",{fields}}}"#
            ))
            .unwrap()
        };
        let message = with(r#""version":10.0,"timestamp":1.7e18"#);
        assert_eq!(message.version, Some(10));
        assert_eq!(message.timestamp, Some(1_700_000_000_000_000_000));
        let nothing = with(r#""version":null,"timestamp":null,"meta":null,"ephemeral":null"#);
        assert_eq!(nothing, with(r#""version":0"#));
    }

    #[test]
    fn all_that_a_new_message_has_is_kept() {
        let meta = BASE64.encode([7; 64]);
        let json = format!(
            r#"{{"payload":"aGk=","contentTopic":"/a/1/b/proto","version":10,"timestamp":5,
                "meta":"{meta}","ephemeral":true,"proof":"CgEF"}}"#
        );
        let message = read(&json).unwrap();
        assert_eq!((message.version, message.timestamp), (Some(10), Some(5)));
        assert_eq!(message.meta, Some(vec![7; 64]));
        assert_eq!(message.rate_limit_proof, Some(vec![0x0a, 0x01, 0x05]));
        assert_eq!(message.ephemeral, Some(true));
    }

    #[test]
    fn what_cannot_be_a_message_is_refused_with_the_reason() {
        let with =
            |field: &str| format!(r#"{{"payload":"aGk=","contentTopic":"/a/1/b/proto",{field}}}"#);
        let long = BASE64.encode([7; 65]);
        let cases = [
            (r#"{"contentTopic":"/a/1/b/proto"}"#.to_owned(), "payload"),
            (
                r#"{"payload":"","contentTopic":"/a/1/b/proto"}"#.to_owned(),
                "`payload` is missing or empty",
            ),
            (
                r#"{"payload":"aGk=","contentTopic":" "}"#.to_owned(),
                "`contentTopic` is missing or empty",
            ),
            (r#"{"payload":"aGk="}"#.to_owned(), "contentTopic"),
            (
                r#"{"payload":"aGk","contentTopic":"/a"}"#.to_owned(),
                "base64",
            ),
            (
                r#"{"payload":"a-_=","contentTopic":"/a"}"#.to_owned(),
                "base64",
            ),
            (
                r#"{"payload":[1],"contentTopic":"/a"}"#.to_owned(),
                "string",
            ),
            (
                with(r#""version":2.1"#),
                "expected an integer of 32 bits, got 2.1",
            ),
            (with(r#""version":-1"#), "got -1"),
            (with(r#""version":4294967296"#), "got 4294967296"),
            (with(r#""timestamp":"5""#), "number"),
            (
                with(r#""timestamp":5.5"#),
                "expected an integer of 64 bits, got 5.5",
            ),
            (with(r#""timestamp":1e300"#), "got 1e"),
            (with(r#""timestamp":-5"#), "got -5"),
            (
                with(r#""timestamp":9223372036854775808"#),
                "got 9223372036854775808",
            ),
            (with(r#""meta":"How is your day!!""#), "base64"),
            (
                with(&format!(r#""meta":"{long}""#)),
                "at most 64 bytes, got 65",
            ),
            (with(r#""ephemeral":1"#), "boolean"),
            (with(r#""proof":"n8tv""#), "RateLimitProof"),
            (with(r#""extraField":"extraValue""#), "extraField"),
            (with(r#""payload":"aGk=""#), "duplicate"),
        ];
        for (json, words) in cases {
            let error = read(&json).unwrap_err();
            assert!(error.contains(words), "{json}: {error}");
        }
    }
}
