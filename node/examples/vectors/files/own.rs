//! This project's own protocol, apart from the hello.

use sync_core::own::{BUSY, Frame, Refusal};
use sync_core::{Id, Item};
use wakustore::wire::Protocol;

use super::own_hello;
use super::vector::Verdict::{Canonical, Foreign, Malformed};
use super::vector::{File, OVER_64_BITS, Vector, hash, joined};

pub(crate) fn file() -> File {
    let mut vectors = own_hello::valid();
    vectors.extend(valid());
    vectors.extend(own_hello::invalid());
    vectors.extend(invalid());
    File::frames("own.json", Protocol::Own, vectors)
}

fn valid() -> Vec<Vector> {
    let frame = |name, frame: Frame<'_>| Vector::new(name, frame.encode(), Canonical);
    let ids = vec![Id(hash(1)), Id(hash(2))];
    let mut two = [Id(hash(1)), Id(hash(2))];
    two.sort_unstable();
    let listed = vec![
        Item::new(1_700_000_000_000_000_000, two[0]),
        Item::new(1_700_000_000_000_000_000, two[1]),
        Item::new(u64::MAX, two[0]),
    ];
    let fingerprint = joined(&[b"\x61\x00\x00\x01", &[0xab; 16]]);
    let refusal = |code, reason: &str| {
        Frame::Refusal(Refusal {
            code,
            reason: reason.into(),
        })
    };
    vec![
        frame("reconcile: no ranges", Frame::Reconcile(b"\x61")),
        frame(
            "reconcile: a fingerprint of everything",
            Frame::Reconcile(&fingerprint),
        ),
        frame(
            "have: the last, of no ids",
            Frame::Have {
                last: true,
                ids: Vec::new(),
            },
        ),
        frame(
            "have: two ids, more follow",
            Frame::Have { last: false, ids },
        ),
        frame("noted: none", Frame::Noted(0)),
        frame("noted: the largest number", Frame::Noted(u64::MAX)),
        Vector::new("noted: a zero group at the end", *b"\x03\x85\x00", Foreign),
        frame("refusal: busy", refusal(BUSY, "another session goes on")),
        frame(
            "refusal: the largest code, no reason",
            refusal(u32::MAX, ""),
        ),
        frame("list: from the first item on", Frame::List(None)),
        frame(
            "list: behind an item",
            Frame::List(Some(Item::new(300, Id(hash(1))))),
        ),
        frame(
            "items: the last, none",
            Frame::Items {
                last: true,
                items: Vec::new(),
            },
        ),
        frame(
            "items: two of one time and one of the last, more follow",
            Frame::Items {
                last: false,
                items: listed,
            },
        ),
        Vector::new("refusal: no fields", *b"\x04", Canonical),
        Vector::new(
            "refusal: a reason of 300 characters, of which 256 are kept",
            refusal(9, &"r".repeat(300)).encode(),
            Foreign,
        ),
    ]
}

fn invalid() -> Vec<Vector> {
    let zeros = [0; 31];
    let new = |name, wire: Vec<u8>, offset| Vector::new(name, wire, Malformed(offset));
    let mut vectors = vec![
        new("an empty frame", vec![], 0),
        new("kind 0x00", vec![0x00], 0),
        new("kind 0x07", vec![0x07], 0),
        new("another version of negentropy as a kind", vec![0x62], 0),
        new(
            "reconcile: a fingerprint cut",
            joined(&[b"\x61\x00\x00\x01", &zeros[..15]]),
            4,
        ),
        new("have: nothing behind the kind", vec![0x02], 1),
        new("have: neither the last nor not", vec![0x02, 0x02], 1),
        new(
            "have: an id cut",
            joined(&[b"\x02\x01", &[0; 32], &zeros]),
            34,
        ),
        new("list: an id cut", joined(&[b"\x05\x01", &zeros]), 2),
        new(
            "list: a byte behind the item",
            joined(&[b"\x05\x01", &zeros, &[0, 0]]),
            34,
        ),
        new("items: nothing behind the kind", vec![0x06], 1),
        new("items: neither the last nor not", vec![0x06, 0x02], 1),
        new("items: a time cut", vec![0x06, 0x01, 0x80], 2),
        new("items: an id cut", joined(&[b"\x06\x01\x05", &zeros]), 3),
        new(
            "items: the same item twice",
            joined(&[b"\x06\x01\x05", &[0; 32], &[0; 33]]),
            35,
        ),
        new(
            "items: a time past 64 bits in all",
            joined(&[
                b"\x06\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
                &[0; 32],
                b"\x01",
                &[0; 32],
            ]),
            44,
        ),
        new("noted: the number missing", vec![0x03], 1),
        new("noted: the number cut", vec![0x03, 0x80], 1),
        new(
            "noted: a byte behind the number",
            vec![0x03, 0x80, 0x01, 0x00],
            3,
        ),
        new(
            "refusal: a code with a length",
            b"\x04\x0a\x01a".to_vec(),
            1,
        ),
        new(
            "refusal: a reason longer than the frame",
            b"\x04\x12\x05abcd".to_vec(),
            2,
        ),
    ];
    for bytes in OVER_64_BITS {
        let name = format!("noted: a number past 64 bits in {} bytes", bytes.len());
        vectors.push(Vector::new(name, joined(&[b"\x03", bytes]), Malformed(1)));
    }
    vectors
}
