//! The deterministic message hash against plain SHA-256 of the same bytes in one piece: what the
//! walk over a message's fields costs.

#[path = "support/message.rs"]
mod message;

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sha2::{Digest, Sha256};
use store_adapter::{WakuMessage, message_hash};

use message::{PUBSUB_TOPIC, message};

/// Payloads in bytes: a chat line, what the targets are set for, an image's thumbnail, and the most
/// that relays pass on.
const PAYLOADS: [usize; 4] = [256, 1 << 10, 16 << 10, 150 << 10];

/// What [`message_hash`] hashes, in one piece.
fn joined(message: &WakuMessage) -> Vec<u8> {
    [
        PUBSUB_TOPIC.as_bytes(),
        &message.payload,
        message.content_topic.as_bytes(),
        &message.timestamp().to_be_bytes(),
    ]
    .concat()
}

fn hash(c: &mut Criterion) {
    let mut group = c.benchmark_group("hash");
    for payload_bytes in PAYLOADS {
        let message = message(payload_bytes);
        let bytes = joined(&message);
        assert_eq!(
            message_hash(PUBSUB_TOPIC, &message).0[..],
            Sha256::digest(&bytes)[..]
        );
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function(BenchmarkId::new("message", payload_bytes), |b| {
            b.iter(|| message_hash(black_box(PUBSUB_TOPIC), black_box(&message)));
        });
        group.bench_function(BenchmarkId::new("plain SHA-256", payload_bytes), |b| {
            b.iter(|| Sha256::digest(black_box(&bytes)));
        });
    }
    group.finish();
}

criterion_group!(hashes, hash);
criterion_main!(hashes);
