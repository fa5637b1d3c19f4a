//! How a partition is divided, while messages are read, stored and removed.
//!
//! The rows are copied into tables of their own, and what is stored and removed meanwhile is done to
//! these after. In the end, while everybody waits, there is little left to do.

use std::time::Duration;

use deadpool_postgres::{GenericClient, Object};
use tokio_postgres::types::ToSql;

use super::ahead::Ahead;
use super::fault::Fault;
use super::partitions::{Part, detach, locked_after_maintenance, next_number, strike};
use super::place::{Place, item_in};
use super::quantiles::quantiles;
use super::units::{Unit, table_of};
use crate::limits::{ARCHIVE_RETRY_MILLISECONDS, PARTITION_MOVE_BYTES, PARTITION_MOVE_ROWS};

/// Rows that were stored or removed while others were copied, of which so few may be left for the
/// moment in which everybody waits.
const LEFT_OVER: u64 = 500;

/// How often such rows are caught up with before a division is given up: where they come faster than
/// that, the next look tries again.
const CATCH_UPS: usize = 32;

/// Removals from a unit that aren't visible in a snapshot, between two places.
const REMOVALS: &str = "FROM removals
     WHERE xid >= pg_snapshot_xmin($1::text::pg_snapshot)
         AND NOT pg_visible_in_snapshot(xid, $1::text::pg_snapshot)
         AND (upper_timestamp, upper_hash) > ($2, $3)
         AND (lower_timestamp, lower_hash) < ($4, $5)";

/// Divides a unit of so many bytes into so many parts of about as many messages each.
pub(super) async fn divide(
    client: &mut Object,
    unit: &Unit,
    bytes: u64,
    parts: usize,
    ahead: &mut Ahead<'_>,
) -> Result<(), Fault> {
    let rows_at_once = PARTITION_MOVE_BYTES / (bytes / unit.messages.max(1)).max(1);
    let rows_at_once = rows_at_once.clamp(1, PARTITION_MOVE_ROWS);
    let places = quantiles(client, unit, parts).await?;
    let mut snapshot = snapshot(client).await?;
    let mut copies = Vec::new();
    let mut lower = unit.lower.clone();
    for upper in places.iter().chain([&unit.upper]) {
        let part = Part {
            number: next_number(client).await?,
            lower,
            upper: upper.clone(),
        };
        part.create_detached(client).await?;
        let mut copy = PartCopy { part, messages: 0 };
        copy.copy_all(client, unit, rows_at_once, ahead).await?;
        copies.push(copy);
        lower = upper.clone();
    }
    let mut pauses = ARCHIVE_RETRY_MILLISECONDS.into_iter();
    for _ in 0..CATCH_UPS {
        ahead.keep_up(client).await?;
        let next = self::snapshot(client).await?;
        let changed = catch_up(client, unit, &mut copies, &snapshot).await?;
        snapshot = next;
        if changed > LEFT_OVER {
            continue;
        }
        match replace(client, unit, copies.clone(), &snapshot).await {
            Err(Fault::Again(reason)) => match pauses.next() {
                Some(pause) => tokio::time::sleep(Duration::from_millis(pause)).await,
                None => return Err(Fault::Again(reason)),
            },
            Err(fault) => return Err(fault),
            // Nobody waits for that any more. If it can't be, the next look clears it away.
            Ok(()) => return drop_table(client, unit).await,
        }
    }
    Err(Fault::Again(
        "messages come faster than a unit is divided".into(),
    ))
}

/// A partition to be, and how many messages were copied into it so far.
#[derive(Clone, Debug)]
struct PartCopy {
    part: Part,
    messages: i64,
}

impl PartCopy {
    fn table(&self) -> String {
        table_of(self.part.number)
    }

