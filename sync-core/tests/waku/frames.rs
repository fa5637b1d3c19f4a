//! Encoding and decoding against the recorded vectors, and where decoding is stricter.

use sync_core::waku::{Content, Header, HeaderForm, Payload, PayloadPart, PayloadRange};
use sync_core::{Id, Item, SessionError, SessionLimits};

use crate::support::vectors::{Reconciliation, Verdict, bytes};

fn decode(frame: &[u8]) -> Result<Payload, SessionError> {
    Payload::decode(HeaderForm::Topics, frame, &SessionLimits::default())
}

fn assert_same_verdict(name: &str, wire: &str, verdict: &Verdict) {
    match (decode(&bytes(wire)), verdict) {
        (Ok(payload), Verdict::Ok(recorded)) => {
            assert_eq!(payload.ranges, recorded.payload().ranges, "{name}");
            assert_eq!(payload.header, recorded.payload().header, "{name}");
            assert_eq!(payload.start, recorded.payload().start, "{name}");
        }
        (Err(SessionError::Malformed { offset, .. }), Verdict::Err(_)) => {
            assert!(offset <= wire.len() / 2, "{name}");
        }
        (Err(SessionError::Limit { .. }), Verdict::Err(_)) => {}
        (ours, _) => panic!("{name}: {ours:?} isn't the recorded verdict"),
    }
}

#[test]
fn every_recorded_value_encodes_to_the_recorded_bytes() {
    let vectors = Reconciliation::read();
    assert_eq!(vectors.encode.len(), 21);
    for vector in &vectors.encode {
        let encoded = vector.value.payload().encode();
        assert_eq!(hex::encode(encoded), vector.wire, "{}", vector.name);
    }
}

#[test]
fn every_recorded_frame_gets_the_recorded_verdict() {
    let vectors = Reconciliation::read();
    for vector in &vectors.encode {
        assert_same_verdict(&vector.name, &vector.wire, &vector.decoded);
    }
    assert_eq!(vectors.malformed.len(), 41);
    for vector in &vectors.malformed {
        assert_same_verdict(&vector.name, &vector.wire, &vector.result);
    }
}

#[test]
fn a_flood_of_skips_takes_no_room_for_more_ranges_than_fit_its_frame() {
    for skips in [7, 9, 520, 5_000] {
        let frame = [&[0, 0, 1][..], &[1, 0].repeat(skips)].concat();
        let ranges = decode(&frame).unwrap().ranges;
        assert_eq!(ranges.len(), skips);
        assert!(ranges.capacity() <= frame.len() / 2);
    }
}

/// What nwaku's decoder takes for something else, reads past, or stops the node over, and this one
/// refuses: the reason, the frame, and the offset named.
const STRICTER: [(&str, &str, usize); 6] = [
    (
        "a bound's difference that ends within the frame is read as 0, its bytes as a hash length",
        "00008080a8b1e39fe7cb1701008080",
        13,
    ),
    (
        "a bound's difference past nine bytes is read as 0, its bytes as a hash length",
        "00008080a8b1e39fe7cb178080808080808080800100000000",
        11,
    ),
    (
        "a bound's hash cut short is left out, and its first byte read as a type",
        "00008080a8b1e39fe7cb170020000000",
        13,
    ),
    (
        "a time past 2^63 - 1 overflows, which stops the node",
        "0000ffffffffffffffff7f0100",
        12,
    ),
    (
        "the time of an item past 2^63 - 1 overflows, which stops the node",
        "00008080a8b1e39fe7cb1701020280808080808080804000000000000000000000000000000000000000000000\
         000000000000000000008080808080808080400000000000000000000000000000000000000000000000000000\
         00000000000000",
        64,
    ),
    (
        "a topic that isn't UTF-8 names no topic that any node could hold",
        "0102c3280000000000000000000000",
        2,
    ),
];

#[test]
fn what_nwaku_misreads_is_refused_at_its_offset() {
    for (reason, wire, at) in STRICTER {
        match decode(&bytes(wire)) {
            Err(SessionError::Malformed { offset, .. }) => assert_eq!(offset, at, "{reason}"),
            other => panic!("{other:?} though {reason}"),
        }
    }
}

/// The parts of a frame with their lengths, and whether it was taken.
fn parts(form: HeaderForm, wire: &[u8]) -> (Vec<(PayloadPart, usize)>, bool) {
    let (mut parts, mut start) = (Vec::new(), 0);
    let decoded = Payload::decode_parts(form, wire, &SessionLimits::default(), |part, end| {
        parts.push((part, end - start));
        start = end;
    });
    let plain = Payload::decode(form, wire, &SessionLimits::default());
    assert_eq!(decoded, plain);
    (parts, plain.is_ok())
}

#[test]
fn the_parts_of_a_frame_are_told_in_order_up_to_the_first_fault() {
    use PayloadPart::{
        Cluster, ContentTopics, PubsubTopics, RangeContent, RangeHead, Shards, Start,
    };
    let ranges = format!("8080a8b1e39fe7cb17e80701{}0100", "ab".repeat(32));
    let expected = [
        (ContentTopics, 1),
        (Start, 9),
        (RangeHead, 3),
        (RangeContent, 32),
        (RangeHead, 2),
        (RangeContent, 0),
    ];
    let wire = bytes(&format!("01026162{}{ranges}", "00"));
    let topics = [&[(PubsubTopics, 4)][..], &expected].concat();
    assert_eq!(parts(HeaderForm::Topics, &wire), (topics.clone(), true));
    // The last range cut.
    let cut = parts(HeaderForm::Topics, &wire[..wire.len() - 3]);
    assert_eq!(cut, (topics[..4].to_vec(), false));
    let wire = bytes(&format!("63020007{}{ranges}", "00"));
    let cluster = [&[(Cluster, 1), (Shards, 3)][..], &expected].concat();
    assert_eq!(parts(HeaderForm::Cluster(0), &wire), (cluster, true));
    assert_eq!(parts(HeaderForm::Topics, &[0]), (Vec::new(), true));
}

#[test]
fn the_cluster_form_is_a_cluster_shards_and_content_topics() {
    let payload = Payload {
        header: Header::Cluster {
            cluster: 300,
            shards: vec![0, 7, 1_000],
            content: vec!["/a/1/b/proto".into()],
        },
        start: Item::new(1_700_000_000_000_000_000, Id::ZERO),
        ranges: vec![PayloadRange {
            upper: Item::new(1_700_000_000_000_001_000, Id::ZERO),
            content: Content::Fingerprint([0xab; 32]),
        }],
    };
    let wire = payload.encode();
    let ranges = format!("8080a8b1e39fe7cb17e80701{}", "ab".repeat(32));
    let header = format!("ac02030007e807010c{}", hex::encode("/a/1/b/proto"));
    assert_eq!(hex::encode(&wire), header + &ranges);
    let form = HeaderForm::Cluster(1);
    let decoded = Payload::decode(form, &wire, &SessionLimits::default());
    assert_eq!(decoded, Ok(payload));
    // Cluster 65536.
    let wire = [&[0x80, 0x80, 0x04][..], &wire[2..]].concat();
    assert!(matches!(
        Payload::decode(form, &wire, &SessionLimits::default()),
        Err(SessionError::Malformed { offset: 0, .. })
    ));
}
