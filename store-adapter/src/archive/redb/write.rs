//! The transactions that change a unit.

use std::collections::HashMap;

use prost::Message;
use redb::{Database, ReadableTable, ReadableTableMetadata, Table, WriteTransaction};
use sync_core::Range;

use super::Durability;
use super::fault::Fault;
use super::sums::{Change, Sums};
use super::tables::{
    self, ItemKey, MESSAGES, ROWS, RowFields, TIMESTAMPS, TOPIC_NAMES, TOPIC_NUMBERS, key_of,
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

/// Stores records; tells of each whether it was new.
pub(super) fn append(
    database: &Database,
    durability: Durability,
    batch: &[&Record],
) -> Result<Vec<bool>, Fault> {
    let transaction = begin(database, durability)?;
    let mut sums = Sums::default();
    let fresh = insert_timestamps(&transaction, batch, &mut sums)?;
    if !fresh.contains(&true) {
        transaction.abort()?;
        return Ok(fresh);
    }
    let mut in_order: Vec<&Record> = batch
        .iter()
        .zip(&fresh)
        .filter_map(|(record, fresh)| fresh.then_some(*record))
        .collect();
    in_order.sort_by_key(|record| record.item());
    insert_rows(&transaction, &in_order, &mut sums)?;
    sums.apply(&transaction)?;
    transaction.commit()?;
    Ok(fresh)
}

/// In the order of the hashes, so that each page is visited once; tells of each whether it was new.
fn insert_timestamps(
    transaction: &WriteTransaction,
    batch: &[&Record],
    sums: &mut Sums,
) -> Result<Vec<bool>, Fault> {
    let mut by_hash: Vec<usize> = (0..batch.len()).collect();
    // Stable: of two with one hash the earlier is stored.
    by_hash.sort_by_key(|&index| batch[index].hash());
    let mut fresh = vec![false; batch.len()];
    let mut timestamps = transaction.open_table(TIMESTAMPS)?;
    for index in by_hash {
        let item = batch[index].item();
        if timestamps.get(&item.id.0)?.is_none() {
            timestamps.insert(&item.id.0, item.timestamp)?;
            sums.count_timestamp(&item.id.0, item.timestamp, Change::Added);
            fresh[index] = true;
        }
    }
    Ok(fresh)
}

fn insert_rows(
    transaction: &WriteTransaction,
    in_order: &[&Record],
    sums: &mut Sums,
) -> Result<(), Fault> {
    let mut rows = transaction.open_table(ROWS)?;
    let mut messages = transaction.open_table(MESSAGES)?;
    let mut topics = Interner::open(transaction)?;
    let mut encoded = Vec::new();
    for record in in_order {
        encoded.clear();
        record
            .message()
            .encode(&mut encoded)
            .map_err(|error| Fault::Damaged(error.to_string()))?;
        let row = RowFields {
            pubsub_topic: topics.number_of(record.pubsub_topic())?,
            content_topic: topics.number_of(&record.message().content_topic)?,
            message_bytes: u32::try_from(encoded.len()).unwrap_or(u32::MAX),
        };
        let (key, row) = (key_of(&record.item()), row.encode());
        rows.insert(&key, &row)?;
        messages.insert(&key, &encoded[..])?;
        sums.count_row(&key, &row, Change::Added);
    }
    Ok(())
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

/// Removes the first messages of a span, at most `limit`; tells how many those were.
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
    let mut sums = Sums::default();
    let removed = {
        let mut rows = transaction.open_table(ROWS)?;
        let mut messages = transaction.open_table(MESSAGES)?;
        let mut timestamps = transaction.open_table(TIMESTAMPS)?;
        let mut taken = Vec::new();
        for entry in rows.range::<&ItemKey>(&lower..)?.take(limit) {
            let (key, row) = entry?;
            let (key, row) = (*key.value(), *row.value());
            if upper.is_some_and(|upper| key >= upper) {
                break;
            }
            taken.push((key, row));
        }
        for (key, row) in &taken {
            let item = tables::item_of(key);
            rows.remove(key)?;
            messages.remove(key)?;
            timestamps.remove(&item.id.0)?;
            sums.count_row(key, row, Change::Removed);
            sums.count_timestamp(&item.id.0, item.timestamp, Change::Removed);
        }
        taken.len()
    };
    if removed > 0 {
        sums.apply(&transaction)?;
        transaction.commit()?;
    } else {
        transaction.abort()?;
    }
    Ok(removed)
}
