//! How many messages an archive holds, and of how many bytes, by hour, shard and content topic.
//!
//! The counts are kept beside the [`Index`](crate::Index), which knows of everything that is stored and
//! removed, and are made with it in the one walk over the archive's keys that a start takes. So they cost
//! neither the archive nor a peer anything, and reading them waits for nobody.
//!
//! Peers can make up topics. So of each hour only so many content topics are counted apart, and which those
//! are is decided by *space saving*: whatever has more than its share of the hour's messages is among them,
//! however many others there are; see [`TopTopics`].

mod countable;
mod counter;
mod hour;
mod hours;
mod tally;
mod topics;

pub use countable::Countable;
pub use counter::Counter;
pub use hour::HourCount;
pub use hours::{HOUR, HourCounts, hour_of};
pub use tally::Tally;
pub use topics::TopTopics;

use std::collections::BTreeSet;

use crate::archive::TopicItems;
use crate::record::Key;

/// Every item of an archive, and the counts that were made on the way.
#[derive(Debug, Default)]
pub struct CountedItems {
    /// The items by pubsub topic.
    pub items: TopicItems,
    /// The counts.
    pub counter: Counter,
    /// Hours, by their starts, whose counts lack something that the walk didn't tell.
    pub doubtful: BTreeSet<u64>,
}

impl CountedItems {
    /// Goes on with others, which lie behind these.
    pub fn append(&mut self, others: Self) {
        for (topic, more) in others.items {
            self.items.entry(topic).or_default().extend(more);
        }
        self.counter.absorb(others.counter.counts());
        self.doubtful.extend(others.doubtful);
    }

    /// Goes on with keys, in their order.
    pub fn extend(&mut self, keys: Vec<Key>) {
        for key in keys {
            self.counter.add(&key);
            let items = self.items.entry(key.pubsub_topic).or_default();
            items.push(key.item);
        }
    }
}
