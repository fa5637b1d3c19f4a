//! Whether a unit holds all that was stored in it, found out by reading all keys.

use redb::{Database, ReadTransaction, ReadableDatabase, ReadableTable, ReadableTableMetadata};
use sync_core::Id;

use super::fault::Fault;
use super::filter::Filter;
use super::sound::{check_number, check_version};
use super::sums::{Change, Sums};
use super::tables::{
    ARCHIVE_KEY, FORMAT_VERSION, MESSAGES, ROWS, SUMS, TIMESTAMPS, TOPIC_NAMES, TOPIC_NUMBERS,
    UNIT_KEY,
};
use crate::archive::trace::Trace;

/// So many hashes are put into the filter at a time.
const TRACES: usize = 4_096;

/// What verifying a unit has shown.
pub(super) struct Contents {
    pub(super) messages: u64,
    pub(super) filter: Filter,
}

/// Reads all keys of a unit. Messages themselves are checked when they are read.
pub(super) fn verify(database: &Database, archive: u64, unit: u64) -> Result<Contents, Fault> {
    check_version(database, FORMAT_VERSION)?;
    check_number(database, ARCHIVE_KEY, archive)?;
    check_number(database, UNIT_KEY, unit)?;
    let transaction = database.begin_read()?;
    let messages = check_counts(&transaction)?;
    check_topics(&transaction)?;
    let filter = Filter::with_room(usize::try_from(messages).unwrap_or(0));
    let mut sums = Sums::default();
    walk_rows(&transaction, &mut sums)?;
    walk_timestamps(&transaction, &mut sums, &filter)?;
    sums.check(&transaction.open_table(SUMS)?)?;
    Ok(Contents { messages, filter })
}

/// Adds all rows up. Each is looked up, too: what is wrong in the branches of a tree leads searches
/// astray and doesn't show in a walk.
fn walk_rows(transaction: &ReadTransaction, sums: &mut Sums) -> Result<(), Fault> {
    let rows = transaction.open_table(ROWS)?;
    for entry in rows.iter()? {
        let (key, row) = entry?;
        let (key, row) = (key.value(), row.value());
        if rows.get(key)?.is_none_or(|found| found.value() != row) {
            return Err(Fault::missing("a row that is there in order"));
        }
        sums.count_row(key, row, Change::Added);
    }
    Ok(())
}

/// As [`walk_rows`], and puts the hashes into the filter.
fn walk_timestamps(
    transaction: &ReadTransaction,
    sums: &mut Sums,
    filter: &Filter,
) -> Result<(), Fault> {
    let timestamps = transaction.open_table(TIMESTAMPS)?;
    let mut traces = Vec::with_capacity(TRACES);
    for entry in timestamps.iter()? {
        let (hash, timestamp) = entry?;
        let (hash, timestamp) = (hash.value(), timestamp.value());
        let found = timestamps.get(hash)?;
        if found.is_none_or(|found| found.value() != timestamp) {
            return Err(Fault::missing("a hash that is there in order"));
        }
        sums.count_timestamp(hash, timestamp, Change::Added);
        traces.push(Trace::of(&Id(*hash)));
        if traces.len() == TRACES {
            filter.insert(traces.drain(..));
        }
    }
    filter.insert(traces);
    Ok(())
}

pub(super) fn check_counts(transaction: &ReadTransaction) -> Result<u64, Fault> {
    let rows = transaction.open_table(ROWS)?.len()?;
    let messages = transaction.open_table(MESSAGES)?.len()?;
    let timestamps = transaction.open_table(TIMESTAMPS)?.len()?;
    if rows != messages || rows != timestamps {
        return Err(Fault::Damaged(format!(
            "its tables don't fit together: {rows} rows, {messages} messages, {timestamps} \
             timestamps"
        )));
    }
    Ok(rows)
}

/// Names and numbers of topics must be each other's inverse.
pub(super) fn check_topics(transaction: &ReadTransaction) -> Result<(), Fault> {
    let names = transaction.open_table(TOPIC_NAMES)?;
    let numbers = transaction.open_table(TOPIC_NUMBERS)?;
    let mut matched = 0;
    for entry in names.iter()? {
        let (number, name) = entry?;
        if numbers.get(name.value())?.map(|found| found.value()) == Some(number.value()) {
            matched += 1;
        }
    }
    if matched != names.len()? || matched != numbers.len()? {
        return Err(Fault::Damaged(
            "its tables of topics don't fit together".into(),
        ));
    }
    Ok(())
}
