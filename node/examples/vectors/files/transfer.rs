//! Transfer frames, and with them Waku messages.

use prost::Message;
use store_adapter::message::RateLimitProof;
use store_adapter::{WakuMessage, WakuMessageAndTopic};
use wakustore::wire::Protocol;

use super::vector::Verdict::{Canonical, Foreign, Malformed};
use super::vector::{File, OVER_64_BITS, Vector, Verdict, hash, joined};

pub(super) const TOPIC: &str = "/waku/2/rs/99/0";

pub(crate) fn file() -> File {
    let vectors = [valid(), refused(), foreign(), invalid()];
    let vectors = vectors.into_iter().flatten();
    File::frames("transfer.json", Protocol::Transfer, vectors.collect())
}

/// A message of our days.
pub(super) fn message() -> WakuMessage {
    WakuMessage {
        payload: b"hi".to_vec(),
        content_topic: "/app/1/chat/proto".into(),
        timestamp: Some(1_700_000_000_000_000_000),
        ..WakuMessage::default()
    }
}

/// A frame of the message on [`TOPIC`].
fn frame(message: &WakuMessage) -> Vec<u8> {
    with_topic(TOPIC, &message.encode_to_vec())
}

/// A frame of a topic and the bytes of a message, each short.
fn with_topic(topic: &str, message: &[u8]) -> Vec<u8> {
    let mut wire = Vec::new();
    prost::encoding::string::encode(1, &topic.to_owned(), &mut wire);
    prost::encoding::bytes::encode(2, &message.to_vec(), &mut wire);
    wire
}

fn proof() -> RateLimitProof {
    RateLimitProof {
        proof: vec![7; 128],
        merkle_root: hash(1).to_vec(),
        epoch: hash(2).to_vec(),
        share_x: hash(3).to_vec(),
        share_y: hash(4).to_vec(),
        nullifier: hash(5).to_vec(),
        rln_identifier: hash(6).to_vec(),
    }
}

fn valid() -> Vec<Vector> {
    let new = |name, message| Vector::new(name, frame(&message), Canonical);
    vec![
        new("payload, content topic and timestamp", message()),
        new(
            "every field",
            WakuMessage {
                version: Some(1),
                meta: Some(b"meta".to_vec()),
                rate_limit_proof: Some(proof().encode_to_vec()),
                ephemeral: Some(false),
                ..message()
            },
        ),
        new(
            "every field, empty or zero",
            WakuMessage {
                payload: Vec::new(),
                version: Some(0),
                timestamp: Some(0),
                meta: Some(Vec::new()),
                rate_limit_proof: Some(Vec::new()),
                ephemeral: Some(false),
                ..message()
            },
        ),
        new(
            "the largest numbers",
            WakuMessage {
                version: Some(u32::MAX),
                timestamp: Some(i64::MAX),
                ..message()
            },
        ),
        new(
            "the longest meta",
            WakuMessage {
                meta: Some(vec![9; 64]),
                ..message()
            },
        ),
        new(
            "a payload of which the first 16 bytes are shown",
            WakuMessage {
                payload: (0..200).collect(),
                ..message()
            },
        ),
        new(
            "a proof that is none",
            WakuMessage {
                rate_limit_proof: Some(vec![0x9f, 0xcb, 0x6f]),
                ..message()
            },
        ),
        new(
            "unknown fields of each kind, kept",
            WakuMessage {
                unknown: joined(&[
                    b"\x20\x96\x01",
                    b"\x21\x01\x02\x03\x04\x05\x06\x07\x08",
                    b"\x22\x03abc",
                    b"\x25\x01\x02\x03\x04",
                    b"\x23\x28\x05\x33\x08\x01\x34\x24",
                ]),
                ..message()
            },
        ),
    ]
}

