//! How many messages an archive holds, and how many bytes of them, by hour and pubsub topic.

use std::collections::BTreeMap;
use std::sync::Arc;

use store_adapter::archive::Scan;
use store_adapter::{Archive, ArchiveError};
use sync_core::Range;

pub(super) use crate::forecast::{HOUR, Tally};

/// What an archive holds, by the start of the hour (nanoseconds since 1970) and the topic.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Hours(pub(super) BTreeMap<(u64, Arc<str>), Tally>);

impl Hours {
    /// Reads the keys of a whole archive; no payloads.
    pub(super) async fn read(archive: &dyn Archive) -> Result<Self, ArchiveError> {
        let mut hours = Self::default();
        let mut rest = Some(Range::ALL);
        while let Some(range) = rest {
            let page = archive.scan(&Scan::of_range(range)).await?;
            for key in page.keys {
                let hour = key.item.timestamp - key.item.timestamp % HOUR;
                let of_hour = hours.0.entry((hour, key.pubsub_topic)).or_default();
                *of_hour += Tally::one(key.message_bytes as u64);
            }
            rest = page.rest;
        }
        Ok(hours)
    }

    /// All together.
    pub(super) fn total(&self) -> Tally {
        self.sum(|_| true)
    }

    /// Those of hours that start at or after `since`.
    pub(super) fn since(&self, since: u64) -> Tally {
        self.sum(|hour| hour >= since)
    }

    /// The same by longer spans of so many nanoseconds.
    pub(super) fn by_span(&self, span: u64) -> Self {
        let mut spans = Self::default();
        for ((hour, topic), tally) in &self.0 {
            let start = hour - hour % span;
            *spans.0.entry((start, Arc::clone(topic))).or_default() += *tally;
        }
        spans
    }

    fn sum(&self, of: impl Fn(u64) -> bool) -> Tally {
        let tallies = self.0.iter().filter(|((hour, _), _)| of(*hour));
        tallies.map(|(_, tally)| *tally).sum()
    }
}

/// The number of the shard of a topic of static sharding: `/waku/2/rs/1/5` is 5.
pub(super) fn shard(topic: &str) -> Option<u16> {
    let (_cluster, shard) = topic.strip_prefix("/waku/2/rs/")?.split_once('/')?;
    shard.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_those_of_static_sharding() {
        assert_eq!(shard("/waku/2/rs/1/5"), Some(5));
        assert_eq!(shard("/waku/2/rs/16/1023"), Some(1_023));
        for topic in [
            "/waku/2/rs/1",
            "/waku/2/default-waku/proto",
            "/waku/2/rs/1/x",
            "",
        ] {
            assert_eq!(shard(topic), None, "{topic}");
        }
    }

    #[test]
    fn longer_spans_hold_what_their_hours_hold() {
        let topic = Arc::<str>::from("/t");
        let tally = |messages| Tally {
            messages,
            bytes: 10 * messages,
        };
        let hours = [(23, 1), (24, 2), (47, 3), (48, 4)];
        let hours = hours.map(|(hour, count)| ((hour * HOUR, Arc::clone(&topic)), tally(count)));
        let hours = Hours(hours.into());
        let days: Vec<(u64, u64)> = hours
            .by_span(24 * HOUR)
            .0
            .into_iter()
            .map(|((start, _), tally)| (start / HOUR, tally.messages))
            .collect();
        assert_eq!(days, [(0, 1), (24, 5), (48, 4)]);
        assert_eq!(hours.total(), tally(10));
        assert_eq!(hours.since(47 * HOUR), tally(7));
    }
}
