//! Items in order, from any rank on.

use alloc::vec::Vec;
use core::iter::FusedIterator;
use core::{ops, slice};

use super::leaf::Leaf;
use super::node::Node;
use super::seek::{Key, Rank, Seek};
use crate::item::Item;

/// The items of a [`RangeTree`](super::RangeTree) in ascending order, from some rank on.
///
/// Starting costs O(log n), each item O(1).
#[derive(Clone)]
pub struct Iter<'a> {
    /// The children that are still to come, level by level from the root.
    ahead: Vec<slice::Iter<'a, Node>>,
    leaf: Option<&'a Leaf>,
    slot: usize,
    left: usize,
}

impl<'a> Iter<'a> {
    /// The items of these ranks below `root`, which must hold so many.
    pub(super) fn new(root: &'a Node, ranks: ops::Range<usize>) -> Self {
        Self::from_place(root, Rank(ranks.start), ranks.len())
    }

    /// The items from `key` on below `root`, which holds `total`.
    pub(super) fn from_key(root: &'a Node, key: &Item, total: usize) -> Self {
        Self::from_place(root, Key(*key), total)
    }

    /// The items from a place on below `root`, as many as there are but no more than `left`.
    fn from_place(root: &'a Node, mut to: impl Seek, left: usize) -> Self {
        let (mut ahead, mut near) = (Vec::new(), None);
        let mut node = root;
        loop {
            match node {
                Node::Leaf(leaf) => {
                    return Self {
                        ahead,
                        leaf: Some(leaf),
                        slot: leaf.slot_at(to.place(leaf, near)),
                        left,
                    };
                }
                Node::Branch(branch) => {
                    let child = to.child(branch);
                    near = to.near(branch, child);
                    ahead.push(branch.children()[child + 1..].iter());
                    node = &branch.children()[child];
                }
            }
        }
    }

    /// The next items that lie in one leaf, at least one; `None` at the end.
    pub(super) fn next_run(&mut self) -> Option<(&'a Leaf, ops::Range<usize>)> {
        if self.left == 0 {
            return None;
        }
        let mut leaf = self.leaf?;
        while self.slot == leaf.len() {
            leaf = self.next_leaf()?;
            (self.leaf, self.slot) = (Some(leaf), 0);
        }
        let end = leaf.len().min(self.slot + self.left);
        let run = self.slot..end;
        self.left -= run.len();
        self.slot = end;
        Some((leaf, run))
    }

    fn next_leaf(&mut self) -> Option<&'a Leaf> {
        loop {
            match self.ahead.last_mut()?.next() {
                Some(Node::Leaf(leaf)) => return Some(leaf),
                Some(Node::Branch(branch)) => self.ahead.push(branch.children().iter()),
                None => {
                    self.ahead.pop();
                }
            }
        }
    }
}

impl Iterator for Iter<'_> {
    type Item = Item;

    #[inline]
    fn next(&mut self) -> Option<Item> {
        if self.left == 0 {
            return None;
        }
        let mut leaf = self.leaf?;
        while self.slot == leaf.len() {
            leaf = self.next_leaf()?;
            (self.leaf, self.slot) = (Some(leaf), 0);
        }
        let item = leaf.item(self.slot);
        self.slot += 1;
        self.left -= 1;
        Some(item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Iter<'_> {}
impl FusedIterator for Iter<'_> {}
