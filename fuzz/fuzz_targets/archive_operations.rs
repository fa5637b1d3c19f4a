//! Sequences of operations on an archive in a file and on one in memory: both answer alike, also after
//! the file was closed and opened again.
#![no_main]

use std::path::Path;

use arbitrary::Arbitrary;
use fuzz::records::{Message, Time, content_topic, pubsub_topic};
use libfuzzer_sys::fuzz_target;
use store_adapter::archive::redb::Durability;
use store_adapter::archive::{Archive, ArchiveError, MemoryArchive, RedbArchive, Scan};
use store_adapter::limits::{STATE_NAME_BYTES, STATE_VALUE_BYTES};
use store_adapter::{Key, Record};
use sync_core::{Bound, Id, Item, Range, TopicFilter};

/// Most operations of a sequence.
const OPERATIONS: usize = 30;

#[derive(Arbitrary, Debug)]
enum Operation {
    Append(Vec<Message>),
    AppendAgain { from: u8, count: u8 },
    Lookup(Vec<Hash>),
    Scan(Walk),
    Remove { span: (Edge, Edge), limit: u8 },
    Stats,
    SetState { name: Name, value: Value },
    State(Name),
    Reopen,
}

#[derive(Arbitrary, Debug, Clone, Copy)]
enum Hash {
    /// Of a record that was there once.
    Record(u8),
    Unknown(u8),
}

#[derive(Arbitrary, Debug)]
struct Walk {
    range: (Edge, Edge),
    pubsub_topics: Vec<u8>,
    content_topics: Vec<u8>,
    backward: bool,
    limit: u8,
    rows: u8,
}

#[derive(Arbitrary, Debug, Clone, Copy)]
enum Edge {
    Start,
    End,
    Time(Time),
    /// Just before a record that was there once.
    Before(u8),
    /// Behind it.
    Behind(u8),
    LastOfAll,
}

#[derive(Arbitrary, Debug, Clone, Copy)]
enum Name {
    Short(u8),
    Longest,
    TooLong,
}

#[derive(Arbitrary, Debug)]
enum Value {
    None,
    Of(Vec<u8>),
    TooLong,
}

impl Name {
    fn text(self) -> String {
        match self {
            Self::Short(number) => "n".repeat(usize::from(number % 4)),
            Self::Longest => "n".repeat(STATE_NAME_BYTES),
            Self::TooLong => "n".repeat(STATE_NAME_BYTES + 1),
        }
    }
}

/// Both archives, and what was ever stored.
struct Pair<'a> {
    path: &'a Path,
    durability: Durability,
    memory: MemoryArchive,
    file: Option<RedbArchive>,
    stored: Vec<Record>,
}

/// What can be compared of an answer.
fn comparable<T>(answer: Result<T, ArchiveError>) -> Result<T, String> {
    answer.map_err(|error| error.to_string())
}

macro_rules! assert_alike {
    ($pair:ident, $archive:ident => $call:expr) => {{
        let $archive = &$pair.memory;
        let expected = comparable($call.await);
        let $archive = $pair.file.as_ref().expect("it is open");
        assert_eq!(comparable($call.await), expected);
        expected
    }};
}

/// All keys of a walk. Pages may end at different places: an archive that knows of no match needn't look
/// at every row.
async fn keys(archive: &dyn Archive, mut scan: Scan) -> Vec<Key> {
    let mut keys = Vec::new();
    loop {
        let page = archive.scan(&scan).await.expect("a sound archive is read");
        assert!(page.keys.len() <= scan.limit);
        keys.extend(page.keys);
        match page.rest {
            Some(rest) => {
                assert!(rest != scan.range, "every page gets on");
                assert_eq!(rest.intersect(&scan.range), rest);
                scan = scan.on(rest);
            }
            None => return keys,
        }
    }
}

