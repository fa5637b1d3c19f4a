//! Leaves: the items themselves, timestamps and ids apart.

use core::hint::black_box;
use core::ops;

use triomphe::Arc;

use super::branch::Parent;
use super::node::{Entry, Inserted, Node, Path};
use super::places::{Known, QuarterTotals, STEP, nearest};
use super::search::{lower_bound, lower_bound_from, lower_bound_warm};
use super::totals::Lane;
use super::{LEAF_MAX, LEAF_MIN};
use crate::item::{Bound, Id, Item};
use crate::limbs::{Group, Sum, Total};
use crate::summary::Summary;

/// How many ids share a cache line of 64 bytes.
const IDS_PER_LINE: usize = 2;

/// Timestamps in a cache line.
const TIMES_PER_LINE: usize = 8;

/// How many ids are fetched ahead of an insert.
const FETCHED: usize = 16;

/// So many ids are rather added up than looked for in totals.
const FEW: usize = STEP / 2;

/// Up to [`LEAF_MAX`] items in ascending order. Timestamps behind `len` are `u64::MAX`, so that a
/// search needn't look at `len`; ids behind it mean nothing.
///
/// In this order the length shares a cache line with the reference count and the first timestamps;
/// left to the compiler it may lie behind the ids, at the price of a cache miss for each visit.
#[derive(Clone)]
#[repr(C)]
pub(super) struct Leaf {
    len: usize,
    /// What the ids add up to, quarter by quarter.
    totals: QuarterTotals,
    timestamps: [u64; LEAF_MAX],
    ids: [Id; LEAF_MAX],
}

impl Leaf {
    pub(super) const EMPTY: Self = Self {
        totals: QuarterTotals::EMPTY,
        timestamps: [u64::MAX; LEAF_MAX],
        ids: [Id::ZERO; LEAF_MAX],
        len: 0,
    };

    /// Inserts an item that isn't there at its slot. A full leaf splits: in halves, or at the right
    /// edge of the tree where the item falls, so that appends leave full leaves behind.
    pub(super) fn insert(&mut self, slot: usize, item: &Item, path: Path) -> Inserted {
        if self.len < LEAF_MAX {
            self.put(slot, item);
            return Inserted::Placed;
        }
        let cut = match path {
            Path::Append | Path::RightEdge => slot.max(LEAF_MIN),
            Path::Inside => LEAF_MAX / 2,
        };
        let mut right = self.split_off(cut);
        if slot < cut {
            self.put(slot, item);
        } else {
            Arc::make_mut(&mut right).put(slot - cut, item);
        }
        Inserted::Split(Entry {
            separator: separator(self, &right),
            summary: right.total(),
            node: Node::Leaf(right),
        })
    }

    /// Takes out the item of this slot.
    pub(super) fn remove(&mut self, slot: usize) {
        let id = self.ids[slot];
        self.close_up(slot..slot + 1);
        self.totals.taken(&self.ids[..self.len], slot, &id);
    }

    /// Takes out everything before `key`; gives its summary.
    pub(super) fn prune(&mut self, key: &Item) -> Summary {
        let slot = self.slot(key);
        let removed = self.summary(0..slot);
        self.cut_out(0..slot);
        removed
    }

    /// A leaf of these items, which ascend: at most [`LEAF_MAX`].
    pub(super) fn from_items(items: &[Item]) -> Self {
        let mut leaf = Self::EMPTY;
        for ((timestamp, id), item) in leaf.timestamps.iter_mut().zip(&mut leaf.ids).zip(items) {
            (*timestamp, *id) = (item.timestamp, item.id);
        }
        leaf.len = items.len();
        leaf.sum_ids();
        leaf
    }

    /// Moves all items of `right`, the next leaf, to the end of this one. There must be room.
    pub(super) fn append(&mut self, right: &Self) {
        self.copy_in(self.len, right, 0..right.len);
    }

    /// What all items amount to.
    pub(super) fn total(&self) -> Summary {
        Summary::of_groups(self.len, self.ids_before(self.len, None))
    }

