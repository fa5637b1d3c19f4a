//! What sessions read of a tree.

use alloc::vec;
use alloc::vec::Vec;
use core::ops::{self, ControlFlow};
use core::{iter, mem, slice};

use super::RangeTree;
use super::branch::Branch;
use super::iter::Iter;
use super::leaf::Leaf;
use super::node::Node;
use super::seek::{self, Key, Rank};
use super::walk::{Stop, walk};
use crate::cut::{Cut, Part, Section, Share, even_end};
use crate::item::{Bound, Id, Item, Range};
use crate::limbs::Sum;
use crate::set::{ItemSet, VisitColumns, VisitEach};
use crate::summary::{Summary, Tally};

/// How many ranges are looked for, and fetched, before any is read.
const AHEAD: usize = 16;

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
        seek::between(&self.root, Rank(ranks.start), Rank(ranks.end))
    }

    fn summary_of(&self, range: &Range) -> Summary {
        if range.is_empty() {
            return Summary::EMPTY;
        }
        let (lower, upper) = (key_of(&range.lower), key_of(&range.upper));
        seek::between(&self.root, Key(*lower), Key(*upper))
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

    fn visit_range(
        &self,
        range: &Range,
        visit: &mut dyn FnMut(Item) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        self.visit_runs(range, |leaf, slots| {
            leaf.items(slots).try_for_each(&mut *visit)
        })
    }

    fn visit_columns(&self, range: &Range, visit: &mut VisitColumns<'_>) -> ControlFlow<()> {
        self.visit_runs(range, |leaf, slots| {
            let (timestamps, ids) = leaf.columns(slots);
            visit(timestamps, ids)
        })
    }

    fn visit_each(&self, ranges: &[Range], visit: &mut VisitEach<'_>) {
        let most = AHEAD.min(ranges.len());
        let (mut starts, mut spans) = (Vec::with_capacity(most), Vec::with_capacity(most));
        for (group, ranges) in ranges.chunks(AHEAD).enumerate() {
            let keys = ranges
                .iter()
                .map(|range| (key_of(&range.lower), key_of(&range.upper)));
            starts.clear();
            starts.extend(
                keys.clone()
                    .map(|(lower, _)| seek::start(&self.root, lower)),
            );
            spans.clear();
            let places = starts.iter().zip(keys);
            spans.extend(places.map(|(start, (lower, upper))| start.span(lower, upper)));
            for ((index, range), span) in (group * AHEAD..).zip(ranges).zip(&spans) {
                // Whether it was cut short is known to the one who did.
                let _ = match span {
                    Some(span) => span.visit(|times, ids| visit(index, times, ids)),
                    None => self.visit_columns(range, &mut |times, ids| visit(index, times, ids)),
                };
            }
        }
    }

    fn cut(&self, cuts: &[Cut], parts: &mut [Part]) {
        let mut last = key_of(&Bound::MIN);
        let places = cuts.iter().enumerate().map(|(index, cut)| {
            last = last.max(key_of(&cut.at));
            (last, cut.summed && index > 0)
        });
        let places: Vec<_> = places.take(parts.len()).collect();
        let mut parts = parts.iter_mut();
        let mut start = 0;
        walk(&self.root, &places, |stop| {
            if let Some(part) = parts.next() {
                part.end = stop.rank;
                part.tally = Tally::default();
                if stop.summed {
                    part.tally = tally(stop.rank - start, stop.since);
                }
                start = stop.rank;
            }
        });
    }

    fn divide(&self, section: &Section, shares: &mut [Share]) {
        self.divide_all(slice::from_ref(section), shares);
    }

    fn divide_all(&self, sections: &[Section], shares: &mut [Share]) {
        let parts = shares.len() / sections.len().max(1);
        let places: Vec<_> = sections
            .iter()
            .flat_map(|section| {
                let ranks = self.clamp(section.ranks.clone());
                let ends = (0..parts).map(move |index| even_end(&ranks, parts, index));
                iter::once((section.ranks.start.min(self.len()), false))
                    .chain(ends.map(|end| (end, true)))
            })
            .collect();
        let mut shares = shares.iter_mut();
        let (mut start, mut part) = (0, 0);
        walk(&self.root, &places, |stop| {
            if stop.summed {
                part += 1;
                if let Some(share) = shares.next() {
                    *share = Share {
                        end: stop.rank,
                        tally: tally(stop.rank - start, stop.since),
                        upper: (part < parts).then(|| self.bound_at(stop)).flatten(),
                    };
                }
            } else {
                part = 0;
            }
            start = stop.rank;
        });
    }
}

#[inline]
fn tally(count: usize, sum: Sum) -> Tally {
    Tally {
        count: count as u64,
        sum: sum.0,
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

    /// Shows the slots in `range` leaf by leaf.
    #[inline]
    fn visit_runs(
        &self,
        range: &Range,
        mut visit: impl FnMut(&Leaf, ops::Range<usize>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        if range.is_empty() {
            return ControlFlow::Continue(());
        }
        let (lower, upper) = (key_of(&range.lower), key_of(&range.upper));
        let (leaf, slot) = seek::locate(&self.root, Key(*lower));
        let end = leaf.slot_from(slot, upper);
        if end < leaf.len() {
            return visit(leaf, slot..end);
        }
        let mut runs = Iter::from_key(&self.root, lower, self.len());
        while let Some((leaf, slots)) = runs.next_run() {
            let end = leaf.slot(upper);
            visit(leaf, slots.start..end)?;
            if end < leaf.len() {
                break;
            }
        }
        ControlFlow::Continue(())
    }

    fn clamp(&self, ranks: ops::Range<usize>) -> ops::Range<usize> {
        let end = ranks.end.min(self.len());
        ranks.start.min(end)..end
    }
}

/// No item has the timestamp `u64::MAX`, so a key of it lies behind all.
fn key_of(bound: &Bound) -> &Item {
    const END: &Item = &Item::new(u64::MAX, Id::ZERO);
    match bound {
        Bound::Before(key) => key,
        Bound::Infinity => END,
    }
}

/// Bytes on the heap below `root`.
pub(super) fn memory_bytes(root: &Node) -> usize {
    let count = mem::size_of::<usize>();
    let mut bytes = 0;
    let mut nodes = vec![root];
    while let Some(node) = nodes.pop() {
        bytes += count;
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
