//! Whole reconciliations in memory, both sides, with the `negentropy` crate as peer in the run.

use std::hint::black_box;

use benches::{Competitor, Laps, NegentropyCrate, Ours, Placement, pair, tree};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use sync_core::Dialect;

/// In `--test` mode every bench runs once: then a small set will do.
fn counts() -> &'static [usize] {
    if std::env::args().any(|arg| arg == "--test") {
        &[5_000]
    } else {
        &[10_000, 1_000_000]
    }
}

/// Every number of items with every number and placement of differences.
fn cases() -> impl Iterator<Item = (usize, usize, Placement)> {
    counts().iter().flat_map(|count| {
        [0, 10, 1_000].into_iter().flat_map(move |differences| {
            [Placement::Spread, Placement::Recent].map(|placement| (*count, differences, placement))
        })
    })
}

fn reconcile(c: &mut Criterion) {
    let mut group = c.benchmark_group("reconcile");
    group.sample_size(10);
    for (count, differences, placement) in cases() {
        let pair = pair(count, differences, placement, 3);
        let (left, right) = (tree(&pair.left), tree(&pair.right));
        let ours =
            |dialect, frame_bytes| Ours::new(left.clone(), right.clone(), dialect, frame_bytes);
        let competitors: [(usize, Box<dyn Competitor>); 5] = [
            (0, Box::new(ours(Dialect::Negentropy, 0))),
            (60_000, Box::new(ours(Dialect::Negentropy, 60_000))),
            (0, Box::new(ours(Dialect::Waku, 0))),
            (
                0,
                Box::new(NegentropyCrate::new(&pair.left, &pair.right, 0)),
            ),
            (
                60_000,
                Box::new(NegentropyCrate::new(&pair.left, &pair.right, 60_000)),
            ),
        ];
        for (frame_bytes, competitor) in competitors {
            let case = format!("n{count}/d{differences}/{placement:?}/frame{frame_bytes}");
            let id = BenchmarkId::new(competitor.name(), case);
            group.bench_function(id, |b| {
                b.iter(|| black_box(competitor.reconcile(&mut Laps::off())));
            });
        }
    }
    group.finish();
}

criterion_group!(sessions, reconcile);
criterion_main!(sessions);
