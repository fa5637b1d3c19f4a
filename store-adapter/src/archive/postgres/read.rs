//! Keys are read in order, each page by one statement, which is planned anew for its times, so that the
//! server looks at the partitions of those times only.

use deadpool_postgres::Object;
use sync_core::{Item, Range};
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

use super::Shared;
use super::fault::Fault;
use super::names::Names;
use super::place::{Place, item_in, places_of};
use crate::archive::scan::{Scan, ScanPage};
use crate::record::Key;

/// The columns of a key, all of which are in the index of the keys.
pub(super) const KEY: &str = "timestamp, hash, pubsub_topic, content_topic, message_bytes";
/// The names that a row may have itself; they aren't in the index of the keys.
pub(super) const NAMES: &str = ", pubsub_name, content_name";
/// The column of [`NAMES`] behind a key.
pub(super) const NAMES_COLUMN: usize = 5;

/// Keys looked at by the first statement of a scan that filters; each further one looks at four times
/// as many.
const FIRST_WINDOW: usize = 256;

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
