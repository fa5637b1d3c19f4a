//! Descents: from a key or a rank to a position, counting or summing what lies before it.

use super::branch::Branch;
use super::leaf::Leaf;
use super::node::Node;
use crate::item::Item;
use crate::summary::Summary;

/// A position to go down to.
pub(super) trait Seek {
    /// The child in which the position lies; from here on the position is one in that child.
    fn child(&mut self, branch: &Branch) -> usize;

    /// How many items of the leaf lie before the position.
    fn slot(&mut self, leaf: &Leaf) -> usize;
}

/// Just before this item, whether or not it is there.
#[derive(Clone, Copy)]
pub(super) struct Key(pub(super) Item);

impl Seek for Key {
    #[inline]
    fn child(&mut self, branch: &Branch) -> usize {
        branch.child(&self.0)
    }

    #[inline]
    fn slot(&mut self, leaf: &Leaf) -> usize {
        leaf.slot(&self.0)
    }
}

/// Just before the item of this rank among those below the node.
#[derive(Clone, Copy)]
pub(super) struct Rank(pub(super) usize);

impl Seek for Rank {
    #[inline]
    fn child(&mut self, branch: &Branch) -> usize {
        let (child, before) = branch.child_at(self.0);
        self.0 -= before;
        child
    }

    #[inline]
    fn slot(&mut self, leaf: &Leaf) -> usize {
        self.0.min(leaf.len())
    }
}

/// How many items below `node` lie before the position.
pub(super) fn rank(mut node: &Node, mut to: impl Seek) -> usize {
    let mut before = 0;
    loop {
        match node {
            Node::Leaf(leaf) => return before + to.slot(leaf),
            Node::Branch(branch) => {
                let child = to.child(branch);
                before += branch.count_before(child);
                node = &branch.children()[child];
            }
        }
    }
}

/// The leaf in which the position lies, and its slot there.
pub(super) fn locate(mut node: &Node, mut to: impl Seek) -> (&Leaf, usize) {
    loop {
        match node {
            Node::Leaf(leaf) => return (leaf, to.slot(leaf)),
            Node::Branch(branch) => node = &branch.children()[to.child(branch)],
        }
    }
}

/// The summary of the items below `node`, which holds `total`, from `lower` on and before `upper`,
/// which must not lie before `lower`.
///
/// Both descents share their way as long as they take the same child, so that a narrow range costs
/// little more than one; where they part, the children between are added up, what the lower one
/// leaves out is taken off, and what the upper one lets in is put on.
pub(super) fn between<S: Seek>(
    node: &Node,
    total: &Summary,
    mut lower: S,
    mut upper: S,
) -> Summary {
    let (mut node, mut total) = (node, *total);
    loop {
        match node {
            Node::Leaf(leaf) => {
                let slots = lower.slot(leaf)..upper.slot(leaf);
                return leaf.summary_within(slots, &total);
            }
            Node::Branch(branch) => {
                let (first, last) = (lower.child(branch), upper.child(branch));
                if first == last {
                    total = branch.summary_at(first);
                    node = &branch.children()[first];
                    continue;
                }
                let mut summary = branch.summary_within(first..last, &total);
                let children = branch.children();
                summary -= &before(&children[first], branch.summary_at(first), lower);
                summary += &before(&children[last], branch.summary_at(last), upper);
                return summary;
            }
        }
    }
}

/// The summary of the items below `node`, which holds `total`, before the position.
fn before(mut node: &Node, mut total: Summary, mut to: impl Seek) -> Summary {
    let mut summary = Summary::EMPTY;
    loop {
        match node {
            Node::Leaf(leaf) => {
                summary += &leaf.summary_within(0..to.slot(leaf), &total);
                return summary;
            }
            Node::Branch(branch) => {
                let child = to.child(branch);
                summary += &branch.summary_within(0..child, &total);
                total = branch.summary_at(child);
                node = &branch.children()[child];
            }
        }
    }
}
