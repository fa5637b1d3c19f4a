//! What of a leaf the cache is made to fetch, before it is read.
//!
//! A leaf is some 84 lines of the cache, of which a visit reads a few, and the branch above tells about where those
//! are: see [`Branch::near`](crate::tree::branch::Branch::near). What is fetched in vain costs less than to
//! wait for the lines of a search first and for those of a sum after that.

use core::{ops, slice};

use super::{Leaf, middle};
use crate::fetch::fetch;
use crate::tree::LEAF_MAX;
use crate::tree::places::nearest;
use crate::tree::search::{WINDOW, window};

/// How far off the place of an insert may be guessed.
const GUESSED: usize = 8;

/// How many ids are fetched ahead of an insert.
const FETCHED: usize = 16;

impl Leaf {
    /// Has the cache fetch what the sum before `place` will read: all lines at once, and for both
    /// ends of a range before either is summed, instead of one after the other.
    #[inline]
    pub(in crate::tree) fn fetch(&self, place: usize) {
        let (_, between) = self.nearest(place);
        fetch(&self.ids, between);
    }

    /// Has the cache fetch the timestamps: all lines at once.
    #[inline]
    pub(in crate::tree) fn fetch_timestamps(&self) {
        fetch(&self.timestamps, 0..LEAF_MAX);
    }

    /// Has the cache fetch the last ids, which an insert moves first, while it still searches its slot.
    #[inline]
    pub(in crate::tree) fn fetch_end(&self) {
        let end = self.end as usize;
        fetch(&self.ids, end.saturating_sub(FETCHED)..end);
    }

    /// Has the cache fetch what an insert at about the place `near` will read and move, of a leaf that has `len`
    /// items: all lines at once, before any of them says where the items are.
    #[inline]
    pub(in crate::tree) fn fetch_for(&self, near: usize, len: usize) {
        let start = middle(len);
        let moved = if near < LEAF_MAX / 2 {
            start.saturating_sub(GUESSED)..near + GUESSED
        } else {
            near.saturating_sub(GUESSED)..start + len
        };
        self.fetch_head();
        fetch(&self.timestamps, moved.clone());
        fetch(&self.ids, moved);
    }

    /// Has the cache fetch what a search for a key that is likely to belong `near` that place will read.
    #[inline]
    pub(in crate::tree) fn fetch_times_near(&self, near: usize) {
        fetch(slice::from_ref(&self.start), 0..1);
        let start = window(LEAF_MAX, near);
        fetch(&self.timestamps, start..start + WINDOW);
    }

    /// Has the cache fetch what a sum before a place that is likely to be `near` will read.
    #[inline]
    pub(in crate::tree) fn fetch_ids_near(&self, near: usize) {
        self.fetch_head();
        let (_, between) = nearest(near, 0..LEAF_MAX);
        fetch(
            &self.ids,
            between.start.saturating_sub(GUESSED / 2)..between.end + GUESSED / 2,
        );
    }

    /// Has the cache fetch the ids of these slots.
    #[inline]
    pub(in crate::tree) fn fetch_ids(&self, slots: ops::Range<usize>) {
        fetch(&self.ids, self.places(slots));
    }

    /// Has the cache fetch where the items are and the totals.
    #[inline]
    fn fetch_head(&self) {
        fetch(slice::from_ref(&self.start), 0..1);
        self.totals.fetch();
    }
}
