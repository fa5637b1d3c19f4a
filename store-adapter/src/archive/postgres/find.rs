//! What is found by hash.
//!
//! Messages whose times are remembered are looked for in the partitions of those times, by a statement
//! that is planned for them. All others are looked for in the index of every partition; the plan of that is
//! kept, since planning for all of them takes longer than looking.

use std::collections::BTreeSet;

use deadpool_postgres::Object;
use sync_core::{Id, Item};
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

use super::Shared;
use super::fault::Fault;
use super::names::Names;
use super::place::item_in;
use super::read::{KEY, NAMES, NAMES_COLUMN, key_in};
use crate::message::WakuMessage;
use crate::record::{Key, Record};

const CONTENT: &str = ", pubsub_name, content_name, has_timestamp, ephemeral, version, meta, \
     rate_limit_proof, unknown, payload";

/// Spans of known hashes that one statement is planned for, which takes the less time the fewer they
/// are; of more, each hash is looked for by itself.
const CLUSTERS: usize = 64;

/// How far apart two known hashes of one cluster may lie, in nanoseconds.
const CLUSTER_GAP: u64 = 3_600_000_000_000;

pub(super) async fn lookup(shared: &Shared, hashes: &[Id]) -> Result<Vec<Record>, Fault> {
    let client = shared.connections.get().await?;
    let rows = find(shared, &client, hashes, CONTENT).await?;
    let names = Names::of_rows(shared, &client, &rows, NAMES_COLUMN).await?;
    let mut records = Vec::with_capacity(rows.len());
    for row in &rows {
        records.push(record_in(row, &names)?);
    }
    records.sort_by_key(Record::item);
    Ok(records)
}

pub(super) async fn locate(shared: &Shared, hashes: &[Id]) -> Result<Vec<Key>, Fault> {
    let client = shared.connections.get().await?;
    let rows = find(shared, &client, hashes, NAMES).await?;
    let names = Names::of_rows(shared, &client, &rows, NAMES_COLUMN).await?;
    let mut keys = Vec::with_capacity(rows.len());
    for row in &rows {
        keys.push(key_in(row, &names)?);
    }
    keys.sort_by_key(|key: &Key| key.item);
    Ok(keys)
}

/// The rows of these hashes: the key, and the columns besides it. They are looked for where they were
/// last known to be, and what isn't there is looked for everywhere.
async fn find(
    shared: &Shared,
    client: &Object,
    hashes: &[Id],
    columns: &str,
) -> Result<Vec<Row>, Fault> {
    let mut sought: BTreeSet<Id> = hashes.iter().copied().collect();
    let clusters = clusters(shared.times.likely(&sought));
    let mut rows = match clusters.len() {
        0 => Vec::new(),
        1..=CLUSTERS => find_in(client, &clusters, columns).await?,
        _ => find_at(client, &clusters.concat(), columns).await?,
    };
    for row in &rows {
        sought.remove(&item_in(row, 0)?.id);
    }
    if !sought.is_empty() {
        let found = find_anywhere(client, &sought, columns).await?;
        let items: Result<Vec<Item>, Fault> = found.iter().map(|row| item_in(row, 0)).collect();
        shared.times.learn(items?);
        rows.extend(found);
    }
    Ok(rows)
}

/// All together: each index is opened once then. A server without statistics, as of a new partition,
/// expects half of the table, but sessions read nothing through.
async fn find_anywhere(
    client: &Object,
    hashes: &BTreeSet<Id>,
    columns: &str,
) -> Result<Vec<Row>, Fault> {
    let sql = format!("SELECT {KEY}{columns} FROM messages WHERE hash = ANY($1)");
    let select = client.prepare_cached(&sql).await?;
    let hashes: Vec<&[u8]> = hashes.iter().map(|id| &id.0[..]).collect();
    Ok(client.query(&select, &[&hashes]).await?)
}

/// One by one, so that each is looked for in the partition of its time.
async fn find_at(client: &Object, items: &[Item], columns: &str) -> Result<Vec<Row>, Fault> {
    let times: Vec<i64> = items.iter().map(time_of).collect();
    let hashes: Vec<&[u8]> = items.iter().map(|item| &item.id.0[..]).collect();
    let sql = format!(
        "SELECT found.* FROM unnest($1::bigint[], $2::bytea[]) AS wanted (wanted_time, wanted_hash)
         CROSS JOIN LATERAL (
             SELECT {KEY}{columns} FROM messages
             WHERE timestamp = wanted_time AND hash = wanted_hash OFFSET 0
         ) AS found"
    );
    let select = client.prepare_cached(&sql).await?;
    Ok(client.query(&select, &[&times, &hashes]).await?)
}

/// Each cluster in the partitions of its time, which are known when the statement is planned: no other
/// one is opened.
async fn find_in(
    client: &Object,
    clusters: &[Vec<Item>],
    columns: &str,
) -> Result<Vec<Row>, Fault> {
    let mut selects = Vec::with_capacity(clusters.len());
    let mut values = Vec::with_capacity(clusters.len());
    for cluster in clusters {
        let (Some(first), Some(last)) = (cluster.first(), cluster.last()) else {
            continue;
        };
        let number = 3 * values.len();
        selects.push(format!(
            "(SELECT {KEY}{columns} FROM messages
              WHERE hash = ANY(${}) AND timestamp BETWEEN ${} AND ${})",
            number + 1,
            number + 2,
            number + 3
        ));
        let hashes: Vec<&[u8]> = cluster.iter().map(|item| &item.id.0[..]).collect();
        values.push((hashes, time_of(first), time_of(last)));
    }
    let mut arguments: Vec<(&(dyn ToSql + Sync), Type)> = Vec::with_capacity(3 * values.len());
    for (hashes, first, last) in &values {
        arguments.push((hashes, Type::BYTEA_ARRAY));
        arguments.push((first, Type::INT8));
        arguments.push((last, Type::INT8));
    }
    let sql = selects.join(" UNION ALL ");
    Ok(client.query_typed(&sql, &arguments).await?)
}

fn time_of(item: &Item) -> i64 {
    i64::try_from(item.timestamp).unwrap_or(i64::MAX)
}

/// Parts the items where two neighbours lie far apart.
fn clusters(mut items: Vec<Item>) -> Vec<Vec<Item>> {
    items.sort();
    let near = |left: &Item, right: &Item| right.timestamp - left.timestamp <= CLUSTER_GAP;
    items.chunk_by(near).map(<[Item]>::to_vec).collect()
}

fn record_in(row: &Row, names: &Names) -> Result<Record, Fault> {
    let item = item_in(row, 0)?;
    let timestamp: i64 = row.try_get(0)?;
    let version: Option<i64> = row.try_get(9)?;
    let version = version
        .map(u32::try_from)
        .transpose()
        .map_err(|_| Fault::Damaged(format!("the message of hash {} has no version", item.id)))?;
    let message = WakuMessage {
        payload: row.try_get(13)?,
        content_topic: names.content(row)?.to_string(),
        version,
        timestamp: row.try_get::<_, bool>(7)?.then_some(timestamp),
        meta: row.try_get(10)?,
        rate_limit_proof: row.try_get(11)?,
        ephemeral: row.try_get(8)?,
        unknown: row.try_get::<_, Option<Vec<u8>>>(12)?.unwrap_or_default(),
    };
    Ok(Record::stored(item, names.pubsub(row)?, message))
}
