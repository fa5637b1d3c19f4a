//! Descents: from a key or a rank to a position, counting or summing what lies before it.

use core::ops::{self, ControlFlow};

use super::branch::{Branch, Parent};
use super::leaf::Leaf;
use super::node::Node;
use crate::item::{Id, Item};
use crate::limbs::{Sum, Total, Xor};
use crate::summary::Summary;

/// A position to go down to.
pub(super) trait Seek: Copy {
    /// The child in which the position lies; from here on the position is one in that child.
    fn child(&mut self, branch: &Branch) -> usize;

    /// Where in `child`, a leaf, the position is likely to be, as far as the branch tells.
    fn near(&self, branch: &Branch, child: usize) -> Option<usize>;

    /// The place in the leaf of the first item that doesn't lie before the position, if it's likely to be
    /// `near` some place.
    fn place(self, leaf: &Leaf, near: Option<usize>) -> usize;

    /// Has the cache fetch what [`Seek::place`] and a sum before that place will read.
    fn fetch(leaf: &Leaf, near: usize);
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
    fn near(&self, branch: &Branch, child: usize) -> Option<usize> {
        branch.near(child, self.0.timestamp)
    }

    #[inline]
    fn place(self, leaf: &Leaf, near: Option<usize>) -> usize {
        leaf.place_of(&self.0, near)
    }

    #[inline]
    fn fetch(leaf: &Leaf, near: usize) {
        leaf.fetch_times_near(near);
        leaf.fetch_ids_near(near);
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
    fn near(&self, branch: &Branch, child: usize) -> Option<usize> {
        branch.near_slot(child, self.0)
    }

    #[inline]
    fn place(self, leaf: &Leaf, _near: Option<usize>) -> usize {
        leaf.place(self.0.min(leaf.len()))
    }

    #[inline]
    fn fetch(leaf: &Leaf, near: usize) {
        leaf.fetch_ids_near(near);
    }
}

/// How many items below `node` lie before the position.
pub(super) fn rank(mut node: &Node, mut to: impl Seek) -> usize {
    let (mut before, mut near) = (0, None);
    loop {
        match node {
            Node::Leaf(leaf) => return before + leaf.slot_at(to.place(leaf, near)),
            Node::Branch(branch) => {
                let child = to.child(branch);
                before += branch.totals().count_before(child);
                near = to.near(branch, child);
                node = &branch.children()[child];
            }
        }
    }
}

/// The leaf in which the position lies, and its slot there.
pub(super) fn locate(mut node: &Node, mut to: impl Seek) -> (&Leaf, usize) {
    let mut near = None;
    loop {
        match node {
            Node::Leaf(leaf) => return (leaf, leaf.slot_at(to.place(leaf, near))),
            Node::Branch(branch) => {
                let child = to.child(branch);
                near = to.near(branch, child);
                node = &branch.children()[child];
            }
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
/// one above: the two searches wait for the cache at the same time, and the sums fill the wait. What both
/// will read of their leaves is fetched before either is searched, as far as it can be guessed.
pub(super) fn between<S: Seek>(node: &Node, lower: S, upper: S) -> Summary {
    let mut lower = Way::new(node, lower).step();
    let mut upper = Way::new(node, upper).step();
    let mut next = down(&lower, &upper);
    while lower.at == upper.at {
        let Some(below) = next else {
            return Summary::EMPTY;
        };
        (lower, upper) = below;
        next = down(&lower, &upper);
    }
    let (mut count, mut ids) = (
        upper.count_before() - lower.count_before(),
        lower.to(&upper),
    );
    while let Some((lower, upper)) = next {
        next = down(&lower, &upper);
        count = count + upper.count_before() - lower.count_before();
        ids.add(&upper.before());
        ids.sub(&lower.before());
    }
    Summary::of_groups(count, ids)
}

/// Both descents a level further down.
#[inline]
fn down<'a, S: Seek>(
    lower: &Step<'a, S>,
    upper: &Step<'a, S>,
) -> Option<(Step<'a, S>, Step<'a, S>)> {
    let (lower, upper) = (lower.way_down()?, upper.way_down()?);
    Some((lower.step(), upper.step()))
}

/// Where the items from some key on begin.
#[derive(Clone, Copy)]
pub(super) struct Start<'a> {
    /// The leaf in which the first one would lie.
    leaf: &'a Leaf,
    /// The one behind it, if it hangs from the same branch.
    next: Option<&'a Leaf>,
    /// Where in the leaf the first one is likely to be.
    near: Option<usize>,
}

/// Where below `node` the items from `lower` on begin. The leaf isn't looked at, but the cache is made to fetch what
/// will be searched of it.
#[inline]
pub(super) fn start<'a>(mut node: &'a Node, lower: &Item) -> Start<'a> {
    let (mut next, mut near) = (None, None);
    loop {
        match node {
            Node::Leaf(leaf) => {
                match near {
                    Some(near) => leaf.fetch_times_near(near),
                    None => leaf.fetch_timestamps(),
                }
                return Start { leaf, next, near };
            }
            Node::Branch(branch) => {
                let child = branch.child(lower);
                node = &branch.children()[child];
                near = branch.near(child, lower.timestamp);
                next = match branch.children().get(child + 1) {
                    Some(Node::Leaf(leaf)) => Some(&**leaf),
                    _ => None,
                };
            }
        }
    }
}

