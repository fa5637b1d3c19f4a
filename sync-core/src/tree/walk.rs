//! A walk to many places in order, level by level.

use alloc::vec::Vec;
use core::ops;

use super::branch::{Branch, Parent};
use super::leaf::Leaf;
use super::node::Node;
use crate::item::Item;
use crate::limbs::{Sum, Total};

/// What can be walked to: just before an item, or just before the item of a rank.
pub(super) trait Place: Copy {
    /// The child of `branch`, before which lie `before` items of the tree, that it lies in; `from`
    /// or behind that.
    fn child(self, branch: &Branch, from: usize, before: usize) -> usize;

    /// A place where a child ends.
    type End: Copy;

    /// The place where `child`, which isn't the last one, ends.
    fn end_of(branch: &Branch, child: usize, before: usize) -> Self::End;

    /// Whether this place lies before the end of a child.
    fn is_before(self, end: &Self::End) -> bool;

    /// How many items of `leaf`, before which lie `before` items of the tree, lie before the place.
    fn slot(self, leaf: &Leaf, before: usize) -> usize;
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

/// Goes to each of `places`, which must ascend, below `root`. With each goes whether the sum of the ids
/// from the place before on is wanted.
///
/// All places go down a level before any goes down the next. A step from a branch to a child waits for
/// memory, but not for the steps of other places on the same level, so the processor takes many at a
/// time; place after place, it would wait for each level of each. Places that lie in the same child go
/// down together.
pub(super) fn walk<'a, P: Place>(
    root: &'a Node,
    places: &[(P, bool)],
    arrive: impl FnMut(&Stop<'a>),
) {
    let mut visits = Vec::with_capacity(2 * places.len());
    if !places.is_empty() {
        visits.push(Visit {
            node: root,
            parent: None,
            count: 0,
            before: Sum::default(),
            places: 0..places.len(),
        });
    }
    let mut done = 0;
    while let Some(Visit {
        node: Node::Branch(branch),
        ..
    }) = visits.get(done)
    {
        go_down(branch, done, places, &mut visits);
        done += 1;
    }
    stop_at_all(places, &visits[done..], arrive);
}

/// How many leaves are searched, and what is read of them fetched, before any is summed.
const AHEAD: usize = 4;

/// A node on the way to some places.
struct Visit<'a> {
    node: &'a Node,
    parent: Option<Parent<'a>>,
    /// How many items lie before the node.
    count: usize,
    /// What their ids add up to.
    before: Sum,
    /// Which places lie below it; at least one.
    places: ops::Range<usize>,
}

/// From the branch of the visit at `index` on to those of its children where places lie.
fn go_down<'a, P: Place>(
    branch: &'a Branch,
    index: usize,
    places: &[(P, bool)],
    visits: &mut Vec<Visit<'a>>,
) {
    let Visit { count, before, .. } = visits[index];
    let mut here = visits[index].places.clone();
    let mut child = 0;
    while here.start < here.end {
        let mut end = here.start + 1;
        child = places[here.start].0.child(branch, child, count);
        if child + 1 == branch.len() {
            end = here.end;
        } else if end < here.end {
            let border = P::end_of(branch, child, count);
            while end < here.end && places[end].0.is_before(&border) {
                end += 1;
            }
        }
        let mut start: Sum = branch.totals().ids_before(child);
        start.add(&before);
        visits.push(Visit {
            node: &branch.children()[child],
            parent: Some(Parent { branch, child }),
            count: count + branch.totals().count_before(child),
            before: start,
            places: here.start..end,
        });
        here.start = end;
    }
}

