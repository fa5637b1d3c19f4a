//! The codecs of both dialects, over frames that a session has written.

#[path = "support/exchange.rs"]
mod exchange;
#[path = "support/size.rs"]
mod size;

use std::hint::black_box;

use benches::{Pair, Placement, pair};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sync_core::negentropy::{Decoder, Encoder, Mode, PrefixBound};
use sync_core::waku::{Content, HeaderForm, Payload};
use sync_core::{Id, RangeTree, SessionLimits};

use size::sized;

/// A range of a negentropy frame.
enum Described {
    Skip,
    Fingerprint([u8; 16]),
    Ids(Vec<Id>),
}

fn decode_negentropy(frame: &[u8]) -> Vec<(PrefixBound, Described)> {
    let (_, mut decoder) = Decoder::new(frame).expect("a frame");
    let mut ranges = Vec::new();
    while let Some(head) = decoder.next_range().expect("a range") {
        let described = match head.mode {
            Mode::Skip => Described::Skip,
            Mode::Fingerprint => {
                let fingerprint = decoder.fingerprint().expect("a fingerprint");
                Described::Fingerprint(fingerprint.try_into().expect("16 bytes"))
            }
            Mode::IdList => Described::Ids(decoder.ids().expect("ids").collect()),
        };
        ranges.push((head.upper, described));
    }
    ranges
}

fn encode_negentropy(ranges: &[(PrefixBound, Described)]) -> Vec<u8> {
    let mut encoder = Encoder::new();
    for (upper, described) in ranges {
        match described {
            Described::Skip => encoder.skip(upper),
            Described::Fingerprint(fingerprint) => encoder.fingerprint(upper, fingerprint),
            Described::Ids(ids) => {
                encoder.id_list(upper, ids.len());
                ids.iter().for_each(|id| encoder.id(id));
            }
        }
    }
    encoder.finish()
}

fn decode_waku(frame: &[u8]) -> Payload {
    Payload::decode(HeaderForm::Topics, frame, &SessionLimits::default()).expect("a frame")
}

/// Of `frames` the one with the most of what `count` counts.
fn richest(frames: &[Vec<u8>], count: impl Fn(&[u8]) -> usize) -> &[u8] {
    let richest = frames.iter().max_by_key(|frame| count(frame));
    richest.expect("a session has frames")
}

/// The frames of a session between sets that differ by 1 %.
fn frames(
    run: impl FnOnce(&RangeTree, &RangeTree, &mut dyn FnMut(&[u8])) -> usize,
) -> Vec<Vec<u8>> {
    let items = sized(100_000, 5_000);
    let Pair { left, right, .. } = pair(items, items / 100, Placement::Spread, 11);
    let [left, right] = [left, right].map(RangeTree::from_unsorted);
    let mut frames = Vec::new();
    let found = run(&left, &right, &mut |frame| frames.push(frame.to_vec()));
    assert_eq!(found, items / 100);
    frames
}

/// Benches both directions of a codec over one frame.
fn both_ways<T>(
    c: &mut Criterion,
    (dialect, what): (&str, &str),
    frame: &[u8],
    decode: impl Fn(&[u8]) -> T,
    encode: impl Fn(&T) -> Vec<u8>,
) {
    let decoded = decode(frame);
    assert_eq!(encode(&decoded), frame, "{dialect}, {what}");
    let mut group = c.benchmark_group(dialect);
    group.throughput(Throughput::Bytes(frame.len() as u64));
    group.bench_function(BenchmarkId::new("decode", what), |b| {
        b.iter(|| decode(black_box(frame)));
    });
    group.bench_function(BenchmarkId::new("encode", what), |b| {
        b.iter(|| encode(black_box(&decoded)));
    });
    group.finish();
}

fn negentropy(c: &mut Criterion) {
    let frames = frames(|left, right, show| exchange::negentropy(left, right, 0, show));
    let ranges = |frame: &[u8], wanted: fn(&Described) -> usize| {
        let ranges = decode_negentropy(frame);
        ranges.iter().map(|(_, range)| wanted(range)).sum()
    };
    let split = richest(&frames, |frame| {
        ranges(frame, |range| {
            usize::from(matches!(range, Described::Fingerprint(_)))
        })
    });
    let listed = richest(&frames, |frame| {
        ranges(frame, |range| match range {
            Described::Ids(ids) => ids.len(),
            _ => 0,
        })
    });
    for (what, frame) in [("fingerprints", split), ("ids", listed)] {
        both_ways(
            c,
            ("negentropy", what),
            frame,
            decode_negentropy,
            |ranges| encode_negentropy(ranges),
        );
    }
}

fn waku(c: &mut Criterion) {
    let frames = frames(|left, right, show| exchange::waku(left, right, show));
    let ranges = |frame: &[u8], wanted: fn(&Content) -> usize| {
        let ranges = decode_waku(frame).ranges;
        ranges.iter().map(|range| wanted(&range.content)).sum()
    };
    let split = richest(&frames, |frame| {
        ranges(frame, |content| {
            usize::from(matches!(content, Content::Fingerprint(_)))
        })
    });
    let listed = richest(&frames, |frame| {
        ranges(frame, |content| match content {
            Content::Items { items, .. } => items.len(),
            _ => 0,
        })
    });
    for (what, frame) in [("fingerprints", split), ("items", listed)] {
        both_ways(c, ("waku", what), frame, decode_waku, Payload::encode);
    }
}

criterion_group!(codecs, negentropy, waku);
criterion_main!(codecs);
