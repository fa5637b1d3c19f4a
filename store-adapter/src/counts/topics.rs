//! The content topics with the most messages, found in bounded memory.
//!
//! *Space saving*, in rounds: topics are counted apart until there are twice as many as are to be kept. Then
//! those go that may have had the fewest messages, and the most that one of them may have had is the
//! *floor*. A topic that is counted from then on may have had so many before, so when topics go again it is
//! judged by these and its own together. Each message adds one to what some topic has above the floor, and
//! raising the floor by one takes one from each topic that is kept; so the floor never exceeds the messages
//! divided by the topics that are kept, and whatever has more than that is counted apart.
//! (Metwally et al., Efficient Computation of Frequent and Top-k Elements in Data Streams, 2005.)

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::tally::Tally;
use crate::limits::{COUNTED_NAMES, COUNTED_TOPIC_BYTES};

/// Messages by content topic: of the topics that have the most, and of all others together.
///
/// What is told of a topic was counted, and falls short of what there is by [`TopTopics::missed`] at most;
/// the messages that it falls short by are among the others.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TopTopics {
    named: HashMap<Arc<str>, Named>,
    others: Tally,
    floor: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Named {
    counted: Tally,
    /// Most messages that came before it was counted apart.
    missed: u64,
}

impl Named {
    const fn most(&self) -> u64 {
        self.counted.messages.saturating_add(self.missed)
    }
}

impl TopTopics {
    /// The topics that are counted apart, in no order.
    pub fn named(&self) -> impl Iterator<Item = (&Arc<str>, Tally)> {
        self.named
            .iter()
            .map(|(topic, named)| (topic, named.counted))
    }

    /// All others together.
    #[must_use]
    pub const fn others(&self) -> Tally {
        self.others
    }

    /// Most messages among the others that any one topic may have, those longer than
    /// [`COUNTED_TOPIC_BYTES`] apart.
    #[must_use]
    pub const fn missed(&self) -> u64 {
        self.floor
    }

    /// How many topics are counted apart.
    #[must_use]
    pub fn len(&self) -> usize {
        self.named.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.named.is_empty()
    }

    /// Counts messages of a topic; `room` topics are counted apart, and twice as many for a while.
    pub(super) fn add(&mut self, topic: &str, tally: Tally, room: usize, names: &mut Names) {
        if let Some(named) = self.named.get_mut(topic) {
            named.counted += tally;
            return;
        }
        if topic.len() > COUNTED_TOPIC_BYTES {
            self.others += tally;
            return;
        }
        let named = Named {
            counted: tally,
            missed: self.floor,
        };
        self.named.insert(names.shared(topic), named);
        if self.named.len() > room.saturating_mul(2) {
            self.cut(room);
        }
    }

    /// Counts messages whose topic isn't known.
    pub(super) fn add_unnamed(&mut self, tally: Tally) {
        self.others += tally;
    }

    /// Adds what was counted elsewhere.
    pub(super) fn absorb(&mut self, other: &Self, room: usize) {
        for (topic, named) in &mut self.named {
            if !other.named.contains_key(topic) {
                named.missed = named.missed.saturating_add(other.floor);
            }
        }
        for (topic, theirs) in &other.named {
            let ours = self.named.entry(Arc::clone(topic)).or_insert(Named {
                counted: Tally::default(),
                missed: self.floor,
            });
            ours.counted += theirs.counted;
            ours.missed = ours.missed.saturating_add(theirs.missed);
        }
        self.others += other.others;
        self.floor = self.floor.saturating_add(other.floor);
        if self.named.len() > room.saturating_mul(2) {
            self.cut(room);
        }
    }

    /// Counts no more than `kept` topics apart: those that may have the most messages.
    pub(super) fn cut(&mut self, kept: usize) {
        if self.named.len() <= kept {
            return;
        }
        let mut all: Vec<(Arc<str>, Named)> = self.named.drain().collect();
        // The name decides between equals, so that the outcome doesn't depend on the order of a map.
        all.select_nth_unstable_by(kept, |(left_topic, left), (right_topic, right)| {
            let key = |named: &Named| Reverse(named.most());
            key(left)
                .cmp(&key(right))
                .then_with(|| left_topic.cmp(right_topic))
        });
        for (_, gone) in all.drain(kept..) {
            self.others += gone.counted;
            self.floor = self.floor.max(gone.most());
        }
        self.named.extend(all);
    }

    /// Gives back memory that isn't needed.
    pub(super) fn shrink(&mut self) {
        self.named.shrink_to_fit();
    }
}

