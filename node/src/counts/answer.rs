//! Counts as they are told, in JSON too.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::Serialize;
use store_adapter::counts::{HourCount, HourCounts, Tally};
use utoipa::ToSchema;

use super::limits::{BUCKETS_TOLD, ROWS_TOLD, SHARDS_TOLD, TOPICS_TOLD};
use super::span::CountsSpan;
use super::top::Top;

/// The messages of a span of time, by bucket, shard and content topic.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// When the figures were right, in nanoseconds since 1970.
    pub at: u64,
    /// How long ago that is, in seconds.
    pub age_seconds: f64,
    /// The length of each bucket, in seconds.
    pub bucket_seconds: u64,
    /// Where the first bucket begins, in nanoseconds since 1970.
    pub since: u64,
    /// Where the last bucket ends, in nanoseconds since 1970.
    pub until: u64,
    /// All messages of the span, also of buckets that are left out.
    pub total: TotalCount,
    /// The buckets that have messages, oldest first.
    pub buckets: Vec<BucketCounts>,
    /// Whether something is left out: older buckets, or pubsub topics of buckets that have too many.
    pub truncated: bool,
}

/// Messages, and bytes of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct TotalCount {
    /// How many messages.
    pub messages: u64,
    /// Their bytes, encoded.
    pub bytes: u64,
}

impl From<Tally> for TotalCount {
    fn from(tally: Tally) -> Self {
        Self {
            messages: tally.messages,
            bytes: tally.bytes,
        }
    }
}

/// The messages of a bucket.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BucketCounts {
    /// Where it begins, in nanoseconds since 1970.
    pub start: u64,
    /// How many messages.
    pub messages: u64,
    /// Their bytes, encoded.
    pub bytes: u64,
    /// The same by pubsub topic, in the order of the topics.
    pub shards: Vec<ShardCount>,
    /// The same by content topic, most messages first: the topics that have the most in the whole span,
    /// and what all others have in one entry, the last.
    pub content_topics: Vec<TopicCount>,
}

/// The messages of a pubsub topic.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShardCount {
    /// The topic.
    pub pubsub_topic: String,
    /// How many messages.
    pub messages: u64,
    /// Their bytes, encoded.
    pub bytes: u64,
}

/// The messages of a content topic, or of all that aren't named.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TopicCount {
    /// The topic; absent for all others together.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub content_topic: Option<String>,
    /// True for all others together, else absent.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    pub other: bool,
    /// How many messages.
    pub messages: u64,
    /// Their bytes, encoded.
    pub bytes: u64,
}

impl Counts {
    /// What `hours` have in `span`; right at `at`, so many seconds ago.
    pub(super) fn of(hours: &HourCounts, span: &CountsSpan, at: u64, age_seconds: f64) -> Self {
        let within = || hours.within(span.since(), span.until());
        let top = Top::of(within().map(|(_, hour)| hour), TOPICS_TOLD);
        let total: Tally = within().map(|(_, hour)| hour.total()).sum();
        let mut truncated = span.since() < hours.since().min(span.until());
        let (mut buckets, mut rows) = (Vec::new(), 0);
        let mut newest_first = within().rev().peekable();
        while let Some((hour, count)) = newest_first.next() {
            if buckets.len() >= BUCKETS_TOLD || rows >= ROWS_TOLD {
                truncated = true;
                break;
            }
            let start = span.bucket().start_of(hour);
            let mut bucket = Bucketed::default();
            bucket.add(count, &top);
            while let Some((_, count)) = newest_first.next_if(|(hour, _)| *hour >= start) {
                bucket.add(count, &top);
            }
            bucket.bound_shards();
            truncated |= bucket.shards_left_out;
            let told = bucket.told(start);
            rows += told.shards.len() + told.content_topics.len();
            buckets.push(told);
        }
        buckets.reverse();
        Self {
            at,
            age_seconds,
            bucket_seconds: span.bucket().nanoseconds() / 1_000_000_000,
            since: span.since(),
            until: span.until(),
            total: total.into(),
            buckets,
            truncated,
        }
    }
}

/// The hours of a bucket, added up.
#[derive(Debug, Default)]
struct Bucketed<'a> {
    total: Tally,
    shards: BTreeMap<&'a str, Tally>,
    shards_left_out: bool,
    topics: BTreeMap<&'a str, Tally>,
    others: Tally,
}

