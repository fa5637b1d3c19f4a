//! What reads a tree.

use std::hint::black_box;

use benches::negentropy_crate::storage;
use negentropy::{NegentropyStorageBase, NegentropyStorageVector};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sync_core::{Bound, Item, ItemSet, Range, RangeTree};

use super::{Figure, Items, Shape, Work};
use crate::timing::{each, timed};

/// Ranges in a run.
const RANGES: usize = 100_000;

/// Ranges in a cold run: few, so that the first ones warm up nothing for the most.
const COLD_RANGES: usize = 300;

/// Items that the peer may sum in a run, which it does one by one.
const PEER_ITEMS: usize = 50_000_000;

const SNAPSHOTS: usize = 1_000;

pub(super) fn summary(tree: &RangeTree, shape: Shape, items: &Items, runs: usize) -> Figure {
    let keys = ranges(&items.sorted);
    let ranges: Vec<Range> = keys
        .iter()
        .map(|(from, to)| Range::new(Bound::Before(*from), Bound::Before(*to)))
        .collect();
    let sum = |ranges: &[Range]| {
        for range in ranges {
            black_box(tree.summary_of(range).negentropy_fingerprint());
        }
    };
    let vector = storage(&items.sorted);
    let for_peer = (3 * PEER_ITEMS / tree.len()).clamp(1, keys.len() / 100);
    let peers_sum = || peers_fingerprints(&vector, &keys[..for_peer]);
    sum(&ranges);
    let value = each(runs, ranges.len(), || (), |()| sum(&ranges));
    let peer = each(runs.min(3), for_peer, || (), |()| peers_sum());
    let (cold, ()) = timed(|| sum(&ranges[..COLD_RANGES]));
    Figure {
        cold: Some(cold.as_secs_f64() / COLD_RANGES as f64),
        peer: Some(peer),
        ..Figure::new(Work::Summary, shape, tree.len(), value)
    }
}

/// Random ranges from one item to another.
fn ranges(sorted: &[Item]) -> Vec<(Item, Item)> {
    let mut rng = StdRng::seed_from_u64(9);
    let mut any = || sorted[rng.random_range(0..sorted.len())];
    (0..RANGES)
        .map(|_| {
            let (one, other) = (any(), any());
            (one.min(other), one.max(other))
        })
        .collect()
}

fn peers_fingerprints(vector: &NegentropyStorageVector, ranges: &[(Item, Item)]) {
    let count = vector.size().expect("a sealed storage");
    let rank = |item: &Item| {
        let bound = negentropy::Bound::with_timestamp_and_id(item.timestamp, item.id.0);
        vector.find_lower_bound(0, count, &bound.expect("32 bytes fit"))
    };
    for (from, to) in ranges {
        let fingerprint = vector.fingerprint(rank(from), rank(to));
        black_box(fingerprint.expect("ranks in order, of a sealed storage"));
    }
}

pub(super) fn snapshot(tree: &RangeTree, shape: Shape, runs: usize) -> Figure {
    let take = |()| {
        for _ in 0..SNAPSHOTS {
            black_box(tree.snapshot());
        }
    };
    let value = each(runs, SNAPSHOTS, || (), take);
    Figure::new(Work::Snapshot, shape, tree.len(), value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peer_gets_the_same_fingerprints() {
        let items = Items::new(2_000);
        let tree = Shape::Grown.build(&items);
        let vector = storage(&items.sorted);
        for (from, to) in &ranges(&items.sorted)[..50] {
            let range = Range::new(Bound::Before(*from), Bound::Before(*to));
            let [start, end] = [tree.rank(&range.lower), tree.rank(&range.upper)];
            let theirs = vector.fingerprint(start, end).unwrap().to_bytes();
            assert_eq!(tree.summary_of(&range).negentropy_fingerprint(), theirs);
        }
    }
}
