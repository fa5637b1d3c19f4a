//! How much the archive takes on disk.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use deadpool_postgres::Transaction;
use tokio_postgres::Row;

use super::Shared;
use super::fault::Fault;
use super::read::outermost;
use crate::archive::ArchiveStats;
use crate::limits::{
    DISK_COUNT_BYTES, DISK_COUNT_CAPPED_MILLISECONDS, DISK_COUNT_CAPPED_PART,
    DISK_COUNT_MILLISECONDS, RETENTION_EXCESS,
};
use crate::retention::Growth;

/// The bytes counted last, which are good for a while.
#[derive(Debug, Default)]
pub(super) struct Disk {
    counted: Mutex<Option<Counted>>,
    /// Bytes of the largest partition, when that was last looked at.
    largest: AtomicU64,
}

#[derive(Clone, Copy, Debug)]
struct Counted {
    at: Instant,
    bytes: u64,
    stored_since: u64,
}

impl Disk {
    /// Takes note of messages that were stored, and take about so many bytes.
    pub(super) fn stored(&self, bytes: u64) {
        if let Some(counted) = &mut *self.counted() {
            counted.stored_since += bytes;
        }
    }

    /// Bytes of the largest partition, as known last.
    pub(super) fn largest(&self) -> u64 {
        self.largest.load(Ordering::Relaxed)
    }

    /// Has the bytes counted anew next time.
    pub(super) fn forget(&self) {
        *self.counted() = None;
    }

    /// What it takes by now, if that is known well enough to hold to a cap.
    fn known(&self, cap: Option<u64>) -> Option<u64> {
        let counted = (*self.counted())?;
        let (millis, bytes) = match cap {
            Some(cap) => (
                DISK_COUNT_CAPPED_MILLISECONDS,
                (cap / DISK_COUNT_CAPPED_PART).min(DISK_COUNT_BYTES),
            ),
            None => (DISK_COUNT_MILLISECONDS, DISK_COUNT_BYTES),
        };
        let fresh =
            counted.at.elapsed() < Duration::from_millis(millis) && counted.stored_since < bytes;
        fresh.then_some(counted.bytes + counted.stored_since)
    }

    /// Takes note of what [`COUNT`] gives; tells how many bytes there are.
    fn learn(&self, counted: &Row) -> Result<u64, Fault> {
        let column = |index| -> Result<u64, Fault> {
            let bytes = counted.try_get::<_, i64>(index)?;
            Ok(u64::try_from(bytes).unwrap_or_default())
        };
        let (bytes, largest) = (column(0)?, column(1)?);
        self.largest.store(largest, Ordering::Relaxed);
        *self.counted() = Some(Counted {
            at: Instant::now(),
            bytes,
            stored_since: 0,
        });
        Ok(bytes)
    }

    // Replaced whole, so poison is no news.
    fn counted(&self) -> MutexGuard<'_, Option<Counted>> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The lock of whoever stores under a cap, so that nobody else does between the count and the commit.
const CAP_LOCK: i64 = 0x7761_6b75_0000_0004;

/// Bytes of all our tables, and of the largest partition.
const COUNT: &str = "SELECT coalesce(sum(bytes), 0)::bigint,
         coalesce(max(bytes) FILTER (WHERE relispartition), 0)::bigint
     FROM (
         SELECT relispartition, pg_total_relation_size(oid) AS bytes FROM pg_class
         WHERE relnamespace = 'wakustore'::regnamespace AND relkind IN ('r', 'm')
     ) AS tables";

/// Makes sure that messages of this weight fit under the cap, whatever other nodes store at the same
/// time. What partitions need to be divided stays free.
pub(super) async fn hold_room(
    shared: &Shared,
    transaction: &Transaction<'_>,
    cap: u64,
    weight: u64,
) -> Result<(), Fault> {
    let lock = transaction
        .prepare_cached("SELECT pg_advisory_xact_lock($1)")
        .await?;
    transaction.query_one(&lock, &[&CAP_LOCK]).await?;
    let count = transaction.prepare_cached(COUNT).await?;
    let counted = transaction.query_one(&count, &[]).await?;
    let disk_bytes = shared.disk.learn(&counted)?;
    let most = cap.saturating_add(cap / RETENTION_EXCESS);
    let wanted = Growth::of(weight).saturating_add(shared.spare_bytes());
    match disk_bytes.saturating_add(wanted) <= most {
        true => Ok(()),
        false => Err(Fault::NoRoom { cap, disk_bytes }),
    }
}

/// Bytes of the largest partition.
pub(super) async fn largest(shared: &Shared) -> Result<u64, Fault> {
    count(shared).await?;
    Ok(shared.disk.largest())
}

/// Counts the bytes of all tables.
async fn count(shared: &Shared) -> Result<u64, Fault> {
    let client = shared.connections.get().await?;
    let count = client.prepare_cached(COUNT).await?;
    shared.disk.learn(&client.query_one(&count, &[]).await?)
}

/// Bytes of all our tables and their indices, counted lately or estimated since.
pub(super) async fn bytes(shared: &Shared) -> Result<u64, Fault> {
    if let Some(bytes) = shared.disk.known(shared.disk_cap) {
        return Ok(bytes);
    }
    count(shared).await
}

pub(super) async fn stats(shared: &Shared) -> Result<ArchiveStats, Fault> {
    shared.disk.forget();
    let disk_bytes = bytes(shared).await?;
    let client = shared.connections.get().await?;
    let row = client
        .query_one("SELECT coalesce(sum(messages), 0)::bigint FROM units", &[])
        .await?;
    let messages: i64 = row.try_get(0)?;
    Ok(ArchiveStats {
        messages: u64::try_from(messages).unwrap_or_default(),
        disk_bytes,
        log_bytes: log_bytes(&client).await?,
        first: outermost(&client, false).await?,
        last: outermost(&client, true).await?,
    })
}

/// Bytes of the write-ahead log; 0 if this user may not know.
async fn log_bytes(client: &deadpool_postgres::Object) -> Result<u64, Fault> {
    let allowed = client
        .query_one(
            "SELECT has_function_privilege('pg_ls_waldir()', 'EXECUTE')",
            &[],
        )
        .await?;
    if !allowed.try_get::<_, bool>(0)? {
        return Ok(0);
    }
    let row = client
        .query_one(
            "SELECT coalesce(sum(size), 0)::bigint FROM pg_ls_waldir()",
            &[],
        )
        .await?;
    Ok(u64::try_from(row.try_get::<_, i64>(0)?).unwrap_or_default())
}
