//! What is read of messages, each by one statement.
//!
//! A statement about certain times is planned anew each time, so that the server looks at the
//! partitions of those times only. One about hashes alone looks into the index of every partition, or of
//! that of its time where that is known; its plan is kept, since planning for all of them takes longer
//! than looking.

use std::collections::BTreeSet;

use deadpool_postgres::Object;
use sync_core::{Id, Item, Range};
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

use super::Shared;
use super::fault::Fault;
use super::names::Names;
use super::place::{Place, item_in, places_of};
use crate::archive::scan::{Scan, ScanPage};
use crate::message::WakuMessage;
use crate::record::{Key, Record};

/// The columns of a key, all of which are in the index of the keys.
pub(super) const KEY: &str = "timestamp, hash, pubsub_topic, content_topic, message_bytes";
/// The names that a row may have itself; they aren't in the index of the keys.
pub(super) const NAMES: &str = ", pubsub_name, content_name";
const CONTENT: &str = ", pubsub_name, content_name, has_timestamp, ephemeral, version, meta, \
     rate_limit_proof, unknown, payload";

/// The column of [`NAMES`] behind a key.
pub(super) const NAMES_COLUMN: usize = 5;

/// Keys looked at by the first statement of a scan that filters; each further one looks at four times
/// as many.
const FIRST_WINDOW: usize = 256;

