//! What sessions read of a tree.

use alloc::vec;
use core::mem;
use core::ops::{self, ControlFlow};

use super::RangeTree;
use super::branch::Branch;
use super::iter::Iter;
use super::leaf::Leaf;
use super::node::Node;
use super::seek::{self, Key, Rank};
use crate::item::{Bound, Id, Item, Range};
use crate::set::ItemSet;
use crate::summary::Summary;

impl ItemSet for RangeTree {
    fn len(&self) -> usize {
        self.total.count as usize
    }

    fn rank(&self, bound: &Bound) -> usize {
        match bound {
            Bound::Before(key) => seek::rank(&self.root, Key(*key)),
            Bound::Infinity => self.len(),
        }
    }

    fn select(&self, rank: usize) -> Option<Item> {
        if rank >= self.len() {
            return None;
        }
        let (leaf, slot) = seek::locate(&self.root, Rank(rank));
        Some(leaf.item(slot))
    }

    fn summary(&self, ranks: ops::Range<usize>) -> Summary {
        let ranks = self.clamp(ranks);
        if ranks.is_empty() {
            return Summary::EMPTY;
        }
        seek::between(&self.root, &self.total, Rank(ranks.start), Rank(ranks.end))
    }

    fn summary_of(&self, range: &Range) -> Summary {
        if range.is_empty() {
            return Summary::EMPTY;
        }
        let (lower, upper) = (key_of(&range.lower), key_of(&range.upper));
        seek::between(&self.root, &self.total, lower, upper)
    }

    fn visit(
        &self,
        ranks: ops::Range<usize>,
        visit: &mut dyn FnMut(Item) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let mut runs = Iter::new(&self.root, self.clamp(ranks));
        while let Some((leaf, slots)) = runs.next_run() {
            leaf.items(slots).try_for_each(&mut *visit)?;
        }
        ControlFlow::Continue(())
    }
}

impl RangeTree {
    fn clamp(&self, ranks: ops::Range<usize>) -> ops::Range<usize> {
        let end = ranks.end.min(self.len());
        ranks.start.min(end)..end
    }
}

/// No item has the timestamp `u64::MAX`, so a key of it lies behind all.
fn key_of(bound: &Bound) -> Key {
    match bound {
        Bound::Before(key) => Key(*key),
        Bound::Infinity => Key(Item::new(u64::MAX, Id::ZERO)),
    }
}

/// Bytes on the heap below `root`.
pub(super) fn memory_bytes(root: &Node) -> usize {
    let counts = 2 * mem::size_of::<usize>();
    let mut bytes = 0;
    let mut nodes = vec![root];
    while let Some(node) = nodes.pop() {
        bytes += counts;
        match node {
            Node::Leaf(leaf) => bytes += mem::size_of_val::<Leaf>(leaf),
            Node::Branch(branch) => {
                bytes += mem::size_of_val::<Branch>(branch) + branch.heap_bytes();
                nodes.extend(branch.children());
            }
        }
    }
    bytes
}
