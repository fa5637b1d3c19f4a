//! Frames of reconciliation 1.0.0 that no decoder takes.

use sync_core::waku::HeaderForm;

use super::reconciliation::{TIME_BYTES, all_topics};
use super::vector::Verdict::{Limit, Malformed};
use super::vector::{Vector, joined};

/// What can be wrong whatever the form of the header, which is that of all topics.
pub(super) fn invalid(form: HeaderForm) -> Vec<Vector> {
    let header = all_topics(form);
    let before = joined(&[header, TIME_BYTES]);
    // Where the first range starts.
    let at = before.len();
    let zeros = [0; 32];
    let items = |count: &[u8], rest: &[u8]| joined(&[b"\x01\x02", count, rest]);
    let item = joined(&[TIME_BYTES, &zeros]);
    let past_the_end = b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f";
    let ten_bytes = b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00";
    let in_range: Vec<(&str, Vec<u8>, usize)> = vec![
        ("the difference to a bound cut", b"\x80\x80".to_vec(), 0),
        (
            "the difference to a bound in ten bytes",
            joined(&[ten_bytes, b"\0\0"]),
            0,
        ),
        ("a bound past 2^63 - 1", joined(&[past_the_end, b"\0"]), 9),
        (
            "33 bytes of a bound's hash",
            joined(&[b"\x00\x21", &zeros, b"\0\0"]),
            1,
        ),
        ("a bound's hash cut", b"\x00\x05\x01\x02".to_vec(), 2),
        (
            "the length of a bound's hash as the last byte, the type missing",
            b"\x00\x00".to_vec(),
            2,
        ),
        ("the type missing", b"\x80\x01".to_vec(), 2),
        ("type 3", b"\x01\x03".to_vec(), 1),
        ("a fingerprint cut", joined(&[b"\x01\x01", &zeros[..31]]), 2),
        ("the number of items missing", b"\x01\x02".to_vec(), 2),
        ("the number of items cut", b"\x01\x02\x80".to_vec(), 2),
        (
            "an item missing",
            items(b"\x02", &joined(&[&item, b"\0"])),
            44,
        ),
        (
            "the largest number of items, and one of them",
            { items(past_the_end, &joined(&[&item, b"\0"])) },
            52,
        ),
        (
            "the time of an item with fewer than nine bytes left",
            items(b"\x01", b"\x01\x02"),
            3,
        ),
        (
            "the time of an item in ten bytes",
            items(b"\x01", &joined(&[ten_bytes, &zeros])),
            3,
        ),
        (
            "the time of an item past 2^63 - 1",
            { items(b"\x02", &joined(&[&item, past_the_end, &zeros, b"\0"])) },
            53,
        ),
        ("the hash of an item cut", items(b"\x01", &item[..40]), 12),
        (
            "whether the item set is reconciled missing",
            items(b"\x01", &item),
            44,
        ),
        (
            "neither reconciled nor not",
            items(b"\x01", &joined(&[&item, b"\x02"])),
            44,
        ),
        ("a second range cut", b"\x01\x00\x01\x01\x00".to_vec(), 4),
        (
            "two bytes behind the last range",
            b"\x01\x00\x80\x80".to_vec(),
            2,
        ),
    ];
    let mut vectors: Vec<Vector> = in_range
        .into_iter()
        .map(|(name, range, offset)| {
            let wire = joined(&[&before, &range]);
            Vector::new(name, wire, Malformed(at + offset))
        })
        .collect();
    let start = header.len();
    vectors.extend([
        Vector::new("two zero bytes", *b"\x00\x00", Malformed(0)),
        Vector::new(
            "the first time with fewer than nine bytes left",
            joined(&[header, b"\x01\x02\x03\x04\x05\x06\x07\x08"]),
            Malformed(start),
        ),
        Vector::new(
            "the first time in ten bytes",
            joined(&[header, ten_bytes, b"\x01\x00"]),
            Malformed(start),
        ),
    ]);
    vectors
}

/// What can be wrong in a header of topics.
pub(super) fn topics_header() -> Vec<Vector> {
    let rest = joined(&[TIME_BYTES, b"\x01\x00"]);
    let mut vectors = lists("pubsub", b"", &rest);
    vectors.extend(lists("content", b"\x00", &rest));
    vectors
}

/// What can be wrong in a header of a cluster.
pub(super) fn cluster_header() -> Vec<Vector> {
    let rest = joined(&[TIME_BYTES, b"\x01\x00"]);
    let new = |name, header: &[u8], verdict| {
        Vector::new(name, joined(&[header, b"\x00", &rest]), verdict)
    };
    let mut vectors = vec![
        new("cluster 65536", b"\x80\x80\x04\x00", Malformed(0)),
        new("shard 65536", b"\x63\x02\x01\x80\x80\x04", Malformed(3)),
        new("1,025 shards", b"\x63\x81\x08", Limit("topics")),
        Vector::new(
            "a shard with fewer than nine bytes left",
            *b"\x63\x02\x01\x02\x03\x04\x05\x06\x07\x08",
            Malformed(2),
        ),
    ];
    vectors.extend(lists("content", b"\x63\x00", &rest));
    vectors
}

/// What can be wrong in a list of topics that stands behind `before`.
fn lists(noun: &str, before: &[u8], rest: &[u8]) -> Vec<Vector> {
    let at = before.len();
    let cases: Vec<(&str, Vec<u8>, _)> = vec![
        (
            "1,025 topics",
            joined(&[b"\x81\x08", rest]),
            Limit("topics"),
        ),
        (
            "the largest number of topics",
            joined(&[b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f", rest]),
            Limit("topics"),
        ),
        (
            "the number of topics in ten bytes",
            joined(&[b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", rest]),
            Malformed(at),
        ),
        (
            "a topic of 1,025 bytes",
            joined(&[b"\x01\x81\x08", rest]),
            Limit("topic_bytes"),
        ),
        (
            "the length of a topic with fewer than nine bytes left",
            b"\x01\x01a\x00\x00\x00\x00\x00\x00".to_vec(),
            Malformed(at + 1),
        ),
        (
            "a topic cut",
            b"\x01\x20aaaaaaaaaaaa".to_vec(),
            Malformed(at + 2),
        ),
        (
            "a topic that isn't UTF-8",
            joined(&[b"\x01\x03ab\xff", rest]),
            Malformed(at + 4),
        ),
    ];
    let cases = cases.into_iter();
    cases
        .map(|(name, list, verdict)| {
            let name = format!("{noun} topics: {name}");
            Vector::new(name, joined(&[before, &list]), verdict)
        })
        .collect()
}
