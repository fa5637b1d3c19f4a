//! The tree by itself, beside what the `negentropy` crate's sorted vector can do of the same.

mod edits;
mod reads;

use benches::{items, tree};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};
use sync_core::{Item, ItemSet, ItemSetMut, RangeTree};

use crate::timing::middle;

/// How a tree came to be, which decides how full its leaves are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Shape {
    /// Built in bulk: all leaves full.
    Bulk,
    /// Grown by appending one item after another.
    Appended,
    /// Grown by inserts at random.
    Grown,
}

impl Shape {
    /// How tables say it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Bulk => "built in bulk",
            Self::Appended => "grown by appends",
            Self::Grown => "grown by random inserts",
        }
    }

    /// A tree that shares no node with another.
    fn build(self, items: &Items) -> RangeTree {
        let grow = |items: &[Item]| {
            let mut tree = RangeTree::new();
            for item in items {
                tree.insert(*item);
            }
            tree
        };
        match self {
            Self::Bulk => tree(&items.sorted),
            Self::Appended => grow(&items.sorted),
            Self::Grown => grow(&items.unsorted),
        }
    }
}

/// What is done.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Work {
    /// Summary and negentropy fingerprint of a random range given by its items.
    Summary,
    /// An insert at a random place.
    Insert,
    /// The same right after a snapshot, which is kept.
    InsertAfterSnapshot,
    /// An insert behind all others.
    Append,
    /// A build from sorted items, for each item.
    BuildSorted,
    /// A build from items in random order, for each item.
    BuildUnsorted,
    /// Bytes an item.
    Memory,
    /// Dropping the older half.
    Prune,
    /// Taking a snapshot.
    Snapshot,
}

impl Work {
    /// How tables say it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Summary => "summary + fingerprint of a random range by key",
            Self::Insert => "insert at random",
            Self::InsertAfterSnapshot => "insert at random, right after a snapshot",
            Self::Append => "insert at the end",
            Self::BuildSorted => "bulk build, sorted, an item",
            Self::BuildUnsorted => "bulk build, unsorted, an item",
            Self::Memory => "memory, an item",
            Self::Prune => "prune the oldest half",
            Self::Snapshot => "take a snapshot",
        }
    }
}

/// What it took.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Figure {
    /// What was done.
    pub(crate) work: Work,
    /// To a tree of what shape.
    pub(crate) shape: Shape,
    /// Of how many items.
    pub(crate) items: usize,
    /// Thread CPU time of one operation in seconds, median; or bytes.
    pub(crate) value: f64,
    /// The same of the first run after the peer's.
    pub(crate) cold: Option<f64>,
    /// What the `negentropy` crate took for it.
    pub(crate) peer: Option<f64>,
}

impl Figure {
    /// Of this and what other passes took for the same, the middle.
    pub(crate) fn settle(&mut self, others: &[Self]) {
        let same = others.iter().filter(|other| {
            (other.work, other.shape, other.items) == (self.work, self.shape, self.items)
        });
        let all = || std::iter::once(&*self).chain(same.clone());
        let value = middle(all().map(|figure| Some(figure.value)));
        let (cold, peer) = (
            middle(all().map(|figure| figure.cold)),
            middle(all().map(|figure| figure.peer)),
        );
        (self.value, self.cold, self.peer) = (value.unwrap_or(self.value), cold, peer);
    }

    fn new(work: Work, shape: Shape, items: usize, value: f64) -> Self {
        Self {
            work,
            shape,
            items,
            value,
            cold: None,
            peer: None,
        }
    }
}

/// The items of the trees of a size.
struct Items {
    sorted: Vec<Item>,
    unsorted: Vec<Item>,
    /// Others, in random order, to insert.
    new: Vec<Item>,
}

impl Items {
    /// As many as `count`, and a tenth of that to insert, at most 100,000.
    fn new(count: usize) -> Self {
        let mut rng = StdRng::seed_from_u64(7);
        let sorted = items(count, 1);
        let mut unsorted = sorted.clone();
        unsorted.shuffle(&mut rng);
        let mut new = items((count / 10).clamp(1, 100_000), 2);
        new.shuffle(&mut rng);
        Self {
            sorted,
            unsorted,
            new,
        }
    }
}

/// Everything about trees of `count` items. Beyond a million, where making a tree takes seconds,
/// each edit runs but once.
pub(crate) fn measure(count: usize, runs: usize) -> Vec<Figure> {
    let items = Items::new(count);
    let edits = if count > 1_000_000 { 1 } else { runs };
    let mut figures = Vec::new();
    for shape in [Shape::Bulk, Shape::Grown] {
        let tree = shape.build(&items);
        figures.push(reads::summary(&tree, shape, &items, runs));
        figures.push(reads::snapshot(&tree, shape, runs));
        figures.push(memory(&tree, shape));
        figures.extend(edits::inserts(tree, shape, &items, edits));
        figures.push(edits::prune(shape, &items, edits));
    }
    figures.push(memory(&Shape::Appended.build(&items), Shape::Appended));
    figures.push(edits::append(&items, edits));
    figures.extend(edits::builds(&items, runs));
    figures
}

fn memory(tree: &RangeTree, shape: Shape) -> Figure {
    let an_item = tree.memory_bytes() as f64 / tree.len() as f64;
    Figure::new(Work::Memory, shape, tree.len(), an_item)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_work_is_measured() {
        let figures = measure(2_000, 1);
        for figure in &figures {
            assert!(figure.value > 0.0, "{figure:?}");
            assert_eq!(figure.items, 2_000, "{figure:?}");
        }
        let of = |work: Work| figures.iter().filter(|figure| figure.work == work).count();
        assert_eq!(of(Work::Summary), 2);
        assert_eq!(of(Work::InsertAfterSnapshot), 2);
        assert_eq!(of(Work::Memory), 3);
        assert_eq!(of(Work::BuildSorted) + of(Work::BuildUnsorted), 2);
    }

    #[test]
    fn shapes_hold_the_same_items() {
        let items = Items::new(3_000);
        let [bulk, appended, grown] =
            [Shape::Bulk, Shape::Appended, Shape::Grown].map(|shape| shape.build(&items));
        assert!(bulk.iter().eq(grown.iter()));
        assert!(bulk.iter().eq(appended.iter()));
        assert!(bulk.memory_bytes() < grown.memory_bytes());
    }
}
