//! The messages of an hour.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::tally::Tally;
use super::topics::{Names, TopTopics};
use crate::limits::{HOUR_SHARDS, HOUR_TOPICS, HOUR_TOPICS_KEPT};

/// The messages of an hour, by pubsub topic and by content topic.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct HourCount {
    shards: BTreeMap<Arc<str>, Tally>,
    other_shards: Tally,
    topics: TopTopics,
}

impl HourCount {
    /// All of them.
    #[must_use]
    pub fn total(&self) -> Tally {
        self.shards.values().copied().sum::<Tally>() + self.other_shards
    }

    /// By pubsub topic; of [`HOUR_SHARDS`] topics at most.
    pub fn shards(&self) -> impl Iterator<Item = (&Arc<str>, Tally)> {
        self.shards.iter().map(|(topic, tally)| (topic, *tally))
    }

    /// What further pubsub topics have.
    #[must_use]
    pub const fn other_shards(&self) -> Tally {
        self.other_shards
    }

    /// By content topic.
    #[must_use]
    pub const fn topics(&self) -> &TopTopics {
        &self.topics
    }

    /// Counts messages; without a content topic, of one that isn't known.
    pub(super) fn add(
        &mut self,
        pubsub_topic: &Arc<str>,
        content_topic: Option<&str>,
        tally: Tally,
        names: &mut Names,
    ) {
        self.add_to_shard(pubsub_topic, tally);
        match content_topic {
            Some(topic) => self.topics.add(topic, tally, HOUR_TOPICS, names),
            None => self.topics.add_unnamed(tally),
        }
    }

    pub(super) fn absorb(&mut self, other: &Self) {
        for (topic, tally) in &other.shards {
            self.add_to_shard(topic, *tally);
        }
        self.other_shards += other.other_shards;
        self.topics.absorb(&other.topics, HOUR_TOPICS);
    }

    fn add_to_shard(&mut self, topic: &Arc<str>, tally: Tally) {
        if let Some(shard) = self.shards.get_mut(topic) {
            *shard += tally;
        } else if self.shards.len() < HOUR_SHARDS {
            self.shards.insert(Arc::clone(topic), tally);
        } else {
            self.other_shards += tally;
        }
    }

    /// Whether [`HourCount::close`] would change anything.
    pub(super) fn is_open(&self) -> bool {
        self.topics.len() > HOUR_TOPICS_KEPT
    }

    /// Keeps what is to be kept of an hour into which nothing comes any more.
    pub(super) fn close(&mut self) {
        self.topics.cut(HOUR_TOPICS_KEPT);
        self.topics.shrink();
    }
}
