//! The tree that nodes keep their items in: an order-statistics B+-tree with summaries.
//!
//! # Layout
//!
//! Leaves hold up to `LEAF_MAX` items, timestamps in one array and ids in another: a search reads
//! timestamps only (8 bytes an item), a sum reads ids only. In front of them stands what three
//! quarters of the ids add up to, each for itself. A branch holds for each of up to `BRANCH_MAX` children what a descent
//! needs to know without touching the child: the timestamps of the separators, packed for searching,
//! and what lies before the child (count, sum and xor). The ids of separators are held only if two
//! items of one timestamp lie in different children.
//!
//! # Cost
//!
//! A search goes through the branches, of which a million items need about a megabyte, and one
//! leaf, and mostly only the leaf misses the cache. What pays, then:
//!
//! - a node's timestamps are read by independent loads, so that their misses overlap (`search`);
//! - what lies before a child is two additions, not a loop, and what the last child holds is kept
//!   nowhere, so that an append changes no totals at all (`totals`);
//! - in a leaf at most an eighth of the ids are summed, from the nearest of start, end and the quarters
//!   between on (`places`);
//! - the two descents to the bounds of a range share their way down to where they part, and from
//!   there on wait for the cache together (`seek`);
//! - many positions are gone to in one walk, level by level, summed from one to the next in a leaf, and
//!   without xors, which negentropy doesn't ask for (`walk`);
//! - a leaf has its room on both sides of the items, so that an insert moves the shorter side;
//! - an insert has what it will read and move of its leaf fetched at once, before it searches there: the
//!   branch knows how many items the leaf has and between which times, so about where the new one belongs.
//!   It counts itself in a branch before it goes down, while the leaf is on its way;
//! - so has a descent to a bound, of both leaves before it searches either: four lines of timestamps and
//!   what a sum from there will read (`leaf::fetch`). With the feature `prefetch` that is asked for by instructions that
//!   don't wait; it needs std.
//!
//! `ARCHITECTURE.md` says what each of these bought, and what was tried in vain.
//!
//! # Sharing
//!
//! Nodes are counted references. A snapshot copies the reference to the root; an edit copies the
//! nodes on its path that a snapshot still holds, and edits others in place.
//!
//! # Occupancy
//!
//! A node holds at least half of what it may, unless it lies on the left or right edge of the tree,
//! where it holds at least one. That exemption makes appends cheap (a full leaf stays full, a new
//! one begins), and pruning too (whatever remains of the leftmost path may stay as it is).

mod branch;
mod build;
mod iter;
mod leaf;
mod node;
mod places;
mod read;
mod search;
mod seek;
mod totals;
mod walk;

#[cfg(test)]
mod check;

use alloc::vec::Vec;
use core::fmt;

use triomphe::Arc;

pub use iter::Iter;

use crate::item::{Bound, Item};
use crate::set::{ItemSet, ItemSetMut};
use crate::summary::Summary;
use branch::gather;
use build::Builder;
use leaf::Leaf;
use node::{Edges, Entry, Inserted, Node, Path};

/// Most items in a leaf.
///
/// What a leaf costs besides its items (reference count, length and the totals of three quarters, 208 bytes;
/// its entry in the branch, about 108) is spread over this many; moving items on an insert and summing
/// at the edge of a range take time in proportion to it.
const LEAF_MAX: usize = 128;

/// Fewest items in a leaf that doesn't lie on an edge.
const LEAF_MIN: usize = LEAF_MAX / 2;

/// So many items a full leaf hands to a neighbour that has room for them, before it splits. Fewer
/// would have it ask again soon; more would leave the leaf behind with room that late arrivals at
/// the right edge never fill.
const LEAF_RELIEF: usize = LEAF_MAX / 8;

/// Most children of a branch.
///
/// More would save a level here and there, and cost each split the more moving of entries.
const BRANCH_MAX: usize = 64;

/// Fewest children of a branch that doesn't lie on an edge.
const BRANCH_MIN: usize = BRANCH_MAX / 2;

/// A set of items that changes, answers for any range in O(log n), and can be frozen for a session
/// at no cost.
///
/// ```
/// use sync_core::{Bound, Id, Item, ItemSet, ItemSetMut, Range, RangeTree};
///
/// let items = (0..1_000u64).map(|n| Item::new(1_700_000_000_000 + n, Id([n as u8; 32])));
/// let mut tree: RangeTree = items.collect();
///
/// let window = Range::of_times(1_700_000_000_100, 1_700_000_000_200);
/// assert_eq!(tree.summary_of(&window).count, 100);
///
/// let snapshot = tree.snapshot();
/// tree.prune_before(&window.lower);
/// assert_eq!(tree.rank(&Bound::Infinity), 900);
/// assert_eq!(snapshot.len(), 1_000);
/// assert_eq!(snapshot.summary_of(&window), tree.summary_of(&window));
/// ```
#[derive(Clone)]
pub struct RangeTree {
    root: Node,
    total: Summary,
    /// The greatest item, to tell an append without a search.
    last: Option<Item>,
}

impl RangeTree {
    /// A tree of no items.
    #[must_use]
    pub fn new() -> Self {
        Self {
            root: Node::Leaf(Arc::new(Leaf::EMPTY)),
            total: Summary::EMPTY,
            last: None,
        }
    }