/// Spans of known hashes that are read by statements of their own; of more each hash is looked for by
/// itself.
const CLUSTERS: usize = 4;

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
    let mut rows = Vec::new();
    if clusters.len() <= CLUSTERS {
        for cluster in clusters {
            rows.extend(find_in(client, &cluster, columns).await?);
        }
    } else {
        rows = find_at(client, &clusters.concat(), columns).await?;
    }
    for row in &rows {
        sought.remove(&item_in(row, 0)?.id);
    }
    if !sought.is_empty() {
        let found = find_anywhere(client, &sought, columns).await?;
        let mut items = Vec::with_capacity(found.len());
        for row in &found {
            items.push(item_in(row, 0)?);
        }
        shared.times.learn(items);
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
    let time = |item: &Item| i64::try_from(item.timestamp).unwrap_or(i64::MAX);
    let times: Vec<i64> = items.iter().map(time).collect();
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

async fn find_in(client: &Object, cluster: &[Item], columns: &str) -> Result<Vec<Row>, Fault> {
    let (Some(first), Some(last)) = (cluster.first(), cluster.last()) else {
        return Ok(Vec::new());
    };
    let time = |item: &Item| i64::try_from(item.timestamp).unwrap_or(i64::MAX);
    let hashes: Vec<&[u8]> = cluster.iter().map(|item| &item.id.0[..]).collect();
    let sql = format!(
        "SELECT {KEY}{columns} FROM messages
         WHERE hash = ANY($1) AND timestamp BETWEEN $2 AND $3"
    );
    let arguments: [(&(dyn ToSql + Sync), Type); 3] = [
        (&hashes, Type::BYTEA_ARRAY),
        (&time(first), Type::INT8),
        (&time(last), Type::INT8),
    ];
    Ok(client.query_typed(&sql, &arguments).await?)
}

/// Parts the items where two neighbours lie far apart.
fn clusters(mut items: Vec<Item>) -> Vec<Vec<Item>> {
    items.sort();
    let near = |left: &Item, right: &Item| right.timestamp - left.timestamp <= CLUSTER_GAP;
    items.chunk_by(near).map(<[Item]>::to_vec).collect()
}

pub(super) async fn scan(shared: &Shared, scan: &Scan) -> Result<ScanPage, Fault> {
    let mut page = ScanPage::default();
    if scan.pubsub_topics.is_nothing() || scan.content_topics.is_nothing() {
        return Ok(page);
    }
    let client = shared.connections.get().await?;
    let filter = Filter::of(shared, &client, scan).await?;
    if filter.is_nothing() {
        return Ok(page);
    }
    let (limit, mut rows) = (scan.limit.max(1), scan.row_bound());
    let mut window = match filter.is_all() {
        true => limit,
        false => FIRST_WINDOW.max(limit),
    };
    let mut rest = Some(scan.range);
    while let Some(range) = rest.filter(|_| rows > 0 && page.keys.len() < limit) {
        let Some(places) = places_of(&range) else {
            rest = None;
            break;
        };
        let asked = window.min(rows);
        let found = filter
            .window(&client, &places, scan.backward, asked)
            .await?;
        let names = Names::of_keys(shared, &client, &found).await?;
        let seen = found.last().map_or(Ok(0), |row| row.try_get::<_, i64>(5))?;
        rest = None;
        for row in &found {
            let key = key_in(row, &names)?;
            // The last row is there even if it doesn't match, to go on from.
            if seen == i64::try_from(asked).unwrap_or(i64::MAX) || page.keys.len() + 1 >= limit {
                rest = scan.rest_behind(&key.item);
            }
            if scan.pubsub_topics.allows(&key.pubsub_topic)
                && scan.content_topics.allows(&key.content_topic)
            {
                page.keys.push(key);
            }
            if page.keys.len() >= limit {
                break;
            }
        }
        rows -= asked;
        window = window.saturating_mul(4);
    }
    page.rest = rest;
    shared.times.learn(page.keys.iter().map(|key| key.item));
    Ok(page)
}

/// The topics of a scan by their numbers; `None` lets all through.
struct Filter {
    pubsub: Option<Vec<i32>>,
    content: Option<Vec<i32>>,
}

impl Filter {
    async fn of(shared: &Shared, client: &Object, scan: &Scan) -> Result<Self, Fault> {
        let topics = &shared.topics;
        Ok(Self {
            pubsub: topics.numbers_of(client, &scan.pubsub_topics).await?,
            content: topics.numbers_of(client, &scan.content_topics).await?,
        })
    }

    /// Whether topics are asked for that no message has.
    fn is_nothing(&self) -> bool {
        [&self.pubsub, &self.content]
            .into_iter()
            .flatten()
            .any(Vec::is_empty)
    }

    const fn is_all(&self) -> bool {
        self.pubsub.is_none() && self.content.is_none()
    }

    /// Of the next `rows` keys those that match and the last one, each with its rank.
    async fn window(
        &self,
        client: &Object,
        (lower, upper): &(Place, Place),
        backward: bool,
        rows: usize,
    ) -> Result<Vec<Row>, Fault> {
        let order = match backward {
            true => "timestamp DESC, hash DESC",
            false => "timestamp, hash",
        };
        // The bounds of the timestamp alone are what partitions are told by.
        let sql = format!(
            "SELECT {KEY}, rank FROM (
                 SELECT *, row_number() OVER (ORDER BY {order}) AS rank, count(*) OVER () AS seen
                 FROM (
                     SELECT {KEY} FROM messages
                     WHERE timestamp >= $1 AND timestamp <= $2
                         AND (timestamp, hash) >= ($1, $3) AND (timestamp, hash) < ($2, $4)
                     ORDER BY {order} LIMIT $5
                 ) AS looked_at
             ) AS ranked
             WHERE rank = seen
                 OR (($6 OR pubsub_topic = ANY($7)) AND ($8 OR content_topic = ANY($9)))
             ORDER BY rank"
        );
        let none = Vec::new();
        let (pubsub, content) = (
            self.pubsub.as_ref().unwrap_or(&none),
            self.content.as_ref().unwrap_or(&none),
        );
        let rows = i64::try_from(rows).unwrap_or(i64::MAX);
        let arguments: [(&(dyn ToSql + Sync), Type); 9] = [
            (&lower.timestamp, Type::INT8),
            (&upper.timestamp, Type::INT8),
            (&lower.hash, Type::BYTEA),
            (&upper.hash, Type::BYTEA),
            (&rows, Type::INT8),
            (&self.pubsub.is_none(), Type::BOOL),
            (pubsub, Type::INT4_ARRAY),
            (&self.content.is_none(), Type::BOOL),
            (content, Type::INT4_ARRAY),
        ];
        Ok(client.query_typed(&sql, &arguments).await?)
    }
}

/// The key in a row that begins with one.
pub(super) fn key_in(row: &Row, names: &Names) -> Result<Key, Fault> {
    Ok(Key {
        item: item_in(row, 0)?,
        pubsub_topic: names.pubsub(row)?,
        content_topic: names.content(row)?,
        message_bytes: usize::try_from(row.try_get::<_, i32>(4)?).unwrap_or_default(),
    })
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

/// The first message, or the last.
pub(super) async fn outermost(client: &Object, last: bool) -> Result<Option<Item>, Fault> {
    let sql = match last {
        false => "SELECT timestamp, hash FROM messages ORDER BY timestamp, hash LIMIT 1",
        true => "SELECT timestamp, hash FROM messages ORDER BY timestamp DESC, hash DESC LIMIT 1",
    };
    let select = client.prepare_cached(sql).await?;
    let row = client.query_opt(&select, &[]).await?;
    row.map(|row| item_in(&row, 0)).transpose()
}

/// Whether `span` holds everything that `unit` can hold.
pub(super) fn covers(span: &Range, unit: &Range) -> bool {
    span.lower <= unit.lower && span.upper >= unit.upper
}