/// Items that follow each other in a leaf, and maybe some at the start of the one behind it.
pub(super) struct Span<'a> {
    leaf: &'a Leaf,
    slots: ops::Range<usize>,
    next: Option<(&'a Leaf, usize)>,
}

impl<'a> Start<'a> {
    /// The items from `lower`, which starts here, on and before `upper`, if they end in this leaf or the next one. The
    /// cache is made to fetch their ids.
    #[inline]
    pub(super) fn span(&self, lower: &Item, upper: &Item) -> Option<Span<'a>> {
        let Self { leaf, next, near } = *self;
        let slot = leaf.slot_at(leaf.place_of(lower, near));
        // A range that ends before it starts is empty.
        let slots = slot..leaf.slot_from(slot, upper).max(slot);
        leaf.fetch_ids(slots.clone());
        if slots.end < leaf.len() {
            return Some(Span {
                leaf,
                slots,
                next: None,
            });
        }
        let end = next?.slot_from(0, upper);
        let next = next.filter(|next| end < next.len())?;
        next.fetch_ids(0..end);
        Some(Span {
            leaf,
            slots,
            next: Some((next, end)),
        })
    }
}

impl Span<'_> {
    /// Shows the items, until `visit` breaks; gives how it ended.
    #[inline]
    pub(super) fn visit(
        &self,
        mut visit: impl FnMut(&[u64], &[Id]) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let (times, ids) = self.leaf.columns(self.slots.clone());
        if !times.is_empty() {
            visit(times, ids)?;
        }
        let Some((next, end)) = self.next else {
            return ControlFlow::Continue(());
        };
        let (times, ids) = next.columns(0..end);
        visit(times, ids)
    }
}

/// What ids add up to.
type Both = (Sum, Xor);

/// A descent, having come to some node.
#[derive(Clone, Copy)]
struct Step<'a, S> {
    node: &'a Node,
    parent: Option<Parent<'a>>,
    /// The child to go to, or the place of the position in a leaf.
    at: usize,
    /// The position, within that child.
    to: S,
}

/// On the way to a node.
#[derive(Clone, Copy)]
struct Way<'a, S> {
    node: &'a Node,
    parent: Option<Parent<'a>>,
    /// Where in the node, a leaf, the position is likely to be.
    near: Option<usize>,
    /// The position, within that node.
    to: S,
}

impl<'a, S: Seek> Way<'a, S> {
    const fn new(node: &'a Node, to: S) -> Self {
        Self {
            node,
            parent: None,
            near: None,
            to,
        }
    }

    /// Searches the node.
    #[inline]
    fn step(self) -> Step<'a, S> {
        let Self {
            node,
            parent,
            near,
            mut to,
        } = self;
        let at = match node {
            Node::Leaf(leaf) => {
                let place = to.place(leaf, near);
                if near.is_none() {
                    leaf.fetch(place);
                }
                place
            }
            Node::Branch(branch) => to.child(branch),
        };
        Step {
            node,
            parent,
            at,
            to,
        }
    }
}

impl<'a, S: Seek> Step<'a, S> {
    /// On to the child, if there is one.
    #[inline]
    fn way_down(&self) -> Option<Way<'a, S>> {
        let Node::Branch(branch) = self.node else {
            return None;
        };
        let node = &branch.children()[self.at];
        let near = self.to.near(branch, self.at);
        if let (Some(near), Node::Leaf(leaf)) = (near, node) {
            S::fetch(leaf, near);
        }
        let parent = Parent {
            branch,
            child: self.at,
        };
        Some(Way {
            node,
            parent: Some(parent),
            near,
            to: self.to,
        })
    }

    /// How many items lie before the child or place.
    #[inline]
    fn count_before(&self) -> usize {
        match self.node {
            Node::Leaf(leaf) => leaf.slot_at(self.at),
            Node::Branch(branch) => branch.totals().count_before(self.at),
        }
    }

    /// What lies before the child or place.
    #[inline]
    fn before(&self) -> Both {
        match self.node {
            Node::Leaf(leaf) => leaf.ids_before(self.at, self.parent),
            Node::Branch(branch) => branch.totals().ids_before(self.at),
        }
    }

    /// What lies between the child or place and that of another descent that is at the same node.
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
