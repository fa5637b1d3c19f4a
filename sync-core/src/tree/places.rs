//! What ids of a leaf add up to between some places of it.

use core::ops;

use super::LEAF_MAX;
use super::totals::Lane;
use crate::fetch::fetch;
use crate::item::Id;
use crate::limbs::{Group, Sum, Total, Xor};

/// How far apart the places are. From the nearest of them, or of the ends of the leaf, on a sum reads a
/// quarter as many ids on average, and half as many at most.
pub(super) const STEP: usize = LEAF_MAX / 4;

/// Places inside a leaf before which the total is kept.
const PLACES: usize = LEAF_MAX / STEP - 1;

/// The totals of the first [`STEP`] ids, of as many behind them and so on, but not of the last ones.
///
/// Each for itself, so that an append changes one of them at most.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct QuarterTotals([(Sum, Xor); PLACES]);

/// A place before which the total is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Known {
    /// The start: nothing lies before it.
    Start,
    /// One of those kept.
    Kept {
        /// Which one.
        index: usize,
        /// Whether it lies behind the slot that is sought.
        behind: bool,
    },
    /// The end, which isn't kept here.
    End,
}

impl QuarterTotals {
    pub(super) const EMPTY: Self = Self([(Sum([0; 4]), Xor([0; 4])); PLACES]);

    /// The totals of the ids at these places.
    pub(super) fn of(ids: &[Id; LEAF_MAX], places: ops::Range<usize>) -> Self {
        let mut totals = Self::EMPTY;
        for (quarter, total) in totals.0.iter_mut().enumerate() {
            let start = places.start.max(quarter * STEP);
            let end = places.end.min((quarter + 1) * STEP);
            *total = Group::of_ids(ids.get(start..end).unwrap_or_default());
        }
        totals
    }

    /// The id at `slot` of `ids` was put there, and those behind it have moved on.
    #[inline]
    pub(super) fn put(&mut self, ids: &[Id], slot: usize) {
        let mut moved = slot;
        for (place, total) in self.0.iter_mut().enumerate().skip(slot / STEP) {
            total.add(&Group::of_id(&ids[moved]));
            moved = (place + 1) * STEP;
            if moved >= ids.len() {
                break;
            }
            total.sub(&Group::of_id(&ids[moved]));
        }
    }

    /// The id at `place` was put there, and those before it have moved on towards the first one, which lies
    /// at `start` now.
    #[inline]
    pub(super) fn put_before(&mut self, ids: &[Id; LEAF_MAX], place: usize, start: usize) {
        let mut moved = place;
        for quarter in (start / STEP..=place / STEP).rev() {
            let first = quarter * STEP;
            if let Some(total) = self.0.get_mut(quarter) {
                total.add(&Group::of_id(&ids[moved]));
                if first > start {
                    total.sub(&Group::of_id(&ids[first - 1]));
                }
            }
            moved = first.saturating_sub(1);
        }
    }

    /// The id `gone` was taken out from `slot`, which left `ids`.
    #[inline]
    pub(super) fn taken(&mut self, ids: &[Id], slot: usize, gone: &Id) {
        let (mut gone, mut place) = (gone, slot / STEP);
        while let Some(total) = self.0.get_mut(place) {
            total.sub(&Group::of_id(gone));
            place += 1;
            let Some(moved) = ids.get(place * STEP - 1) else {
                return;
            };
            total.add(&Group::of_id(moved));
            gone = moved;
        }
    }

    /// Has the cache fetch them.
    #[inline]
    pub(super) fn fetch(&self) {
        fetch(&self.0, 0..PLACES);
    }

    /// What lies before the place of that index.
    #[inline]
    pub(super) fn before<L: Lane>(&self, index: usize) -> L {
        let mut before = L::of(&self.0[0]);
        for total in &self.0[1..=index] {
            before.add(&L::of(total));
        }
        before
    }

    /// The last place before which the total is known, and that.
    #[inline]
    pub(super) fn last<L: Lane>(&self) -> (usize, L) {
        (PLACES * STEP, self.before(PLACES - 1))
    }
}

/// The nearest place to `place` before which the total is known, in a leaf with items at `items`, and the places
/// between the two.
#[inline]
pub(super) fn nearest(place: usize, items: ops::Range<usize>) -> (Known, ops::Range<usize>) {
    let before = PLACES.min(place / STEP);
    let (first, next) = (before * STEP, (before + 1) * STEP);
    if place - first <= STEP / 2 {
        let known = match before.checked_sub(1) {
            None => Known::Start,
            Some(index) => Known::Kept {
                index,
                behind: false,
            },
        };
        (known, items.start.max(first)..place)
    } else if before < PLACES {
        let known = Known::Kept {
            index: before,
            behind: true,
        };
        (known, place..items.end.min(next))
    } else {
        (Known::End, place..items.end.min(next))
    }
}
