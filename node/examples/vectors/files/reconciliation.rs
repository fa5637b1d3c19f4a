//! Waku's reconciliation 1.0.0, in either form of the header.

use sync_core::waku::{Content, Header, HeaderForm, Payload, PayloadRange, TIME_END};
use sync_core::{Id, Item};
use wakustore::wire::Protocol;

use super::reconciliation_invalid::{cluster_header, invalid, topics_header};
use super::vector::Verdict::{Canonical, Foreign};
use super::vector::{self, File, Format, Vector, hash, joined};

/// A time of our days, and its bytes.
pub(super) const TIME: u64 = 1_700_000_000_000_000_000;
pub(super) const TIME_BYTES: &[u8] = b"\x80\x80\xa8\xb1\xe3\x9f\xe7\xcb\x17";

pub(crate) fn file(name: &'static str, form: HeaderForm) -> File {
    let mut vectors = valid(form);
    vectors.extend(headers(form));
    vectors.extend(foreign(form));
    vectors.extend(invalid(form));
    match form {
        HeaderForm::Topics => vectors.extend(topics_header()),
        HeaderForm::Cluster(_) => vectors.extend(cluster_header()),
    }
    let format = Format {
        protocol: Protocol::Reconciliation,
        form: Some(form),
    };
    File {
        name,
        content: vector::Content::Frames(format, vectors),
    }
}

/// The header of most vectors, and its bytes: all topics.
pub(super) fn all_topics(form: HeaderForm) -> &'static [u8] {
    match form {
        HeaderForm::Topics => b"\x00\x00",
        HeaderForm::Cluster(_) => b"\x63\x00\x00",
    }
}

fn payload(form: HeaderForm, ranges: Vec<PayloadRange>) -> Payload {
    Payload {
        header: Header::all(form),
        start: Item::new(TIME, Id::ZERO),
        ranges,
    }
}

fn to(upper: u64, content: Content) -> PayloadRange {
    PayloadRange {
        upper: Item::new(upper, Id::ZERO),
        content,
    }
}

fn items(items: &[(u64, u8)], reconciled: bool) -> Content {
    let items = items.iter();
    Content::Items {
        items: items
            .map(|(time, id)| Item::new(*time, Id(hash(*id))))
            .collect(),
        reconciled,
    }
}

fn valid(form: HeaderForm) -> Vec<Vector> {
    let fingerprint = Content::Fingerprint(hash(0xa0));
    let new = |name, ranges| Vector::new(name, payload(form, ranges).encode(), Canonical);
    let with_hash = |len: usize, content| {
        let mut id = Id::ZERO;
        id.0[..len].copy_from_slice(&hash(1)[..len]);
        // What is written goes up to the first byte that differs from the start's hash.
        let mut start = id;
        start.0[len - 1] = 0;
        let range = PayloadRange {
            upper: Item::new(TIME, id),
            content,
        };
        let mut payload = payload(form, vec![range]);
        payload.start.id = start;
        payload.encode()
    };
    let end = TIME + 3_600_000_000_000;
    let mut vectors = vec![
        new("no ranges", vec![]),
        new("a skip", vec![to(end, Content::Skip)]),
        new("a fingerprint", vec![to(end, fingerprint.clone())]),
        new(
            "an empty item set, not reconciled",
            vec![to(end, items(&[], false))],
        ),
        new(
            "an empty item set, reconciled",
            vec![to(end, items(&[], true))],
        ),
        new(
            "an item set with two items of one time",
            vec![to(
                end,
                items(&[(TIME, 1), (TIME + 5, 2), (TIME + 5, 3)], false),
            )],
        ),
        new("every type", {
            vec![
                to(TIME + 1_000, Content::Skip),
                to(TIME + 2_000, fingerprint.clone()),
                to(TIME + 3_000, items(&[(TIME + 2_000, 1)], true)),
                to(TIME + 4_000, Content::Skip),
            ]
        }),
        new(
            "an empty range: a bound at the time of the start",
            vec![to(TIME, Content::Skip)],
        ),
        new(
            "the last time of all",
            vec![to(TIME_END, fingerprint.clone())],
        ),
        new("an item at the last time of all", {
            vec![to(TIME_END, items(&[(TIME, 1), (TIME_END, 2)], false))]
        }),
    ];
    for len in [1, 31, 32] {
        let name = format!("a bound with {len} bytes of a hash, skipped");
        // The hash of the start, on which the number of bytes depends, isn't sent.
        let verdict = if len == 1 { Canonical } else { Foreign };
        vectors.push(Vector::new(name, with_hash(len, Content::Skip), verdict));
    }
    vectors.push(Vector::new(
        "a bound with a hash, fingerprinted: refused",
        with_hash(1, fingerprint),
        Canonical,
    ));
    vectors
}

fn headers(form: HeaderForm) -> Vec<Vector> {
    let range = to(TIME + 1_000, Content::Skip);
    let new = |name, header| {
        let payload = Payload {
            header,
            ..payload(form, vec![range.clone()])
        };
        Vector::new(name, payload.encode(), Canonical)
    };
    let of = |topics: &[&str]| topics.iter().map(ToString::to_string).collect::<Vec<_>>();
    let content = of(&["/app/1/chat/proto", "/ä/1/é/proto", ""]);
    match form {
        HeaderForm::Topics => {
            let pubsub = of(&["/waku/2/rs/99/0", "/waku/2/rs/99/1"]);
            let long = vec!["t".repeat(1_024)];
            let topics = |pubsub, content| Header::Topics { pubsub, content };
            vec![
                new("pubsub topics", topics(pubsub.clone(), vec![])),
                new("content topics", topics(vec![], content.clone())),
                new("both", topics(pubsub, content)),
                new("the longest topic", topics(long, vec![])),
            ]
        }
        HeaderForm::Cluster(_) => {
            let of_shards = |cluster, shards: &[u16], content| Header::Cluster {
                cluster,
                shards: shards.to_vec(),
                content,
            };
            vec![
                new("shards", of_shards(99, &[0, 7, 1_000], vec![])),
                new("content topics", of_shards(99, &[], content.clone())),
                new("both", of_shards(1, &[0], content)),
                new(
                    "the largest numbers",
                    of_shards(u16::MAX, &[u16::MAX], vec![]),
                ),
            ]
        }
    }
}

/// What decoders take and no encoder writes.
fn foreign(form: HeaderForm) -> Vec<Vector> {
    let all = all_topics(form);
    let skip = payload(form, vec![to(TIME + 1_000, Content::Skip)]).encode();
    let new = |name, wire| Vector::new(name, wire, Foreign);
    let header = all.len();
    vec![
        new("an empty frame, read as one without ranges", vec![]),
        new(
            "any single byte, read as a frame without ranges",
            vec![0x07],
        ),
        new("topics and start, and no range", joined(&[all, TIME_BYTES])),
        new(
            "one byte behind the last range, which is ignored",
            joined(&[&skip, b"\xff"]),
        ),
        new(
            "a difference with zero groups at its end",
            joined(&[&skip[..header + 9], b"\xe8\x87\x80\x00\x00"]),
        ),
        new(
            "a bound at the time before, with no byte of a hash",
            joined(&[&skip[..header + 9], b"\x00\x00\x00"]),
        ),
    ]
}
