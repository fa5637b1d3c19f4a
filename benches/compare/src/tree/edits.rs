//! What makes and changes a tree. All trees are ready before the clock starts, and dropped after it
//! stopped.

use benches::negentropy_crate::storage;
use benches::{SPAN, START};
use sync_core::{Bound, Item, ItemSetMut, RangeTree};

use super::{Figure, Items, Shape, Work};
use crate::timing::{each, timed};

/// Inserts at random into trees that share no node, and into trees whose every node a snapshot
/// holds. `first` is the tree of the first run.
pub(super) fn inserts(first: RangeTree, shape: Shape, items: &Items, runs: usize) -> [Figure; 2] {
    let figure = |work, value| Figure::new(work, shape, items.sorted.len(), value);
    let insert = |(mut tree, snapshot): (RangeTree, Option<RangeTree>)| {
        for item in &items.new {
            tree.insert(*item);
        }
        (tree, snapshot)
    };
    let mut first = Some(first);
    let alone = || (first.take().unwrap_or_else(|| shape.build(items)), None);
    let frozen = || {
        let tree = shape.build(items);
        let snapshot = tree.snapshot();
        (tree, Some(snapshot))
    };
    [
        figure(Work::Insert, each(runs, items.new.len(), alone, insert)),
        figure(
            Work::InsertAfterSnapshot,
            each(runs, items.new.len(), frozen, insert),
        ),
    ]
}

/// Appends of as many items as the others insert.
pub(super) fn append(items: &Items, runs: usize) -> Figure {
    let behind: Vec<Item> = (START + SPAN..)
        .zip(&items.new)
        .map(|(timestamp, item)| Item::new(timestamp, item.id))
        .collect();
    let value = each(
        runs,
        behind.len(),
        || Shape::Bulk.build(items),
        |mut tree| {
            for item in &behind {
                tree.insert(*item);
            }
            tree
        },
    );
    Figure::new(Work::Append, Shape::Bulk, items.sorted.len(), value)
}

pub(super) fn prune(shape: Shape, items: &Items, runs: usize) -> Figure {
    let middle = Bound::Before(items.sorted[items.sorted.len() / 2]);
    let prune = |mut tree: RangeTree| {
        tree.prune_before(&middle);
        tree
    };
    let value = each(runs, 1, || shape.build(items), prune);
    Figure::new(Work::Prune, shape, items.sorted.len(), value)
}

/// Builds in bulk.
pub(super) fn builds(items: &Items, runs: usize) -> [Figure; 2] {
    let Items {
        sorted, unsorted, ..
    } = items;
    let from_sorted = |()| {
        let built = RangeTree::from_sorted(sorted.iter().copied());
        built.expect("the items are in order")
    };
    let copy = || unsorted.clone();
    [
        build(Work::BuildSorted, sorted, runs, || (), from_sorted),
        build(
            Work::BuildUnsorted,
            unsorted,
            runs,
            copy,
            RangeTree::from_unsorted,
        ),
    ]
}

/// A build of the tree, against filling and sealing the peer's vector with the same items.
fn build<I>(
    work: Work,
    items: &[Item],
    runs: usize,
    prepare: impl Fn() -> I,
    build: impl Fn(I) -> RangeTree,
) -> Figure {
    let count = items.len();
    drop(build(prepare()));
    let value = each(runs, count, &prepare, &build);
    let peer = each(runs, count, || (), |()| storage(items));
    let input = prepare();
    let (cold, _) = timed(|| build(input));
    Figure {
        cold: Some(cold.as_secs_f64() / count as f64),
        peer: Some(peer),
        ..Figure::new(work, Shape::Bulk, count, value)
    }
}
