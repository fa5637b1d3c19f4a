//! Negentropy V1.

use sync_core::negentropy::{Encoder, PrefixBound};
use sync_core::{Bound, Id, Item};
use wakustore::wire::Protocol;

use super::vector::Verdict::{Canonical, Foreign, Malformed};
use super::vector::{File, Vector, hash, joined};

/// A time of our days.
const TIME: u64 = 1_700_000_000_000_000_000;

pub(crate) fn file() -> File {
    let vectors = [valid(), bounds(), malformed()].into_iter().flatten();
    File::frames("negentropy.json", Protocol::Negentropy, vectors.collect())
}

fn message(write: impl FnOnce(&mut Encoder)) -> Vec<u8> {
    let mut encoder = Encoder::new();
    write(&mut encoder);
    encoder.finish()
}

fn valid() -> Vec<Vector> {
    let end = PrefixBound::INFINITY;
    let at = |time| PrefixBound::shortest(&Bound::at_time(time));
    let of_modes = |e: &mut Encoder| {
        e.skip(&at(TIME));
        e.fingerprint(&at(TIME + 1_000), &[0xab; 16]);
        e.id_list(&at(TIME + 2_000), 2);
        e.id(&Id(hash(1)));
        e.id(&Id(hash(2)));
        e.fingerprint(&end, &[0xcd; 16]);
    };
    let new = |name, wire| Vector::new(name, wire, Canonical);
    vec![
        new("no ranges", message(|_| {})),
        Vector::new("another version, the rest not read", *b"\x62\xff", Foreign),
        new("a skip over everything", message(|e| e.skip(&end))),
        new(
            "a fingerprint of everything",
            message(|e| e.fingerprint(&end, &[0xab; 16])),
        ),
        new("an empty list of ids", message(|e| e.id_list(&end, 0))),
        new("every mode", message(of_modes)),
        new("128 ids, whose count takes two bytes", {
            message(|e| {
                e.id_list(&end, 128);
                (0..128).for_each(|first| e.id(&Id(hash(first))));
            })
        }),
        Vector::new(
            "a mode with a zero group in front",
            *b"\x61\x00\x00\x80\x00",
            Foreign,
        ),
        Vector::new(
            "a time with zero groups in front",
            *b"\x61\x80\x80\x02\x00\x00",
            Foreign,
        ),
    ]
}

fn bounds() -> Vec<Vector> {
    let item = Item::new(TIME, Id(hash(1)));
    let prefixes = [0, 1, 31, 32].map(|len: usize| {
        let mut id = Id::ZERO;
        id.0[..len].copy_from_slice(&item.id.0[..len]);
        let bound = PrefixBound::shortest(&Bound::Before(Item::new(TIME, id)));
        let name = format!("an id prefix of {len} bytes");
        Vector::new(name, message(|e| e.skip(&bound)), Canonical)
    });
    let at = |time| PrefixBound::shortest(&Bound::at_time(time));
    let mut vectors = Vec::from(prefixes);
    vectors.extend([
        Vector::new(
            "an id prefix with zeros at its end, all of it written",
            message(|e| e.skip(&PrefixBound::before(&Item::new(TIME, Id::ZERO)))),
            Canonical,
        ),
        Vector::new(
            "the last time, whose difference is the largest varint",
            message(|e| e.skip(&at(u64::MAX - 1))),
            Canonical,
        ),
        Vector::new(
            "the same bound twice: an empty range",
            message(|e| {
                e.skip(&at(TIME));
                e.fingerprint(&at(TIME), &[0; 16]);
            }),
            Canonical,
        ),
        Vector::new(
            "two bounds in one nanosecond",
            message(|e| {
                e.skip(&PrefixBound::before(&item));
                e.skip(&PrefixBound::before(&Item::new(TIME, Id(hash(2)))));
            }),
            Canonical,
        ),
        Vector::new(
            "infinity twice",
            *b"\x61\x00\x00\x00\x00\x00\x00",
            Canonical,
        ),
        Vector::new(
            "infinity with an id prefix",
            *b"\x61\x00\x01\xff\x00",
            Canonical,
        ),
        Vector::new(
            "a time past 64 bits, which is infinity",
            *b"\x61\x03\x00\x00\x81\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x00\x00",
            Foreign,
        ),
    ]);
    vectors
}

fn malformed() -> Vec<Vector> {
    let zeros = [0; 32];
    let cases: Vec<(&str, Vec<u8>, usize)> = vec![
        ("an empty frame", vec![], 0),
        ("a first byte below the versions", vec![0x5f], 0),
        ("a first byte past the versions", vec![0x70], 0),
        ("the timestamp of a bound cut", b"\x61\x81".to_vec(), 1),
        (
            "the timestamp of a bound past 64 bits",
            b"\x61\x82\x80\x80\x80\x80\x80\x80\x80\x80\x00\x00\x00".to_vec(),
            1,
        ),
        (
            "the timestamp of a bound in eleven bytes",
            b"\x61\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01\x00\x00".to_vec(),
            1,
        ),
        (
            "the length of an id prefix missing",
            b"\x61\x01".to_vec(),
            2,
        ),
        (
            "an id prefix of 33 bytes",
            joined(&[b"\x61\x01\x21", &zeros, b"\0\0"]),
            2,
        ),
        ("an id prefix cut", b"\x61\x01\x05\xaa\xbb".to_vec(), 3),
        ("the mode missing", b"\x61\x01\x00".to_vec(), 3),
        ("mode 3", b"\x61\x01\x00\x03".to_vec(), 3),
        (
            "the largest varint as a mode",
            b"\x61\x01\x00\x81\xff\xff\xff\xff\xff\xff\xff\xff\x7f".to_vec(),
            3,
        ),
        (
            "a fingerprint cut",
            joined(&[b"\x61\x00\x00\x01", &zeros[..15]]),
            4,
        ),
        ("the number of ids missing", b"\x61\x00\x00\x02".to_vec(), 4),
        (
            "an id cut",
            joined(&[b"\x61\x00\x00\x02\x01", &zeros[..31]]),
            5,
        ),
        (
            "one id less than counted",
            joined(&[b"\x61\x00\x00\x02\x02", &zeros]),
            5,
        ),
        (
            "the largest varint as the number of ids",
            b"\x61\x00\x00\x02\x81\xff\xff\xff\xff\xff\xff\xff\xff\x7f".to_vec(),
            14,
        ),
        (
            "bounds that descend",
            b"\x61\x02\x01\x07\x00\x01\x01\x06\x00".to_vec(),
            5,
        ),
        (
            "bounds that descend by the length of the prefix",
            b"\x61\x02\x01\x07\x00\x01\x00\x00".to_vec(),
            5,
        ),
    ];
    let cases = cases.into_iter();
    cases
        .map(|(name, wire, offset)| Vector::new(name, wire, Malformed(offset)))
        .collect()
}