    /// Copies the rows that belong here, so many at a time, so that no lock is held for long.
    async fn copy_all(
        &mut self,
        client: &mut Object,
        unit: &Unit,
        rows: u64,
        ahead: &mut Ahead<'_>,
    ) -> Result<(), Fault> {
        let sql = format!(
            "WITH moved AS (
                 INSERT INTO {to} SELECT * FROM {from}
                 WHERE (timestamp, hash) >= ($1, $2) AND (timestamp, hash) < ($3, $4)
                 ORDER BY timestamp, hash LIMIT {rows}
                 RETURNING timestamp, hash
             )
             SELECT timestamp, hash, count(*) OVER () FROM moved
             ORDER BY timestamp DESC, hash DESC LIMIT 1",
            to = self.table(),
            from = unit.table()
        );
        let copy = client.prepare(&sql).await?;
        let mut lower = self.part.lower.clone();
        let upper = self.part.upper.clone();
        loop {
            let bounds: [&(dyn ToSql + Sync); 4] =
                [&lower.timestamp, &lower.hash, &upper.timestamp, &upper.hash];
            let Some(moved) = client.query_opt(&copy, &bounds).await? else {
                return Ok(());
            };
            let last = item_in(&moved, 0)?;
            self.messages += moved.try_get::<_, i64>(2)?;
            lower = Place::of(&sync_core::Bound::after(&last));
            ahead.keep_up(client).await?;
        }
    }

    /// Removes what isn't in `unit` any more, by removals that `snapshot` doesn't know; gives how much
    /// that was. What is there again has another transaction, and is copied anew.
    async fn remove_since(
        &mut self,
        client: &impl GenericClient,
        unit: &Unit,
        snapshot: &str,
    ) -> Result<u64, Fault> {
        let spans =
            format!("SELECT lower_timestamp, lower_hash, upper_timestamp, upper_hash {REMOVALS}");
        let spans = client.query(&spans, &self.bounds(&snapshot)).await?;
        let sql = format!(
            "DELETE FROM {copy} AS copied
             WHERE (timestamp, hash) >= ($1, $2) AND (timestamp, hash) < ($3, $4)
                 AND NOT EXISTS (
                     SELECT FROM {unit} AS held
                     WHERE held.timestamp = copied.timestamp AND held.hash = copied.hash
                         AND held.xid = copied.xid
                 )",
            copy = self.table(),
            unit = unit.table()
        );
        let mut removed = 0;
        for span in &spans {
            let (lower, upper) = (Place::read(span, 0)?, Place::read(span, 2)?);
            let bounds: [&(dyn ToSql + Sync); 4] =
                [&lower.timestamp, &lower.hash, &upper.timestamp, &upper.hash];
            removed += client.execute(&sql, &bounds).await?;
        }
        self.messages -= i64::try_from(removed).unwrap_or(i64::MAX);
        Ok(removed)
    }

    /// Copies what was stored by transactions that `snapshot` doesn't know; gives how much that was.
    async fn copy_since(
        &mut self,
        client: &impl GenericClient,
        unit: &Unit,
        snapshot: &str,
    ) -> Result<u64, Fault> {
        let sql = format!(
            "INSERT INTO {to} SELECT * FROM {from}
             WHERE xid >= pg_snapshot_xmin($1::text::pg_snapshot)
                 AND NOT pg_visible_in_snapshot(xid, $1::text::pg_snapshot)
                 AND (timestamp, hash) >= ($2, $3) AND (timestamp, hash) < ($4, $5)
             ON CONFLICT DO NOTHING",
            to = self.table(),
            from = unit.table()
        );
        let copied = client.execute(&sql, &self.bounds(&snapshot)).await?;
        self.messages += i64::try_from(copied).unwrap_or(i64::MAX);
        Ok(copied)
    }

    /// A snapshot and the bounds, as statements have them.
    fn bounds<'a>(&'a self, snapshot: &'a &str) -> [&'a (dyn ToSql + Sync); 5] {
        let (lower, upper) = (&self.part.lower, &self.part.upper);
        [
            snapshot,
            &lower.timestamp,
            &lower.hash,
            &upper.timestamp,
            &upper.hash,
        ]
    }
}

async fn snapshot(client: &Object) -> Result<String, Fault> {
    let row = client
        .query_one("SELECT pg_current_snapshot()::text", &[])
        .await?;
    Ok(row.try_get(0)?)
}

/// Does to the copies what `snapshot` doesn't know of; gives how many rows that were.
async fn catch_up(
    client: &impl GenericClient,
    unit: &Unit,
    copies: &mut [PartCopy],
    snapshot: &str,
) -> Result<u64, Fault> {
    let mut changed = 0;
    for copy in copies {
        // In this order, for a stale copy is in the way of the row that is there again.
        changed += copy.remove_since(client, unit, snapshot).await?;
        changed += copy.copy_since(client, unit, snapshot).await?;
    }
    Ok(changed)
}

/// Puts the copies in the place of the unit.
async fn replace(
    client: &mut Object,
    unit: &Unit,
    mut copies: Vec<PartCopy>,
    snapshot: &str,
) -> Result<(), Fault> {
    let transaction = locked_after_maintenance(client, unit).await?;
    let lock = format!("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", unit.table());
    transaction.batch_execute(&lock).await?;
    let emptied = format!(
        "SELECT EXISTS (
             SELECT {REMOVALS} AND (lower_timestamp, lower_hash) <= ($2, $3)
                 AND (upper_timestamp, upper_hash) >= ($4, $5)
         )"
    );
    for copy in &copies {
        let row = transaction
            .query_one(&emptied, &copy.bounds(&snapshot))
            .await?;
        if row.try_get(0)? {
            return Err(Fault::Again(
                "a unit was emptied while it was divided, which takes longer to repeat than others \
                 can be made to wait"
                    .into(),
            ));
        }
    }
    catch_up(&transaction, unit, &mut copies, snapshot).await?;
    detach(&transaction, unit).await?;
    for copy in &copies {
        copy.part.attach(&transaction, copy.messages).await?;
        let drop = format!("ALTER TABLE {} DROP CONSTRAINT bounds", copy.table());
        transaction.batch_execute(&drop).await?;
    }
    strike(&transaction, unit).await?;
    transaction.commit().await?;
    Ok(())
}

async fn drop_table(client: &Object, unit: &Unit) -> Result<(), Fault> {
    let drop = format!("DROP TABLE {}", unit.table());
    Ok(client.batch_execute(&drop).await?)
}
