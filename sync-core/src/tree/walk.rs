//! A walk to many places in order: each node on the way to several of them is entered once.

use super::branch::Branch;
use super::leaf::Leaf;
use super::node::Node;
use crate::item::Item;
use crate::limbs::{Group, Sum};

/// From the place before on so many ids are rather added up than looked for in totals.
const NEAR: usize = 32;

/// What can be walked to: just before an item, or just before the item of a rank.
pub(super) trait Place: Copy {
    /// The child of `branch`, before which lie `before` items of the tree, that it lies in; `from`
    /// or behind that.
    fn child(self, branch: &Branch, from: usize, before: usize) -> usize;

    /// The place where `child`, which isn't the last one, ends.
    fn end_of(branch: &Branch, child: usize, before: usize) -> Self;

    /// How many items of `leaf`, before which lie `before` of the tree, lie before the place; `from`
    /// or more, if that is known.
    fn slot(self, leaf: &Leaf, from: Option<usize>, before: usize) -> usize;

    /// Whether this place lies before the other.
    fn is_before(self, other: Self) -> bool;
}

/// A place, arrived at.
pub(super) struct Stop<'a> {
    pub(super) leaf: &'a Leaf,
    /// How many items of the leaf lie before the place.
    pub(super) slot: usize,
    /// How many of the tree do.
    pub(super) rank: usize,
    /// What the ids of those of the tree add up to, where this was asked for.
    pub(super) before: Sum,
}

/// Goes to each of `places`, which must ascend, below `root`, the ids of which add up to `total`. With
/// each goes whether the sum of the ids before it is needed.
pub(super) fn walk<P: Place>(
    root: &Node,
    total: Sum,
    mut places: impl Iterator<Item = (P, bool)>,
    arrive: impl FnMut(&Stop<'_>),
) {
    let mut walk = Walk {
        next: places.next(),
        places,
        arrive,
    };
    walk.below(root, &Before::default(), total, None);
}

/// What lies in front of a node.
#[derive(Clone, Copy, Default)]
struct Before {
    count: usize,
    sum: Sum,
}

struct Walk<P, I, A> {
    next: Option<(P, bool)>,
    places: I,
    arrive: A,
}

impl<P: Place, I: Iterator<Item = (P, bool)>, A: FnMut(&Stop<'_>)> Walk<P, I, A> {
    /// Goes to the places before `end` that lie below `node`, the ids of which add up to `total`. The
    /// next place must be one of them.
    fn below(&mut self, node: &Node, before: &Before, total: Sum, end: Option<P>) {
        let branch = match node {
            Node::Leaf(leaf) => return self.within(leaf, before, &total, end),
            Node::Branch(branch) => branch,
        };
        let totals = branch.totals();
        let mut child = 0;
        while let Some((place, _)) = self.next_before(end) {
            child = place.child(branch, child, before.count);
            let (start, mut total, mut end) = (totals.ids_before::<Sum>(child), total, end);
            if child + 1 < branch.len() {
                total = totals.ids_before(child + 1);
                end = Some(P::end_of(branch, child, before.count));
            }
            total.sub(&start);
            let mut sum = before.sum;
            sum.add(&start);
            let count = before.count + totals.count_before(child);
            self.below(
                &branch.children()[child],
                &Before { count, sum },
                total,
                end,
            );
        }
    }

    /// Of places in the same leaf each goes on from the one before.
    fn within(&mut self, leaf: &Leaf, before: &Before, total: &Sum, end: Option<P>) {
        let mut from = None;
        let mut summed: Option<(usize, Sum)> = None;
        while let Some((place, sums)) = self.next_before(end) {
            let slot = place.slot(leaf, from, before.count);
            from = Some(slot);
            let mut sum = Sum::default();
            if sums {
                match summed {
                    Some((from, so_far)) if slot - from <= NEAR => {
                        sum = leaf.ids_within(from..slot);
                        sum.add(&so_far);
                    }
                    _ => {
                        sum = leaf.ids_before(slot, total);
                        sum.add(&before.sum);
                    }
                }
                summed = Some((slot, sum));
            }
            (self.arrive)(&Stop {
                leaf,
                slot,
                rank: before.count + slot,
                before: sum,
            });
            self.next = self.places.next();
        }
    }

    #[inline]
    fn next_before(&self, end: Option<P>) -> Option<(P, bool)> {
        self.next
            .filter(|(place, _)| end.is_none_or(|end| place.is_before(end)))
    }
}

impl Place for Item {
    #[inline]
    fn child(self, branch: &Branch, from: usize, _before: usize) -> usize {
        branch.child_from(from, &self)
    }

    #[inline]
    fn end_of(branch: &Branch, child: usize, _before: usize) -> Self {
        branch.separator(child + 1)
    }

    #[inline]
    fn slot(self, leaf: &Leaf, from: Option<usize>, _before: usize) -> usize {
        match from {
            Some(from) => leaf.slot_from(from, &self),
            None => leaf.slot(&self),
        }
    }

    #[inline]
    fn is_before(self, other: Self) -> bool {
        self < other
    }
}

/// A rank.
impl Place for usize {
    #[inline]
    fn child(self, branch: &Branch, from: usize, before: usize) -> usize {
        branch.totals().child_from(from, self - before)
    }

    #[inline]
    fn end_of(branch: &Branch, child: usize, before: usize) -> Self {
        before + branch.totals().count_before(child + 1)
    }

    #[inline]
    fn slot(self, leaf: &Leaf, _from: Option<usize>, before: usize) -> usize {
        leaf.len().min(self - before)
    }

    #[inline]
    fn is_before(self, other: Self) -> bool {
        self < other
    }
}
