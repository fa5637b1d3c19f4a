//! A walk to many places in order: each node on the way to several of them is entered once.

use super::branch::Branch;
use super::leaf::Leaf;
use super::node::Node;
use crate::item::Item;
use crate::limbs::{Group, Sum};

/// What can be walked to: just before an item, or just before the item of a rank.
pub(super) trait Place: Copy {
    /// The child of `branch`, before which lie `before` items of the tree, that it lies in; `from`
    /// or behind that.
    fn child(self, branch: &Branch, from: usize, before: usize) -> usize;

    /// A place where a child ends.
    type End: Copy;

    /// The place where `child`, which isn't the last one, ends.
    fn end_of(branch: &Branch, child: usize, before: usize) -> Self::End;

    /// How many items of `leaf`, before which lie `before` items of the tree, lie before the place.
    fn slot(self, leaf: &Leaf, before: usize) -> usize;

    /// The same, where it is known to be `from` or more.
    fn slot_from(self, leaf: &Leaf, from: usize, before: usize) -> usize;

    /// The same, and what the ids from that slot on up to the place add up to, where `total` is that of
    /// the whole leaf.
    fn advance(self, leaf: &Leaf, from: usize, before: usize, total: &Sum) -> (usize, Sum);

    /// Whether this place lies before the end of a child.
    fn is_before(self, end: &Self::End) -> bool;
}

/// A place, arrived at.
pub(super) struct Stop<'a> {
    pub(super) leaf: &'a Leaf,
    /// How many items of the leaf lie before the place.
    pub(super) slot: usize,
    /// How many of the tree do.
    pub(super) rank: usize,
    /// Whether the sum from the place before on was wanted.
    pub(super) summed: bool,
    /// What the ids from the place before on add up to, if wanted.
    pub(super) since: Sum,
}

/// Goes to each of `places`, which must ascend, below `root`, the ids of which add up to `total`. With
/// each goes whether the sum of the ids from the place before on is wanted.
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
        left_off: Sum::default(),
    };
    let start = Start {
        count: 0,
        sum: Sum::default(),
    };
    walk.below(root, &start, total, None);
}

/// Where a node starts.
struct Start {
    /// How many items lie before it.
    count: usize,
    /// What their ids add up to.
    sum: Sum,
}

struct Walk<P, I, A> {
    next: Option<(P, bool)>,
    places: I,
    arrive: A,
    /// What the ids before the last place add up to, if the next one wants the sum from there on and
    /// lies in another leaf.
    left_off: Sum,
}

impl<P: Place, I: Iterator<Item = (P, bool)>, A: FnMut(&Stop<'_>)> Walk<P, I, A> {
    /// Goes to the places before `end` that lie below `node`, the ids of which add up to `total`. The
    /// next place must be one of them.
    fn below(&mut self, node: &Node, start: &Start, total: Sum, end: Option<P::End>) {
        let branch = match node {
            Node::Leaf(leaf) => return self.within(leaf, start, &total, end),
            Node::Branch(branch) => branch,
        };
        let totals = branch.totals();
        let mut child = 0;
        while let Some((place, _)) = self.next_before(end) {
            child = place.child(branch, child, start.count);
            let before = totals.ids_before::<Sum>(child);
            let (mut total, mut end) = (total, end);
            if child + 1 < branch.len() {
                total = totals.ids_before(child + 1);
                end = Some(P::end_of(branch, child, start.count));
            }
            total.sub(&before);
            let mut below = Start {
                count: start.count + totals.count_before(child),
                sum: start.sum,
            };
            below.sum.add(&before);
            self.below(&branch.children()[child], &below, total, end);
        }
    }

    /// Of places in the same leaf each goes on from the one before. What lies before them is summed
    /// for the first and the last only, and only if a sum goes across the border of the leaf there.
    fn within(&mut self, leaf: &Leaf, start: &Start, total: &Sum, end: Option<P::End>) {
        let before = |slot: usize| {
            let mut before: Sum = leaf.ids_before(slot, total);
            before.add(&start.sum);
            before
        };
        let Some((place, mut summed)) = self.next else {
            return;
        };
        let mut slot = place.slot(leaf, start.count);
        let mut since = Sum::default();
        // Before the last place at which that was summed, and the slot of that.
        let mut known = None;
        if summed {
            let sum = before(slot);
            known = Some((slot, sum));
            since = sum;
            since.sub(&self.left_off);
        }
        loop {
            (self.arrive)(&Stop {
                leaf,
                slot,
                rank: start.count + slot,
                summed,
                since,
            });
            self.next = self.places.next();
            let Some((place, wanted)) = self.next_before(end) else {
                break;
            };
            summed = wanted;
            if summed {
                (slot, since) = place.advance(leaf, slot, start.count, total);
            } else {
                slot = place.slot_from(leaf, slot, start.count);
            }
        }
        if let Some((_, true)) = self.next {
            self.left_off = match known {
                Some((known, sum)) if known == slot => sum,
                _ => before(slot),
            };
        }
    }

    #[inline]
    fn next_before(&self, end: Option<P::End>) -> Option<(P, bool)> {
        self.next
            .filter(|(place, _)| end.is_none_or(|end| place.is_before(&end)))
    }
}

impl Place for &Item {
    type End = Item;

    #[inline]
    fn child(self, branch: &Branch, from: usize, _before: usize) -> usize {
        branch.child_from(from, self)
    }

    #[inline]
    fn end_of(branch: &Branch, child: usize, _before: usize) -> Item {
        branch.separator(child + 1)
    }

    #[inline]
    fn slot(self, leaf: &Leaf, _before: usize) -> usize {
        leaf.slot(self)
    }

    #[inline]
    fn slot_from(self, leaf: &Leaf, from: usize, _before: usize) -> usize {
        leaf.slot_from(from, self)
    }

    #[inline]
    fn advance(self, leaf: &Leaf, from: usize, _before: usize, total: &Sum) -> (usize, Sum) {
        leaf.advance(from, self, total)
    }

    #[inline]
    fn is_before(self, end: &Item) -> bool {
        self < end
    }
}

/// A rank.
impl Place for usize {
    type End = Self;

    #[inline]
    fn child(self, branch: &Branch, from: usize, before: usize) -> usize {
        branch.totals().child_from(from, self - before)
    }

    #[inline]
    fn end_of(branch: &Branch, child: usize, before: usize) -> Self {
        before + branch.totals().count_before(child + 1)
    }

    #[inline]
    fn slot(self, leaf: &Leaf, before: usize) -> usize {
        leaf.len().min(self - before)
    }

    #[inline]
    fn slot_from(self, leaf: &Leaf, _from: usize, before: usize) -> usize {
        leaf.len().min(self - before)
    }

    #[inline]
    fn advance(self, leaf: &Leaf, from: usize, before: usize, total: &Sum) -> (usize, Sum) {
        let slot = self.slot(leaf, before);
        (slot, leaf.ids_between(from..slot, total))
    }

    #[inline]
    fn is_before(self, end: &Self) -> bool {
        self < *end
    }
}
