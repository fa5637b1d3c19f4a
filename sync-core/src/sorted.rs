//! A sorted vector: the set whose correctness is plain to see.

use alloc::vec::Vec;
use core::ops::{self, ControlFlow};

use crate::item::{Bound, Item};
use crate::set::{ItemSet, ItemSetMut};
use crate::summary::Summary;

/// A set held as a sorted vector: right for small or unchanging sets, and what the
/// [`RangeTree`](crate::RangeTree) is tested against.
///
/// Ranks and selection are fast; summaries take time in proportion to their range, and edits in
/// proportion to what lies behind.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SortedItems {
    items: Vec<Item>,
}

impl SortedItems {
    /// A set of no items.
    #[must_use]
    pub const fn new() -> Self {
        Self { items: Vec::new() }
    }

    /// The items in order.
    #[must_use]
    pub fn as_slice(&self) -> &[Item] {
        &self.items
    }

    fn slice(&self, ranks: ops::Range<usize>) -> &[Item] {
        let end = ranks.end.min(self.items.len());
        &self.items[ranks.start.min(end)..end]
    }
}

impl FromIterator<Item> for SortedItems {
    /// Takes items in any order; duplicates and items of the reserved timestamp `u64::MAX` are left
    /// out.
    fn from_iter<I: IntoIterator<Item = Item>>(items: I) -> Self {
        let items = items.into_iter();
        let mut items: Vec<Item> = items.filter(|item| item.timestamp < u64::MAX).collect();
        items.sort_unstable();
        items.dedup();
        Self { items }
    }
}

impl ItemSet for SortedItems {
    fn len(&self) -> usize {
        self.items.len()
    }

    fn rank(&self, bound: &Bound) -> usize {
        self.items.partition_point(|item| bound.is_after(item))
    }

    fn select(&self, rank: usize) -> Option<Item> {
        self.items.get(rank).copied()
    }

    fn summary(&self, ranks: ops::Range<usize>) -> Summary {
        self.slice(ranks).iter().map(|item| &item.id).collect()
    }

    fn visit(
        &self,
        ranks: ops::Range<usize>,
        visit: &mut dyn FnMut(Item) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        self.slice(ranks).iter().copied().try_for_each(visit)
    }
}

impl ItemSetMut for SortedItems {
    fn insert(&mut self, item: Item) -> bool {
        if item.timestamp == u64::MAX {
            return false;
        }
        match self.items.binary_search(&item) {
            Ok(_) => false,
            Err(rank) => {
                self.items.insert(rank, item);
                true
            }
        }
    }

    fn remove(&mut self, item: &Item) -> bool {
        match self.items.binary_search(item) {
            Ok(rank) => {
                self.items.remove(rank);
                true
            }
            Err(_) => false,
        }
    }

    fn prune_before(&mut self, bound: &Bound) -> usize {
        let gone = self.rank(bound);
        self.items.drain(..gone);
        gone
    }
}
