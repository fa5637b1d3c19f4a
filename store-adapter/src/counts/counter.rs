//! Counts messages as they come.

use std::collections::VecDeque;
use std::sync::Arc;

use super::countable::Countable;
use super::hour::HourCount;
use super::hours::{HOUR, HourCounts, hour_of};
use super::tally::Tally;
use super::topics::Names;
use crate::limits::{HOURS_COUNTED, HOURS_OPEN};

/// Counts messages as they come, within bounds. Nothing is ever subtracted: an hour that lost messages is
/// counted anew.
#[derive(Clone, Debug, Default)]
pub struct Counter {
    counts: HourCounts,
    /// Hours that messages came into, the last one last.
    open: VecDeque<u64>,
    names: Names,
}

impl Counter {
    /// What was counted.
    #[must_use]
    pub const fn counts(&self) -> &HourCounts {
        &self.counts
    }

    /// Counts a message.
    pub fn add(&mut self, message: &impl Countable) {
        let hour = hour_of(message.item().timestamp);
        let content_topic = Some(message.content_topic());
        let one = Tally::one(message.message_bytes());
        self.add_many(hour, message.pubsub_topic(), content_topic, one);
    }

    /// Counts messages of one hour and of the same topics; without a content topic, of one that isn't known.
    pub fn add_many(
        &mut self,
        hour: u64,
        pubsub_topic: &Arc<str>,
        content_topic: Option<&str>,
        tally: Tally,
    ) {
        if hour < self.counts.since {
            return;
        }
        let count = Arc::make_mut(self.counts.hours.entry(hour).or_default());
        count.add(pubsub_topic, content_topic, tally, &mut self.names);
        self.came_into(hour);
    }

    /// Adds what was counted elsewhere of other messages.
    pub fn absorb(&mut self, other: &HourCounts) {
        self.start_at(self.counts.since.max(other.since));
        for (hour, theirs) in other.hours.range(self.counts.since..) {
            if let Some(ours) = self.counts.hours.get_mut(hour) {
                Arc::make_mut(ours).absorb(theirs);
            } else {
                self.counts.hours.insert(*hour, Arc::clone(theirs));
            }
            self.came_into(*hour);
        }
    }

    /// Puts this in the place of what was counted of an hour.
    pub(crate) fn put(&mut self, hour: u64, count: Option<Arc<HourCount>>) {
        match count {
            _ if hour < self.counts.since => {}
            Some(count) => {
                self.counts.hours.insert(hour, count);
                self.came_into(hour);
            }
            None => drop(self.counts.hours.remove(&hour)),
        }
    }

    /// Takes what was counted of an hour.
    pub(crate) fn take(&mut self, hour: u64) -> Option<Arc<HourCount>> {
        self.counts.hours.remove(&hour)
    }

    /// Forgets the hours before this one.
    pub(crate) fn forget_before(&mut self, hour: u64) {
        if self
            .counts
            .hours
            .first_key_value()
            .is_some_and(|(first, _)| *first < hour)
        {
            self.counts.hours = self.counts.hours.split_off(&hour);
        }
    }

    /// Keeps to the bounds after messages came into an hour.
    fn came_into(&mut self, hour: u64) {
        if self.open.back() == Some(&hour) {
            return;
        }
        self.open.retain(|open| *open != hour);
        self.open.push_back(hour);
        if self.open.len() > HOURS_OPEN
            && let Some(closed) = self.open.pop_front()
            && let Some(count) = self.counts.hours.get_mut(&closed)
            && count.is_open()
        {
            Arc::make_mut(count).close();
        }
        while self.counts.hours.len() > HOURS_COUNTED {
            let oldest = self.counts.hours.pop_first();
            let end = oldest.map_or(0, |(start, _)| start.saturating_add(HOUR));
            self.counts.since = self.counts.since.max(end);
        }
    }

    fn start_at(&mut self, hour: u64) {
        self.counts.since = hour;
        self.forget_before(hour);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{HOUR_SHARDS, HOUR_TOPICS, HOUR_TOPICS_KEPT};

    fn topic() -> Arc<str> {
        "/waku/2/rs/1/0".into()
    }

    fn add(counter: &mut Counter, hour: u64, content_topic: &str) {
        counter.add_many(hour * HOUR, &topic(), Some(content_topic), Tally::one(7));
    }

    fn topics_of(counter: &Counter, hour: u64) -> usize {
        counter.counts.hours[&(hour * HOUR)].topics().len()
    }

    #[test]
    fn an_hour_keeps_all_its_topics_until_messages_come_into_others() {
        let mut counter = Counter::default();
        for n in 0..HOUR_TOPICS {
            add(&mut counter, 0, &format!("/t/{n}"));
        }
        for hour in 1..HOURS_OPEN as u64 {
            add(&mut counter, hour, "/t");
        }
        assert_eq!(topics_of(&counter, 0), HOUR_TOPICS);
        add(&mut counter, HOURS_OPEN as u64, "/t");
        assert_eq!(topics_of(&counter, 0), HOUR_TOPICS_KEPT);
        let hour = &counter.counts.hours[&0];
        assert_eq!(hour.total().messages, HOUR_TOPICS as u64);
        let others = (HOUR_TOPICS - HOUR_TOPICS_KEPT) as u64;
        assert_eq!(hour.topics().others().messages, others);
        assert_eq!(hour.topics().missed(), 1);
    }

    #[test]
    fn pubsub_topics_past_the_bound_are_counted_together() {
        let mut counter = Counter::default();
        for n in 0..=HOUR_SHARDS {
            let topic = format!("/waku/2/rs/1/{n}").into();
            counter.add_many(0, &topic, None, Tally::one(7));
        }
        let hour = &counter.counts.hours[&0];
        assert_eq!(hour.shards().count(), HOUR_SHARDS);
        assert_eq!(hour.other_shards(), Tally::one(7));
        assert_eq!(hour.total().messages, HOUR_SHARDS as u64 + 1);
    }

    #[test]
    fn the_newest_hours_are_counted_and_where_they_begin_is_told() {
        let mut counter = Counter::default();
        let most = HOURS_COUNTED as u64;
        (0..most).for_each(|hour| add(&mut counter, hour, "/t"));
        assert_eq!(counter.counts.since(), 0);
        add(&mut counter, most, "/t");
        assert_eq!(counter.counts.since(), HOUR);
        add(&mut counter, 0, "/t");
        assert_eq!(counter.counts.total().messages, most);
        assert_eq!(
            counter.counts.all().next().map(|(start, _)| start),
            Some(HOUR)
        );
    }

    #[test]
    fn a_clone_does_not_see_what_comes_later() {
        let mut counter = Counter::default();
        add(&mut counter, 1, "/t");
        let before = counter.counts().clone();
        add(&mut counter, 1, "/t");
        assert_eq!(before.total().messages, 1);
        assert_eq!(counter.counts().total().messages, 2);
    }

    #[test]
    fn what_was_counted_in_parts_is_what_was_counted_at_once() {
        let (mut whole, mut left, mut right) = <(Counter, Counter, Counter)>::default();
        for n in 0..100u64 {
            let (hour, name) = (n % 5, format!("/t/{}", n % 7));
            add(&mut whole, hour, &name);
            add(if n < 50 { &mut left } else { &mut right }, hour, &name);
        }
        left.absorb(right.counts());
        assert_eq!(left.counts(), whole.counts());
    }
}
