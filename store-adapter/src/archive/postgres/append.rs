//! The transaction that stores a batch.
//!
//! Rows go to the server as arrays, one for each column, so that a statement stores thousands and
//! says which were new. They go in the order of keys, and so do the counts of units: nodes that store
//! the same messages at once wait for each other in one direction only.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use deadpool_postgres::Transaction;
use sync_core::Id;

use super::Shared;
use super::disk;
use super::fault::Fault;
use super::states;
use super::topics::digest_of;
use crate::limits::ARCHIVE_STATEMENT_BYTES;
use crate::record::Record;
use crate::retention::Growth;

const INSERT: &str = "INSERT INTO messages (timestamp, hash, pubsub_topic, content_topic, \
     message_bytes, has_timestamp, ephemeral, version, meta, rate_limit_proof, unknown, payload, \
     pubsub_name, content_name) SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::int[], $4::int[], $5::int[], $6::bool[], \
     $7::bool[], $8::bigint[], $9::bytea[], $10::bytea[], $11::bytea[], $12::bytea[], \
     $13::bytea[], $14::bytea[]) \
     ON CONFLICT DO NOTHING RETURNING hash, tableoid, xid::text";

const COUNT: &str = "WITH added AS (
         SELECT substr(relname, 10)::int AS number, rows
         FROM unnest($1::oid[], $2::bigint[]) AS added (oid, rows) JOIN pg_class USING (oid)
     ), locked AS MATERIALIZED (
         SELECT units.number, rows FROM units JOIN added USING (number)
         ORDER BY units.number FOR UPDATE OF units
     )
     UPDATE units SET messages = messages + rows FROM locked WHERE units.number = locked.number";

const MINE: &str = "SELECT hash FROM messages \
     WHERE hash = ANY($1::bytea[]) AND timestamp BETWEEN $2 AND $3 AND xid::text = ANY($4)";

/// The transactions that tried to store a batch and may have succeeded although their connections were
/// lost.
pub(super) type Tried = Mutex<Vec<String>>;

/// The columns of some rows.
#[derive(Default)]
struct Columns<'a> {
    timestamps: Vec<i64>,
    hashes: Vec<&'a [u8]>,
    pubsub_topics: Vec<i32>,
    content_topics: Vec<i32>,
    message_bytes: Vec<i32>,
    has_timestamps: Vec<bool>,
    ephemerals: Vec<Option<bool>>,
    versions: Vec<Option<i64>>,
    metas: Vec<Option<&'a [u8]>>,
    proofs: Vec<Option<&'a [u8]>>,
    unknowns: Vec<Option<&'a [u8]>>,
    payloads: Vec<&'a [u8]>,
    pubsub_names: Vec<Option<&'a [u8]>>,
    content_names: Vec<Option<&'a [u8]>>,
}

impl<'a> Columns<'a> {
    fn push(&mut self, record: &'a Record, bytes: usize, topics: &Numbers) -> Result<(), Fault> {
        let (item, message) = (record.item(), record.message());
        let timestamp = i64::try_from(item.timestamp)
            .map_err(|_| Fault::Failed(format!("no message has the time {}", item.timestamp)))?;
        self.timestamps.push(timestamp);
        self.hashes.push(record.hash_bytes());
        let (number, name) = topics.of(record.pubsub_topic());
        self.pubsub_topics.push(number);
        self.pubsub_names.push(name);
        let (number, name) = topics.of(&message.content_topic);
        self.content_topics.push(number);
        self.content_names.push(name);
        self.message_bytes
            .push(i32::try_from(bytes).unwrap_or(i32::MAX));
        self.has_timestamps.push(message.timestamp.is_some());
        self.ephemerals.push(message.ephemeral);
        self.versions.push(message.version.map(i64::from));
        self.metas.push(message.meta.as_deref());
        self.proofs.push(message.rate_limit_proof.as_deref());
        let unknown = (!message.unknown.is_empty()).then_some(&message.unknown[..]);
        self.unknowns.push(unknown);
        self.payloads.push(&message.payload);
        Ok(())
    }
}

/// The numbers of a batch's topics.
struct Numbers(HashMap<Arc<str>, i32>);

impl Numbers {
    /// A topic's number; and its name if the row has to have it.
    fn of<'a>(&self, topic: &'a str) -> (i32, Option<&'a [u8]>) {
        match self.0.get(topic) {
            Some(number) => (*number, None),
            None => (digest_of(topic), Some(topic.as_bytes())),
        }
    }
}

/// What statements have stored so far.
#[derive(Default)]
struct Stored {
    hashes: BTreeSet<Id>,
    by_table: BTreeMap<u32, i64>,
}

