//! Building a tree from items in order, every leaf full.

use alloc::vec::Vec;

use triomphe::Arc;

use super::branch::gather;
use super::leaf::{Leaf, separator};
use super::node::{Entry, Node};
use super::{BRANCH_MAX, LEAF_MAX};
use crate::item::Item;
use crate::summary::Summary;

/// Takes items in ascending order and packs them into leaves.
pub(super) struct Builder {
    leaves: Vec<Entry>,
    /// The items of the next leaf: fewer than [`LEAF_MAX`] but for the moment before they are packed.
    pending: Vec<Item>,
}

impl Builder {
    pub(super) fn new() -> Self {
        Self {
            leaves: Vec::new(),
            pending: Vec::with_capacity(LEAF_MAX),
        }
    }

    /// Adds an item that lies behind all others.
    #[inline]
    pub(super) fn push(&mut self, item: &Item) {
        if self.pending.len() == LEAF_MAX {
            self.close_leaf();
        }
        self.pending.push(*item);
    }

    /// The root and the summary of everything.
    pub(super) fn finish(mut self) -> (Node, Summary) {
        self.close_leaf();
        let mut level = self.leaves;
        while level.len() > 1 {
            level = branches_over(level);
        }
        match level.pop() {
            Some(root) => (root.node, root.summary),
            None => (Node::Leaf(Arc::new(Leaf::EMPTY)), Summary::EMPTY),
        }
    }

    fn close_leaf(&mut self) {
        let leaf = Arc::new(Leaf::from_items(&self.pending));
        self.pending.clear();
        let separator = match self.leaves.last() {
            Some(Entry {
                node: Node::Leaf(previous),
                ..
            }) => separator(previous, &leaf),
            _ => Item::default(),
        };
        self.leaves.push(Entry {
            separator,
            summary: leaf.total(),
            node: Node::Leaf(leaf),
        });
    }
}

/// The level above: full branches, but for the last one, which lies on the right edge.
fn branches_over(level: Vec<Entry>) -> Vec<Entry> {
    let mut above = Vec::with_capacity(level.len().div_ceil(BRANCH_MAX));
    let mut level = level.into_iter();
    while level.len() > 0 {
        above.push(gather(level.by_ref().take(BRANCH_MAX).collect()));
    }
    above
}
