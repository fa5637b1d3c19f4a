//! The transactions that read a unit.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use prost::Message;
use redb::{
    Database, ReadOnlyTable, ReadTransaction, ReadableDatabase, ReadableTable,
    ReadableTableMetadata,
};
use sync_core::{Id, Item, Range, TopicFilter};

use super::fault::Fault;
use super::tables::{
    self, ItemKey, MESSAGES, ROWS, Row, RowFields, TIMESTAMPS, TOPIC_NAMES, TOPIC_NUMBERS, item_of,
    key_of,
};
use crate::archive::Scan;
use crate::archive::scan::PageBuilder;
use crate::limits::ARCHIVE_TOPICS_CACHED;
use crate::message::WakuMessage;
use crate::record::{Key, Record};

/// Names of topics that were read before, by unit and number. A number never changes its name.
#[derive(Debug, Default)]
pub(super) struct Topics {
    names: Mutex<HashMap<(u64, u32), Arc<str>>>,
}

/// The topics as one transaction sees them. Nearly all are in the cache, so that their table isn't
/// opened before it is needed.
struct TopicReader<'a> {
    cache: Cached<'a>,
    transaction: &'a ReadTransaction,
}

/// The names of one unit in the cache.
#[derive(Clone, Copy)]
pub(super) struct Cached<'a> {
    pub(super) topics: &'a Topics,
    pub(super) unit: u64,
}

impl<'a> TopicReader<'a> {
    const fn new(transaction: &'a ReadTransaction, cache: Cached<'a>) -> Self {
        Self { cache, transaction }
    }

