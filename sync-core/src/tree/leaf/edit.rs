//! Edits of a leaf: items come, go, and move to make room.

use core::ops;

use triomphe::Arc;

use super::{Leaf, middle, separator};
use crate::item::Item;
use crate::summary::Summary;
use crate::tree::node::{Entry, Inserted, Node, Path};
use crate::tree::{LEAF_MAX, LEAF_MIN};

impl Leaf {
    /// Inserts an item that isn't there at its slot. A full leaf splits: in halves, or at the right
    /// edge of the tree where the item falls, so that appends leave full leaves behind.
    pub(in crate::tree) fn insert(&mut self, slot: usize, item: &Item, path: Path) -> Inserted {
        if self.len() < LEAF_MAX {
            self.put(slot, item);
            return Inserted::Placed;
        }
        let cut = match path {
            Path::Append | Path::RightEdge => slot.max(LEAF_MIN),
            Path::Inside => LEAF_MAX / 2,
        };
        let mut right = self.split_off(cut, path);
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
    pub(in crate::tree) fn remove(&mut self, slot: usize) {
        let (place, end) = (self.place(slot), self.place(self.len()));
        let id = self.ids[place];
        self.timestamps.copy_within(place + 1..end, place);
        self.ids.copy_within(place + 1..end, place);
        self.timestamps[end - 1] = u64::MAX;
        self.end -= 1;
        self.totals.taken(&self.ids[..end - 1], place, &id);
    }

    /// Takes out everything before `key`; gives its summary.
    pub(in crate::tree) fn prune(&mut self, key: &Item) -> Summary {
        let slot = self.slot(key);
        let removed = self.summary(0..slot);
        self.keep(slot..self.len(), 0);
        removed
    }

    /// Moves all items of `right`, the next leaf, to the end of this one. There must be room.
    pub(in crate::tree) fn append(&mut self, right: &Self) {
        self.push_back(right, 0..right.len());
    }

    /// Moves up to `most` items between this leaf and `right`, the next one, until both hold the
    /// same number give or take one. Gives the summary of what moved, and whether to the right.
    pub(in crate::tree) fn level(&mut self, right: &mut Self, most: usize) -> (Summary, bool) {
        let half = (self.len() + right.len()) / 2;
        if self.len() >= half {
            let start = half.max(self.len().saturating_sub(most));
            let moved = start..self.len();
            right.push_front(self, moved.clone());
            let summary = self.summary(moved);
            self.keep(0..start, middle(start));
            (summary, true)
        } else {
            let moved = most.min(half - self.len());
            self.push_back(right, 0..moved);
            let summary = right.summary(0..moved);
            let rest = moved..right.len();
            right.keep(rest.clone(), middle(rest.len()));
            (summary, false)
        }
    }

    /// Puts an item in front of that slot, for which there must be room: the shorter side moves, unless it
    /// has nowhere to go.
    #[inline]
    pub(super) fn put(&mut self, slot: usize, item: &Item) {
        if self.end as usize == LEAF_MAX && slot == self.len() {
            // Others are likely to follow.
            self.keep(0..slot, 0);
        }
        let (start, end) = (self.start as usize, self.end as usize);
        let mut place = start + slot;
        if start > 0 && (end == LEAF_MAX || slot < self.len() / 2) {
            self.timestamps.copy_within(start..place, start - 1);
            self.ids.copy_within(start..place, start - 1);
            self.start -= 1;
            place -= 1;
            self.ids[place] = item.id;
            self.totals.put_before(&self.ids, place, start - 1);
        } else {
            if place < end {
                self.timestamps.copy_within(place..end, place + 1);
                self.ids.copy_within(place..end, place + 1);
            }
            self.end += 1;
            self.ids[place] = item.id;
            self.totals.put(&self.ids[..=end], place);
        }
        self.timestamps[place] = item.timestamp;
    }

    /// Takes the items from slot `at` on, of a full leaf. Both halves get room on both sides; on the right edge,
    /// where most comes behind all others, on the right.
    fn split_off(&mut self, at: usize, path: Path) -> Arc<Self> {
        // Where it will stay: leaves are large to move.
        let mut right = Arc::new(Self::EMPTY);
        let new = Arc::make_mut(&mut right);
        let inside = path == Path::Inside;
        if inside {
            new.start = middle(LEAF_MAX - at) as u32;
            new.end = new.start;
            new.timestamps[..new.start as usize].fill(0);
        }
        new.push_back(self, at..LEAF_MAX);
        self.keep(0..at, if inside { middle(at) } else { 0 });
        right
    }

    /// Keeps the items of these slots only, the first of them at place `start`.
    pub(super) fn keep(&mut self, slots: ops::Range<usize>, start: usize) {
        self.slide(slots, start);
        self.sum_ids();
    }

    /// As [`Leaf::keep`]; the kept totals are left as they were.
    fn slide(&mut self, slots: ops::Range<usize>, start: usize) {
        let end = start + slots.len();
        let places = self.places(slots);
        if places.start != start {
            self.timestamps.copy_within(places.clone(), start);
            self.ids.copy_within(places, start);
        }
        self.timestamps[..start].fill(0);
        self.timestamps[end..].fill(u64::MAX);
        (self.start, self.end) = (start as u32, end as u32);
    }

    /// Puts `slots` of `from` behind the items. There must be room for as many.
    fn push_back(&mut self, from: &Self, slots: ops::Range<usize>) {
        let len = self.len() + slots.len();
        if self.end as usize + slots.len() > LEAF_MAX {
            self.slide(0..self.len(), middle(len));
        }
        let at = self.end as usize;
        self.end += slots.len() as u32;
        self.copy_in(at, from, slots);
    }

    /// Puts `slots` of `from` in front of the items. There must be room for as many.
    fn push_front(&mut self, from: &Self, slots: ops::Range<usize>) {
        let len = self.len() + slots.len();
        if (self.start as usize) < slots.len() {
            self.slide(0..self.len(), middle(len) + slots.len());
        }
        self.start -= slots.len() as u32;
        self.copy_in(self.start as usize, from, slots);
    }

    /// Puts `slots` of `from` to place `at` and behind it.
    fn copy_in(&mut self, at: usize, from: &Self, slots: ops::Range<usize>) {
        let (timestamps, ids) = from.columns(slots);
        let end = at + ids.len();
        self.timestamps[at..end].copy_from_slice(timestamps);
        self.ids[at..end].copy_from_slice(ids);
        self.sum_ids();
    }
}
