//! Leaves: the items themselves, timestamps and ids apart.

mod edit;
mod fetch;

use core::ops;

use super::LEAF_MAX;
use super::branch::Parent;
use super::places::{Known, QuarterTotals, STEP, nearest};
use super::search::{lower_bound, lower_bound_from, lower_bound_near, lower_bound_warm};
use super::totals::Lane;
use crate::item::{Bound, Id, Item};
use crate::limbs::{Group, Sum, Total};
use crate::summary::Summary;

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

    /// What all items amount to.
    pub(super) fn total(&self) -> Summary {
        Summary::of_groups(self.len(), self.ids_before(self.end as usize, None))
    }

    pub(super) const fn len(&self) -> usize {
        (self.end - self.start) as usize
    }

    /// How many items lie before `key`.
    #[inline]
    pub(super) fn slot(&self, key: &Item) -> usize {
        self.slot_at(self.place_of(key, None))
    }

    /// The place of the first item that isn't before `key`; if it is said, it's likely to be `near` that place.
    #[inline]
    pub(super) fn place_of(&self, key: &Item, near: Option<usize>) -> usize {
        let place = match near {
            Some(near) => lower_bound_near(&self.timestamps, near, key.timestamp),
            None => lower_bound(&self.timestamps, key.timestamp),
        };
        self.place_from(place, key)
    }

    /// As [`Leaf::slot`], of a leaf that is likely to be in the cache.
    #[inline]
    pub(super) fn slot_warm(&self, key: &Item) -> usize {
        let place = lower_bound_warm(&self.timestamps, key.timestamp);
        self.slot_at(self.place_from(place, key))
    }

    /// As [`Leaf::slot`], where it is known that the first `from` do.
    #[inline]
    pub(super) fn slot_from(&self, from: usize, key: &Item) -> usize {
        let place = lower_bound_from(&self.timestamps, self.place(from), key.timestamp);
        self.slot_at(self.place_from(place, key))
    }

    /// The place of `key`, where the timestamps before `place`, and no others, are earlier.
    #[inline]
    fn place_from(&self, mut place: usize, key: &Item) -> usize {
        if key.timestamp == 0 {
            // The room in front has timestamps that aren't earlier than that.
            place = self.start as usize;
        }
        // Most bounds are just before the items of a time: then ids needn't be looked at.
        if key.id == Id::ZERO || self.timestamps.get(place) != Some(&key.timestamp) {
            return place;
        }
        let end = lower_bound_from(&self.timestamps, place, key.timestamp.saturating_add(1));
        place + self.ids[place..end].partition_point(|id| *id < key.id)
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

    /// Adds up the ids at these places; `parent` is where the leaf hangs, if anywhere.
    #[inline]
    pub(super) fn ids_between<L: Lane>(
        &self,
        places: ops::Range<usize>,
        parent: Option<Parent<'_>>,
    ) -> L {
        if places.len() <= FEW {
            return L::of_ids(&self.ids[places]);
        }
        let mut between: L = self.ids_before(places.end, parent);
        between.sub(&self.ids_before(places.start, parent));
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
        let places = self.places(slots);
        let nearest = self.nearest(places.end).1.len();
        if places.len() <= nearest || (known.is_none() && places.len() <= FEW) {
            let since = Sum::of_ids(&self.ids[places]);
            if let Some(before) = known {
                before.add(&since);
            }
            return since;
        }
        let mut since: Sum = self.ids_before(places.end, parent);
        let end = since;
        since.sub(&known.unwrap_or_else(|| self.ids_before(places.start, parent)));
        *known = Some(end);
        since
    }

    /// Adds up the ids before `place`; `parent` as above.
    #[inline]
    pub(super) fn ids_before<L: Lane>(&self, place: usize, parent: Option<Parent<'_>>) -> L {
        let (known, between) = self.nearest(place);
        let (mut before, back) = match known {
            Known::Start => return L::of_ids(&self.ids[between]),
            Known::Kept { index, behind } => (self.totals.before::<L>(index), behind),
            Known::End => match parent.and_then(|parent| parent.total::<L>()) {
                Some(total) => (total, true),
                None => {
                    let (last, mut before) = self.totals.last::<L>();
                    let last = last.max(self.start as usize);
                    before.add(&L::of_ids(&self.ids[last..place]));
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

    /// Where the item of a slot is likely to lie in a leaf of `len` items.
    #[inline]
    pub(super) const fn likely_place(slot: usize, len: usize) -> usize {
        middle(len) + slot
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

    /// The place of the item of this slot.
    #[inline]
    pub(super) const fn place(&self, slot: usize) -> usize {
        self.start as usize + slot
    }

    /// The slot of the item at this place.
    #[inline]
    pub(super) const fn slot_at(&self, place: usize) -> usize {
        place - self.start as usize
    }

    #[inline]
    const fn places(&self, slots: ops::Range<usize>) -> ops::Range<usize> {
        self.place(slots.start)..self.place(slots.end)
    }

    /// The nearest place to `place` before which the total is known, and the places between the two.
    #[inline]
    fn nearest(&self, place: usize) -> (Known, ops::Range<usize>) {
        nearest(place, self.start as usize..self.end as usize)
    }

    /// Whether this is the item of that slot.
    #[inline]
    pub(super) fn holds(&self, slot: usize, item: &Item) -> bool {
        let place = self.place(slot);
        // In this order: the id of another timestamp needn't be fetched.
        slot < self.len() && self.timestamps[place] == item.timestamp && self.ids[place] == item.id
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
mod tests;
