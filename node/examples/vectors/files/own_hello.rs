//! The hello of this project's own protocol.

use sync_core::SessionLimits;
use sync_core::own::{Frame, Hello, Span};

use super::vector::Verdict::{Canonical, Foreign, Limit, Malformed};
use super::vector::{OVER_64_BITS, Vector, hash, joined};

/// A time of our days.
const TIME: u64 = 1_700_000_000_000_000_000;

/// The window of an hour, all topics.
fn hello() -> Hello {
    Hello {
        since: TIME,
        until: Some(TIME + 3_600_000_000_000),
        frame_bytes: 1 << 20,
        ..Hello::default()
    }
}

fn full() -> Hello {
    Hello {
        since_id: hash(1).to_vec(),
        pubsub_topics: vec!["/waku/2/rs/99/0".into(), "/waku/2/rs/99/1".into()],
        content_topics: vec!["/app/1/chat/proto".into(), "/ä/1/é/proto".into()],
        items: 54_000,
        oldest: Some(TIME - 1),
        gaps: vec![
            Span {
                since: TIME + 5,
                until: TIME + 9,
            },
            Span::default(),
        ],
        floor: Some(TIME - 7),
        floor_id: hash(2).to_vec(),
        features: 0,
        ..hello()
    }
}

fn largest() -> Hello {
    Hello {
        since: u64::MAX - 1,
        until: Some(u64::MAX),
        frame_bytes: u64::MAX,
        items: u64::MAX,
        oldest: Some(u64::MAX),
        floor: Some(0),
        features: u64::MAX,
        ..Hello::default()
    }
}

pub(super) fn valid() -> Vec<Vector> {
    let new = |name: &str, hello: Hello| {
        let name = format!("hello: {name}");
        Vector::new(name, Frame::Hello(hello).encode(), Canonical)
    };
    let foreign = |name: &str, more: &[u8]| {
        let wire = joined(&[&Frame::Hello(hello()).encode(), more]);
        Vector::new(format!("hello: {name}"), wire, Foreign)
    };
    vec![
        new("a window, all topics", hello()),
        new("every field", full()),
        new("the largest numbers", largest()),
        new(
            "no end of the window",
            Hello {
                until: None,
                ..hello()
            },
        ),
        new(
            "the shortest frame limit",
            Hello {
                frame_bytes: 4_096,
                ..hello()
            },
        ),
        foreign(
            "`items` twice, of which the last counts",
            b"\x38\x05\x38\x07",
        ),
        foreign("an unknown field, skipped", b"\xa2\x06\x03abc"),
        new(
            "no fields, so a frame limit of 0: refused",
            Hello::default(),
        ),
        new(
            "a frame limit under 4096: refused",
            Hello {
                frame_bytes: 4_095,
                ..hello()
            },
        ),
        new(
            "a `since_id` of 31 bytes: refused",
            Hello {
                since_id: hash(1)[..31].to_vec(),
                ..hello()
            },
        ),
        new(
            "a `floor_id` of 33 bytes: refused",
            Hello {
                floor: Some(TIME),
                floor_id: vec![1; 33],
                ..hello()
            },
        ),
    ]
}

pub(super) fn invalid() -> Vec<Vector> {
    let limits = SessionLimits::default();
    let of_topics = |count| vec![String::new(); count];
    let over = |name: &str, hello: Hello, limit| {
        let name = format!("hello: {name}");
        Vector::new(name, Frame::Hello(hello).encode(), Limit(limit))
    };
    let mut vectors = vec![
        over(
            "1,025 pubsub topics",
            Hello {
                pubsub_topics: of_topics(limits.topics + 1),
                ..hello()
            },
            "topics",
        ),
        over(
            "1,025 content topics",
            Hello {
                content_topics: of_topics(limits.topics + 1),
                ..hello()
            },
            "topics",
        ),
        over(
            "a topic of 1,025 bytes",
            Hello {
                pubsub_topics: vec!["t".repeat(limits.topic_bytes + 1)],
                ..hello()
            },
            "topic_bytes",
        ),
        over(
            "1,001 gaps",
            Hello {
                gaps: vec![Span::default(); limits.gaps + 1],
                ..hello()
            },
            "gaps",
        ),
    ];
    let cases: [(&str, &[u8], usize); 13] = [
        ("a key cut", b"\x88", 1),
        ("field number 0", b"\x00\x01", 1),
        ("wire type 6", b"\x0e\x01", 1),
        ("a key past 32 bits", b"\x88\x80\x80\x80\x10\x01", 1),
        ("a number missing", b"\x08", 2),
        ("a number with a length", b"\x0a\x01\x05", 1),
        ("a text as a number", b"\x20\x05", 1),
        ("a text longer than the frame", b"\x22\x05abcd", 2),
        ("a text that isn't UTF-8", b"\x22\x03ab\xff", 5),
        (
            "a field of a gap longer than the gap",
            b"\x4a\x02\x08\x80\x01",
            4,
        ),
        ("an unknown field cut", b"\xa2\x06\x05abc", 3),
        ("an end of a group that hasn't begun", b"\xa4\x06", 1),
        ("a group without an end", b"\xa3\x06\x08\x05", 5),
    ];
    for (name, body, offset) in cases {
        let wire = joined(&[b"\x01", body]);
        vectors.push(Vector::new(
            format!("hello: {name}"),
            wire,
            Malformed(offset),
        ));
    }
    for bytes in OVER_64_BITS {
        let name = format!("hello: a number past 64 bits in {} bytes", bytes.len());
        let wire = joined(&[b"\x01\x08", bytes]);
        vectors.push(Vector::new(name, wire, Malformed(2)));
    }
    vectors
}
