//! Counts by hour, shard and content topic against a count of all keys.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use store_adapter::archive::{Archive, Scan};
use store_adapter::counts::{HOUR, HourCounts, Tally};
use store_adapter::limits::IngestLimits;
use store_adapter::{Arrival, Index, Ingest, Key, Origin, Record};
use sync_core::{Bound, Range};
use tokio::runtime::Runtime;

use super::{record_of, walk};

const TOPICS: [&str; 3] = ["/waku/2/rs/99/0", "/waku/2/rs/99/1", "/t/ö"];
const CONTENTS: [&str; 4] = ["/c/0", "/c/1", "/c/2", "/c/ö"];

/// Messages and bytes by hour, whether of pubsub or of content topics, and topic.
type Naive = BTreeMap<(u64, bool, Arc<str>), Tally>;

/// The counts of everything from `lower` on, added up from keys.
pub(crate) async fn naive(archive: &dyn Archive, lower: Bound) -> Naive {
    let keys = walk(archive, Scan::of_range(Range::new(lower, Bound::Infinity))).await;
    let mut counts = Naive::new();
    let places = |key: &Key| {
        let hour = key.item.timestamp / HOUR * HOUR;
        let pubsub = (hour, false, Arc::clone(&key.pubsub_topic));
        [pubsub, (hour, true, Arc::clone(&key.content_topic))]
    };
    for key in &keys {
        for place in places(key) {
            *counts.entry(place).or_default() += Tally::one(key.message_bytes as u64);
        }
    }
    counts
}

/// Counts in the form of the naive ones, of what has a name.
pub(crate) fn told(counts: &HourCounts) -> Naive {
    let mut all = Naive::new();
    for (hour, count) in counts.all() {
        for (topic, tally) in count.shards() {
            all.insert((hour, false, Arc::clone(topic)), tally);
        }
        for (topic, tally) in count.topics().named() {
            all.insert((hour, true, Arc::clone(topic)), tally);
        }
    }
    all
}

fn made((topic, content, hour, kind): (usize, usize, u8, u8)) -> Record {
    let start = 1_700_000_000_000_000_000 / HOUR * HOUR + u64::from(hour) * HOUR;
    let time = start + u64::from(kind) * (HOUR / 8);
    let payload = vec![kind; 40 * usize::from(kind)];
    let time = i64::try_from(time).unwrap();
    record_of(TOPICS[topic], CONTENTS[content], time, &payload)
}

fn spread() -> Vec<Record> {
    let made = |n: usize| made((n % 3, n % 4, (n % 5) as u8, (n % 7) as u8));
    (0..105).map(made).collect()
}

pub(crate) async fn counts_come_with_the_items(archive: &dyn Archive) {
    let nothing = archive.counted_items(&Bound::MIN).await.unwrap();
    assert_eq!(nothing.counter.counts(), &HourCounts::default());
    let records = spread();
    archive.append(records.clone()).await.unwrap();
    let mut items: Vec<_> = records.iter().map(Record::item).collect();
    items.sort();
    items.dedup();
    for lower in [
        Bound::MIN,
        Bound::Before(items[40]),
        Bound::after(&items[items.len() - 1]),
    ] {
        let counted = archive.counted_items(&lower).await.unwrap();
        // Where names lie in rows they are told by another look.
        let certain = |counts: Naive| {
            let counts = counts.into_iter();
            let certain = counts.filter(|((hour, ..), _)| !counted.doubtful.contains(hour));
            certain.collect::<Naive>()
        };
        let expected = certain(naive(archive, lower).await);
        assert_eq!(certain(told(counted.counter.counts())), expected);
        let given = counted.items.values().map(Vec::len).sum::<usize>() as u64;
        if counted.doubtful.is_empty() {
            assert_eq!(counted.counter.counts().total().messages, given);
        }
        assert_eq!(archive.items(&lower).await.unwrap(), counted.items);
    }
}

#[derive(Clone, Debug)]
enum Step {
    Put(Vec<(usize, usize, u8, u8)>),
    /// Raises the floor to the item of this rank, which removes what lies below.
    Raise(usize),
    Recount,
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let message = (0..TOPICS.len(), 0..CONTENTS.len(), 0..4u8, 0..8u8);
    prop_oneof![
        5 => proptest::collection::vec(message, 0..25).prop_map(Step::Put),
        3 => (0..15usize).prop_map(Step::Raise),
        1 => Just(Step::Recount),
        1 => Just(Step::Reopen),
    ]
}

/// An archive with its index and its door.
struct Open {
    archive: Arc<dyn Archive>,
    index: Arc<Index>,
    door: Ingest,
}

impl Open {
    async fn over(archive: Arc<dyn Archive>) -> Self {
        let index = Arc::new(Index::rebuild(Arc::clone(&archive)).await.unwrap());
        let limits = IngestLimits::default();
        let door = Ingest::new(Arc::clone(&archive), Arc::clone(&index), limits);
        Self {
            archive,
            index,
            door,
        }
    }

    async fn put(&self, records: Vec<Record>) {
        let arrivals = records.into_iter().map(Arrival::from).collect();
        self.door.ingest(Origin::Imported, arrivals).await.unwrap();
    }

    async fn check(&self) {
        self.index.recount().await.unwrap();
        let counts = self.index.counts().hours;
        let expected = naive(&*self.archive, self.index.floor()).await;
        assert_eq!(told(&counts), expected);
        assert_eq!(counts.total().messages, self.index.len() as u64);
    }
}

/// Plays sequences on archives of a backend, as many as `cases`: `new` makes a place for one, and `open` opens
/// the archive there, for the first time or again; only one is open at a time.
pub(crate) fn counts_are_those_of_all_keys<P>(
    cases: u32,
    new: impl Fn() -> P,
    open: impl AsyncFn(&P) -> Arc<dyn Archive>,
) {
    let runtime = Runtime::new().unwrap();
    let mut runner = TestRunner::new(Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    });
    let sequences = proptest::collection::vec(step(), 1..16);
    let result = runner.run(&sequences, |steps| {
        runtime.block_on(async {
            let place = new();
            let mut node = Open::over(open(&place).await).await;
            for step in steps {
                match step {
                    Step::Put(messages) => node.put(messages.into_iter().map(made).collect()).await,
                    Step::Raise(rank) => {
                        let floor = node.index.select(rank).map(Bound::Before);
                        node.door
                            .retain_from(floor.unwrap_or(Bound::MIN))
                            .await
                            .unwrap();
                    }
                    Step::Recount => node.check().await,
                    Step::Reopen => {
                        drop(node);
                        node = Open::over(open(&place).await).await;
                    }
                }
            }
            node.check().await;
            drop(node);
            let node = Open::over(open(&place).await).await;
            assert_eq!(node.index.recount().await.unwrap(), 0);
            node.check().await;
        });
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}
