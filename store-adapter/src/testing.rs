//! What the crate's own tests share: recorded vectors and generated messages.

use std::path::Path;

use proptest::prelude::*;
use serde_json::Value;

use crate::message::WakuMessage;
use crate::record::Record;

/// A file of recorded vectors.
pub(crate) fn vectors(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec/vectors");
    serde_json::from_slice(&std::fs::read(path.join(name)).unwrap()).unwrap()
}

/// The bytes of a recorded hex field; `None` for null.
pub(crate) fn bytes_of(value: &Value) -> Option<Vec<u8>> {
    value.as_str().map(|text| hex::decode(text).unwrap())
}

/// A message from its recorded fields. nwaku writes all of them, so all but a null meta are
/// present.
pub(crate) fn message_of(fields: &Value) -> WakuMessage {
    WakuMessage {
        payload: bytes_of(&fields["payload"]).unwrap(),
        content_topic: fields["contentTopic"].as_str().unwrap().into(),
        version: Some(u32::try_from(fields["version"].as_u64().unwrap()).unwrap()),
        timestamp: Some(fields["timestamp"].as_i64().unwrap()),
        meta: bytes_of(&fields["meta"]),
        rate_limit_proof: bytes_of(&fields["proof"]),
        ephemeral: Some(fields["ephemeral"].as_bool().unwrap()),
        unknown: Vec::new(),
    }
}

/// A record told from others by its time and payload.
pub(crate) fn record(topic: &str, content_topic: &str, timestamp: i64, payload: &[u8]) -> Record {
    let message = WakuMessage {
        payload: payload.to_vec(),
        content_topic: content_topic.into(),
        timestamp: Some(timestamp),
        ..WakuMessage::default()
    };
    Record::new(topic, message).unwrap()
}

/// Any message, with and without each field.
pub(crate) fn any_message() -> impl Strategy<Value = WakuMessage> {
    let some_bytes = || proptest::collection::vec(any::<u8>(), 0..80);
    let unknown = prop_oneof![
        Just(Vec::new()),
        Just(b"\x22\x03abc".to_vec()),
        Just(b"\xa0\x06\x07\x25\x01\x02\x03\x04".to_vec()),
    ];
    (
        some_bytes(),
        ".{0,20}",
        any::<Option<u32>>(),
        any::<Option<i64>>(),
        proptest::option::of(some_bytes()),
        proptest::option::of(some_bytes()),
        any::<Option<bool>>(),
        unknown,
    )
        .prop_map(
            |(payload, content_topic, version, timestamp, meta, proof, ephemeral, unknown)| {
                WakuMessage {
                    payload,
                    content_topic,
                    version,
                    timestamp,
                    meta,
                    rate_limit_proof: proof,
                    ephemeral,
                    unknown,
                }
            },
        )
}
