//! The transactions that read an archive file.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use prost::Message;
use redb::{
    Database, ReadOnlyTable, ReadTransaction, ReadableDatabase, ReadableTable,
    ReadableTableMetadata,
};
use sync_core::{Id, Item, TopicFilter};

use super::fault::Fault;
use super::tables::{
    self, ItemKey, MESSAGES, ROWS, Row, RowFields, STATES, TIMESTAMPS, TOPIC_NAMES, TOPIC_NUMBERS,
    item_of, key_of,
};
use crate::archive::scan::PageBuilder;
use crate::archive::{ArchiveStats, Scan, ScanPage};
use crate::limits::ARCHIVE_TOPICS_CACHED;
use crate::message::WakuMessage;
use crate::record::{Key, Record};

/// Names of topics that were read before. A number never changes its name.
#[derive(Debug, Default)]
pub(super) struct Topics {
    names: Mutex<HashMap<u32, Arc<str>>>,
}

/// The topics as one transaction sees them.
struct TopicReader<'a> {
    cache: &'a Topics,
    names: ReadOnlyTable<u32, &'static str>,
}

impl<'a> TopicReader<'a> {
    fn open(transaction: &ReadTransaction, cache: &'a Topics) -> Result<Self, Fault> {
        Ok(Self {
            cache,
            names: transaction.open_table(TOPIC_NAMES)?,
        })
    }

    fn name_of(&self, number: u32) -> Result<Arc<str>, Fault> {
        let cached = || {
            self.cache
                .names
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        };
        if let Some(name) = cached().get(&number) {
            return Ok(Arc::clone(name));
        }
        let stored = self.names.get(number)?;
        let name: Arc<str> = stored.ok_or(Fault::missing("a topic"))?.value().into();
        let mut names = cached();
        if names.len() >= ARCHIVE_TOPICS_CACHED {
            names.clear();
        }
        names.insert(number, Arc::clone(&name));
        Ok(name)
    }

    fn key_of(&self, item: Item, row: RowFields) -> Result<Key, Fault> {
        Ok(Key {
            item,
            pubsub_topic: self.name_of(row.pubsub_topic)?,
            content_topic: self.name_of(row.content_topic)?,
            message_bytes: row.message_bytes as usize,
        })
    }
}

/// The items of these hashes, in order.
fn find(transaction: &ReadTransaction, hashes: &[Id]) -> Result<BTreeSet<Item>, Fault> {
    let timestamps = transaction.open_table(TIMESTAMPS)?;
    let mut found = BTreeSet::new();
    for hash in hashes {
        if let Some(timestamp) = timestamps.get(&hash.0)? {
            found.insert(Item::new(timestamp.value(), *hash));
        }
    }
    Ok(found)
}

fn row_of(
    rows: &ReadOnlyTable<&'static ItemKey, &'static Row>,
    item: &Item,
) -> Result<RowFields, Fault> {
    let row = rows.get(&key_of(item))?;
    Ok(RowFields::decode(
        row.ok_or(Fault::missing("the row of a hash"))?.value(),
    ))
}

pub(super) fn locate(
    database: &Database,
    topics: &Topics,
    hashes: &[Id],
) -> Result<Vec<Key>, Fault> {
    let transaction = database.begin_read()?;
    let topics = TopicReader::open(&transaction, topics)?;
    let rows = transaction.open_table(ROWS)?;
    let found = find(&transaction, hashes)?.into_iter();
    found
        .map(|item| topics.key_of(item, row_of(&rows, &item)?))
        .collect()
}

pub(super) fn lookup(
    database: &Database,
    topics: &Topics,
    hashes: &[Id],
) -> Result<Vec<Record>, Fault> {
    let transaction = database.begin_read()?;
    let topics = TopicReader::open(&transaction, topics)?;
    let rows = transaction.open_table(ROWS)?;
    let messages = transaction.open_table(MESSAGES)?;
    let mut records = Vec::new();
    for item in find(&transaction, hashes)? {
        let topic = topics.name_of(row_of(&rows, &item)?.pubsub_topic)?;
        let stored = messages.get(&key_of(&item))?;
        let stored = stored.ok_or(Fault::missing("the message of a hash"))?;
        let message = WakuMessage::decode(stored.value()).map_err(|error| {
            Fault::Damaged(format!(
                "the message of hash {} is garbled: {error}",
                item.id
            ))
        })?;
        records.push(Record::stored(item, topic, message));
    }
    Ok(records)
}

/// The numbers of the topics that a filter lets through; `None` for all.
fn numbers_of(
    transaction: &ReadTransaction,
    filter: &TopicFilter,
) -> Result<Option<HashSet<u32>>, Fault> {
    let TopicFilter::Only(topics) = filter else {
        return Ok(None);
    };
    let numbers = transaction.open_table(TOPIC_NUMBERS)?;
    let mut allowed = HashSet::new();
    for topic in topics {
        allowed.extend(numbers.get(topic.as_str())?.map(|number| number.value()));
    }
    Ok(Some(allowed))
}

pub(super) fn scan(database: &Database, topics: &Topics, scan: &Scan) -> Result<ScanPage, Fault> {
    let Some((lower, upper)) = tables::keys_of(&scan.range) else {
        return Ok(ScanPage::default());
    };
    let transaction = database.begin_read()?;
    let topics = TopicReader::open(&transaction, topics)?;
    let pubsub = numbers_of(&transaction, &scan.pubsub_topics)?;
    let content = numbers_of(&transaction, &scan.content_topics)?;
    let allows = |allowed: &Option<HashSet<u32>>, topic: u32| {
        allowed
            .as_ref()
            .is_none_or(|topics| topics.contains(&topic))
    };
    let mut page = PageBuilder::new(scan);
    if pubsub.as_ref().is_some_and(HashSet::is_empty)
        || content.as_ref().is_some_and(HashSet::is_empty)
    {
        return Ok(page.finish());
    }
    let rows = transaction.open_table(ROWS)?;
    let mut walk = match &upper {
        Some(upper) => rows.range::<&ItemKey>(&lower..upper)?,
        None => rows.range::<&ItemKey>(&lower..)?,
    };
    let mut next = || match scan.backward {
        true => walk.next_back(),
        false => walk.next(),
    };
    while let Some(entry) = next() {
        let (key, row) = entry?;
        let (item, row) = (item_of(key.value()), RowFields::decode(row.value()));
        if allows(&pubsub, row.pubsub_topic) && allows(&content, row.content_topic) {
            page.push(topics.key_of(item, row)?);
        }
        if page.is_full(&item) {
            break;
        }
    }
    Ok(page.finish())
}

/// All but the bytes on disk.
pub(super) fn stats(database: &Database) -> Result<ArchiveStats, Fault> {
    let rows = database.begin_read()?.open_table(ROWS)?;
    Ok(ArchiveStats {
        messages: rows.len()?,
        disk_bytes: 0,
        log_bytes: 0,
        first: rows.first()?.map(|(key, _)| item_of(key.value())),
        last: rows.last()?.map(|(key, _)| item_of(key.value())),
    })
}

pub(super) fn state(database: &Database, name: &str) -> Result<Option<Vec<u8>>, Fault> {
    let states = database.begin_read()?.open_table(STATES)?;
    let value = states.get(name)?;
    Ok(value.map(|value| value.value().to_vec()))
}
