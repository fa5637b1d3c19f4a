//! Deterministic message hashes.

use serde_json::{Value, json};
use store_adapter::{WakuMessage, message_hash};

use super::transfer::{TOPIC, message};
use super::vector::{Content, File};

/// Lengths about those at which a block of SHA-256 fills up: with the other fields of the plain
/// message, and by themselves.
const LENGTHS: [usize; 9] = [0, 1, 8, 9, 55, 56, 63, 64, 65];

pub(crate) fn file() -> File {
    let mut values = vec![
        value(
            "no topics, no payload, no timestamp",
            "",
            &WakuMessage::default(),
        ),
        value("no meta", TOPIC, &message()),
        value(
            "an empty meta, which hashes alike",
            TOPIC,
            &WakuMessage {
                meta: Some(Vec::new()),
                ..message()
            },
        ),
        value(
            "a meta",
            TOPIC,
            &WakuMessage {
                meta: Some(b"to".to_vec()),
                ..message()
            },
        ),
        value(
            "version, ephemeral and proof, which aren't hashed",
            TOPIC,
            &WakuMessage {
                version: Some(7),
                ephemeral: Some(true),
                rate_limit_proof: Some(vec![1]),
                ..message()
            },
        ),
        value("the largest timestamp", TOPIC, &at(i64::MAX)),
        value(
            "a timestamp before 1970, as two's complement",
            TOPIC,
            &at(-1),
        ),
        value(
            "the parts joined one way",
            "/t",
            &WakuMessage {
                content_topic: "/a/1/b/proto".into(),
                ..message()
            },
        ),
        value(
            "the parts joined another way, to the same hash",
            "/t",
            &WakuMessage {
                content_topic: "/a/1/b/pro".into(),
                meta: Some(b"to".to_vec()),
                ..message()
            },
        ),
    ];
    values.extend(LENGTHS.map(|len| {
        let payload = (0..len).map(|byte| byte as u8).collect();
        let name = format!("a payload of {len} bytes");
        value(
            &name,
            TOPIC,
            &WakuMessage {
                payload,
                ..message()
            },
        )
    }));
    File {
        name: "message-hash.json",
        content: Content::Values(values),
    }
}

fn at(timestamp: i64) -> WakuMessage {
    WakuMessage {
        timestamp: Some(timestamp),
        ..message()
    }
}

fn value(name: &str, pubsub_topic: &str, message: &WakuMessage) -> Value {
    json!({
        "name": name,
        "protocol": "message-hash",
        "pubsub_topic": pubsub_topic,
        "payload": hex::encode(&message.payload),
        "content_topic": message.content_topic,
        "meta": message.meta.as_ref().map(hex::encode),
        "timestamp": message.timestamp(),
        "hash": message_hash(pubsub_topic, message).to_string(),
    })
}
