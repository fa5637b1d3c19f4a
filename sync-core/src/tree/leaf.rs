//! Leaves: the items themselves, timestamps and ids apart.

use core::hint::black_box;
use core::ops;

use triomphe::Arc;

use super::branch::Parent;
use super::node::{Entry, Inserted, Node, Path};
use super::places::{Known, QuarterTotals, STEP, nearest};
use super::search::{lower_bound, lower_bound_from, lower_bound_near, lower_bound_warm};
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

/// Up to [`LEAF_MAX`] items in ascending order, with what room there is on both sides of them, so that an
/// insert moves the shorter side. A *slot* counts from the first item, a *place* from the start of the arrays.
///
/// Timestamps in front of the items are 0 and those behind them `u64::MAX`, so that a search needn't look
/// at where they are; ids there mean nothing.
///
/// In this order the two ends share a cache line with the reference count and the first timestamps;
/// left to the compiler it may lie behind the ids, at the price of a cache miss for each visit.
#[derive(Clone)]
#[repr(C)]
pub(super) struct Leaf {
    /// The place of the first item.
    start: u32,
    /// The place behind the last one.
    end: u32,
    /// What the ids add up to, by quarters of the places.
    totals: QuarterTotals,
    timestamps: [u64; LEAF_MAX],
    ids: [Id; LEAF_MAX],
}

impl Leaf {
    pub(super) const EMPTY: Self = Self {
        totals: QuarterTotals::EMPTY,
        timestamps: [u64::MAX; LEAF_MAX],
        ids: [Id::ZERO; LEAF_MAX],
        start: 0,
        end: 0,
    };

