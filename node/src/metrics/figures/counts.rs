//! What the archive holds, counted.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use store_adapter::counts::HourCounts;
use sync_core::{Bound, Range};

use super::{OTHER, bounded, label};
use crate::cli::time::{nanoseconds, now};
use crate::counts::{Bucket, CountsSpan};
use crate::metrics::Sources;
use crate::metrics::collector::Figures;
use crate::metrics::families::*;
use crate::metrics::limits::TOPICS_NAMED;

/// The spans of time up to now that are told of, by their names.
const SPANS: [(&str, Duration); 2] = [
    ("hour", Duration::from_secs(3_600)),
    ("day", Duration::from_secs(86_400)),
];

pub(super) fn add(figures: &mut Figures, node: &Sources) {
    let now = now();
    let (hours, as_of) = node.counts.latest();
    figures.by(ARCHIVE_BYTES_PER_SHARD, bytes(&hours));
    recent(figures, node, now);
    topics(figures, node, now);
    figures.one(ARCHIVE_COUNTS_AGE, as_of.elapsed().as_secs_f64());
}

fn bytes(hours: &HourCounts) -> Vec<(Cow<'static, str>, f64)> {
    let (mut shards, mut others) = (BTreeMap::<&str, f64>::new(), 0.0);
    for (_, hour) in hours.all() {
        for (topic, tally) in hour.shards() {
            *shards.entry(topic).or_default() += tally.bytes as f64;
        }
        others += hour.other_shards().bytes as f64;
    }
    let shards = shards
        .into_iter()
        .map(|(topic, bytes)| (label(topic), bytes));
    let others = (others > 0.0).then_some((Cow::Borrowed(OTHER), others));
    bounded(shards.chain(others), TOPICS_NAMED, |a, b| a + b)
}

fn recent(figures: &mut Figures, node: &Sources, now: u64) {
    let snapshot = node.store.index().snapshot();
    let mut samples = Vec::new();
    for (span, length) in SPANS {
        let since = now.saturating_sub(nanoseconds(length));
        let range = Range::new(Bound::at_time(since), Bound::Infinity);
        let held = snapshot.lengths_in(&range);
        let held = held.map(|(topic, items)| (label(topic), items as f64));
        for (topic, items) in bounded(held, TOPICS_NAMED, |a, b| a + b) {
            samples.push((vec![topic, Cow::Borrowed(span)], items));
        }
    }
    figures.many(ARCHIVE_RECENT, samples);
}

fn topics(figures: &mut Figures, node: &Sources, now: u64) {
    let day = SPANS[1].1;
    let since = now.saturating_sub(nanoseconds(day));
    let counts = node.counts.read(&CountsSpan::new(Bucket::HOUR, since, now));
    let mut sums = BTreeMap::<Option<String>, f64>::new();
    for topic in counts
        .buckets
        .into_iter()
        .flat_map(|bucket| bucket.content_topics)
    {
        *sums.entry(topic.content_topic).or_default() += topic.messages as f64;
    }
    let most = sums.len();
    let named = sums.into_iter().map(|(topic, messages)| match topic {
        Some(topic) => (label(&topic), messages),
        None => (Cow::Borrowed(OTHER), messages),
    });
    figures.by(ARCHIVE_RECENT_TOPICS, bounded(named, most, |a, b| a + b));
}
