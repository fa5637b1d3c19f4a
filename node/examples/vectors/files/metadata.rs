//! Metadata messages.

use store_adapter::WakuMetadata;
use store_adapter::limits::METADATA_BYTES;
use wakustore::wire::Protocol;

use super::vector::Verdict::{Canonical, Foreign, Limit, Malformed};
use super::vector::{File, OVER_64_BITS, Vector, joined};

pub(crate) fn file() -> File {
    let vectors = [valid(), foreign(), invalid()].into_iter().flatten();
    File::frames("metadata.json", Protocol::Metadata, vectors.collect())
}

fn valid() -> Vec<Vector> {
    let new = |name: &str, cluster, shards: &[u32]| {
        let mut metadata = WakuMetadata::default();
        metadata.cluster_id = cluster;
        metadata.shards = shards.to_vec();
        Vector::new(name, metadata.encode(), Canonical)
    };
    vec![
        new("a cluster and no shards", Some(99), &[]),
        new("a cluster and two shards", Some(99), &[0, 7]),
        new(
            "the largest numbers",
            Some(u32::MAX),
            &[0, 127, 128, u32::MAX],
        ),
        new("no cluster", None, &[1]),
    ]
}

fn foreign() -> Vec<Vector> {
    let cases: [(&str, &[u8]); 9] = [
        ("an empty frame", b""),
        (
            "shards in field 2 alone, unpacked",
            b"\x08\x63\x10\x00\x10\x05",
        ),
        (
            "shards in field 2 alone, packed",
            b"\x08\x63\x12\x02\x00\x05",
        ),
        ("shards in field 3 alone", b"\x08\x63\x1a\x02\x00\x05"),
        (
            "other shards in field 2 than in field 3, which counts",
            b"\x08\x63\x10\x01\x1a\x01\x02",
        ),
        (
            "shards in field 3 unpacked, which are skipped",
            b"\x08\x63\x18\x05",
        ),
        ("field 3 in two pieces", b"\x08\x63\x1a\x01\x00\x1a\x01\x05"),
        (
            "the cluster twice, of which the last counts",
            b"\x08\x01\x08\x63",
        ),
        ("an unknown field, skipped", b"\x08\x63\x7a\x01a"),
    ];
    cases
        .map(|(name, wire)| Vector::new(name, wire, Foreign))
        .into()
}

fn invalid() -> Vec<Vector> {
    let cases: [(&str, &[u8], usize); 7] = [
        ("a key cut", b"\xff\xff", 0),
        ("the cluster missing behind its key", b"\x08", 1),
        ("a cluster with a length", b"\x0a\x01a", 0),
        ("shards longer than the frame", b"\x1a\x05\x00", 1),
        ("the last of the shards cut", b"\x1a\x02\x05\x80", 3),
        (
            "a shard in field 2 as four fixed bytes",
            b"\x15\x00\x00\x00\x00",
            0,
        ),
        ("field number 0", b"\x00", 0),
    ];
    let cases = cases.map(|(name, wire, offset)| Vector::new(name, wire, Malformed(offset)));
    let mut vectors = Vec::from(cases);
    for bytes in OVER_64_BITS {
        let name = format!("a cluster past 64 bits in {} bytes", bytes.len());
        vectors.push(Vector::new(name, joined(&[b"\x08", bytes]), Malformed(1)));
    }
    let mut long = b"\x08\x63".to_vec();
    while long.len() <= METADATA_BYTES {
        long.extend_from_slice(b"\x10\x01");
    }
    long.truncate(METADATA_BYTES + 1);
    vectors.push(Vector::new("1,025 bytes", long, Limit("metadata_bytes")));
    vectors
}
