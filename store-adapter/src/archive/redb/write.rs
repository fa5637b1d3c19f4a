//! The transactions that change an archive file.

use std::collections::HashMap;

use prost::Message;
use redb::{Database, ReadableTable, ReadableTableMetadata, Table, WriteTransaction};
use sync_core::Range;

use super::Durability;
use super::fault::Fault;
use super::tables::{
    self, ItemKey, MESSAGES, ROWS, RowFields, STATES, TIMESTAMPS, TOPIC_NAMES, TOPIC_NUMBERS,
    key_of,
};
use crate::record::Record;

/// Begins a transaction.
///
/// For [`Durability::EachBatch`] its commit is on the disk when it returns. It also saves which
/// pages are free, at the price of a second flush, so that after a crash nothing has to be walked
/// through before the archive opens; and it is in two phases, so that no content that peers choose
/// can make a torn commit look whole. A commit for [`Durability::OnClose`] only changes what later
/// transactions see; redb makes them all durable when it closes the file.
pub(super) fn begin(
    database: &Database,
    durability: Durability,
) -> Result<WriteTransaction, Fault> {
    let mut transaction = database.begin_write()?;
    match durability {
        Durability::EachBatch => {
            transaction.set_durability(redb::Durability::Immediate)?;
            transaction.set_quick_repair(true);
        }
        Durability::OnClose => transaction.set_durability(redb::Durability::None)?,
    }
    Ok(transaction)
}

pub(super) fn append(
    database: &Database,
    durability: Durability,
    batch: &[Record],
) -> Result<Vec<bool>, Fault> {
    let mut in_order: Vec<usize> = (0..batch.len()).collect();
    // Stable: of two with one hash the earlier is stored.
    in_order.sort_by_key(|&index| batch[index].item());
    let mut fresh = vec![false; batch.len()];
    let transaction = begin(database, durability)?;
    {
        let mut rows = transaction.open_table(ROWS)?;
        let mut messages = transaction.open_table(MESSAGES)?;
        let mut timestamps = transaction.open_table(TIMESTAMPS)?;
        let mut topics = Interner::open(&transaction)?;
        for index in in_order {
            let (record, item) = (&batch[index], batch[index].item());
            if timestamps.get(&item.id.0)?.is_some() {
                continue;
            }
            let encoded = record.message().encode_to_vec();
            let row = RowFields {
                pubsub_topic: topics.number_of(record.pubsub_topic())?,
                content_topic: topics.number_of(&record.message().content_topic)?,
                message_bytes: u32::try_from(encoded.len()).unwrap_or(u32::MAX),
            };
            let key = key_of(&item);
            rows.insert(&key, &row.encode())?;
            messages.insert(&key, &encoded[..])?;
            timestamps.insert(&item.id.0, item.timestamp)?;
            fresh[index] = true;
        }
    }
    if fresh.contains(&true) {
        transaction.commit()?;
    } else {
        transaction.abort()?;
    }
    Ok(fresh)
}

/// Gives topics their numbers.
struct Interner<'t> {
    names: Table<'t, u32, &'static str>,
    numbers: Table<'t, &'static str, u32>,
    seen: HashMap<String, u32>,
}

impl<'t> Interner<'t> {
    fn open(transaction: &'t WriteTransaction) -> Result<Self, Fault> {
        Ok(Self {
            names: transaction.open_table(TOPIC_NAMES)?,
            numbers: transaction.open_table(TOPIC_NUMBERS)?,
            seen: HashMap::new(),
        })
    }

    fn number_of(&mut self, topic: &str) -> Result<u32, Fault> {
        if let Some(number) = self.seen.get(topic) {
            return Ok(*number);
        }
        let stored = self.numbers.get(topic)?.map(|number| number.value());
        let number = match stored {
            Some(number) => number,
            None => self.add(topic)?,
        };
        self.seen.insert(topic.to_owned(), number);
        Ok(number)
    }

    fn add(&mut self, topic: &str) -> Result<u32, Fault> {
        let number = u32::try_from(self.names.len()?)
            .map_err(|_| Fault::Damaged("there are more than 2^32 topics".into()))?;
        self.names.insert(number, topic)?;
        self.numbers.insert(topic, number)?;
        Ok(number)
    }
}

pub(super) fn remove(
    database: &Database,
    durability: Durability,
    span: &Range,
    limit: usize,
) -> Result<usize, Fault> {
    let Some((lower, upper)) = tables::keys_of(span) else {
        return Ok(0);
    };
    let transaction = begin(database, durability)?;
    let removed = {
        let mut rows = transaction.open_table(ROWS)?;
        let mut messages = transaction.open_table(MESSAGES)?;
        let mut timestamps = transaction.open_table(TIMESTAMPS)?;
        let mut keys = Vec::new();
        for entry in rows.range::<&ItemKey>(&lower..)?.take(limit) {
            let key = *entry?.0.value();
            if upper.is_some_and(|upper| key >= upper) {
                break;
            }
            keys.push(key);
        }
        for key in &keys {
            rows.remove(key)?;
            messages.remove(key)?;
            timestamps.remove(&tables::item_of(key).id.0)?;
        }
        keys.len()
    };
    if removed > 0 {
        transaction.commit()?;
    } else {
        transaction.abort()?;
    }
    Ok(removed)
}

pub(super) fn set_state(
    database: &Database,
    durability: Durability,
    name: &str,
    value: Option<&[u8]>,
) -> Result<(), Fault> {
    let transaction = begin(database, durability)?;
    {
        let mut states = transaction.open_table(STATES)?;
        match value {
            Some(value) => states.insert(name, value)?,
            None => states.remove(name)?,
        };
    }
    transaction.commit()?;
    Ok(())
}
