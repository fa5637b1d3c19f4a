//! An archive in memory: for tests, and as the model that the others are held to.

use std::collections::{BTreeMap, HashMap};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use async_trait::async_trait;
use sync_core::{Bound, Id, Item, Range};

use super::scan::PageBuilder;
use super::{Archive, ArchiveError, ArchiveStats, Scan, ScanPage, check_state};
use crate::record::{Key, Record};

/// Keeps messages for as long as the process lives.
#[derive(Debug, Default)]
pub struct MemoryArchive {
    held: RwLock<Held>,
}

#[derive(Debug, Default)]
struct Held {
    records: BTreeMap<Item, Record>,
    timestamps: HashMap<Id, u64>,
    states: BTreeMap<String, Vec<u8>>,
}

impl MemoryArchive {
    /// An empty archive.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    // Nothing below panics between two changes that belong together, so poison is no news.
    fn read(&self) -> RwLockReadGuard<'_, Held> {
        self.held.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Held> {
        self.held.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn find<T>(&self, hashes: &[Id], read: impl Fn(&Record) -> T) -> Vec<T> {
        let held = self.read();
        let found = hashes.iter().filter_map(|hash| {
            let item = Item::new(*held.timestamps.get(hash)?, *hash);
            Some((item, held.records.get(&item)?))
        });
        found
            .collect::<BTreeMap<_, _>>()
            .into_values()
            .map(read)
            .collect()
    }
}

impl Held {
    fn insert(&mut self, record: Record) -> bool {
        let item = record.item();
        if self.timestamps.contains_key(&item.id) {
            return false;
        }
        self.timestamps.insert(item.id, item.timestamp);
        self.records.insert(item, record);
        true
    }

    fn in_range(&self, range: &Range) -> impl DoubleEndedIterator<Item = &Record> {
        // BTreeMap::range panics on a range that ends before it starts.
        let range = (!range.is_empty()).then_some((lower_of(range), upper_of(range)));
        let records = range.map(|range| self.records.range(range));
        records.into_iter().flatten().map(|(_, record)| record)
    }
}

fn lower_of(range: &Range) -> std::ops::Bound<Item> {
    match range.lower {
        Bound::Before(item) => std::ops::Bound::Included(item),
        Bound::Infinity => std::ops::Bound::Excluded(Item::new(u64::MAX, Id([0xff; 32]))),
    }
}

fn upper_of(range: &Range) -> std::ops::Bound<Item> {
    match range.upper {
        Bound::Before(item) => std::ops::Bound::Excluded(item),
        Bound::Infinity => std::ops::Bound::Unbounded,
    }
}

#[async_trait]
impl Archive for MemoryArchive {
    async fn append(&self, batch: Vec<Record>) -> Result<Vec<bool>, ArchiveError> {
        let mut held = self.write();
        Ok(batch
            .into_iter()
            .map(|record| held.insert(record))
            .collect())
    }

    async fn lookup(&self, hashes: &[Id]) -> Result<Vec<Record>, ArchiveError> {
        Ok(self.find(hashes, Record::clone))
    }

    async fn locate(&self, hashes: &[Id]) -> Result<Vec<Key>, ArchiveError> {
        Ok(self.find(hashes, Record::key))
    }

    async fn scan(&self, scan: &Scan) -> Result<ScanPage, ArchiveError> {
        let held = self.read();
        let records = held.in_range(&scan.range);
        let records: &mut dyn Iterator<Item = &Record> = if scan.backward {
            &mut records.rev()
        } else {
            &mut { records }
        };
        let mut page = PageBuilder::new(scan);
        for record in records {
            if scan.pubsub_topics.allows(record.pubsub_topic())
                && scan.content_topics.allows(&record.message().content_topic)
            {
                page.push(record.key());
            }
            if page.is_full(&record.item()) {
                break;
            }
        }
        Ok(page.finish())
    }

    async fn remove(&self, span: &Range, limit: usize) -> Result<usize, ArchiveError> {
        let mut held = self.write();
        let items: Vec<Item> = held.in_range(span).take(limit).map(Record::item).collect();
        for item in &items {
            held.records.remove(item);
            held.timestamps.remove(&item.id);
        }
        Ok(items.len())
    }

    async fn stats(&self) -> Result<ArchiveStats, ArchiveError> {
        let held = self.read();
        Ok(ArchiveStats {
            messages: held.records.len() as u64,
            disk_bytes: 0,
            log_bytes: 0,
            first: held.records.keys().next().copied(),
            last: held.records.keys().next_back().copied(),
        })
    }

    async fn state(&self, name: &str) -> Result<Option<Vec<u8>>, ArchiveError> {
        Ok(self.read().states.get(name).cloned())
    }

    async fn set_state(&self, name: &str, value: Option<Vec<u8>>) -> Result<(), ArchiveError> {
        check_state(name, value.as_deref())?;
        let states = &mut self.write().states;
        match value {
            Some(value) => states.insert(name.into(), value),
            None => states.remove(name),
        };
        Ok(())
    }
}