    fn name_of(&self, number: u32) -> Result<Arc<str>, Fault> {
        let Cached { topics, unit } = self.cache;
        let cached = || topics.names.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(name) = cached().get(&(unit, number)) {
            return Ok(Arc::clone(name));
        }
        let names = self.transaction.open_table(TOPIC_NAMES)?;
        let stored = names.get(number)?;
        let name: Arc<str> = stored.ok_or(Fault::missing("a topic"))?.value().into();
        let mut names = cached();
        if names.len() >= ARCHIVE_TOPICS_CACHED {
            names.clear();
        }
        names.insert((unit, number), Arc::clone(&name));
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

/// What is looked for in a unit.
#[derive(Clone, Copy)]
pub(super) enum Sought<'a> {
    /// Hashes, wherever they are.
    Hashes(&'a [Id]),
    /// Items that may be there.
    Items(&'a [Item]),
}

/// The items and rows of what is there, in the order given.
fn rows_of(
    transaction: &ReadTransaction,
    sought: Sought<'_>,
) -> Result<Vec<(Item, RowFields)>, Fault> {
    match sought {
        Sought::Items(items) => {
            let rows = transaction.open_table(ROWS)?;
            let there = items
                .iter()
                .map(|item| Ok(row_of(&rows, item)?.map(|row| (*item, row))));
            there.filter_map(Result::transpose).collect()
        }
        Sought::Hashes(hashes) => {
            let found = items_of(transaction, hashes)?;
            if found.is_empty() {
                return Ok(Vec::new());
            }
            let rows = transaction.open_table(ROWS)?;
            let row = |item| row_of(&rows, &item)?.ok_or(Fault::missing("the row of a hash"));
            found
                .into_iter()
                .map(|item| Ok((item, row(item)?)))
                .collect()
        }
    }
}

/// The items of these hashes, in the order given.
fn items_of(transaction: &ReadTransaction, hashes: &[Id]) -> Result<Vec<Item>, Fault> {
    let timestamps = transaction.open_table(TIMESTAMPS)?;
    let mut found = Vec::new();
    for hash in hashes {
        if let Some(timestamp) = timestamps.get(&hash.0)? {
            found.push(Item::new(timestamp.value(), *hash));
        }
    }
    Ok(found)
}

fn row_of(
    rows: &ReadOnlyTable<&'static ItemKey, &'static Row>,
    item: &Item,
) -> Result<Option<RowFields>, Fault> {
    let row = rows.get(&key_of(item))?;
    Ok(row.map(|row| RowFields::decode(row.value())))
}

/// The keys of what is there.
pub(super) fn locate(
    database: &Database,
    cache: Cached<'_>,
    sought: Sought<'_>,
) -> Result<Vec<Key>, Fault> {
    let transaction = database.begin_read()?;
    let topics = TopicReader::new(&transaction, cache);
    let found = rows_of(&transaction, sought)?.into_iter();
    found.map(|(item, row)| topics.key_of(item, row)).collect()
}

/// The records of what is there.
pub(super) fn lookup(
    database: &Database,
    cache: Cached<'_>,
    sought: Sought<'_>,
) -> Result<Vec<Record>, Fault> {
    let transaction = database.begin_read()?;
    let found = rows_of(&transaction, sought)?;
    let mut records = Vec::with_capacity(found.len());
    if found.is_empty() {
        return Ok(records);
    }
    let topics = TopicReader::new(&transaction, cache);
    let messages = transaction.open_table(MESSAGES)?;
    for (item, row) in found {
        let topic = topics.name_of(row.pubsub_topic)?;
        let stored = messages.get(&key_of(&item))?;
        let stored = stored.ok_or(Fault::missing("the message of a hash"))?;
        records.push(record_of(item, topic, stored.value())?);
    }
    Ok(records)
}

/// The records of those keys that are still there.
pub(super) fn messages(database: &Database, keys: &[Key]) -> Result<Vec<Record>, Fault> {
    let transaction = database.begin_read()?;
    let messages = transaction.open_table(MESSAGES)?;
    let mut records = Vec::with_capacity(keys.len());
    for key in keys {
        let at = key_of(&key.item);
        if let Some(stored) = messages.get(&at)? {
            let topic = Arc::clone(&key.pubsub_topic);
            records.push(record_of(key.item, topic, stored.value())?);
        } else if transaction.open_table(ROWS)?.get(&at)?.is_some() {
            return Err(Fault::missing("the message of a row"));
        }
    }
    Ok(records)
}

fn record_of(item: Item, topic: Arc<str>, encoded: &[u8]) -> Result<Record, Fault> {
    let message = WakuMessage::decode(encoded).map_err(|error| {
        Fault::Damaged(format!(
            "the message of hash {} is garbled: {error}",
            item.id
        ))
    })?;
    Ok(Record::stored(item, topic, message))
}

/// The first records of a range, until they have so many bytes; at least one if there is one.
pub(super) fn records(
    database: &Database,
    cache: Cached<'_>,
    range: &Range,
    bytes: usize,
) -> Result<Vec<Record>, Fault> {
    let Some((lower, upper)) = tables::keys_of(range) else {
        return Ok(Vec::new());
    };
    let transaction = database.begin_read()?;
    let topics = TopicReader::new(&transaction, cache);
    let rows = transaction.open_table(ROWS)?;
    let messages = transaction.open_table(MESSAGES)?;
    let (mut records, mut taken) = (Vec::new(), 0);
    for entry in rows.range::<&ItemKey>(&lower..)? {
        let (key, row) = entry?;
        if upper.is_some_and(|upper| *key.value() >= upper) || taken >= bytes {
            break;
        }
        let row = RowFields::decode(row.value());
        let stored = messages.get(key.value())?;
        let stored = stored.ok_or(Fault::missing("the message of a row"))?;
        let topic = topics.name_of(row.pubsub_topic)?;
        taken += stored.value().len();
        records.push(record_of(item_of(key.value()), topic, stored.value())?);
    }
    Ok(records)
}

/// Which of these records are there.
pub(super) fn held(database: &Database, records: &[&Record]) -> Result<Vec<bool>, Fault> {
    let timestamps = database.begin_read()?.open_table(TIMESTAMPS)?;
    let held = |record: &&Record| Ok(timestamps.get(&record.hash().0)?.is_some());
    records.iter().map(held).collect()
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

/// Goes on with a page in this unit; tells whether it is full.
pub(super) fn scan<'s>(
    database: &Database,
    cache: Cached<'_>,
    scan: &Scan,
    mut page: PageBuilder<'s>,
) -> Result<(PageBuilder<'s>, bool), Fault> {
    let Some((lower, upper)) = tables::keys_of(&scan.range) else {
        return Ok((page, false));
    };
    let transaction = database.begin_read()?;
    let topics = TopicReader::new(&transaction, cache);
    let pubsub = numbers_of(&transaction, &scan.pubsub_topics)?;
    let content = numbers_of(&transaction, &scan.content_topics)?;
    let allows = |allowed: &Option<HashSet<u32>>, topic: u32| {
        allowed
            .as_ref()
            .is_none_or(|topics| topics.contains(&topic))
    };
    if pubsub.as_ref().is_some_and(HashSet::is_empty)
        || content.as_ref().is_some_and(HashSet::is_empty)
    {
        return Ok((page, false));
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
            return Ok((page, true));
        }
    }
    Ok((page, false))
}

/// How many messages there are.
pub(super) fn count(database: &Database) -> Result<u64, Fault> {
    Ok(database.begin_read()?.open_table(ROWS)?.len()?)
}

/// The first and the last message.
pub(super) fn edges(database: &Database) -> Result<Option<(Item, Item)>, Fault> {
    let rows = database.begin_read()?.open_table(ROWS)?;
    let first = rows.first()?.map(|(key, _)| item_of(key.value()));
    let last = rows.last()?.map(|(key, _)| item_of(key.value()));
    Ok(first.zip(last))
}
