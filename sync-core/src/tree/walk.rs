//! A walk to many places in order: each node on the way to several of them is entered once.

use super::branch::Branch;
use super::leaf::Leaf;
use super::node::Node;
use crate::item::Item;
use crate::summary::Summary;

/// What can be walked to: just before an item, or just before the item of a rank.
pub(super) trait Place: Copy {
    /// The child of `branch`, before which lie `before` items of the tree, that it lies in.
    fn child(self, branch: &Branch, before: u64) -> usize;

    /// The place where `child`, which isn't the last one, ends.
    fn end_of(branch: &Branch, child: usize, before: u64) -> Self;

    /// How many items of `leaf`, before which lie `before` of the tree, lie before the place.
    fn slot(self, leaf: &Leaf, before: u64) -> usize;

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
    /// What those of the tree amount to, where this was asked for.
    pub(super) before: Summary,
}

/// Goes to each of `places`, which must ascend, below `root`, which holds `total`. With each goes
/// whether the summary of what lies before it is needed.
pub(super) fn walk<P: Place>(
    root: &Node,
    total: &Summary,
    mut places: impl Iterator<Item = (P, bool)>,
    arrive: impl FnMut(&Stop<'_>),
) {
    let mut walk = Walk {
        next: places.next(),
        places,
        arrive,
    };
    walk.below(root, &Summary::EMPTY, total, None);
}

struct Walk<P, I, A> {
    next: Option<(P, bool)>,
    places: I,
    arrive: A,
}

impl<P: Place, I: Iterator<Item = (P, bool)>, A: FnMut(&Stop<'_>)> Walk<P, I, A> {
    /// Goes to the places before `end` that lie below `node`, which holds `total` and has `before`
    /// in front of it. The next place must be one of them.
    fn below(&mut self, node: &Node, before: &Summary, total: &Summary, end: Option<P>) {
        match node {
            Node::Leaf(leaf) => self.within(leaf, before, total, end),
            Node::Branch(branch) => {
                while let Some((place, _)) = self.next_before(end) {
                    let child = place.child(branch, before.count);
                    let end_of_child = if child + 1 < branch.len() {
                        Some(P::end_of(branch, child, before.count))
                    } else {
                        end
                    };
                    self.below(
                        &branch.children()[child],
                        &(*before + branch.summary_before(child)),
                        &branch.summary_at(child),
                        end_of_child,
                    );
                }
            }
        }
    }

    /// Of places in the same leaf each goes on from the sum at the one before.
    fn within(&mut self, leaf: &Leaf, before: &Summary, total: &Summary, end: Option<P>) {
        let mut summed: Option<(usize, Summary)> = None;
        while let Some((place, sums)) = self.next_before(end) {
            let slot = place.slot(leaf, before.count);
            if sums {
                let sum = match summed {
                    Some((from, sum)) => sum + leaf.summary(from..slot),
                    None => *before + leaf.summary_within(0..slot, total),
                };
                summed = Some((slot, sum));
            }
            (self.arrive)(&Stop {
                leaf,
                slot,
                rank: before.count as usize + slot,
                before: summed.map_or(Summary::EMPTY, |(_, sum)| sum),
            });
            self.next = self.places.next();
        }
    }

    fn next_before(&self, end: Option<P>) -> Option<(P, bool)> {
        self.next
            .filter(|(place, _)| end.is_none_or(|end| place.is_before(end)))
    }
}

impl Place for Item {
    #[inline]
    fn child(self, branch: &Branch, _before: u64) -> usize {
        branch.child(&self)
    }

    #[inline]
    fn end_of(branch: &Branch, child: usize, _before: u64) -> Self {
        branch.separator(child + 1)
    }

    #[inline]
    fn slot(self, leaf: &Leaf, _before: u64) -> usize {
        leaf.slot(&self)
    }

    #[inline]
    fn is_before(self, other: Self) -> bool {
        self < other
    }
}

impl Place for u64 {
    #[inline]
    fn child(self, branch: &Branch, before: u64) -> usize {
        branch.child_at((self - before) as usize)
    }

    #[inline]
    fn end_of(branch: &Branch, child: usize, before: u64) -> Self {
        before + branch.count_before(child + 1) as u64
    }

    #[inline]
    fn slot(self, leaf: &Leaf, before: u64) -> usize {
        leaf.len().min((self - before) as usize)
    }

    #[inline]
    fn is_before(self, other: Self) -> bool {
        self < other
    }
}
