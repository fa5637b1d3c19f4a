//! Descents: from a key or a rank to a position, counting or summing what lies before it.

use super::branch::{Branch, Parent};
use super::leaf::Leaf;
use super::node::Node;
use crate::item::Item;
use crate::limbs::{Sum, Total, Xor};
use crate::summary::Summary;

/// A position to go down to.
pub(super) trait Seek: Copy {
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
        let child = branch.totals().child_at(self.0);
        self.0 -= branch.totals().count_before(child);
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
                before += branch.totals().count_before(child);
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

/// The summary of the items below `node` from `lower` on and before `upper`, which must not lie before
/// `lower`.
///
/// Both descents share their way as long as they take the same child, so that a narrow range costs
/// little more than one; where they part, the children between are added up, and from there on what
/// the lower one leaves out is taken off, and what the upper one lets in is put on.
///
/// Below the parting they go in step, and each level is searched before anything is summed on the
/// one above: the two searches wait for the cache at the same time, and the sums fill the wait.
pub(super) fn between<S: Seek>(node: &Node, lower: S, upper: S) -> Summary {
    let mut lower = Step::new(node, None, lower);
    let mut upper = Step::new(node, None, upper);
    let mut next = lower.down().zip(upper.down());
    while lower.at == upper.at {
        let Some(below) = next else {
            return Summary::EMPTY;
        };
        (lower, upper) = below;
        next = lower.down().zip(upper.down());
    }
    let (mut count, mut ids) = (
        upper.count_before() - lower.count_before(),
        lower.to(&upper),
    );
    while let Some((lower, upper)) = next {
        next = lower.down().zip(upper.down());
        count = count + upper.count_before() - lower.count_before();
        ids.add(&upper.before());
        ids.sub(&lower.before());
    }
    Summary::of_groups(count, ids)
}

/// What ids add up to.
type Both = (Sum, Xor);

/// A descent, having come to some node.
#[derive(Clone, Copy)]
struct Step<'a, S> {
    node: &'a Node,
    parent: Option<Parent<'a>>,
    /// The child to go to, or the slot of the position in a leaf.
    at: usize,
    /// The position, within that child.
    to: S,
}

impl<'a, S: Seek> Step<'a, S> {
    #[inline]
    fn new(node: &'a Node, parent: Option<Parent<'a>>, mut to: S) -> Self {
        let at = match node {
            Node::Leaf(leaf) => {
                let slot = to.slot(leaf);
                leaf.fetch(slot);
                slot
            }
            Node::Branch(branch) => to.child(branch),
        };
        Self {
            node,
            parent,
            at,
            to,
        }
    }

    #[inline]
    fn down(&self) -> Option<Self> {
        let Node::Branch(branch) = self.node else {
            return None;
        };
        let parent = Parent {
            branch,
            child: self.at,
        };
        let child = &branch.children()[self.at];
        Some(Self::new(child, Some(parent), self.to))
    }

    /// How many items lie before the child or slot.
    #[inline]
    fn count_before(&self) -> usize {
        match self.node {
            Node::Leaf(_) => self.at,
            Node::Branch(branch) => branch.totals().count_before(self.at),
        }
    }

    /// What lies before the child or slot.
    #[inline]
    fn before(&self) -> Both {
        match self.node {
            Node::Leaf(leaf) => leaf.ids_before(self.at, self.parent),
            Node::Branch(branch) => branch.totals().ids_before(self.at),
        }
    }

    /// What lies between the child or slot and that of another descent that is at the same node.
    #[inline]
    fn to(&self, upper: &Self) -> Both {
        match self.node {
            Node::Leaf(leaf) => leaf.ids_between(self.at..upper.at, self.parent),
            Node::Branch(_) => {
                let mut between = upper.before();
                between.sub(&self.before());
                between
            }
        }
    }
}
