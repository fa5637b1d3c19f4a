//! Store v3 responses.

use prost::Message;
use store_adapter::message_hash;
use store_adapter::store::{StoreQueryResponse, StoredMessage, status};
use wakustore::wire::Protocol;

use super::transfer::{TOPIC, message};
use super::vector::Verdict::{Canonical, Foreign, Limit, Malformed};
use super::vector::{File, Vector, hash};

pub(crate) fn file() -> File {
    let vectors = [valid(), refused(), foreign(), invalid()];
    let vectors = vectors.into_iter().flatten();
    File::frames(
        "store-response.json",
        Protocol::StoreResponse,
        vectors.collect(),
    )
}

fn response(messages: Vec<StoredMessage>) -> StoreQueryResponse {
    StoreQueryResponse {
        request_id: "r-1".into(),
        status_code: status::OK,
        status_desc: "OK".into(),
        messages,
        pagination_cursor: None,
    }
}

fn failure(request_id: &str, status_code: u32, status_desc: &str) -> StoreQueryResponse {
    StoreQueryResponse {
        request_id: request_id.into(),
        status_code,
        status_desc: status_desc.into(),
        ..StoreQueryResponse::default()
    }
}

fn bare(hash: &[u8]) -> StoredMessage {
    StoredMessage {
        message_hash: Some(hash.to_vec()),
        ..StoredMessage::default()
    }
}

/// A message with its data and its hash.
fn whole() -> StoredMessage {
    StoredMessage {
        message_hash: Some(message_hash(TOPIC, &message()).0.to_vec()),
        message: Some(message()),
        pubsub_topic: Some(TOPIC.into()),
    }
}

fn new(name: &str, response: StoreQueryResponse) -> Vector {
    Vector::new(name, response.encode_to_vec(), Canonical)
}

fn valid() -> Vec<Vector> {
    let unknown_cursor = "BAD_RESPONSE: archive error: DRIVER_ERROR: cursor not found";
    let too_many = failure("N/A", status::TOO_MANY_REQUESTS, "TOO_MANY_REQUESTS");
    vec![
        new("an empty page", response(vec![])),
        new(
            "hashes, and a cursor",
            StoreQueryResponse {
                pagination_cursor: Some(hash(2).to_vec()),
                ..response(vec![bare(&hash(1)), bare(&hash(2))])
            },
        ),
        new("a message with its data", response(vec![whole()])),
        new(
            "a message without its topic, which counts as a hash only",
            {
                response(vec![StoredMessage {
                    pubsub_topic: None,
                    ..whole()
                }])
            },
        ),
        new(
            "an unknown cursor",
            failure("r-1", status::BAD_RESPONSE, unknown_cursor),
        ),
        new("too many requests", too_many),
        new(
            "the largest status, no description",
            failure("", u32::MAX, ""),
        ),
    ]
}

/// Well-formed, but no client takes them.
fn refused() -> Vec<Vector> {
    vec![
        new("a message that hashes to something else: refused", {
            response(vec![
                whole(),
                StoredMessage {
                    message_hash: Some(hash(1).to_vec()),
                    ..whole()
                },
            ])
        }),
        new(
            "a hash of 31 bytes: refused",
            response(vec![bare(&hash(1)[..31])]),
        ),
        new(
            "a message without a hash: refused",
            response(vec![StoredMessage::default()]),
        ),
        new(
            "a cursor of 33 bytes: refused",
            StoreQueryResponse {
                pagination_cursor: Some(vec![1; 33]),
                ..response(vec![])
            },
        ),
    ]
}

fn foreign() -> Vec<Vector> {
    vec![
        Vector::new("an empty frame, so without a status", *b"", Foreign),
        Vector::new("a status and nothing else", *b"\x50\xc8\x01", Foreign),
    ]
}

fn invalid() -> Vec<Vector> {
    let cases: [(&str, &[u8], usize); 7] = [
        ("a status cut", b"\x50\x80", 1),
        ("a status with a length", b"\x52\x01\xc8", 0),
        ("a description that isn't UTF-8", b"\x5a\x02O\xff", 3),
        (
            "a stored message longer than the frame",
            b"\xa2\x01\x05\x0a\x01",
            2,
        ),
        (
            "a message longer than its stored message",
            b"\xa2\x01\x03\x12\x05\x0a",
            4,
        ),
        (
            "a field of a message longer than the message",
            b"\xa2\x01\x04\x12\x02\x0a\x01",
            6,
        ),
        (
            "a message's timestamp with a length",
            b"\xa2\x01\x04\x12\x02\x52\x00",
            5,
        ),
    ];
    let cases = cases.map(|(name, wire, offset)| Vector::new(name, wire, Malformed(offset)));
    let mut vectors = Vec::from(cases);
    vectors.push(Vector::new(
        "1,001 messages",
        b"\xa2\x01\x00".repeat(1_001),
        Limit("store_response_messages"),
    ));
    vectors
}