/// Finds the places in their leaves, some leaves at a time: first the slots in all of them, then what the sums
/// will read, and only then the sums, so that what waits for memory waits together.
fn stop_at_all<'a, P: Place>(
    places: &[(P, bool)],
    visits: &[Visit<'a>],
    mut arrive: impl FnMut(&Stop<'a>),
) {
    // What lies before the last place, if the next sum starts there in another leaf.
    let mut left_off = Sum::default();
    let mut slots = Vec::with_capacity(AHEAD);
    for group in visits.chunks(AHEAD) {
        find_slots(places, group, &mut slots);
        let mut found = slots.iter().copied();
        for visit in group {
            let Node::Leaf(leaf) = visit.node else { return };
            let slots = found.by_ref().take(visit.places.len());
            stop_in(leaf, visit, places, slots, &mut left_off, &mut arrive);
        }
    }
}

/// Finds the slots of the places in these leaves, and has the cache fetch what the sums before them read.
fn find_slots<P: Place>(places: &[(P, bool)], visits: &[Visit<'_>], slots: &mut Vec<usize>) {
    slots.clear();
    for visit in visits {
        if let Node::Leaf(leaf) = visit.node
            && visit.places.len() > 1
        {
            leaf.fetch_timestamps();
        }
    }
    for visit in visits {
        let Node::Leaf(leaf) = visit.node else { return };
        let places = places[visit.places.clone()].iter();
        slots.extend(places.map(|(place, _)| place.slot(leaf, visit.count)));
    }
    let mut found = slots.iter();
    for visit in visits {
        let Node::Leaf(leaf) = visit.node else { return };
        for (index, slot) in visit.places.clone().zip(&mut found) {
            if is_summed_from(places, index) {
                leaf.fetch(leaf.place(*slot));
            }
        }
    }
}

/// Whether a sum ends or starts at this place.
#[inline]
fn is_summed_from<P>(places: &[(P, bool)], index: usize) -> bool {
    places[index].1 || places.get(index + 1).is_some_and(|(_, summed)| *summed)
}

/// Arrives at the places in one leaf, whose slots are given. Each goes on from the one before, or from a total
/// that is nearer.
fn stop_in<'a, P: Place>(
    leaf: &'a Leaf,
    visit: &Visit<'a>,
    places: &[(P, bool)],
    slots: impl Iterator<Item = usize>,
    left_off: &mut Sum,
    arrive: &mut impl FnMut(&Stop<'a>),
) {
    let (mut from, mut known) = (0, None);
    for (index, slot) in visit.places.clone().zip(slots) {
        let (_, summed) = places[index];
        let mut since = Sum::default();
        if index == visit.places.start {
            if summed {
                let before = leaf.ids_before(leaf.place(slot), visit.parent);
                known = Some(before);
                since = before;
                since.add(&visit.before);
                since.sub(left_off);
            }
        } else if summed {
            since = leaf.ids_since(from..slot, &mut known, visit.parent);
        } else {
            known = known.filter(|_| slot == from);
        }
        from = slot;
        arrive(&Stop {
            leaf,
            slot,
            rank: visit.count + slot,
            summed,
            since,
        });
    }
    if let Some((_, true)) = places.get(visit.places.end) {
        *left_off = known.unwrap_or_else(|| leaf.ids_before(leaf.place(from), visit.parent));
        left_off.add(&visit.before);
    }
}

impl Place for &Item {
    #[inline]
    fn child(self, branch: &Branch, from: usize, _before: usize) -> usize {
        if from > 0 {
            branch.child_from(from, self)
        } else {
            branch.child(self)
        }
    }

    type End = Item;

    #[inline]
    fn end_of(branch: &Branch, child: usize, _before: usize) -> Item {
        branch.separator(child + 1)
    }

    #[inline]
    fn is_before(self, end: &Item) -> bool {
        self < end
    }

    #[inline]
    fn slot(self, leaf: &Leaf, _before: usize) -> usize {
        leaf.slot_warm(self)
    }
}

/// A rank.
impl Place for usize {
    #[inline]
    fn child(self, branch: &Branch, _from: usize, before: usize) -> usize {
        branch.totals().child_at(self - before)
    }

    type End = Self;

    #[inline]
    fn end_of(branch: &Branch, child: usize, before: usize) -> Self {
        before + branch.totals().count_before(child + 1)
    }

    #[inline]
    fn is_before(self, end: &Self) -> bool {
        self < *end
    }

    #[inline]
    fn slot(self, leaf: &Leaf, before: usize) -> usize {
        leaf.len().min(self - before)
    }
}
