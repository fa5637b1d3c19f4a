//! Store v3 requests.

use prost::Message;
use store_adapter::store::StoreQueryRequest;
use wakustore::wire::Protocol;

use super::transfer::TOPIC;
use super::vector::Verdict::{Canonical, Foreign, Malformed};
use super::vector::{File, Vector, hash, joined};

/// A time of our days.
const TIME: i64 = 1_700_000_000_000_000_000;

pub(crate) fn file() -> File {
    let vectors = [valid(), refused(), foreign(), invalid()];
    let vectors = vectors.into_iter().flatten();
    File::frames(
        "store-request.json",
        Protocol::StoreRequest,
        vectors.collect(),
    )
}

fn request() -> StoreQueryRequest {
    StoreQueryRequest {
        request_id: "r-1".into(),
        pagination_forward: true,
        ..StoreQueryRequest::default()
    }
}

fn by_hashes() -> StoreQueryRequest {
    StoreQueryRequest {
        message_hashes: vec![hash(1).to_vec(), hash(2).to_vec()],
        ..request()
    }
}

fn new(name: &str, request: StoreQueryRequest) -> Vector {
    Vector::new(name, request.encode_to_vec(), Canonical)
}

fn valid() -> Vec<Vector> {
    let topics = vec!["/app/1/chat/proto".into(), "/ä/1/é/proto".into()];
    vec![
        new("everything, in pages of the default length", request()),
        new(
            "by times and topics, with data, behind a cursor, newest first",
            StoreQueryRequest {
                include_data: true,
                pubsub_topic: Some(TOPIC.into()),
                content_topics: topics,
                time_start: Some(TIME),
                time_end: Some(TIME + 3_600_000_000_000),
                pagination_cursor: Some(hash(7).to_vec()),
                pagination_forward: false,
                pagination_limit: Some(50),
                ..request()
            },
        ),
        new("by hashes", by_hashes()),
        new(
            "by hashes, with the topic that js-waku adds",
            StoreQueryRequest {
                pubsub_topic: Some(TOPIC.into()),
                ..by_hashes()
            },
        ),
        new(
            "the largest and smallest numbers",
            StoreQueryRequest {
                time_start: Some(i64::MIN),
                time_end: Some(i64::MAX),
                pagination_limit: Some(u64::MAX),
                ..request()
            },
        ),
        new(
            "an empty pubsub topic, which is none",
            StoreQueryRequest {
                pubsub_topic: Some(String::new()),
                ..request()
            },
        ),
    ]
}

/// Well-formed, but answered by status 400.
fn refused() -> Vec<Vector> {
    vec![
        new("an empty request id: refused", StoreQueryRequest::default()),
        new(
            "a hash of 31 bytes: refused",
            StoreQueryRequest {
                message_hashes: vec![vec![1; 31]],
                ..request()
            },
        ),
        new(
            "a cursor of 33 bytes: refused",
            StoreQueryRequest {
                pagination_cursor: Some(vec![1; 33]),
                ..request()
            },
        ),
        new(
            "hashes and content topics: refused",
            StoreQueryRequest {
                content_topics: vec!["/app/1/chat/proto".into()],
                ..by_hashes()
            },
        ),
        new(
            "hashes and a time: refused",
            StoreQueryRequest {
                time_end: Some(TIME),
                ..by_hashes()
            },
        ),
    ]
}

fn foreign() -> Vec<Vector> {
    vec![
        Vector::new("a request id and nothing else", *b"\x0a\x01r", Foreign),
        Vector::new(
            "an empty frame, so without a request id: refused",
            *b"",
            Foreign,
        ),
        Vector::new(
            "an unknown field, skipped",
            joined(&[b"\x0a\x01r", b"\x18\x05"]),
            Foreign,
        ),
    ]
}

fn invalid() -> Vec<Vector> {
    let cases: [(&str, &[u8], usize); 8] = [
        ("a key cut", b"\x80", 0),
        ("a request id longer than the frame", b"\x0a\x05r", 1),
        ("a request id that isn't UTF-8", b"\x0a\x01\xff", 2),
        ("a request id as a number", b"\x08\x01", 0),
        (
            "a time of eight fixed bytes",
            b"\x61\x01\x02\x03\x04\x05\x06\x07\x08",
            0,
        ),
        ("a time cut", b"\x0a\x01r\x60\x80", 4),
        ("a hash as a number", b"\xa0\x01\x05", 0),
        (
            "a limit past 64 bits",
            b"\xa8\x03\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02",
            2,
        ),
    ];
    cases
        .map(|(name, wire, offset)| Vector::new(name, wire, Malformed(offset)))
        .into()
}
