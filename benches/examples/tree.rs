//! Quick figures of the tree: `cargo run --release -p benches --example tree [N [NAME]]`; NAME picks the figures
//! whose name contains it.
//!
//! Medians of several runs, in processor time, in nanoseconds for each operation; for a first look, where criterion
//! would take minutes.

use std::collections::HashSet;
use std::hint::black_box;

use benches::thread_cpu;
use sync_core::{Bound, Id, Item, ItemSet, ItemSetMut, Range, RangeTree, View};

/// Deterministic pseudo-random numbers (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn item(&mut self) -> Item {
        let mut id = Id::ZERO;
        for chunk in id.0.chunks_exact_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes());
        }
        Item::new(self.next() >> 2, id)
    }
}

fn main() {
    benches::allocator::take_huge_pages();
    let n = std::env::args().nth(1).and_then(|n| n.parse().ok());
    let n: usize = n.unwrap_or(1_000_000);
    let mut numbers = Numbers(1);
    let unsorted: Vec<Item> = (0..n).map(|_| numbers.item()).collect();
    let mut sorted = unsorted.clone();
    sorted.sort_unstable();

    time(
        "bulk sorted",
        n,
        5,
        || (),
        |()| RangeTree::from_sorted(sorted.iter().copied()),
    );
    time(
        "bulk unsorted",
        n,
        5,
        || unsorted.clone(),
        RangeTree::from_unsorted,
    );
    time("append", n, 5, RangeTree::new, |mut tree| {
        tree.extend(sorted.iter().copied());
        tree
    });
    let built = RangeTree::from_sorted(sorted.iter().copied()).expect("sorted");
    memory("built", &built);
    let mut random = RangeTree::new();
    random.extend(unsorted.iter().copied());
    memory("after random inserts", &random);

    let more: Vec<Item> = (0..100_000).map(|_| numbers.item()).collect();
    for (name, tree) in [("built", &built), ("random", &random)] {
        summaries(name, tree, &sorted, &mut numbers);
        edits(name, tree, &sorted, &more);
    }
    views(&unsorted, &sorted, &mut numbers);
}

fn summaries(name: &str, tree: &RangeTree, sorted: &[Item], numbers: &mut Numbers) {
    let mut any = || sorted[numbers.next() as usize % sorted.len()];
    let ranges: Vec<Range> = (0..200_000)
        .map(|_| {
            let (a, b) = (any(), any());
            Range::new(Bound::Before(a.min(b)), Bound::Before(a.max(b)))
        })
        .collect();
    let each = ranges.len();
    time(
        &format!("{name}: summary + fingerprint by key"),
        each,
        5,
        || (),
        |()| {
            for range in &ranges {
                black_box(tree.summary_of(range).negentropy_fingerprint());
            }
        },
    );
    time(
        &format!("{name}: summary by key"),
        each,
        5,
        || (),
        |()| {
            for range in &ranges {
                black_box(tree.summary_of(range));
            }
        },
    );
    let ranks: Vec<_> = ranges
        .iter()
        .map(|range| tree.rank(&range.lower)..tree.rank(&range.upper))
        .collect();
    time(
        &format!("{name}: rank"),
        each,
        5,
        || (),
        |()| {
            for range in &ranges {
                black_box(tree.rank(&range.lower));
            }
        },
    );
    time(
        &format!("{name}: select"),
        each,
        5,
        || (),
        |()| {
            for ranks in &ranks {
                black_box(tree.select(ranks.start));
            }
        },
    );
    time(
        &format!("{name}: summary of 1,000 by rank"),
        each,
        5,
        || (),
        |()| {
            for ranks in &ranks {
                black_box(tree.summary(ranks.start..ranks.start + 1_000));
            }
        },
    );
}

fn edits(name: &str, tree: &RangeTree, sorted: &[Item], more: &[Item]) {
    // Copies that share nothing, so that edits run in place.
    let own = || {
        let mut own = RangeTree::new();
        if name == "built" {
            own = RangeTree::from_sorted(sorted.iter().copied()).expect("sorted");
        } else {
            let mut items: Vec<Item> = sorted.to_vec();
            items.sort_unstable_by_key(|item| item.id);
            own.extend(items);
        }
        own
    };
    let insert = |(mut tree, snapshot): (RangeTree, RangeTree)| {
        tree.extend(more.iter().copied());
        (tree, snapshot)
    };
    time(
        &format!("{name}: insert at random"),
        more.len(),
        5,
        || (own(), RangeTree::new()),
        insert,
    );
    let frozen = || {
        let tree = own();
        let snapshot = tree.snapshot();
        (tree, snapshot)
    };
    time(
        &format!("{name}: the same after a snapshot"),
        more.len(),
        5,
        frozen,
        insert,
    );
    let victims: HashSet<&Item> = sorted.iter().step_by(sorted.len() / 100_000 + 1).collect();
    let count = victims.len();
    time(
        &format!("{name}: remove at random"),
        count,
        5,
        own,
        |mut tree| {
            for victim in &victims {
                tree.remove(victim);
            }
            tree
        },
    );
    time(
        &format!("{name}: prune half (whole)"),
        1,
        5,
        own,
        |mut tree| {
            tree.prune_before(&Bound::Before(sorted[sorted.len() / 2]));
            tree
        },
    );
    time(
        &format!("{name}: snapshot"),
        1_000,
        5,
        || (),
        |()| {
            for _ in 0..1_000 {
                black_box(tree.snapshot());
            }
        },
    );
}

fn views(unsorted: &[Item], sorted: &[Item], numbers: &mut Numbers) {
    let mut shards = vec![Vec::new(); 8];
    for (index, item) in unsorted.iter().enumerate() {
        shards[index % 8].push(*item);
    }
    let view: View<RangeTree> = shards.into_iter().map(RangeTree::from_unsorted).collect();
    let ranks: Vec<usize> = (0..20_000)
        .map(|_| numbers.next() as usize % sorted.len())
        .collect();
    time(
        "view of 8: select",
        ranks.len(),
        3,
        || (),
        |()| {
            for rank in &ranks {
                black_box(view.select(*rank));
            }
        },
    );
    time(
        "view of 8: rank",
        ranks.len(),
        3,
        || (),
        |()| {
            for rank in &ranks {
                black_box(view.rank(&Bound::Before(sorted[*rank])));
            }
        },
    );
    time(
        "view of 8: visit all, an item",
        sorted.len(),
        3,
        || (),
        |()| sync_core::digest(&view),
    );
    let tree = RangeTree::from_sorted(sorted.iter().copied()).expect("sorted");
    time(
        "tree: visit all, an item",
        sorted.len(),
        3,
        || (),
        |()| sync_core::digest(&tree),
    );
}

fn memory(name: &str, tree: &RangeTree) {
    let per_item = tree.memory_bytes() as f64 / tree.len() as f64;
    println!("{name:45} {per_item:9.2} B/item");
}

/// The median time of `work` on a fresh `input`, without that of dropping what it gives.
fn time<I, R>(name: &str, each: usize, runs: usize, input: impl Fn() -> I, work: impl Fn(I) -> R) {
    if std::env::args()
        .nth(2)
        .is_some_and(|wanted| !name.contains(&wanted))
    {
        return;
    }
    let mut times: Vec<f64> = (0..runs)
        .map(|_| {
            let input = input();
            let start = thread_cpu();
            let result = black_box(work(black_box(input)));
            let time = (thread_cpu() - start).as_nanos() as f64;
            drop(result);
            time / each as f64
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!(
        "{name:45} {:9.1} ns (best {:.1})",
        times[runs / 2],
        times[0]
    );
}
