//! Frames of reconciliation 1.0.0 that no decoder takes.

use sync_core::waku::HeaderForm;

use super::reconciliation::{TIME_BYTES, all_topics};
use super::vector::Verdict::{Limit, Malformed};
use super::vector::{Vector, joined};

/// An integer of 2^63 - 1, the largest, and one that goes on past nine bytes.
const LARGEST: &[u8] = b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f";
const TEN_BYTES: &[u8] = b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00";

/// A name, bytes, and where in them the fault shows.
type Case = (&'static str, Vec<u8>, usize);

/// What can be wrong whatever the form of the header, which is that of all topics.
pub(super) fn invalid(form: HeaderForm) -> Vec<Vector> {
    let header = all_topics(form);
    let before = joined(&[header, TIME_BYTES]);
    let mut vectors: Vec<Vector> = [bounds_and_types(), item_sets()]
        .into_iter()
        .flatten()
        .map(|(name, range, offset)| {
            let wire = joined(&[&before, &range]);
            Vector::new(name, wire, Malformed(before.len() + offset))
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
            joined(&[header, TEN_BYTES, b"\x01\x00"]),
            Malformed(start),
        ),
    ]);
    vectors
}

/// Ranges that are wrong before their content, or have a fingerprint.
fn bounds_and_types() -> Vec<Case> {
    let zeros = [0; 32];
    let new = |name, range: &[u8], offset| (name, range.to_vec(), offset);
    vec![
        new("the difference to a bound cut", b"\x80\x80", 0),
        new(
            "the difference to a bound in ten bytes",
            &joined(&[TEN_BYTES, b"\0\0"]),
            0,
        ),
        new("a bound past 2^63 - 1", &joined(&[LARGEST, b"\0"]), 9),
        new(
            "33 bytes of a bound's hash",
            &joined(&[b"\x00\x21", &zeros, b"\0\0"]),
            1,
        ),
        new("the length of a bound's hash missing", b"\x80\x00", 2),
        new("a bound's hash cut", b"\x00\x05\x01\x02", 2),
        new("the type missing behind a bound's hash", b"\x00\x00", 2),
        new("the type missing", b"\x80\x01", 2),
        new("type 3", b"\x01\x03", 1),
        new(
            "a fingerprint cut",
            &joined(&[b"\x01\x01", &zeros[..31]]),
            2,
        ),
        new("a second range cut", b"\x01\x00\x01\x01\x00", 4),
        new("two bytes behind the last range", b"\x01\x00\x80\x80", 2),
    ]
}

/// Ranges with item sets that are wrong.
fn item_sets() -> Vec<Case> {
    let zeros = [0; 32];
    let item = joined(&[TIME_BYTES, &zeros]);
    let new = |name, count: &[u8], rest: &[&[u8]], offset| {
        (name, joined(&[b"\x01\x02", count, &rest.concat()]), offset)
    };
    vec![
        new("the number of items missing", b"", &[], 2),
        new("the number of items cut", b"\x80", &[], 2),
        new("an item missing", b"\x02", &[&item, b"\0"], 44),
        new(
            "the largest number of items, and one of them",
            LARGEST,
            &[&item, b"\0"],
            52,
        ),
        new(
            "the time of an item with fewer than nine bytes left",
            b"\x01",
            &[b"\x01\x02"],
            3,
        ),
        new(
            "the time of an item in ten bytes",
            b"\x01",
            &[TEN_BYTES, &zeros],
            3,
        ),
        new(
            "the time of an item past 2^63 - 1",
            b"\x02",
            &[&item, LARGEST, &zeros, b"\0"],
            53,
        ),
        new("the hash of an item cut", b"\x01", &[&item[..40]], 12),
        new(
            "whether the item set is reconciled missing",
            b"\x01",
            &[&item],
            44,
        ),
        new("neither reconciled nor not", b"\x01", &[&item, b"\x02"], 44),
    ]
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
            "the number of shards with fewer than nine bytes left",
            *b"\x63\x02\x01\x02\x03\x04\x05\x06\x07",
            Malformed(1),
        ),
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
            joined(&[LARGEST, rest]),
            Limit("topics"),
        ),
        (
            "the number of topics in ten bytes",
            joined(&[TEN_BYTES, rest]),
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
