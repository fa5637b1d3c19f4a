//! Removal: whole partitions where the span covers them, and else row by row.
//!
//! A partition is emptied by `TRUNCATE`, which gives its disk back at once and locks nothing but the
//! partition; empty ones are joined with their neighbours later. Each step is a transaction that also
//! says to other nodes what was removed.

use std::sync::atomic::{AtomicUsize, Ordering};

use deadpool_postgres::{Object, Transaction};
use sync_core::{Bound, Range};

use super::Shared;
use super::fault::Fault;
use super::place::{Place, item_in, places_of};
use super::read::covers;
use super::units::{self, Unit};
use crate::limits::PARTITION_LOCK_MILLISECONDS;

/// Removes the oldest messages of a span: at most `limit`, or one whole partition and with it perhaps
/// more. What was removed before something fails is counted in `removed`, also by earlier attempts.
pub(super) async fn remove(
    shared: &Shared,
    span: &Range,
    limit: usize,
    removed: &AtomicUsize,
) -> Result<usize, Fault> {
    let so_far = || removed.load(Ordering::Relaxed);
    let Some((lower, upper)) = places_of(span) else {
        return Ok(0);
    };
    let mut client = shared.connections.get().await?;
    for unit in units::within(&client, &lower, &upper).await? {
        if covers(span, &unit.span()) && so_far() < limit {
            removed.fetch_add(empty(&mut client, &unit).await?, Ordering::Relaxed);
            continue;
        }
        let inside = Rows {
            unit: &unit,
            lower: (&lower).max(&unit.lower),
            upper: (&upper).min(&unit.upper),
        };
        // Other nodes that remove the same make it less than there seemed to be.
        while so_far() < limit {
            match inside.remove(&mut client, limit - so_far()).await? {
                0 => break,
                count => removed.fetch_add(count, Ordering::Relaxed),
            };
        }
    }
    shared.disk.forget();
    Ok(so_far())
}

/// Removes everything that a unit holds; gives how much that was.
async fn empty(client: &mut Object, unit: &Unit) -> Result<usize, Fault> {
    let transaction = client.transaction().await?;
    transaction
        .batch_execute(&format!(
            "SET LOCAL lock_timeout = {PARTITION_LOCK_MILLISECONDS}; TRUNCATE {}",
            unit.table()
        ))
        .await?;
    let row = transaction
        .query_opt(
            "WITH held AS (SELECT number, messages FROM units WHERE number = $1 FOR UPDATE)
             UPDATE units SET messages = 0 FROM held WHERE units.number = held.number
             RETURNING held.messages",
            &[&unit.number],
        )
        .await?;
    let Some(row) = row else {
        return Err(Fault::Again("the partition has another number now".into()));
    };
    let held: i64 = row.try_get(0)?;
    tell(&transaction, &unit.lower, &unit.upper).await?;
    transaction.commit().await?;
    Ok(usize::try_from(held).unwrap_or_default())
}

/// Some rows of a unit.
struct Rows<'a> {
    unit: &'a Unit,
    lower: &'a Place,
    upper: &'a Place,
}

impl Rows<'_> {
    /// Removes the first `limit` of them.
    async fn remove(&self, client: &mut Object, limit: usize) -> Result<usize, Fault> {
        let transaction = client.transaction().await?;
        let table = self.unit.table();
        let rows = transaction
            .query(
                &format!(
                    "WITH found AS (
                         SELECT timestamp, hash FROM {table}
                         WHERE (timestamp, hash) >= ($1, $2) AND (timestamp, hash) < ($3, $4)
                         ORDER BY timestamp, hash LIMIT $5 FOR UPDATE
                     ), gone AS (
                         DELETE FROM {table} AS held USING found
                         WHERE held.timestamp = found.timestamp AND held.hash = found.hash
                         RETURNING held.timestamp, held.hash
                     )
                     SELECT timestamp, hash FROM gone ORDER BY timestamp, hash"
                ),
                &[
                    &self.lower.timestamp,
                    &self.lower.hash,
                    &self.upper.timestamp,
                    &self.upper.hash,
                    &i64::try_from(limit).unwrap_or(i64::MAX),
                ],
            )
            .await?;
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
            return Ok(0);
        };
        let (first, last) = (item_in(first, 0)?, item_in(last, 0)?);
        let counted = transaction
            .execute(
                "UPDATE units SET messages = messages - $2 WHERE number = $1",
                &[
                    &self.unit.number,
                    &i64::try_from(rows.len()).unwrap_or(i64::MAX),
                ],
            )
            .await?;
        if counted != 1 {
            return Err(Fault::Again("the partition has another number now".into()));
        }
        let (lower, upper) = (Bound::Before(first), Bound::after(&last));
        tell(&transaction, &Place::of(&lower), &Place::of(&upper)).await?;
        transaction.commit().await?;
        Ok(rows.len())
    }
}

/// Tells other nodes of a removal, when it is committed.
async fn tell(transaction: &Transaction<'_>, lower: &Place, upper: &Place) -> Result<(), Fault> {
    transaction
        .execute(
            "INSERT INTO removals (lower_timestamp, lower_hash, upper_timestamp, upper_hash)
             VALUES ($1, $2, $3, $4)",
            &[&lower.timestamp, &lower.hash, &upper.timestamp, &upper.hash],
        )
        .await?;
    Ok(())
}
