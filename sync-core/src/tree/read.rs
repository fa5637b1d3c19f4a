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
use super::walk::{Stop, walk};
use crate::cut::{Cut, Part, Share};
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
        let ranks = self.clamp(ranks);
        let (leaf, slot) = seek::locate(&self.root, Rank(ranks.start));
        if ranks.len() <= leaf.len() - slot {
            return leaf.items(slot..slot + ranks.len()).try_for_each(visit);
        }
        let mut runs = Iter::new(&self.root, ranks);
        while let Some((leaf, slots)) = runs.next_run() {
            leaf.items(slots).try_for_each(&mut *visit)?;
        }
        ControlFlow::Continue(())
    }

    fn cut(&self, cuts: &[Cut], parts: &mut [Part]) {
        let mut parts = parts.iter_mut().zip(cuts);
        let mut last = key_of(&Bound::MIN).0;
        let summed = |index: usize| cuts.get(index).is_some_and(|cut| cut.summed);
        let places = cuts.iter().enumerate().map(|(index, cut)| {
            last = last.max(key_of(&cut.at).0);
            (last, summed(index) || summed(index + 1))
        });
        let mut before = None;
        walk(&self.root, &self.total, places.take(parts.len()), |stop| {
            if let Some((part, cut)) = parts.next() {
                *part = Part {
                    end: stop.rank,
                    summary: match before {
                        Some(before) if cut.summed => stop.before - before,
                        _ => Summary::EMPTY,
                    },
                };
                before = Some(stop.before);
            }
        });
    }

    fn divide(&self, ranks: &[usize], shares: &mut [Share]) {
        let last = ranks.len().min(shares.len()).saturating_sub(1);
        let mut shares = shares.iter_mut().enumerate();
        let mut rank = 0;
        let places = ranks.iter().take(last + 1).map(|next| {
            rank = (*next).min(self.len()).max(rank);
            (rank as u64, true)
        });
        let mut before = None;
        walk(&self.root, &self.total, places, |stop| {
            if let Some((index, share)) = shares.next() {
                *share = Share {
                    summary: before.map_or(Summary::EMPTY, |before| stop.before - before),
                    bound: (index > 0 && index < last)
                        .then(|| self.bound_at(stop))
                        .flatten(),
                };
                before = Some(stop.before);
            }
        });
    }
}

impl RangeTree {
    /// The shortest bound between the last item before the stop and the first one from there on.
    fn bound_at(&self, stop: &Stop<'_>) -> Option<Bound> {
        let Stop {
            leaf, slot, rank, ..
        } = *stop;
        if slot > 0 && slot < leaf.len() {
            return Some(leaf.bound_at(slot));
        }
        let left = self.select(rank.checked_sub(1)?)?;
        Some(Bound::between(&left, &self.select(rank)?))
    }

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
