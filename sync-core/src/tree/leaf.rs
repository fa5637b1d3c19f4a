//! Leaves: the items themselves, timestamps and ids apart.

use alloc::sync::Arc;
use core::hint::black_box;
use core::ops;

use super::node::{Entry, Inserted, Node, Path};
use super::search::lower_bound;
use super::{LEAF_MAX, LEAF_MIN};
use crate::item::{Bound, Id, Item};
use crate::summary::Summary;

/// How many ids share a cache line of 64 bytes.
const IDS_PER_LINE: usize = 2;

/// Up to [`LEAF_MAX`] items in ascending order. Timestamps behind `len` are `u64::MAX`, so that a
/// search needn't look at `len`; ids behind it mean nothing.
///
/// In this order the length shares a cache line with the reference count and the first timestamps;
/// left to the compiler it may lie behind the ids, at the price of a cache miss for each visit.
#[derive(Clone)]
#[repr(C)]
pub(super) struct Leaf {
    len: usize,
    timestamps: [u64; LEAF_MAX],
    ids: [Id; LEAF_MAX],
}

impl Leaf {
    pub(super) const EMPTY: Self = Self {
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
            right.put(slot - cut, item);
        }
        Inserted::Split(Entry {
            separator: separator(self, &right),
            summary: right.summary(0..right.len),
            node: Node::Leaf(Arc::new(right)),
        })
    }

    /// Takes out the item of this slot.
    pub(super) fn remove(&mut self, slot: usize) {
        self.cut_out(slot..slot + 1);
    }

    /// Takes out everything before `key`; gives its summary.
    pub(super) fn prune(&mut self, key: &Item) -> Summary {
        let slot = self.slot(key);
        let removed = self.summary(0..slot);
        self.cut_out(0..slot);
        removed
    }

    /// Adds an item that lies behind all others. There must be room.
    #[inline]
    pub(super) fn push(&mut self, item: &Item) {
        self.timestamps[self.len] = item.timestamp;
        self.ids[self.len] = item.id;
        self.len += 1;
    }

    /// Moves all items of `right`, the next leaf, to the end of this one. There must be room.
    pub(super) fn append(&mut self, right: &Self) {
        self.copy_in(self.len, right, 0..right.len);
    }

    /// Moves up to `most` items between this leaf and `right`, the next one, until both hold the
    /// same number give or take one. Gives the summary of what moved, and whether to the right.
    pub(super) fn level(&mut self, right: &mut Self, most: usize) -> (Summary, bool) {
        let half = (self.len + right.len) / 2;
        if self.len >= half {
            let start = half.max(self.len.saturating_sub(most));
            right.make_room(self.len - start);
            right.copy_over(0, self, start..self.len);
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
        let start = lower_bound(&self.timestamps, key.timestamp);
        if start >= self.len || self.timestamps[start] != key.timestamp {
            return start;
        }
        let end = lower_bound(&self.timestamps, key.timestamp.saturating_add(1));
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

    /// Sums the ids of these slots.
    #[inline]
    pub(super) fn summary(&self, slots: ops::Range<usize>) -> Summary {
        Summary::of_ids(&self.ids[slots])
    }

    /// The summary of these slots, where `total` is that of the whole leaf: whichever of inside and
    /// outside is the smaller is summed.
    #[inline]
    pub(super) fn summary_within(&self, slots: ops::Range<usize>, total: &Summary) -> Summary {
        if 2 * slots.len() <= self.len {
            self.summary(slots)
        } else {
            *total - self.summary(0..slots.start) - self.summary(slots.end..self.len)
        }
    }

    /// Has the cache fetch what the summary before `slot` will read: all lines at once, and for
    /// both ends of a range before either is summed, instead of one after the other.
    #[inline]
    pub(super) fn fetch(&self, slot: usize) {
        let ids = if 2 * slot <= self.len {
            &self.ids[..slot]
        } else {
            &self.ids[slot..self.len]
        };
        let lines = ids.iter().step_by(IDS_PER_LINE);
        black_box(lines.fold(0, |all, id| all ^ id.0[0]));
    }

    /// Whether this is the item of that slot.
    #[inline]
    pub(super) fn holds(&self, slot: usize, item: &Item) -> bool {
        slot < self.len && self.item(slot) == *item
    }

    fn put(&mut self, slot: usize, item: &Item) {
        self.timestamps.copy_within(slot..self.len, slot + 1);
        self.ids.copy_within(slot..self.len, slot + 1);
        self.timestamps[slot] = item.timestamp;
        self.ids[slot] = item.id;
        self.len += 1;
    }

    fn split_off(&mut self, at: usize) -> Self {
        let mut right = Self::EMPTY;
        right.copy_in(0, self, at..self.len);
        self.truncate(at);
        right
    }

    fn truncate(&mut self, len: usize) {
        self.timestamps[len..self.len].fill(u64::MAX);
        self.len = len;
    }

    fn cut_out(&mut self, slots: ops::Range<usize>) {
        self.timestamps
            .copy_within(slots.end..self.len, slots.start);
        self.ids.copy_within(slots.end..self.len, slots.start);
        self.truncate(self.len - slots.len());
    }

    /// Frees `count` slots at the front, to be written by [`Leaf::copy_over`].
    fn make_room(&mut self, count: usize) {
        self.timestamps.copy_within(0..self.len, count);
        self.ids.copy_within(0..self.len, count);
        self.len += count;
    }

    fn copy_in(&mut self, at: usize, from: &Self, slots: ops::Range<usize>) {
        self.len += slots.len();
        self.copy_over(at, from, slots);
    }

    fn copy_over(&mut self, at: usize, from: &Self, slots: ops::Range<usize>) {
        let to = at..at + slots.len();
        self.timestamps[to.clone()].copy_from_slice(&from.timestamps[slots.clone()]);
        self.ids[to].copy_from_slice(&from.ids[slots]);
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