impl Pair<'_> {
    async fn open(&mut self) {
        // One process has the file open once at a time.
        self.file = None;
        let file = RedbArchive::open_or_create(self.path).await;
        let file = file
            .expect("a sound archive opens")
            .with_durability(self.durability);
        self.file = Some(file);
    }

    fn record(&self, index: u8) -> Option<&Record> {
        let index = usize::from(index).checked_rem(self.stored.len())?;
        self.stored.get(index)
    }

    fn bound(&self, edge: Edge) -> Bound {
        let item = |index| self.record(index).map_or(Item::default(), Record::item);
        match edge {
            Edge::Start => Bound::MIN,
            Edge::End => Bound::Infinity,
            Edge::Time(time) => Bound::at_time(time.nanoseconds().unsigned_abs()),
            Edge::Before(index) => Bound::Before(item(index)),
            Edge::Behind(index) => Bound::after(&item(index)),
            Edge::LastOfAll => Bound::Before(Item::new(u64::MAX, Id([0xff; 32]))),
        }
    }

    fn range(&self, (lower, upper): (Edge, Edge)) -> Range {
        Range::new(self.bound(lower), self.bound(upper))
    }

    async fn append(&mut self, batch: Vec<Record>) {
        let told = assert_alike!(self, archive => archive.append(batch.clone()));
        assert_eq!(told.map(|told| told.len()), Ok(batch.len()));
        self.stored.extend(batch);
        self.stored.truncate(1_000);
    }

    async fn lookup(&self, hashes: &[Hash]) {
        let id = |hash: &Hash| match hash {
            Hash::Record(index) => self.record(*index).map_or(Id::ZERO, Record::hash),
            Hash::Unknown(fill) => Id([*fill; 32]),
        };
        let hashes: Vec<Id> = hashes.iter().take(100).map(id).collect();
        let records = assert_alike!(self, archive => archive.lookup(&hashes)).unwrap_or_default();
        assert!(records.iter().all(Record::is_intact));
        assert!(records.is_sorted_by_key(Record::item));
        let keys = assert_alike!(self, archive => archive.locate(&hashes));
        assert_eq!(keys, Ok(records.iter().map(Record::key).collect()));
    }

    async fn scan(&self, walk: &Walk) {
        let topics = |numbers: &[u8], name: fn(u8) -> String| {
            TopicFilter::from_wire(numbers.iter().map(|number| name(*number)))
        };
        let scan = Scan {
            pubsub_topics: topics(&walk.pubsub_topics, pubsub_topic),
            content_topics: topics(&walk.content_topics, content_topic),
            backward: walk.backward,
            limit: usize::from(walk.limit).max(1),
            rows: usize::from(walk.rows),
            ..Scan::of_range(self.range(walk.range))
        };
        let file = self.file.as_ref().expect("it is open");
        let expected = keys(&self.memory, scan.clone()).await;
        assert_eq!(keys(file, scan).await, expected);
    }

    async fn stats(&self) {
        // What the file takes of the disk is its own affair.
        let told = |stats: store_adapter::ArchiveStats| (stats.messages, stats.first, stats.last);
        let expected = comparable(self.memory.stats().await).map(told);
        let file = self.file.as_ref().expect("it is open");
        assert_eq!(comparable(file.stats().await).map(told), expected);
    }

    async fn apply(&mut self, operation: Operation) {
        match operation {
            Operation::Append(messages) => {
                self.append(messages.iter().take(100).map(Message::record).collect())
                    .await;
            }
            Operation::AppendAgain { from, count } => {
                let again = self
                    .stored
                    .iter()
                    .skip(usize::from(from))
                    .take(usize::from(count));
                self.append(again.cloned().collect()).await;
            }
            Operation::Lookup(hashes) => self.lookup(&hashes).await,
            Operation::Scan(walk) => self.scan(&walk).await,
            Operation::Remove { span, limit } => {
                let (span, limit) = (self.range(span), usize::from(limit));
                let file = self.file.as_ref().expect("it is open");
                let gone = file.remove(&span, limit).await.expect("a sound archive");
                // More than asked for where a unit was dropped whole; the oldest in any case.
                assert_eq!(comparable(self.memory.remove(&span, gone).await), Ok(gone));
                if gone < limit {
                    assert_eq!(comparable(self.memory.remove(&span, 1).await), Ok(0));
                }
            }
            Operation::Stats => self.stats().await,
            Operation::SetState { name, value } => {
                let value = match value {
                    Value::None => None,
                    Value::Of(value) => Some(value),
                    Value::TooLong => Some(vec![7; STATE_VALUE_BYTES + 1]),
                };
                let name = name.text();
                let _ = assert_alike!(self, archive => archive.set_state(&name, value.clone()));
            }
            Operation::State(name) => {
                let _ = assert_alike!(self, archive => archive.state(&name.text()));
            }
            Operation::Reopen => self.open().await,
        }
    }
}

async fn check(operations: Vec<Operation>, durable: bool) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("archive.redb");
    let mut pair = Pair {
        path: &path,
        durability: if durable {
            Durability::EachBatch
        } else {
            Durability::OnClose
        },
        memory: MemoryArchive::new(),
        file: None,
        stored: Vec::new(),
    };
    pair.open().await;
    for operation in operations.into_iter().take(OPERATIONS) {
        pair.apply(operation).await;
    }
    pair.open().await;
    let everything = Walk {
        range: (Edge::Start, Edge::End),
        pubsub_topics: Vec::new(),
        content_topics: Vec::new(),
        backward: false,
        limit: u8::MAX,
        rows: u8::MAX,
    };
    pair.scan(&everything).await;
    pair.stats().await;
}

fuzz_target!(|input: (bool, Vec<Operation>)| {
    let (durable, operations) = input;
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime
        .expect("a runtime")
        .block_on(check(operations, durable));
});
