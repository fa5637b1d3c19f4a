//! Sequences of operations: every backend answers as the archive in memory does, also after it was
//! closed and opened again.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use store_adapter::archive::{Archive, MemoryArchive, Scan};
use store_adapter::{ArchiveStats, Record};
use sync_core::{Bound, Id, Item, Range, TopicFilter};
use tokio::runtime::Runtime;

use super::units::check_units;
use super::{record_of, walk};

/// Sequences tried for each backend.
const SEQUENCES: u32 = 48;

/// Names of topics; few, so that filters meet some.
const TOPICS: [&str; 3] = ["/t/0", "/t/1", "/t/ö"];

/// Times that lie within a unit of any length, in different ones, and at both ends.
const TIMES: [i64; 8] = [
    0,
    1,
    3_599_999_999_999,
    3_600_000_000_000,
    86_400_000_000_000,
    1_700_000_000_000_000_000,
    1_700_604_800_000_000_000,
    i64::MAX,
];

#[derive(Clone, Debug)]
pub(crate) enum Operation {
    Append(Vec<Message>),
    Lookup(Vec<usize>),
    Scan(Walk),
    Remove((Edge, Edge), usize),
    SetState(u8, Option<u8>),
    Reopen,
}

/// Topic, content topic, time and what tells it from others of that time.
type Message = (usize, usize, usize, u8);

#[derive(Clone, Debug)]
pub(crate) struct Walk {
    range: (Edge, Edge),
    topics: Option<usize>,
    contents: Option<usize>,
    backward: bool,
    limit: usize,
    rows: usize,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Edge {
    Start,
    End,
    Time(usize),
    /// Just before a record that was given once, or behind it.
    Of(usize, bool),
}

fn messages() -> impl Strategy<Value = Vec<Message>> {
    let message = (0..TOPICS.len(), 0..TOPICS.len(), 0..TIMES.len(), 0..4u8);
    proptest::collection::vec(message, 0..25)
}

fn edge() -> impl Strategy<Value = Edge> {
    prop_oneof![
        Just(Edge::Start),
        Just(Edge::End),
        (0..TIMES.len()).prop_map(Edge::Time),
        (any::<usize>(), any::<bool>()).prop_map(|(index, behind)| Edge::Of(index, behind)),
    ]
}

fn operation() -> impl Strategy<Value = Operation> {
    let topics = || proptest::option::of(0..TOPICS.len());
    let scan = (
        (edge(), edge()),
        topics(),
        topics(),
        any::<bool>(),
        1..9usize,
        1..20usize,
    );
    prop_oneof![
        4 => messages().prop_map(Operation::Append),
        2 => proptest::collection::vec(any::<usize>(), 0..20).prop_map(Operation::Lookup),
        3 => scan.prop_map(|(range, topics, contents, backward, limit, rows)| Operation::Scan(Walk {
            range, topics, contents, backward, limit, rows,
        })),
        2 => ((edge(), edge()), 0..40usize).prop_map(|(span, limit)| Operation::Remove(span, limit)),
        1 => (0..3u8, any::<Option<u8>>()).prop_map(|(name, value)| Operation::SetState(name, value)),
        1 => Just(Operation::Reopen),
    ]
}

/// The model, and what was ever given to it.
#[derive(Default)]
struct Twin {
    model: MemoryArchive,
    given: Vec<Record>,
    states: BTreeMap<String, Option<Vec<u8>>>,
}

impl Twin {
    fn item(&self, index: usize) -> Item {
        let index = index.checked_rem(self.given.len());
        index.map_or(Item::default(), |index| self.given[index].item())
    }

    fn bound(&self, edge: Edge) -> Bound {
        match edge {
            Edge::Start => Bound::MIN,
            Edge::End => Bound::Infinity,
            Edge::Time(index) => Bound::at_time(TIMES[index].unsigned_abs()),
            Edge::Of(index, false) => Bound::Before(self.item(index)),
            Edge::Of(index, true) => Bound::after(&self.item(index)),
        }
    }

    fn range(&self, (lower, upper): (Edge, Edge)) -> Range {
        Range::new(self.bound(lower), self.bound(upper))
    }

