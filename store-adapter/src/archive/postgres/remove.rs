//! Removal: whole partitions where the span covers them, and else row by row.
//!
//! A partition is emptied by `TRUNCATE`, which gives its disk back at once and locks nothing but the
//! partition; empty ones are joined with their neighbours later. Each step is a transaction that also
//! says to other nodes what was removed.
//!
//! Whoever reads a partition keeps it from being emptied, and who comes after waits behind. So it is
//! waited for only shortly, and else left for another time.

use std::sync::atomic::{AtomicUsize, Ordering};

use deadpool_postgres::{Object, Transaction};
use sync_core::{Bound, Range};
use tokio_postgres::types::ToSql;

use super::Shared;
use super::fault::{Fault, is_held};
use super::place::{Place, item_in, places_of};
use super::read::covers;
use super::units::{self, Unit};
use crate::archive::StorageUnit;
use crate::limits::{
    MAINTENANCE_MILLISECONDS, PARTITION_LOCK_MILLISECONDS, PARTITION_REMOVAL_MILLISECONDS,
};

/// Removes the oldest messages of a span: at most `limit`, or one whole partition and with it perhaps
/// more. What was removed before something fails is counted in `removed`, also by earlier attempts.
/// Partitions that somebody reads for long are left out, which is told by a fault once everything else
/// is removed.
pub(super) async fn remove(
    shared: &Shared,
    span: &Range,
    limit: usize,
    removed: &AtomicUsize,
    mut patience: Patience,
) -> Result<usize, Fault> {
    let so_far = || removed.load(Ordering::Relaxed);
    let Some((lower, upper)) = places_of(span) else {
        return Ok(0);
    };
    let mut client = shared.connections.get().await?;
    let mut held = false;
    for unit in units::within(&client, &lower, &upper).await? {
        if covers(span, &unit.span()) && so_far() < limit {
            match empty(&mut client, &unit, patience).await? {
                Some(count) => drop(removed.fetch_add(count, Ordering::Relaxed)),
                None => (held, patience) = (true, Patience::OVER),
            }
            continue;
        }
        let inside = Rows {
            unit: &unit,
            lower: (&lower).max(&unit.lower),
            upper: (&upper).min(&unit.upper),
        };
        // Other nodes that remove the same make it less than there seemed to be, or nothing at all.
        while so_far() < limit {
            match inside.remove(&mut client, limit - so_far()).await? {
                0 if inside.is_empty(&client).await? => break,
                count => drop(removed.fetch_add(count, Ordering::Relaxed)),
            }
        }
    }
    shared.disk.forget();
    match so_far() < limit && held {
        true => Err(Fault::Held(so_far())),
        false => Ok(so_far()),
    }
}

/// Of these units, oldest first, those that nobody reads just now, until they come to so many bytes.
pub(super) async fn removable(
    shared: &Shared,
    units: &[StorageUnit],
    bytes: u64,
) -> Result<Vec<StorageUnit>, Fault> {
    let mut client = shared.connections.get().await?;
    let held = units::list(&client).await?;
    let mut patience = Patience::SHORT;
    let (mut free, mut given_back) = (Vec::new(), 0u64);
    for unit in units {
        if given_back >= bytes {
            break;
        }
        let found = held.iter().find(|(held, _)| held.span() == unit.span);
        let Some((held, _)) = found else {
            continue;
        };
        let transaction = client.transaction().await?;
        match patience.lock(&transaction, held).await? {
            true => {
                given_back = given_back.saturating_add(unit.disk_bytes);
                free.push(unit.clone());
            }
            false => patience = Patience::OVER,
        }
    }
    Ok(free)
}

/// How long those are waited for who are at a partition: the first of them, for after that nobody is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// For maintenance by the server, in milliseconds; nobody else waits meanwhile.
    maintenance: u32,
    /// For readers, in milliseconds; whoever comes after waits as well.
    readers: u32,
}

impl Patience {
    /// Where nobody waits for the removal.
    pub(super) const LONG: Self = Self {
        maintenance: MAINTENANCE_MILLISECONDS,
        readers: PARTITION_LOCK_MILLISECONDS,
    };
    /// Where messages wait to be stored.
    pub(super) const SHORT: Self = Self {
        maintenance: PARTITION_REMOVAL_MILLISECONDS,
        readers: PARTITION_REMOVAL_MILLISECONDS,
    };
    const OVER: Self = Self {
        maintenance: 1,
        readers: 1,
    };

    /// Locks a unit against everybody; tells whether that was possible. The transaction is to be given
    /// up if not.
    async fn lock(self, transaction: &Transaction<'_>, unit: &Unit) -> Result<bool, Fault> {
        let lock = format!(
            "SET LOCAL lock_timeout = {};
             LOCK TABLE {table} IN SHARE UPDATE EXCLUSIVE MODE;
             SET LOCAL lock_timeout = {};
             LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE;
             SET LOCAL lock_timeout = {PARTITION_LOCK_MILLISECONDS}",
            self.maintenance,
            self.readers,
            table = unit.table()
        );
        match transaction.batch_execute(&lock).await {
            Err(error) if is_held(&error) => Ok(false),
            locked => Ok(locked.map(|()| true)?),
        }
    }
}

/// Removes everything that a unit holds; gives how much that was, and `None` if somebody reads it.
async fn empty(
    client: &mut Object,
    unit: &Unit,
    patience: Patience,
) -> Result<Option<usize>, Fault> {
    let transaction = client.transaction().await?;
    if !patience.lock(&transaction, unit).await? {
        return Ok(None);
    }
    let truncate = format!("TRUNCATE {}", unit.table());
    transaction.batch_execute(&truncate).await?;
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
    Ok(Some(usize::try_from(held).unwrap_or_default()))
}

/// Some rows of a unit.
struct Rows<'a> {
    unit: &'a Unit,
    lower: &'a Place,
    upper: &'a Place,
}

impl Rows<'_> {
    async fn is_empty(&self, client: &Object) -> Result<bool, Fault> {
        let sql = format!(
            "SELECT NOT EXISTS (
                 SELECT FROM {} WHERE (timestamp, hash) >= ($1, $2) AND (timestamp, hash) < ($3, $4)
             )",
            self.unit.table()
        );
        let row = client.query_one(&sql, &self.bounds()).await?;
        Ok(row.try_get(0)?)
    }

    fn bounds(&self) -> [&(dyn ToSql + Sync); 4] {
        let (lower, upper) = (self.lower, self.upper);
        [&lower.timestamp, &lower.hash, &upper.timestamp, &upper.hash]
    }

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