/// Stores a batch; tells of each record whether it was new.
pub(super) async fn append(
    shared: &Shared,
    batch: &[Record],
    tried: &Tried,
) -> Result<Vec<bool>, Fault> {
    let earlier = tried_before(tried);
    let mut client = shared.connections.get().await?;
    let topics = batch
        .iter()
        .flat_map(|record| [&**record.pubsub_topic(), &record.message().content_topic]);
    let topics = topics.collect();
    let numbers = Numbers(shared.topics.numbers(&mut client, topics).await?);
    let mut in_order: Vec<&Record> = batch.iter().collect();
    // Stable: of two with one hash the earlier is stored.
    in_order.sort_by_key(|record| record.item());
    let transaction = client.transaction().await?;
    let allowed = hold_limits(shared, &transaction, batch).await;
    allowed.map_err(|fault| unless_stored(fault, &earlier))?;
    let mut stored = Stored::default();
    let (mut columns, mut bytes) = (Columns::default(), 0);
    for record in &in_order {
        let length = record.encoded_len();
        columns.push(record, length, &numbers)?;
        bytes += length;
        if bytes >= ARCHIVE_STATEMENT_BYTES {
            insert(&transaction, &columns, &mut stored, tried).await?;
            (columns, bytes) = (Columns::default(), 0);
        }
    }
    insert(&transaction, &columns, &mut stored, tried).await?;
    count(&transaction, &stored).await?;
    let mine = of_earlier_attempts(&transaction, &in_order, &earlier).await?;
    transaction.commit().await?;
    stored.hashes.extend(mine);
    // Of two records with one hash the earlier one is the new one.
    Ok(batch
        .iter()
        .map(|record| stored.hashes.remove(&record.hash()))
        .collect())
}

/// Has the cap and the retention floor stay what they are until the transaction ends; a fault if they
/// leave no place for a batch.
async fn hold_limits(
    shared: &Shared,
    transaction: &Transaction<'_>,
    batch: &[Record],
) -> Result<(), Fault> {
    if let Some(cap) = shared.disk_cap {
        disk::hold_room(shared, transaction, cap, Growth::weight_of(batch)).await?;
    }
    states::hold_floor(transaction).await?;
    let floor = states::floor(transaction).await?;
    match batch.iter().any(|record| floor.is_after(&record.item())) {
        true => Err(Fault::BelowFloor),
        false => Ok(()),
    }
}

/// A fault that promises that nothing was stored; after attempts of which one may have stored the batch
/// it can't be promised.
fn unless_stored(fault: Fault, earlier: &[String]) -> Fault {
    let promise = match fault {
        Fault::BelowFloor => "the batch lies below the retention floor now",
        Fault::NoRoom { .. } => "the batch has no room under the cap now",
        fault => return fault,
    };
    match earlier.is_empty() {
        true => fault,
        false => Fault::Failed(format!(
            "{promise}, and an earlier attempt may have stored it; look it up"
        )),
    }
}

async fn insert(
    transaction: &Transaction<'_>,
    columns: &Columns<'_>,
    stored: &mut Stored,
    tried: &Tried,
) -> Result<(), Fault> {
    if columns.hashes.is_empty() {
        return Ok(());
    }
    let insert = transaction.prepare_cached(INSERT).await?;
    let rows = transaction
        .query(
            &insert,
            &[
                &columns.timestamps,
                &columns.hashes,
                &columns.pubsub_topics,
                &columns.content_topics,
                &columns.message_bytes,
                &columns.has_timestamps,
                &columns.ephemerals,
                &columns.versions,
                &columns.metas,
                &columns.proofs,
                &columns.unknowns,
                &columns.payloads,
                &columns.pubsub_names,
                &columns.content_names,
            ],
        )
        .await?;
    for (index, row) in rows.iter().enumerate() {
        let (hash, table): (&[u8], u32) = (row.try_get(0)?, row.try_get(1)?);
        stored.hashes.insert(id_of(hash)?);
        *stored.by_table.entry(table).or_default() += 1;
        if index == 0 {
            remember(tried, row.try_get(2)?);
        }
    }
    Ok(())
}

async fn count(transaction: &Transaction<'_>, stored: &Stored) -> Result<(), Fault> {
    if stored.by_table.is_empty() {
        return Ok(());
    }
    let (tables, rows): (Vec<u32>, Vec<i64>) = stored.by_table.iter().unzip();
    let count = transaction.prepare_cached(COUNT).await?;
    transaction.execute(&count, &[&tables, &rows]).await?;
    Ok(())
}

/// The hashes of the batch that an earlier attempt has stored after all, of which this one finds that
/// they are there.
async fn of_earlier_attempts(
    transaction: &Transaction<'_>,
    in_order: &[&Record],
    earlier: &[String],
) -> Result<Vec<Id>, Fault> {
    let (Some(first), Some(last), false) = (in_order.first(), in_order.last(), earlier.is_empty())
    else {
        return Ok(Vec::new());
    };
    let hashes: Vec<&[u8]> = in_order.iter().map(|record| record.hash_bytes()).collect();
    let time = |record: &Record| i64::try_from(record.item().timestamp).unwrap_or(i64::MAX);
    let rows = transaction
        .query(MINE, &[&hashes, &time(first), &time(last), &earlier])
        .await?;
    rows.iter()
        .map(|row| id_of(row.try_get::<_, &[u8]>(0)?))
        .collect()
}

fn tried_before(tried: &Tried) -> Vec<String> {
    tried.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

fn remember(tried: &Tried, transaction: String) {
    let mut tried = tried.lock().unwrap_or_else(PoisonError::into_inner);
    if !tried.contains(&transaction) {
        tried.push(transaction);
    }
}

pub(super) fn id_of(hash: &[u8]) -> Result<Id, Fault> {
    let hash = <[u8; 32]>::try_from(hash);
    hash.map(Id)
        .map_err(|_| Fault::Damaged("a hash isn't of 32 bytes".into()))
}