    fn scan(&self, walk: &Walk) -> Scan {
        let filter = |index: Option<usize>| match index {
            Some(index) => TopicFilter::from_wire([TOPICS[index]]),
            None => TopicFilter::All,
        };
        Scan {
            pubsub_topics: filter(walk.topics),
            content_topics: filter(walk.contents),
            backward: walk.backward,
            limit: walk.limit,
            rows: walk.rows,
            ..Scan::of_range(self.range(walk.range))
        }
    }

    async fn apply(&mut self, archive: &dyn Archive, operation: &Operation) {
        match operation {
            Operation::Append(messages) => {
                let batch: Vec<Record> = messages.iter().map(made).collect();
                let expected = self.model.append(batch.clone()).await.unwrap();
                assert_eq!(archive.append(batch.clone()).await.unwrap(), expected);
                self.given.extend(batch);
            }
            Operation::Lookup(indices) => {
                let known = indices.iter().map(|index| self.item(*index).id);
                let hashes: Vec<Id> = known.chain([Id([9; 32])]).collect();
                let expected = self.model.lookup(&hashes).await.unwrap();
                assert_eq!(archive.lookup(&hashes).await.unwrap(), expected);
                let expected = self.model.locate(&hashes).await.unwrap();
                assert_eq!(archive.locate(&hashes).await.unwrap(), expected);
            }
            Operation::Scan(scanned) => {
                let scan = self.scan(scanned);
                let expected = walk(&self.model, scan.clone()).await;
                assert_eq!(walk(archive, scan).await, expected);
            }
            Operation::Remove(span, limit) => {
                let span = self.range(*span);
                // A unit that lies in the span may go whole, however much it holds.
                let removed = archive.remove(&span, *limit).await.unwrap();
                let most = removed.max(*limit);
                assert_eq!(self.model.remove(&span, most).await.unwrap(), removed);
            }
            Operation::SetState(name, value) => {
                let (name, value) = (format!("state-{name}"), value.map(|value| vec![value]));
                archive.set_state(&name, value.clone()).await.unwrap();
                self.states.insert(name, value);
            }
            Operation::Reopen => {}
        }
    }

    /// That the archive holds what the model does.
    async fn check(&self, archive: &dyn Archive) {
        let all = Scan::of_range(Range::ALL);
        let expected = walk(&self.model, all.clone()).await;
        assert_eq!(walk(archive, all).await, expected);
        let told = |stats: ArchiveStats| (stats.messages, stats.first, stats.last);
        let stats = archive.stats().await.unwrap();
        assert_eq!(told(stats), told(self.model.stats().await.unwrap()));
        for (name, value) in &self.states {
            assert_eq!(archive.state(name).await.unwrap(), *value);
        }
        check_units(archive).await;
    }
}

fn made((topic, content, time, kind): &Message) -> Record {
    // One of the kinds is long enough to lie apart from its row.
    let payload = vec![*kind; if *kind == 3 { 10_000 } else { 3 }];
    record_of(TOPICS[*topic], TOPICS[*content], TIMES[*time], &payload)
}

/// Plays sequences on archives of a backend: `new` makes a place for one, and `open` opens the archive
/// there, for the first time or again; only one is open at a time.
pub(crate) fn answers_like_the_one_in_memory<P>(
    new: impl Fn() -> P,
    open: impl AsyncFn(&P) -> Arc<dyn Archive>,
) {
    let runtime = Runtime::new().unwrap();
    let mut runner = TestRunner::new(Config {
        cases: SEQUENCES,
        failure_persistence: None,
        ..Config::default()
    });
    let sequences = proptest::collection::vec(operation(), 1..20);
    let result = runner.run(&sequences, |operations| {
        runtime.block_on(async {
            let (place, mut twin) = (new(), Twin::default());
            let mut archive = open(&place).await;
            for operation in &operations {
                twin.apply(&*archive, operation).await;
                if matches!(operation, Operation::Reopen) {
                    drop(archive);
                    archive = open(&place).await;
                }
            }
            twin.check(&*archive).await;
            drop(archive);
            twin.check(&*open(&place).await).await;
        });
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}
