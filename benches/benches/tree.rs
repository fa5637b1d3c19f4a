//! The range tree: build, insert, append, remove, prune, summaries, ranks, snapshots.

use std::hint::black_box;

use benches::{SPAN, START, items};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sync_core::{Bound, Id, Item, ItemSet, ItemSetMut, Range, RangeTree};

/// In `--test` mode every bench runs once: then a small set will do.
fn count() -> usize {
    if std::env::args().any(|arg| arg == "--test") {
        10_000
    } else {
        1_000_000
    }
}

fn build(c: &mut Criterion) {
    let sorted = items(count(), 1);
    let unsorted = items_in_random_order(count());
    c.bench_function("build/sorted", |b| {
        b.iter_batched(
            || sorted.clone(),
            |items| RangeTree::from_sorted(items).expect("sorted"),
            BatchSize::LargeInput,
        );
    });
    c.bench_function("build/unsorted", |b| {
        b.iter_batched(
            || unsorted.clone(),
            RangeTree::from_unsorted,
            BatchSize::LargeInput,
        );
    });
}

fn change(c: &mut Criterion) {
    let tree: RangeTree = items(count(), 1).into_iter().collect();
    let new = items_in_random_order(10_000);
    let group = |c: &mut Criterion, name: &str, act: fn(&mut RangeTree, &[Item])| {
        c.bench_function(name, |b| {
            b.iter_batched_ref(
                || {
                    // A tree of its own: no node is shared, so none is copied on write.
                    let mut own: RangeTree = tree.iter().collect();
                    own.insert(Item::new(START, Id::ZERO));
                    own
                },
                |own| act(own, &new),
                BatchSize::PerIteration,
            );
        });
    };
    group(c, "insert/10,000 at random", |tree, new| {
        for item in new {
            tree.insert(*item);
        }
    });
    group(c, "insert/10,000 at the end", |tree, new| {
        for (number, item) in new.iter().enumerate() {
            tree.insert(Item::new(START + SPAN + number as u64, item.id));
        }
    });
    group(c, "prune/oldest half", |tree, _| {
        tree.prune_before(&Bound::at_time(START + SPAN / 2));
    });
    group(c, "remove/1,000 by rank", |tree, _| {
        for number in 0..1_000 {
            let item = tree
                .select(number * 7)
                .expect("there are more items than that");
            tree.remove(&item);
        }
    });
}

fn read(c: &mut Criterion) {
    let tree: RangeTree = items(count(), 1).into_iter().collect();
    let mut rng = StdRng::seed_from_u64(9);
    let mut ranges = std::iter::repeat_with(move || {
        let mut bound = || {
            let mut id = Id::ZERO;
            rng.fill(&mut id.0[..]);
            Bound::Before(Item::new(rng.random_range(START..START + SPAN), id))
        };
        let (one, other) = (bound(), bound());
        Range::new(one.min(other), one.max(other))
    });
    c.bench_function("summary/random range by key, with fingerprint", |b| {
        b.iter_batched(
            || ranges.next().expect("endless"),
            |range| black_box(tree.summary_of(&range).negentropy_fingerprint()),
            BatchSize::SmallInput,
        );
    });
    let mut rng = StdRng::seed_from_u64(10);
    c.bench_function("select/random rank", |b| {
        b.iter_batched(
            || rng.random_range(0..tree.len()),
            |rank| black_box(tree.select(rank)),
            BatchSize::SmallInput,
        );
    });
    c.bench_function("snapshot", |b| b.iter(|| black_box(tree.snapshot())));
}

fn items_in_random_order(count: usize) -> Vec<Item> {
    let mut items = items(count, 2);
    items.sort_unstable_by_key(|item| item.id);
    items
}

criterion_group! {
    name = tree;
    config = Criterion::default().sample_size(10);
    targets = build, change, read
}
criterion_main!(tree);
