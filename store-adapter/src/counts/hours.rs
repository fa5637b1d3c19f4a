//! The messages of every hour.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::hour::HourCount;
use super::tally::Tally;

/// Nanoseconds of an hour.
pub const HOUR: u64 = 3_600_000_000_000;

/// The start of the hour of a time, both in nanoseconds since 1970.
#[must_use]
pub const fn hour_of(timestamp: u64) -> u64 {
    timestamp - timestamp % HOUR
}

/// The messages of every hour; cheap to clone.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct HourCounts {
    pub(super) hours: BTreeMap<u64, Arc<HourCount>>,
    pub(super) since: u64,
}

impl HourCounts {
    /// The start of the first hour that is counted, in nanoseconds since 1970: what lies before isn't, as
    /// there were too many hours.
    #[must_use]
    pub const fn since(&self) -> u64 {
        self.since
    }

    /// All hours that have messages, by their starts.
    pub fn all(&self) -> impl DoubleEndedIterator<Item = (u64, &HourCount)> {
        self.within(0, u64::MAX)
    }

    /// The hours that start at `since` or later and before `until`, in nanoseconds since 1970, and have
    /// messages.
    pub fn within(
        &self,
        since: u64,
        until: u64,
    ) -> impl DoubleEndedIterator<Item = (u64, &HourCount)> {
        let hours = self.hours.range(since..until.max(since));
        hours.map(|(start, count)| (*start, &**count))
    }

    /// Everything together.
    #[must_use]
    pub fn total(&self) -> Tally {
        self.all().map(|(_, count)| count.total()).sum()
    }
}