    /// A tree of items given in strictly ascending order, in O(n), with full leaves.
    ///
    /// # Errors
    /// When an item doesn't lie behind the one before it, or its timestamp is the reserved
    /// `u64::MAX`.
    pub fn from_sorted(items: impl IntoIterator<Item = Item>) -> Result<Self, OutOfOrder> {
        let mut builder = Builder::new();
        let mut last: Option<Item> = None;
        for (position, item) in items.into_iter().enumerate() {
            if item.timestamp == u64::MAX || last.is_some_and(|last| last >= item) {
                return Err(OutOfOrder { position });
            }
            builder.push(&item);
            last = Some(item);
        }
        let (root, total) = builder.finish();
        Ok(Self { root, total, last })
    }

    /// A tree of these items, in any order, in O(n log n). Duplicates and items of the reserved
    /// timestamp `u64::MAX` are left out.
    #[must_use]
    pub fn from_unsorted(mut items: Vec<Item>) -> Self {
        items.sort_unstable();
        items.dedup();
        let end = items.partition_point(|item| item.timestamp < u64::MAX);
        let mut builder = Builder::new();
        items[..end].iter().for_each(|item| builder.push(item));
        let (root, total) = builder.finish();
        let last = items[..end].last().copied();
        Self { root, total, last }
    }

    /// The set as it is now, in O(1): nodes are shared until either side edits them.
    #[must_use]
    pub fn snapshot(&self) -> Self {
        self.clone()
    }

    /// The summary of all items, in O(1).
    #[must_use]
    pub fn total(&self) -> Summary {
        self.total
    }

    /// Whether `item` is there, in O(log n).
    #[must_use]
    pub fn contains(&self, item: &Item) -> bool {
        let (leaf, slot) = seek::locate(&self.root, seek::Key(*item));
        slot < leaf.len() && leaf.item(slot) == *item
    }

    /// The smallest item, in O(log n).
    #[must_use]
    pub fn first(&self) -> Option<Item> {
        self.select(0)
    }

    /// The greatest item, in O(1).
    #[must_use]
    pub fn last(&self) -> Option<Item> {
        self.last
    }

    /// All items in order.
    #[must_use]
    pub fn iter(&self) -> Iter<'_> {
        Iter::new(&self.root, 0..self.len())
    }

    /// The items from `bound` on, in order.
    #[must_use]
    pub fn iter_from(&self, bound: &Bound) -> Iter<'_> {
        Iter::new(&self.root, self.rank(bound)..self.len())
    }

    /// Bytes on the heap, in O(n / 128); what is shared with snapshots counts in full, and what the
    /// allocator adds isn't known.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        read::memory_bytes(&self.root)
    }

    /// Hangs the root's upper part, split off, beside it below a new root.
    fn grow(&mut self, right: Entry) {
        let empty = Node::Leaf(Arc::new(Leaf::EMPTY));
        let left = Entry {
            separator: Item::default(),
            summary: self.total - right.summary,
            node: core::mem::replace(&mut self.root, empty),
        };
        self.root = gather([left, right].into()).node;
    }

    /// Does away with roots of one child, and finds the greatest item again.
    fn settle(&mut self) {
        loop {
            let next = match &self.root {
                Node::Branch(branch) if branch.len() == 0 => Node::Leaf(Arc::new(Leaf::EMPTY)),
                Node::Branch(branch) => match branch.only_child() {
                    Some(child) => child.clone(),
                    None => break,
                },
                Node::Leaf(_) => break,
            };
            self.root = next;
        }
        self.last = self.len().checked_sub(1).and_then(|rank| self.select(rank));
    }
}

impl ItemSetMut for RangeTree {
    fn insert(&mut self, item: Item) -> bool {
        if item.timestamp == u64::MAX {
            return false;
        }
        let appends = self.last.is_none_or(|last| last < item);
        let path = if appends {
            Path::Append
        } else {
            Path::RightEdge
        };
        let inserted = self.root.insert(&item, path, None);
        if matches!(inserted, Inserted::Present) {
            return false;
        }
        self.total.push(&item.id);
        if appends {
            self.last = Some(item);
        }
        if let Inserted::Split(right) = inserted {
            self.grow(right);
        }
        true
    }

    fn remove(&mut self, item: &Item) -> bool {
        let edges = Edges {
            left: true,
            right: true,
        };
        let removed = self.root.remove(item, edges);
        if removed {
            self.total -= &Summary::of(&item.id);
            self.settle();
        }
        removed
    }

    fn prune_before(&mut self, bound: &Bound) -> usize {
        let Bound::Before(key) = bound else {
            return core::mem::take(self).len();
        };
        let removed = self.root.prune(key);
        self.total -= &removed;
        self.settle();
        removed.count as usize
    }
}

impl Default for RangeTree {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for RangeTree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self).finish()
    }
}

impl FromIterator<Item> for RangeTree {
    /// As [`RangeTree::from_unsorted`].
    fn from_iter<I: IntoIterator<Item = Item>>(items: I) -> Self {
        Self::from_unsorted(items.into_iter().collect())
    }
}

impl Extend<Item> for RangeTree {
    fn extend<I: IntoIterator<Item = Item>>(&mut self, items: I) {
        items.into_iter().for_each(|item| {
            self.insert(item);
        });
    }
}

impl<'a> IntoIterator for &'a RangeTree {
    type Item = Item;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// Items that should have come in strictly ascending order, with timestamps below `u64::MAX`,
/// didn't.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OutOfOrder {
    /// Which one, counted from 0, isn't greater than the one before it or has the reserved timestamp.
    pub position: usize,
}

impl fmt::Display for OutOfOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "expected items in strictly ascending order with timestamps below 2^64 - 1, but item {} \
             breaks it; sort and deduplicate first",
            self.position
        )
    }
}

impl core::error::Error for OutOfOrder {}
