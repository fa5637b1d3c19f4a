//! Where a range that differs is divided.

use alloc::vec::Vec;
use core::ops;

use crate::item::{Bound, Range};
use crate::set::ItemSet;

/// The shortest range, in nanoseconds, that is fingerprinted: nwaku divides into eight parts of at
/// least a nanosecond, and loses a range that is too short for that.
pub const MIN_FINGERPRINT_SPAN: u64 = 8;

/// How ranges are divided whose fingerprints differ.
///
/// Parts hold the same number of this side's items each, whatever their times, so that the number
/// of rounds follows from the number of items; bounds lie at timestamps, so a run of one timestamp
/// stays together.
///
/// What it costs between two of these sessions, for d differences spread over n items: a fingerprint
/// takes about 38 bytes and a listed item 36; on every level each differing range is answered by
/// `parts` fingerprints, and on the last one by the items of the range, once: the answer to a list
/// names only the times that differ. With the defaults and n = 1,000,000 the ranges hold 62,500,
/// 3,906, 244 and 15 items, so d = 1,000 takes 0.01 + 0.16 + 0.59 MB of fingerprints, 0.56 MB of
/// items and 0.05 MB of answers, measured 1.37 MB in four frames each way. Measured likewise: eight
/// parts 1.62 MB, or 0.96 MB if no more than 16 items are listed, in five frames each way; 32 parts
/// 2.19 MB, with one frame less.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Splitting {
    /// Into how many parts a range is divided; at least 2, less counts as that.
    pub parts: usize,
    /// A range that differs, and in which this side holds at most this many items, is listed.
    pub item_set_at_most: usize,
    /// A part with at most this many items is listed at once: that takes about as many bytes as a
    /// fingerprint, and saves a round.
    pub listed_at_most: usize,
}

impl Default for Splitting {
    fn default() -> Self {
        Self {
            parts: 16,
            item_set_at_most: 32,
            listed_at_most: 1,
        }
    }
}

impl Splitting {
    /// The inner bounds at which `span` is divided, ascending; none if it must be listed.
    ///
    /// Every part is at least [`MIN_FINGERPRINT_SPAN`] long. Where the items lie closer, the bound
    /// goes that far behind the previous one, and what lies between stays in one part.
    pub(super) fn cuts(&self, set: &dyn ItemSet, span: Span) -> Vec<u64> {
        let ranks = span.ranks(set);
        if ranks.len() <= self.item_set_at_most || span.len() < 2 * MIN_FINGERPRINT_SPAN {
            return Vec::new();
        }
        let step = ranks.len().div_ceil(self.parts.max(2));
        let latest = span.upper - MIN_FINGERPRINT_SPAN;
        let mut cuts = Vec::new();
        let mut last = span.lower;
        let mut rank = ranks.start + step;
        while let Some(item) = set.select(rank).filter(|_| rank < ranks.end) {
            let cut = item.timestamp.max(last + MIN_FINGERPRINT_SPAN);
            if cut > latest {
                break;
            }
            cuts.push(cut);
            last = cut;
            rank = set.rank(&Bound::at_time(cut)) + step;
        }
        cuts
    }
}

/// A span of times in nanoseconds, from `lower` on and before `upper`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Span {
    pub(super) lower: u64,
    pub(super) upper: u64,
}

impl Span {
    pub(super) const fn new(lower: u64, upper: u64) -> Self {
        Self { lower, upper }
    }

    pub(super) const fn len(&self) -> u64 {
        self.upper.saturating_sub(self.lower)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.lower >= self.upper
    }

    pub(super) fn intersect(&self, other: &Self) -> Self {
        Self::new(self.lower.max(other.lower), self.upper.min(other.upper))
    }

    /// The smallest span with both in it.
    pub(super) fn hull(&self, other: &Self) -> Self {
        Self::new(self.lower.min(other.lower), self.upper.max(other.upper))
    }

    pub(super) fn range(&self) -> Range {
        Range::of_times(self.lower, self.upper)
    }

    /// The ranks of the items of `set` in it.
    pub(super) fn ranks(&self, set: &dyn ItemSet) -> ops::Range<usize> {
        let start = set.rank(&Bound::at_time(self.lower));
        start..set.rank(&Bound::at_time(self.upper)).max(start)
    }
}