    /// Inserts an item that isn't there at its slot. A full leaf splits: in halves, or at the right
    /// edge of the tree where the item falls, so that appends leave full leaves behind.
    pub(super) fn insert(&mut self, slot: usize, item: &Item, path: Path) -> Inserted {
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
    pub(super) fn remove(&mut self, slot: usize) {
        let (place, end) = (self.place(slot), self.place(self.len()));
        let id = self.ids[place];
        self.timestamps.copy_within(place + 1..end, place);
        self.ids.copy_within(place + 1..end, place);
        self.timestamps[end - 1] = u64::MAX;
        self.end -= 1;
        self.totals.taken(&self.ids[..end - 1], place, &id);
    }

    /// Takes out everything before `key`; gives its summary.
    pub(super) fn prune(&mut self, key: &Item) -> Summary {
        let slot = self.slot(key);
        let removed = self.summary(0..slot);
        self.keep(slot..self.len(), 0);
        removed
    }

    /// A leaf of these items, which ascend: at most [`LEAF_MAX`].
    pub(super) fn from_items(items: &[Item]) -> Self {
        let mut leaf = Self::EMPTY;
        for ((timestamp, id), item) in leaf.timestamps.iter_mut().zip(&mut leaf.ids).zip(items) {
            (*timestamp, *id) = (item.timestamp, item.id);
        }
        leaf.end = items.len() as u32;
        leaf.sum_ids();
        leaf
    }

    /// Moves all items of `right`, the next leaf, to the end of this one. There must be room.
    pub(super) fn append(&mut self, right: &Self) {
        self.push_back(right, 0..right.len());
    }

    /// What all items amount to.
    pub(super) fn total(&self) -> Summary {
        Summary::of_groups(self.len(), self.ids_before(self.len(), None))
    }

    /// Moves up to `most` items between this leaf and `right`, the next one, until both hold the
    /// same number give or take one. Gives the summary of what moved, and whether to the right.
    pub(super) fn level(&mut self, right: &mut Self, most: usize) -> (Summary, bool) {
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

    pub(super) const fn len(&self) -> usize {
        (self.end - self.start) as usize
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

    /// As [`Leaf::slot`], where the key is likely to belong near that place.
    #[inline]
    pub(super) fn slot_near(&self, near: usize, key: &Item) -> usize {
        self.slot_at(lower_bound_near(&self.timestamps, near, key.timestamp), key)
    }

    /// As [`Leaf::slot`], where it is known that the first `from` do.
    #[inline]
    pub(super) fn slot_from(&self, from: usize, key: &Item) -> usize {
        let from = self.place(from);
        self.slot_at(lower_bound_from(&self.timestamps, from, key.timestamp), key)
    }

    /// The slot of `key`, where the timestamps before `place` are earlier.
    #[inline]
    fn slot_at(&self, place: usize, key: &Item) -> usize {
        // The room in front has timestamps that aren't earlier than 0.
        let (start, end) = (self.start as usize, self.end as usize);
        let place = place.max(start);
        // Most bounds are just before the items of a time: then ids needn't be looked at.
        if place >= end || self.timestamps[place] != key.timestamp || key.id == Id::ZERO {
            return place - start;
        }
        let end = lower_bound_from(&self.timestamps, place, key.timestamp.saturating_add(1));
        place - start + self.ids[place..end].partition_point(|id| *id < key.id)
    }

    #[inline]
    pub(super) fn item(&self, slot: usize) -> Item {
        let place = self.place(slot);
        let end = self.end as usize;
        Item::new(self.timestamps[..end][place], self.ids[..end][place])
    }

    /// [`Bound::between`] the item of this slot and the one before, of which there must be one. Ids
    /// aren't looked at where the timestamps tell the items apart.
    #[inline]
    pub(super) fn bound_at(&self, slot: usize) -> Bound {
        let place = self.place(slot);
        let (left, right) = (self.timestamps[place - 1], self.timestamps[place]);
        if left == right {
            Bound::between(&self.item(slot - 1), &self.item(slot))
        } else {
            Bound::at_time(right)
        }
    }

    /// The items of these slots, in order.
    pub(super) fn items(&self, slots: ops::Range<usize>) -> impl Iterator<Item = Item> {
        let (timestamps, ids) = self.columns(slots);
        let pairs = timestamps.iter().zip(ids);
        pairs.map(|(timestamp, id)| Item::new(*timestamp, *id))
    }

    /// The timestamps and ids of these slots, in order.
    pub(super) fn columns(&self, slots: ops::Range<usize>) -> (&[u64], &[Id]) {
        let places = self.places(slots);
        (&self.timestamps[places.clone()], &self.ids[places])
    }

    /// Sums the ids of these slots.
    #[inline]
    pub(super) fn summary(&self, slots: ops::Range<usize>) -> Summary {
        Summary::of_ids(&self.ids[self.places(slots)])
    }

    /// Adds up the ids of these slots; `parent` is where the leaf hangs, if anywhere.
    #[inline]
    pub(super) fn ids_between<L: Lane>(
        &self,
        slots: ops::Range<usize>,
        parent: Option<Parent<'_>>,
    ) -> L {
        if slots.len() <= FEW {
            return L::of_ids(&self.ids[self.places(slots)]);
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
        let nearest = self.nearest(slots.end).1.len();
        if slots.len() <= nearest || (known.is_none() && slots.len() <= FEW) {
            let since = Sum::of_ids(&self.ids[self.places(slots)]);
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
        let (known, between) = self.nearest(slot);
        let (mut before, back) = match known {
            Known::Start => return L::of_ids(&self.ids[between]),
            Known::Kept { index, behind } => (self.totals.before::<L>(index), behind),
            Known::End => match parent.and_then(|parent| parent.total::<L>()) {
                Some(total) => (total, true),
                None => {
                    let (last, mut before) = self.totals.last::<L>();
                    let last = last.max(self.start as usize);
                    before.add(&L::of_ids(&self.ids[last..self.place(slot)]));
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
        let (_, between) = self.nearest(slot);
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
        let end = self.end as usize;
        let last = &self.ids[end.saturating_sub(FETCHED)..end];
        let lines = last.iter().step_by(IDS_PER_LINE);
        black_box(lines.fold(0, |all, id| all ^ id.0[0]));
    }

    /// Has the cache fetch what an insert at about `slot` will read and move, of a leaf that has `len` items:
    /// all lines at once, before any of them says where the items are. Gives the place that is likely.
    #[inline]
    pub(super) fn fetch_for(&self, slot: usize, len: usize) -> usize {
        let start = middle(len);
        let place = start + slot;
        let moved = if slot < len / 2 {
            start.saturating_sub(TIMES_PER_LINE)..LEAF_MAX.min(place + TIMES_PER_LINE)
        } else {
            place.saturating_sub(TIMES_PER_LINE)..start + len
        };
        let times = self.timestamps.get(moved.clone()).unwrap_or_default();
        let times = times.iter().step_by(TIMES_PER_LINE);
        let ids = self.ids.get(moved).unwrap_or_default();
        let ids = ids.iter().step_by(IDS_PER_LINE);
        black_box((
            times.fold(0, |all, time| all ^ time),
            ids.fold(0, |all, id| all ^ id.0[0]),
            self.totals.touch(),
        ));
        place
    }

    /// Panics unless the kept totals and the unused places are as they should be.
    #[cfg(test)]
    pub(super) fn check(&self) {
        let (start, end) = (self.start as usize, self.end as usize);
        assert_eq!(self.totals, QuarterTotals::of(&self.ids, start..end));
        assert!(self.timestamps[..start].iter().all(|time| *time == 0));
        assert!(self.timestamps[end..].iter().all(|time| *time == u64::MAX));
    }

    fn sum_ids(&mut self) {
        self.totals = QuarterTotals::of(&self.ids, self.start as usize..self.end as usize);
    }

    #[inline]
    const fn place(&self, slot: usize) -> usize {
        self.start as usize + slot
    }

    #[inline]
    const fn places(&self, slots: ops::Range<usize>) -> ops::Range<usize> {
        self.place(slots.start)..self.place(slots.end)
    }

    /// The nearest place to that of `slot` before which the total is known, and the places between the two.
    #[inline]
    fn nearest(&self, slot: usize) -> (Known, ops::Range<usize>) {
        nearest(self.place(slot), self.start as usize..self.end as usize)
    }

    /// Whether this is the item of that slot.
    #[inline]
    pub(super) fn holds(&self, slot: usize, item: &Item) -> bool {
        let place = self.place(slot);
        // In this order: the id of another timestamp needn't be fetched.
        slot < self.len() && self.timestamps[place] == item.timestamp && self.ids[place] == item.id
    }

    /// Puts an item in front of that slot, for which there must be room: the shorter side moves, unless it
    /// has nowhere to go.
    #[inline]
    fn put(&mut self, slot: usize, item: &Item) {
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
    fn keep(&mut self, slots: ops::Range<usize>, start: usize) {
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

/// Where `len` items start that have as much room on both sides.
#[inline]
const fn middle(len: usize) -> usize {
    (LEAF_MAX - len) / 2
}

/// The shortest key that lies behind the last item of `left` and not behind the first of `right`:
/// its id is zero wherever the timestamps tell the two apart, which spares the branch to hold ids.
pub(super) fn separator(left: &Leaf, right: &Leaf) -> Item {
    let first = right.item(0);
    if left.timestamps[left.end as usize - 1] < first.timestamp {
        Item::new(first.timestamp, Id::ZERO)
    } else {
        first
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    /// Items of few times, the first of them 0, in no order.
    fn items() -> impl Iterator<Item = Item> {
        (0u64..).map(|n| {
            let mixed = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
            let mut id = Id::ZERO;
            id.0[..8].copy_from_slice(&mixed.to_be_bytes());
            id.0[24..].copy_from_slice(&n.wrapping_mul(mixed).to_be_bytes());
            Item::new(mixed % 40, id)
        })
    }

    fn of(items: &[Item], start: usize) -> Leaf {
        let mut leaf = Leaf::from_items(items);
        leaf.keep(0..items.len(), start);
        leaf
    }

    fn sum(items: &[Item]) -> (Sum, crate::limbs::Xor) {
        Group::of_ids(&items.iter().map(|item| item.id).collect::<Vec<_>>())
    }

    /// Holds what is read of the leaf against a plain list.
    fn check(leaf: &Leaf, plain: &[Item]) {
        leaf.check();
        assert!(leaf.items(0..leaf.len()).eq(plain.iter().copied()));
        for slot in 0..=plain.len() {
            assert_eq!(leaf.ids_before::<(Sum, _)>(slot, None), sum(&plain[..slot]));
        }
        let keys =
            (0..42).flat_map(|time| [Id::ZERO, Id([0x7f; 32])].map(|id| Item::new(time, id)));
        for key in keys.chain(plain.iter().copied()) {
            let slot = plain.partition_point(|item| *item < key);
            assert_eq!(leaf.slot(&key), slot);
            assert_eq!(leaf.slot_warm(&key), slot);
            for from in 0..=plain.partition_point(|item| item.timestamp < key.timestamp) {
                assert_eq!(leaf.slot_from(from, &key), slot);
            }
        }
    }

    #[test]
    fn items_come_and_go_as_in_a_plain_list_wherever_they_lie() {
        for start in [0, 1, 31, 32, 64, 97, LEAF_MAX] {
            let (mut leaf, mut plain) = (of(&[], start), Vec::new());
            for (n, item) in items().take(600).enumerate() {
                if plain.len() == LEAF_MAX || n % 5 == 4 {
                    let slot = n % plain.len();
                    leaf.remove(slot);
                    plain.remove(slot);
                }
                let slot = leaf.slot(&item);
                leaf.put(slot, &item);
                plain.insert(slot, item);
                if n % 7 == 0 {
                    check(&leaf, &plain);
                }
            }
            check(&leaf, &plain);
        }
    }

    #[test]
    fn appends_find_room_wherever_the_items_lie() {
        for start in [0, 40, 100] {
            let mut sorted: Vec<Item> = items().take(LEAF_MAX).collect();
            sorted.sort_unstable();
            let mut leaf = of(&sorted[..20], start);
            for len in 20..LEAF_MAX {
                leaf.put(len, &sorted[len]);
                check(&leaf, &sorted[..=len]);
            }
        }
    }

    #[test]
    fn neighbours_share_their_items_wherever_these_lie() {
        let mut sorted: Vec<Item> = items().take(140).collect();
        sorted.sort_unstable();
        for cut in [12, 60, 70, 128] {
            for starts in [[0, 0], [LEAF_MAX, 0], [0, LEAF_MAX], [9, 9]] {
                let (low, high) = sorted.split_at(cut);
                let [mut left, mut right] = [(low, starts[0]), (high, starts[1])]
                    .map(|(items, start)| of(items, start.min(LEAF_MAX - items.len())));
                let (moved, to_the_right) = left.level(&mut right, 16);
                let now = left.len();
                assert_eq!(now.abs_diff(cut), cut.abs_diff(70).min(16));
                assert_eq!(to_the_right, cut >= 70);
                assert_eq!(
                    moved,
                    sorted[now.min(cut)..now.max(cut)]
                        .iter()
                        .map(|item| &item.id)
                        .collect()
                );
                check(&left, &sorted[..now]);
                check(&right, &sorted[now..]);
            }
        }
    }
}
