//! The counts of an index against a count of the archive's keys.

use std::collections::VecDeque;
use std::sync::{Mutex, OnceLock, Weak};
use std::time::Instant;

use async_trait::async_trait;
use proptest::prelude::*;
use sync_core::{Id, Range};

use super::*;
use crate::archive::{ArchiveStats, MemoryArchive, Scan, ScanPage};
use crate::counts::{Counter, HOUR, HourCounts};
use crate::record::Record;
use crate::testing::record;

/// An archive with pages of three rows, during whose scans other things happen.
#[derive(Debug, Default)]
struct Meddled {
    inner: MemoryArchive,
    index: OnceLock<Weak<Index>>,
    acts: Mutex<VecDeque<Act>>,
}

/// What happens to an archive and its index. Messages are told by a number, items by their rank.
#[derive(Clone, Debug)]
enum Act {
    Put(Vec<u16>),
    /// Puts messages of which the index is told but the items.
    PutUntold(Vec<u16>),
    Raise(usize),
    Take(usize),
}

fn message(number: u16) -> Record {
    let hour = i64::from(number % 3) * i64::try_from(HOUR).unwrap();
    let time = hour + i64::from(number % 11);
    let topics = [format!("/t/{}", number % 2), format!("/c/{}", number % 5)];
    let payload = vec![7; usize::from(number % 13)];
    record(
        &topics[0],
        &topics[1],
        time,
        &[&payload, &number.to_be_bytes()[..]].concat(),
    )
}

impl Meddled {
    fn index(&self) -> Option<Arc<Index>> {
        self.index.get()?.upgrade()
    }

    async fn act(&self, index: &Index, act: Act) {
        match act {
            Act::Put(numbers) => {
                let records: Vec<Record> = numbers.into_iter().map(message).collect();
                self.inner.append(records.clone()).await.unwrap();
                index.insert_counted(&records);
            }
            Act::PutUntold(numbers) => {
                let records: Vec<Record> = numbers.into_iter().map(message).collect();
                self.inner.append(records.clone()).await.unwrap();
                index.insert(records.iter().map(|r| (r.pubsub_topic(), r.item())));
            }
            Act::Raise(rank) => {
                if let Some(item) = index.select(rank) {
                    index.remove_before(&Bound::Before(item));
                    let below = Range::new(Bound::MIN, index.floor());
                    self.inner.remove(&below, usize::MAX).await.unwrap();
                }
            }
            Act::Take(rank) => {
                if let Some(item) = index.select(rank) {
                    index.remove(&[item]);
                    let it = Range::new(Bound::Before(item), Bound::after(&item));
                    self.inner.remove(&it, 1).await.unwrap();
                }
            }
        }
    }
}

#[async_trait]
impl Archive for Meddled {
    async fn append(&self, batch: Vec<Record>) -> Result<Vec<bool>, ArchiveError> {
        self.inner.append(batch).await
    }
    async fn lookup(&self, hashes: &[Id]) -> Result<Vec<Record>, ArchiveError> {
        self.inner.lookup(hashes).await
    }
    async fn locate(&self, hashes: &[Id]) -> Result<Vec<Key>, ArchiveError> {
        self.inner.locate(hashes).await
    }
    async fn scan(&self, scan: &Scan) -> Result<ScanPage, ArchiveError> {
        let page = self
            .inner
            .scan(&Scan {
                rows: 3,
                ..scan.clone()
            })
            .await;
        let act = self.acts.lock().unwrap().pop_front();
        if let (Some(index), Some(act)) = (self.index(), act) {
            self.act(&index, act).await;
        }
        page
    }
    async fn remove(&self, span: &Range, limit: usize) -> Result<usize, ArchiveError> {
        self.inner.remove(span, limit).await
    }
    async fn stats(&self) -> Result<ArchiveStats, ArchiveError> {
        self.inner.stats().await
    }
    async fn state(&self, name: &str) -> Result<Option<Vec<u8>>, ArchiveError> {
        self.inner.state(name).await
    }
    async fn set_state(&self, name: &str, value: Option<Vec<u8>>) -> Result<(), ArchiveError> {
        self.inner.set_state(name, value).await
    }
}

async fn meddled(numbers: &[u16]) -> (Arc<Meddled>, Arc<Index>) {
    let archive = Arc::new(Meddled::default());
    let records = numbers.iter().copied().map(message).collect();
    archive.append(records).await.unwrap();
    let index = Index::rebuild(Arc::<Meddled>::clone(&archive))
        .await
        .unwrap();
    let index = Arc::new(index);
    archive.index.set(Arc::downgrade(&index)).unwrap();
    (archive, index)
}

/// The counts of everything that the archive holds above the floor.
async fn naive(archive: &Meddled, index: &Index) -> HourCounts {
    let above = Range::new(index.floor(), Bound::Infinity);
    let page = archive.inner.scan(&Scan::of_range(above)).await.unwrap();
    let mut counter = Counter::default();
    page.keys.iter().for_each(|key| counter.add(key));
    counter.counts().clone()
}

