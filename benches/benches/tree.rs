//! The range tree: build, insert, append, remove, prune, summary, rank, select, snapshot.

#[path = "support/size.rs"]
mod size;

use std::hint::black_box;

use benches::{SPAN, START, items};
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sync_core::{Bound, Id, Item, ItemSet, ItemSetMut, Range, RangeTree};

use size::sized;

/// How many items the trees have that are edited and read.
fn count() -> usize {
    sized(1_000_000, 10_000)
}

fn build(c: &mut Criterion) {
    let mut group = c.benchmark_group("build");
    for count in sized(vec![10_000, 100_000, 1_000_000], vec![1_000]) {
        let (sorted, unsorted) = (items(count, 1), items_in_random_order(count));
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(BenchmarkId::new("sorted", count), |b| {
            b.iter_batched(
                || sorted.clone(),
                |items| RangeTree::from_sorted(items).expect("sorted"),
                BatchSize::LargeInput,
            );
        });
        group.bench_function(BenchmarkId::new("unsorted", count), |b| {
            b.iter_batched(
                || unsorted.clone(),
                RangeTree::from_unsorted,
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

/// Benches an edit of a tree of [`count`] items, each time a fresh one.
fn edit(c: &mut Criterion, name: &str, edits: usize, act: impl Fn(&mut RangeTree)) {
    let sorted = items(count(), 1);
    let mut group = c.benchmark_group("edit");
    group.throughput(Throughput::Elements(edits as u64));
    group.bench_function(name, |b| {
        b.iter_batched_ref(
            || RangeTree::from_sorted(sorted.iter().copied()).expect("sorted"),
            &act,
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

fn insert(c: &mut Criterion) {
    let edits = sized(100_000, 1_000);
    let new = items_in_random_order(edits);
    edit(c, "insert at random", edits, |tree| {
        tree.extend(new.iter().copied());
    });
    edit(
        c,
        "insert at random, right after a snapshot",
        edits,
        |tree| {
            let snapshot = tree.snapshot();
            tree.extend(new.iter().copied());
            black_box(snapshot);
        },
    );
    edit(c, "insert at the end", edits, |tree| {
        let behind = START + SPAN;
        tree.extend(
            (behind..)
                .zip(&new)
                .map(|(time, item)| Item::new(time, item.id)),
        );
    });
}

fn remove(c: &mut Criterion) {
    let edits = sized(10_000, 1_000);
    let mut old = items(count(), 1);
    old.sort_unstable_by_key(|item| item.id);
    edit(c, "remove at random", edits, |tree| {
        for item in &old[..edits] {
            assert!(tree.remove(item));
        }
    });
    edit(c, "prune the oldest half", count() / 2, |tree| {
        tree.prune_before(&Bound::at_time(START + SPAN / 2));
    });
}

fn read(c: &mut Criterion) {
    let tree: RangeTree = items(count(), 1).into_iter().collect();
    let mut rng = StdRng::seed_from_u64(9);
    let mut range = || {
        let (one, other) = (random_bound(&mut rng), random_bound(&mut rng));
        Range::new(one.min(other), one.max(other))
    };
    c.bench_function("summary/random range by key, with fingerprint", |b| {
        b.iter_batched(
            &mut range,
            |range| tree.summary_of(&range).negentropy_fingerprint(),
            BatchSize::SmallInput,
        );
    });
    c.bench_function("summary/random range by key", |b| {
        b.iter_batched(
            &mut range,
            |range| tree.summary_of(&range),
            BatchSize::SmallInput,
        );
    });
    let mut rng = StdRng::seed_from_u64(10);
    let mut rank = || rng.random_range(0..tree.len());
    c.bench_function("summary/random range by rank", |b| {
        b.iter_batched(
            || {
                let (one, other) = (rank(), rank());
                one.min(other)..one.max(other)
            },
            |ranks| tree.summary(ranks),
            BatchSize::SmallInput,
        );
    });
    c.bench_function("select/random rank", |b| {
        b.iter_batched(&mut rank, |rank| tree.select(rank), BatchSize::SmallInput);
    });
    let mut rng = StdRng::seed_from_u64(11);
    c.bench_function("rank/random key", |b| {
        b.iter_batched(
            || random_bound(&mut rng),
            |bound| tree.rank(&bound),
            BatchSize::SmallInput,
        );
    });
    c.bench_function("snapshot", |b| b.iter(|| tree.snapshot()));
}

fn random_bound(rng: &mut StdRng) -> Bound {
    let mut id = Id::ZERO;
    rng.fill(&mut id.0[..]);
    Bound::Before(Item::new(rng.random_range(START..START + SPAN), id))
}

fn items_in_random_order(count: usize) -> Vec<Item> {
    let mut items = items(count, 2);
    items.sort_unstable_by_key(|item| item.id);
    items
}

criterion_group! {
    name = tree;
    config = Criterion::default().sample_size(10);
    targets = build, insert, remove, read
}
criterion_main!(tree);