/// Well-formed, but no node stores them.
fn refused() -> Vec<Vector> {
    let new = |name, message| Vector::new(name, frame(&message), Canonical);
    let empty_topic = WakuMessageAndTopic {
        pubsub_topic: String::new(),
        message: message(),
    };
    let empty_topic = with_topic(
        &empty_topic.pubsub_topic,
        &empty_topic.message.encode_to_vec(),
    );
    vec![
        new(
            "an ephemeral message: refused",
            WakuMessage {
                ephemeral: Some(true),
                ..message()
            },
        ),
        new(
            "a timestamp before 1970: refused",
            WakuMessage {
                timestamp: Some(i64::MIN),
                ..message()
            },
        ),
        new(
            "a meta of 65 bytes: refused",
            WakuMessage {
                meta: Some(vec![9; 65]),
                ..message()
            },
        ),
        new(
            "an empty content topic: refused",
            WakuMessage {
                content_topic: String::new(),
                ..message()
            },
        ),
        Vector::new("an empty pubsub topic: refused", empty_topic, Canonical),
    ]
}

/// What decoders take and no encoder writes.
fn foreign() -> Vec<Vector> {
    let new = |name, wire| Vector::new(name, wire, Foreign);
    let plain = frame(&message());
    let topic = with_topic(TOPIC, b"");
    let topic = &topic[..topic.len() - 2];
    vec![
        new(
            "the message before the topic",
            joined(&[&plain[topic.len()..], topic]),
        ),
        new(
            "the topic twice, of which the last counts",
            joined(&[b"\x0a\x01t", &plain]),
        ),
        new(
            "the message twice, merged",
            joined(&[&plain, b"\x12\x02\x18\x05"]),
        ),
        new("a message without fields", joined(&[topic, b"\x12\x00"])),
        new(
            "an unknown field beside the message, dropped",
            joined(&[&plain, b"\x1a\x01x"]),
        ),
        new("a timestamp with a zero group at its end", {
            with_topic(TOPIC, b"\x0a\x01p\x12\x01c\x50\x82\x00")
        }),
        new("a version past 32 bits, of which the low ones count", {
            with_topic(
                TOPIC,
                b"\x0a\x01p\x12\x01c\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            )
        }),
        new("`ephemeral` as 2, which is true", {
            with_topic(TOPIC, b"\x0a\x01p\x12\x01c\xf8\x01\x02")
        }),
    ]
}

fn invalid() -> Vec<Vector> {
    let plain = frame(&message());
    // Where the fields of the message start.
    let at = with_topic(TOPIC, b"").len();
    let within = |name: &str, fields: &[u8], offset: usize| {
        Vector::new(name, with_topic(TOPIC, fields), Malformed(at + offset))
    };
    let groups = [vec![0x23; 33], vec![0x24; 33]].concat();
    let new = |name: &str, wire: Vec<u8>, verdict: Verdict| Vector::new(name, wire, verdict);
    let mut vectors = vec![
        new("an empty frame, so without a topic", vec![], Malformed(0)),
        new("no message", plain[..at - 2].to_vec(), Malformed(at - 2)),
        new(
            "no topic",
            plain[at - 2..].to_vec(),
            Malformed(plain.len() + 2 - at),
        ),
        new(
            "a message longer than the frame",
            plain[..plain.len() - 1].to_vec(),
            Malformed(at - 1),
        ),
        new(
            "a topic that isn't UTF-8",
            b"\x0a\x02t\xff\x12\x00".to_vec(),
            Malformed(3),
        ),
        new(
            "a topic as a number",
            b"\x08\x05\x12\x00".to_vec(),
            Malformed(0),
        ),
        new(
            "a message as a number",
            b"\x0a\x01t\x10\x05".to_vec(),
            Malformed(3),
        ),
        within("a payload longer than its message", b"\x0a\x05abcd", 1),
        within("a content topic that isn't UTF-8", b"\x12\x02\xc3\x28", 2),
        within("a timestamp cut", b"\x50\x80", 1),
        within("a timestamp with a length", b"\x52\x01\x05", 0),
        within("groups nested 33 deep in an unknown field", &groups, 32),
        within("the end of another group", b"\x23\x2c", 1),
        within("an unknown field of eight bytes cut", b"\x21\x01\x02", 1),
        within("an unknown field of four bytes cut", b"\x25\x01\x02", 1),
    ];
    for bytes in OVER_64_BITS {
        let name = format!("a timestamp past 64 bits in {} bytes", bytes.len());
        vectors.push(within(&name, &joined(&[b"\x50", bytes]), 1));
    }
    vectors
}
