//! The content topics that an answer names.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use store_adapter::counts::{HourCount, Tally};

/// The content topics with the most messages in some hours.
#[derive(Debug)]
pub(super) struct Top<'a>(HashSet<&'a str>);

impl<'a> Top<'a> {
    /// So many of them at most.
    pub(super) fn of(hours: impl Iterator<Item = &'a HourCount>, most: usize) -> Self {
        let mut sums = HashMap::<&str, Tally>::new();
        for (topic, tally) in hours.flat_map(|hour| hour.topics().named()) {
            *sums.entry(topic).or_default() += tally;
        }
        let mut sums: Vec<(&str, Tally)> = sums.into_iter().collect();
        // The name decides between equals, so that the answer is the same each time.
        sums.sort_unstable_by_key(|(topic, sum)| (Reverse((sum.messages, sum.bytes)), *topic));
        sums.truncate(most);
        Self(sums.into_iter().map(|(topic, _)| topic).collect())
    }

    pub(super) fn contains(&self, topic: &str) -> bool {
        self.0.contains(topic)
    }
}