impl<'a> Bucketed<'a> {
    fn add(&mut self, hour: &'a HourCount, top: &Top<'_>) {
        self.total += hour.total();
        self.shards_left_out |= hour.other_shards().messages > 0;
        for (topic, tally) in hour.shards() {
            *self.shards.entry(topic).or_default() += tally;
        }
        self.others += hour.topics().others();
        for (topic, tally) in hour.topics().named() {
            match top.contains(topic) {
                true => *self.topics.entry(topic).or_default() += tally,
                false => self.others += tally,
            }
        }
    }

    /// Leaves out all shards but those with the most messages.
    fn bound_shards(&mut self) {
        if self.shards.len() <= SHARDS_TOLD {
            return;
        }
        let mut shards: Vec<(&str, Tally)> = self.shards.iter().map(|(t, n)| (*t, *n)).collect();
        shards.sort_by_key(|(_, tally)| Reverse(tally.messages));
        shards.truncate(SHARDS_TOLD);
        self.shards = shards.into_iter().collect();
        self.shards_left_out = true;
    }

    fn told(self, start: u64) -> BucketCounts {
        let shard = |(topic, tally): (&str, Tally)| ShardCount {
            pubsub_topic: topic.to_owned(),
            messages: tally.messages,
            bytes: tally.bytes,
        };
        let topic = |(topic, tally): (Option<&str>, Tally)| TopicCount {
            content_topic: topic.map(str::to_owned),
            other: topic.is_none(),
            messages: tally.messages,
            bytes: tally.bytes,
        };
        let mut topics: Vec<(&str, Tally)> = self.topics.into_iter().collect();
        // Stable: the name decides between equals.
        topics.sort_by_key(|(_, tally)| Reverse(tally.messages));
        let others = (self.others.messages > 0).then_some((None, self.others));
        let topics = topics
            .into_iter()
            .map(|(topic, tally)| (Some(topic), tally));
        BucketCounts {
            start,
            messages: self.total.messages,
            bytes: self.total.bytes,
            shards: self.shards.into_iter().map(shard).collect(),
            content_topics: topics.chain(others).map(topic).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;
    use store_adapter::counts::{Counter, HOUR};
    use store_adapter::limits::HOUR_SHARDS;

    use super::super::bucket::Bucket;
    use super::*;

    fn hours(counter: u64) -> CountsSpan {
        CountsSpan::new(Bucket::HOUR, 0, counter * HOUR)
    }

    fn add(counter: &mut Counter, hour: u64, shard: usize, content_topic: &str, messages: u64) {
        let pubsub_topic: Arc<str> = format!("/waku/2/rs/1/{shard}").into();
        let bytes = 10 * messages;
        let tally = Tally { messages, bytes };
        counter.add_many(hour * HOUR, &pubsub_topic, Some(content_topic), tally);
    }

    #[test]
    fn counts_are_told_in_this_json() {
        let mut counter = Counter::default();
        add(&mut counter, 1, 0, "/a", 2);
        add(&mut counter, 2, 1, "/a", 1);
        add(&mut counter, 2, 0, "/b", 3);
        for n in 0..TOPICS_TOLD {
            add(&mut counter, 4, 0, &format!("/c/{n:02}"), 4);
        }
        let span = CountsSpan::new(Bucket::of_nanoseconds(3 * HOUR).unwrap(), 0, 5 * HOUR);
        let counts = Counts::of(counter.counts(), &span, 7, 0.5);
        let topics: Vec<_> = (0..TOPICS_TOLD)
            .map(|n| json!({"contentTopic": format!("/c/{n:02}"), "messages": 4, "bytes": 40}))
            .collect();
        let expected = json!({
            "at": 7, "ageSeconds": 0.5, "bucketSeconds": 10_800, "since": 0, "until": 6 * HOUR,
            "total": {"messages": 86, "bytes": 860},
            "buckets": [
                {
                    "start": 0, "messages": 6, "bytes": 60,
                    "shards": [
                        {"pubsubTopic": "/waku/2/rs/1/0", "messages": 5, "bytes": 50},
                        {"pubsubTopic": "/waku/2/rs/1/1", "messages": 1, "bytes": 10},
                    ],
                    "contentTopics": [{"other": true, "messages": 6, "bytes": 60}],
                },
                {
                    "start": 3 * HOUR, "messages": 80, "bytes": 800,
                    "shards": [{"pubsubTopic": "/waku/2/rs/1/0", "messages": 80, "bytes": 800}],
                    "contentTopics": topics,
                },
            ],
            "truncated": false,
        });
        assert_eq!(serde_json::to_value(counts).unwrap(), expected);
    }

    #[test]
    fn the_topics_of_the_whole_span_are_named_and_all_others_are_counted() {
        let mut counter = Counter::default();
        for n in 0..=TOPICS_TOLD {
            add(&mut counter, 1, 0, &format!("/few/{n:02}"), 1);
        }
        add(&mut counter, 2, 0, "/few/20", 5);
        let counts = Counts::of(counter.counts(), &hours(3), 0, 0.0);
        let first = &counts.buckets[0].content_topics;
        assert_eq!(first.len(), TOPICS_TOLD + 1);
        // The last of equals by its name isn't named.
        assert!(
            first
                .iter()
                .all(|topic| topic.content_topic.as_deref() != Some("/few/19"))
        );
        assert!(
            first
                .last()
                .is_some_and(|last| last.other && last.messages == 1)
        );
        let second = &counts.buckets[1].content_topics;
        assert_eq!(second[0].content_topic.as_deref(), Some("/few/20"));
        assert_eq!(second.len(), 1);
    }

    #[test]
    fn older_buckets_are_left_out_and_counted() {
        let mut counter = Counter::default();
        let many = BUCKETS_TOLD as u64;
        (0..many).for_each(|hour| add(&mut counter, hour, 0, "/a", 1));
        let counts = Counts::of(counter.counts(), &hours(many), 0, 0.0);
        assert_eq!(
            (counts.buckets.len(), counts.truncated),
            (BUCKETS_TOLD, false)
        );
        add(&mut counter, many, 0, "/a", 1);
        let counts = Counts::of(counter.counts(), &hours(many + 1), 0, 0.0);
        assert_eq!(
            (counts.buckets.len(), counts.truncated),
            (BUCKETS_TOLD, true)
        );
        assert_eq!(counts.buckets[0].start, HOUR);
        assert_eq!(counts.total.messages, many + 1);
    }

    #[test]
    fn an_answer_has_a_bounded_number_of_rows() {
        let mut counter = Counter::default();
        let many = (ROWS_TOLD / HOUR_SHARDS) as u64 + 10;
        for hour in 0..many {
            (0..HOUR_SHARDS).for_each(|shard| add(&mut counter, hour, shard, "/a", 1));
        }
        let counts = Counts::of(counter.counts(), &hours(many), 0, 0.0);
        let rows = |bucket: &BucketCounts| bucket.shards.len() + bucket.content_topics.len();
        let told: usize = counts.buckets.iter().map(rows).sum();
        assert!(counts.truncated);
        assert!((ROWS_TOLD..ROWS_TOLD + 2 * HOUR_SHARDS).contains(&told));
        assert_eq!(
            counts.buckets.last().map(|b| b.start),
            Some((many - 1) * HOUR)
        );
    }

    #[test]
    fn of_a_bucket_with_too_many_shards_those_with_the_most_messages_are_told() {
        let mut counter = Counter::default();
        for shard in 0..=SHARDS_TOLD {
            let messages = 1 + u64::from(shard != 5);
            add(&mut counter, shard as u64 % 2, shard, "/a", messages);
        }
        let span = CountsSpan::new(Bucket::of_nanoseconds(2 * HOUR).unwrap(), 0, 2 * HOUR);
        let counts = Counts::of(counter.counts(), &span, 0, 0.0);
        let shards = &counts.buckets[0].shards;
        assert_eq!((shards.len(), counts.truncated), (SHARDS_TOLD, true));
        assert!(shards.iter().all(|shard| shard.messages == 2));
        assert_eq!(counts.total.messages, 2 * SHARDS_TOLD as u64 + 1);
    }

    #[test]
    fn shards_past_the_bound_are_said_to_be_left_out() {
        let mut counter = Counter::default();
        (0..=HOUR_SHARDS).for_each(|shard| add(&mut counter, 1, shard, "/a", 1));
        let counts = Counts::of(counter.counts(), &hours(2), 0, 0.0);
        assert!(counts.truncated);
        assert_eq!(counts.buckets[0].messages, HOUR_SHARDS as u64 + 1);
        assert!(!Counts::of(counter.counts(), &hours(1), 0, 0.0).truncated);
    }
}
