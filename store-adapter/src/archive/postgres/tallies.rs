//! Messages counted by the numbers of their topics, as they lie in the index of the keys.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::counts::{CountedItems, Tally, hour_of};

/// Messages by the start of their hour and the numbers of pubsub topic and content topic.
#[derive(Debug, Default)]
pub(super) struct Tallies(HashMap<(u64, i32, i32), Tally>);

impl Tallies {
    pub(super) fn add(
        &mut self,
        timestamp: u64,
        pubsub_topic: i32,
        content_topic: i32,
        bytes: i32,
    ) {
        let one = Tally::one(u64::try_from(bytes).unwrap_or_default());
        let place = (hour_of(timestamp), pubsub_topic, content_topic);
        *self.0.entry(place).or_default() += one;
    }

    /// The numbers of the topics.
    pub(super) fn numbers(&self) -> BTreeSet<i32> {
        let places = self.0.keys();
        places
            .flat_map(|(_, pubsub, content)| [*pubsub, *content])
            .collect()
    }

    /// Counts the messages by the names of their topics. Those whose rows have names themselves are only
    /// told by a look at each row, so their hours are left to be counted anew.
    pub(super) fn count(self, names: &HashMap<i32, Arc<str>>, counted: &mut CountedItems) {
        // In order, so that hours are counted one after the other.
        let mut tallies: Vec<_> = self.0.into_iter().collect();
        tallies.sort_unstable_by_key(|(place, _)| *place);
        for ((hour, pubsub, content), tally) in tallies {
            let content = names.get(&content);
            match names.get(&pubsub) {
                Some(topic) => {
                    let content = content.map(|name| &**name);
                    counted.counter.add_many(hour, topic, content, tally);
                }
                None => drop(counted.doubtful.insert(hour)),
            }
            if content.is_none() {
                counted.doubtful.insert(hour);
            }
        }
    }
}
