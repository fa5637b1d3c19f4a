//! Whole reconciliations in memory, both sides, with the `negentropy` crate as peer in the run.

use std::hint::black_box;

use benches::{Pair, Placement, pair};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use negentropy::{Negentropy, NegentropyStorageVector};
use sync_core::negentropy::{Initiator, Responder};
use sync_core::{Item, RangeTree, Session, SessionLimits};

fn count() -> usize {
    if std::env::args().any(|arg| arg == "--test") {
        10_000
    } else {
        1_000_000
    }
}

fn ours(left: &RangeTree, right: &RangeTree, frame_bytes: usize) -> (usize, usize) {
    let limits = SessionLimits {
        frame_bytes_sent: frame_bytes,
        ..SessionLimits::default()
    };
    let mut responder = Responder::new(right, limits.clone()).expect("a legal limit");
    let (mut initiator, mut frame) = Initiator::start(left, limits).expect("a legal limit");
    let (mut have, mut need) = (0, 0);
    loop {
        let answer = responder
            .receive(&frame)
            .expect("honest")
            .reply
            .expect("always");
        let step = initiator.receive(&answer).expect("honest");
        have += step.have.len();
        need += step.need.len();
        match step.reply {
            Some(next) => frame = next,
            None => return (have, need),
        }
    }
}

fn storage(items: &[Item]) -> NegentropyStorageVector {
    let mut storage = NegentropyStorageVector::with_capacity(items.len());
    for item in items {
        let id = negentropy::Id::from_byte_array(item.id.0);
        storage.insert(item.timestamp, id).expect("not sealed");
    }
    storage.seal().expect("not sealed");
    storage
}

fn crates(
    left: &NegentropyStorageVector,
    right: &NegentropyStorageVector,
    frame_bytes: usize,
) -> (usize, usize) {
    let mut responder = Negentropy::borrowed(right, frame_bytes as u64).expect("a legal limit");
    let mut initiator = Negentropy::borrowed(left, frame_bytes as u64).expect("a legal limit");
    let mut frame = initiator.initiate().expect("fresh");
    let (mut have, mut need) = (Vec::new(), Vec::new());
    loop {
        let answer = responder.reconcile(&frame).expect("honest");
        match initiator
            .reconcile_with_ids(&answer, &mut have, &mut need)
            .expect("honest")
        {
            Some(next) => frame = next,
            None => return (have.len(), need.len()),
        }
    }
}

fn reconcile(c: &mut Criterion) {
    let mut group = c.benchmark_group("reconcile");
    group.sample_size(10);
    for differences in [0, 10, 1_000] {
        let Pair { left, right, .. } = pair(count(), differences, Placement::Spread, 3);
        let sets = (
            left.iter().copied().collect::<RangeTree>(),
            right.iter().copied().collect::<RangeTree>(),
        );
        let storages = (storage(&left), storage(&right));
        for frame_bytes in [0, 60_000] {
            let id =
                |who: &str| BenchmarkId::new(who, format!("d{differences}/frame{frame_bytes}"));
            group.bench_function(id("ours"), |b| {
                b.iter(|| black_box(ours(&sets.0, &sets.1, frame_bytes)));
            });
            group.bench_function(id("negentropy crate"), |b| {
                b.iter(|| black_box(crates(&storages.0, &storages.1, frame_bytes)));
            });
        }
    }
    group.finish();
}

criterion_group!(sessions, reconcile);
criterion_main!(sessions);