    /// Moves up to `most` items between this leaf and `right`, the next one, until both hold the
    /// same number give or take one. Gives the summary of what moved, and whether to the right.
    pub(super) fn level(&mut self, right: &mut Self, most: usize) -> (Summary, bool) {
        let half = (self.len + right.len) / 2;
        if self.len >= half {
            let start = half.max(self.len.saturating_sub(most));
            right.copy_in(0, self, start..self.len);
            let summary = self.summary(start..self.len);
            self.truncate(start);
            (summary, true)
        } else {
            let moved = most.min(half - self.len);
            self.copy_in(self.len, right, 0..moved);
            let summary = right.summary(0..moved);
            right.cut_out(0..moved);
            (summary, false)
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// How many items lie before `key`.
    #[inline]
    pub(super) fn slot(&self, key: &Item) -> usize {
        self.slot_at(lower_bound(&self.timestamps, key.timestamp), key)
    }

    /// As [`Leaf::slot`], of a leaf that is likely to be in the cache.
    #[inline]
    pub(super) fn slot_warm(&self, key: &Item) -> usize {
        self.slot_at(lower_bound_warm(&self.timestamps, key.timestamp), key)
    }

    /// As [`Leaf::slot`], where it is known that the first `from` do.
    #[inline]
    pub(super) fn slot_from(&self, from: usize, key: &Item) -> usize {
        self.slot_at(lower_bound_from(&self.timestamps, from, key.timestamp), key)
    }

    /// The slot of `key`, where those before `start` have earlier timestamps.
    #[inline]
    fn slot_at(&self, start: usize, key: &Item) -> usize {
        // Most bounds are just before the items of a time: then ids needn't be looked at.
        if start >= self.len || self.timestamps[start] != key.timestamp || key.id == Id::ZERO {
            return start;
        }
        let end = lower_bound_from(&self.timestamps, start, key.timestamp.saturating_add(1));
        start + self.ids[start..end].partition_point(|id| *id < key.id)
    }

    #[inline]
    pub(super) fn item(&self, slot: usize) -> Item {
        Item::new(
            self.timestamps[..self.len][slot],
            self.ids[..self.len][slot],
        )
    }

    /// [`Bound::between`] the item of this slot and the one before, of which there must be one. Ids
    /// aren't looked at where the timestamps tell the items apart.
    #[inline]
    pub(super) fn bound_at(&self, slot: usize) -> Bound {
        let (left, right) = (self.timestamps[slot - 1], self.timestamps[slot]);
        if left == right {
            Bound::between(&self.item(slot - 1), &self.item(slot))
        } else {
            Bound::at_time(right)
        }
    }

    /// The items of these slots, in order.
    pub(super) fn items(&self, slots: ops::Range<usize>) -> impl Iterator<Item = Item> {
        let timestamps = self.timestamps[slots.clone()].iter();
        timestamps
            .zip(&self.ids[slots])
            .map(|(timestamp, id)| Item::new(*timestamp, *id))
    }

    /// The timestamps and ids of these slots, in order.
    pub(super) fn columns(&self, slots: ops::Range<usize>) -> (&[u64], &[Id]) {
        (&self.timestamps[slots.clone()], &self.ids[slots])
    }

    /// Sums the ids of these slots.
    #[inline]
    pub(super) fn summary(&self, slots: ops::Range<usize>) -> Summary {
        Summary::of_ids(&self.ids[slots])
    }

    /// Adds up the ids of these slots; `parent` is where the leaf hangs, if anywhere.
    #[inline]
    pub(super) fn ids_between<L: Lane>(
        &self,
        slots: ops::Range<usize>,
        parent: Option<Parent<'_>>,
    ) -> L {
        if slots.len() <= FEW {
            return L::of_ids(&self.ids[slots]);
        }
        let mut between: L = self.ids_before(slots.end, parent);
        between.sub(&self.ids_before(slots.start, parent));
        between
    }

    /// Adds up the ids of these slots, on a way on which `known` is what lies before the first of them, if
    /// that is known, and then before the end.
    #[inline]
    pub(super) fn ids_since(
        &self,
        slots: ops::Range<usize>,
        known: &mut Option<Sum>,
        parent: Option<Parent<'_>>,
    ) -> Sum {
        let nearest = nearest(slots.end, self.len).1.len();
        if slots.len() <= nearest || (known.is_none() && slots.len() <= FEW) {
            let since = Sum::of_ids(&self.ids[slots]);
            if let Some(before) = known {
                before.add(&since);
            }
            return since;
        }
        let mut since: Sum = self.ids_before(slots.end, parent);
        let end = since;
        since.sub(&known.unwrap_or_else(|| self.ids_before(slots.start, parent)));
        *known = Some(end);
        since
    }

    /// Adds up the ids before `slot`; `parent` as above.
    #[inline]
    pub(super) fn ids_before<L: Lane>(&self, slot: usize, parent: Option<Parent<'_>>) -> L {
        let (known, between) = nearest(slot, self.len);
        let (mut before, back) = match known {
            Known::Start => return L::of_ids(&self.ids[between]),
            Known::Kept { index, behind } => (self.totals.before::<L>(index), behind),
            Known::End => match parent.and_then(|parent| parent.total::<L>()) {
                Some(total) => (total, true),
                None => {
                    let (last, mut before) = self.totals.last::<L>();
                    before.add(&L::of_ids(&self.ids[last..slot]));
                    return before;
                }
            },
        };
        let between = L::of_ids(&self.ids[between]);
        if back {
            before.sub(&between);
        } else {
            before.add(&between);
        }
        before
    }

    /// Has the cache fetch what the sum before `slot` will read: all lines at once, and for both
    /// ends of a range before either is summed, instead of one after the other.
    #[inline]
    pub(super) fn fetch(&self, slot: usize) {
        let (_, between) = nearest(slot, self.len);
        let lines = self.ids[between].iter().step_by(IDS_PER_LINE);
        black_box(lines.fold(0, |all, id| all ^ id.0[0]));
    }

    /// Has the cache fetch the timestamps: all lines at once.
    #[inline]
    pub(super) fn fetch_timestamps(&self) {
        let (lines, _) = self.timestamps.as_chunks::<TIMES_PER_LINE>();
        black_box(lines.iter().fold(0, |all, line| all ^ line[0]));
    }

    /// Has the cache fetch the last ids, which an insert moves first, while it still searches its slot.
    #[inline]
    pub(super) fn fetch_end(&self) {
        let last = &self.ids[self.len.saturating_sub(FETCHED)..self.len];
        let lines = last.iter().step_by(IDS_PER_LINE);
        black_box(lines.fold(0, |all, id| all ^ id.0[0]));
    }

    /// Has the cache fetch what an insert at about `slot` will read and move, of a leaf that has `len` items:
    /// all lines at once.
    #[inline]
    pub(super) fn fetch_for(&self, slot: usize, len: usize) {
        let (lines, _) = self.timestamps.as_chunks::<TIMES_PER_LINE>();
        let times = lines.iter().fold(0, |all, line| all ^ line[0]);
        let ids = self.ids.get(slot..len).unwrap_or_default();
        let ids = ids.iter().step_by(IDS_PER_LINE);
        black_box((times, ids.fold(0, |all, id| all ^ id.0[0]), self.totals.touch()));
    }

    /// Panics unless the kept totals and the unused slots are as they should be.
    #[cfg(test)]
    pub(super) fn check(&self) {
        assert_eq!(self.totals, QuarterTotals::of(&self.ids[..self.len]));
        assert!(
            self.timestamps[self.len..]
                .iter()
                .all(|time| *time == u64::MAX)
        );
    }

    fn sum_ids(&mut self) {
        self.totals = QuarterTotals::of(&self.ids[..self.len]);
    }

    /// Whether this is the item of that slot.
    #[inline]
    pub(super) fn holds(&self, slot: usize, item: &Item) -> bool {
        // In this order: the id of another timestamp needn't be fetched.
        slot < self.len && self.timestamps[slot] == item.timestamp && self.ids[slot] == item.id
    }

    #[inline]
    fn put(&mut self, slot: usize, item: &Item) {
        if slot < self.len {
            self.timestamps.copy_within(slot..self.len, slot + 1);
            self.ids.copy_within(slot..self.len, slot + 1);
        }
        self.timestamps[slot] = item.timestamp;
        self.ids[slot] = item.id;
        self.len += 1;
        self.totals.put(&self.ids[..self.len], slot);
    }

    /// Where it will stay: leaves are large to move.
    fn split_off(&mut self, at: usize) -> Arc<Self> {
        let mut right = Arc::new(Self::EMPTY);
        Arc::make_mut(&mut right).copy_in(0, self, at..self.len);
        self.truncate(at);
        right
    }

    /// Drops the items from `len` on.
    fn truncate(&mut self, len: usize) {
        self.timestamps[len..self.len].fill(u64::MAX);
        self.len = len;
        self.sum_ids();
    }

    fn cut_out(&mut self, slots: ops::Range<usize>) {
        self.close_up(slots);
        self.sum_ids();
    }

    /// Takes out these slots; the kept totals are left as they were.
    fn close_up(&mut self, slots: ops::Range<usize>) {
        self.timestamps
            .copy_within(slots.end..self.len, slots.start);
        self.ids.copy_within(slots.end..self.len, slots.start);
        let len = self.len - slots.len();
        self.timestamps[len..self.len].fill(u64::MAX);
        self.len = len;
    }

    /// Puts `slots` of `from` in front of slot `at`.
    fn copy_in(&mut self, at: usize, from: &Self, slots: ops::Range<usize>) {
        let end = at + slots.len();
        self.timestamps.copy_within(at..self.len, end);
        self.ids.copy_within(at..self.len, end);
        self.timestamps[at..end].copy_from_slice(&from.timestamps[slots.clone()]);
        self.ids[at..end].copy_from_slice(&from.ids[slots]);
        self.len += end - at;
        self.sum_ids();
    }
}

/// The shortest key that lies behind the last item of `left` and not behind the first of `right`:
/// its id is zero wherever the timestamps tell the two apart, which spares the branch to hold ids.
pub(super) fn separator(left: &Leaf, right: &Leaf) -> Item {
    let first = right.item(0);
    if left.timestamps[left.len - 1] < first.timestamp {
        Item::new(first.timestamp, Id::ZERO)
    } else {
        first
    }
}