/// Names of topics, so that hours share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Names(HashSet<Arc<str>>);

impl Names {
    fn shared(&mut self, topic: &str) -> Arc<str> {
        if let Some(known) = self.0.get(topic) {
            return Arc::clone(known);
        }
        if self.0.len() >= COUNTED_NAMES {
            self.0.clear();
        }
        let name = Arc::<str>::from(topic);
        self.0.insert(Arc::clone(&name));
        name
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    const ROOM: usize = 8;

    fn count(topics: impl IntoIterator<Item = String>) -> TopTopics {
        let (mut counts, mut names) = (TopTopics::default(), Names::default());
        for topic in topics {
            counts.add(&topic, Tally::one(10), ROOM, &mut names);
        }
        counts
    }

    /// That `counts` tells of `topics` what it promises.
    fn check(counts: &TopTopics, topics: &[String], kept: u64) {
        let mut exact = BTreeMap::<&str, u64>::new();
        topics
            .iter()
            .for_each(|topic| *exact.entry(topic).or_default() += 1);
        let all = counts.named().map(|(_, tally)| tally).sum::<Tally>() + counts.others();
        assert_eq!(all.messages, topics.len() as u64);
        assert_eq!(all.bytes, 10 * topics.len() as u64);
        assert!(counts.missed() <= all.messages / kept, "{counts:?}");
        for (topic, messages) in exact {
            let found = counts.named.get(topic).map(|named| named.counted.messages);
            let counted = found.unwrap_or(0);
            assert!(counted <= messages && messages - counted <= counts.missed());
            assert!(
                found.is_some() || messages <= counts.missed(),
                "{topic} is missed"
            );
        }
    }

    #[test]
    fn few_topics_are_counted_exactly() {
        let topics: Vec<String> = (0..100).map(|n| format!("/t/{}", n % (2 * ROOM))).collect();
        let counts = count(topics.clone());
        assert_eq!((counts.len(), counts.missed()), (2 * ROOM, 0));
        assert_eq!(counts.others(), Tally::default());
        check(&counts, &topics, ROOM as u64);
    }

    #[test]
    fn a_topic_that_comes_after_many_made_up_ones_is_found() {
        let made_up = (0..5_000).map(|n| format!("/made/up/{n}"));
        let real = (0..5_000).map(|n| match n % 3 {
            0 => "/real".to_owned(),
            _ => format!("/made/up/later/{n}"),
        });
        let topics: Vec<String> = made_up.chain(real).collect();
        let mut counts = count(topics.clone());
        check(&counts, &topics, ROOM as u64);
        let top = counts.named().max_by_key(|(_, tally)| tally.messages);
        assert_eq!(top.map(|(topic, _)| &**topic), Some("/real"));
        counts.cut(2);
        assert_eq!(counts.len(), 2);
        assert!(counts.named().any(|(topic, _)| &**topic == "/real"));
    }

    #[test]
    fn a_topic_longer_than_the_bound_is_one_of_the_others() {
        let at = "x".repeat(COUNTED_TOPIC_BYTES);
        let past = "x".repeat(COUNTED_TOPIC_BYTES + 1);
        let counts = count([at, past]);
        assert_eq!((counts.len(), counts.others()), (1, Tally::one(10)));
    }

    #[test]
    fn names_are_shared_and_bounded() {
        let mut names = Names::default();
        assert!(Arc::ptr_eq(&names.shared("/a"), &names.shared("/a")));
        (0..3 * COUNTED_NAMES).for_each(|n| drop(names.shared(&n.to_string())));
        assert!(names.0.len() <= COUNTED_NAMES);
    }

    proptest! {
        #[test]
        fn whatever_has_more_than_its_share_is_named_and_all_is_counted(
            topics in proptest::collection::vec(
                prop_oneof![3 => 0..6u32, 1 => 0..40u32, 2 => any::<u32>()], 0..400,
            ),
            cut in 0..400usize,
        ) {
            let topics: Vec<String> = topics.iter().map(|n| format!("/t/{n}")).collect();
            check(&count(topics.clone()), &topics, ROOM as u64);
            let (left, right) = topics.split_at(cut.min(topics.len()));
            let mut joined = count(left.to_vec());
            joined.absorb(&count(right.to_vec()), ROOM);
            // Of either half an eighth is missed at most, and as much again where they are joined.
            check(&joined, &topics, ROOM as u64 / 2);
        }
    }
}