fn act() -> impl Strategy<Value = Act> {
    let numbers = || proptest::collection::vec(0..400u16, 1..6);
    prop_oneof![
        4 => numbers().prop_map(Act::Put),
        1 => numbers().prop_map(Act::PutUntold),
        3 => (0..6usize).prop_map(Act::Raise),
        1 => (0..40usize).prop_map(Act::Take),
    ]
}

proptest! {
    #[test]
    fn counts_are_those_of_the_archive_whatever_happens_while_it_is_read(
        first in proptest::collection::vec(0..400u16, 0..40),
        before in proptest::collection::vec(act(), 0..8),
        meanwhile in proptest::collection::vec(act(), 0..20),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (archive, index) = meddled(&first).await;
            assert_eq!(index.counts().hours, naive(&archive, &index).await);
            for act in before {
                archive.act(&index, act).await;
            }
            *archive.acts.lock().unwrap() = meanwhile.into();
            // An act that comes when nothing is read happens in no scan.
            for _ in 0..40 {
                index.recount().await.unwrap();
            }
            let left: Vec<Act> = archive.acts.lock().unwrap().drain(..).collect();
            assert!(left.is_empty() || index.read().counting.is_certain());
            assert_eq!(index.counts().hours, naive(&archive, &index).await);
        });
    }
}

#[tokio::test]
async fn what_comes_in_is_counted_at_once() {
    let (archive, index) = meddled(&[1, 2, 3]).await;
    archive.act(&index, Act::Put(vec![3, 4, 5])).await;
    let before = Instant::now();
    let counts = index.counts();
    assert!(counts.as_of >= before);
    assert_eq!(counts.hours.total().messages, 5);
    assert_eq!(counts.hours, naive(&archive, &index).await);
}

#[tokio::test]
async fn whole_hours_go_without_a_doubt() {
    let (archive, index) = meddled(&(0..60).collect::<Vec<u16>>()).await;
    index.remove_before(&Bound::at_time(HOUR));
    let before = Instant::now();
    let counts = index.counts();
    assert!(counts.as_of >= before);
    assert_eq!(counts.hours, naive(&archive, &index).await);
    index.remove_before(&Bound::Infinity);
    assert_eq!(index.counts().hours, HourCounts::default());
}

#[tokio::test]
async fn counts_of_an_hour_that_lost_some_are_of_before_until_it_is_counted_anew() {
    let (archive, index) = meddled(&(0..60).collect::<Vec<u16>>()).await;
    let all = index.counts().hours;
    let before = Instant::now();
    archive.act(&index, Act::Raise(5)).await;
    let lost = Instant::now();
    let counts = index.counts();
    assert_eq!(counts.hours, all);
    assert!((before..=lost).contains(&counts.as_of));
    assert_eq!(index.recount().await.unwrap(), 1);
    let counts = index.counts();
    assert!(counts.as_of > lost);
    assert_eq!(counts.hours, naive(&archive, &index).await);
    assert_eq!(index.recount().await.unwrap(), 0);
}

#[tokio::test]
async fn an_hour_that_loses_messages_all_the_time_is_counted_nevertheless() {
    let (archive, index) = meddled(&(0..399).map(|n| n / 3 * 3).collect::<Vec<u16>>()).await;
    archive.act(&index, Act::Raise(1)).await;
    *archive.acts.lock().unwrap() = vec![Act::Raise(1); 40].into();
    assert_eq!(index.recount().await.unwrap(), 1);
    assert_eq!(index.counts().hours, naive(&archive, &index).await);
}

#[tokio::test]
async fn what_a_walk_counts_otherwise_than_it_gives_is_counted_anew() {
    let (archive, index) = meddled(&[1, 2, 3]).await;
    let counted = archive.counted_items(&Bound::MIN).await.unwrap();
    let lacking = counting::counting_of(Counter::default(), counted.doubtful.clone(), 0);
    assert!(lacking.is_certain());
    let wrong = counting::counting_of(counted.counter, counted.doubtful, index.len() + 1);
    assert!(!wrong.is_certain());
}

#[tokio::test]
async fn hours_are_counted_one_at_a_time_from_the_newest_on() {
    let (archive, index) = meddled(&(0..60).collect::<Vec<u16>>()).await;
    for number in [100, 101, 102] {
        archive.act(&index, Act::PutUntold(vec![number])).await;
    }
    let mut last = None;
    for hour in [2 * HOUR, HOUR, 0] {
        assert!(!index.read().counting.is_certain());
        let counted = index.recount_before(last).await.unwrap();
        assert_eq!(counted, Some((hour, true)));
        last = Some(hour);
    }
    assert_eq!(index.recount_before(last).await.unwrap(), None);
    assert_eq!(index.counts().hours, naive(&archive, &index).await);
}
