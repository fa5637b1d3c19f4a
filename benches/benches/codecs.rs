//! The codecs of both dialects, over frames that a session has written.

#[path = "support/exchange.rs"]
mod exchange;
#[path = "support/frames.rs"]
mod frames;
#[path = "support/size.rs"]
mod size;

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sync_core::waku::Payload;

use frames::{Frames, decode_negentropy, decode_waku, encode_negentropy};
use size::sized;

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

/// How many items the sets have whose sessions write the frames.
fn items() -> usize {
    sized(100_000, 5_000)
}

fn negentropy(c: &mut Criterion) {
    let Frames { split, listed } = Frames::negentropy(items());
    for (what, frame) in [("fingerprints", split), ("ids", listed)] {
        let name = ("negentropy", what);
        both_ways(c, name, &frame, decode_negentropy, |ranges| {
            encode_negentropy(ranges)
        });
    }
}

fn waku(c: &mut Criterion) {
    let Frames { split, listed } = Frames::waku(items());
    for (what, frame) in [("fingerprints", split), ("items", listed)] {
        both_ways(c, ("waku", what), &frame, decode_waku, Payload::encode);
    }
}

criterion_group!(codecs, negentropy, waku);
criterion_main!(codecs);
