//! Holds to a policy as time goes by.

use std::time::Duration;

use super::{Precision, Pruned, RetentionError, SteadyClock, before_newest};
use crate::archive::{Archive, ArchiveError};
use crate::index::Index;
use crate::ingest::Ingest;
use crate::limits::{RETENTION_CAP_MIN, RETENTION_EXCESS};

/// Holds to the policy of a door as time goes by: what gets too old goes, what exceeds the capacity
/// by no more than the door's slack, and what a failure has left undone.
#[derive(Debug)]
pub struct Keeper {
    door: Ingest,
    clock: SteadyClock,
}

impl Keeper {
    /// Holds to the policy of `door` at `now` (nanoseconds since 1970), before anything is let in: an
    /// archive that exceeds its bounds, since they were lowered, is within them after that.
    ///
    /// # Errors
    /// When the cap is smaller than the archive can be kept; the message tells the least that works.
    /// When the archive can't be read or written.
    pub async fn start(door: Ingest, now: u64) -> Result<Self, RetentionError> {
        if let Some(cap) = door.policy().size {
            check_least(cap)?;
        }
        door.sweep().await?;
        door.keep_time(now, Precision::Exact).await?;
        door.keep_capacity(Precision::Exact).await?;
        if let Some(cap) = door.policy().size {
            check_newest(&**door.archive(), door.index(), cap).await?;
            door.keep_size().await?;
        }
        Ok(Self {
            door,
            clock: SteadyClock::new(now),
        })
    }

    /// Prunes what is due at `now` (nanoseconds since 1970, by the system's clock) when `passed` has
    /// gone by since the start; tells what went. Call it every minute or so.
    ///
    /// # Errors
    /// When the archive can't be read or written; the next call does what is left.
    pub async fn apply(&mut self, now: u64, passed: Duration) -> Result<Vec<Pruned>, ArchiveError> {
        let (now, doubted) = self.clock.read(now, passed);
        if doubted {
            tracing::warn!(
                "the system's clock has jumped ahead: what has got too old only by that is kept for \
                 an hour; set the clock right if it is wrong"
            );
        }
        self.door.sweep().await?;
        let time = self.door.keep_time(now, Precision::Lazy).await?;
        let capacity = self.door.keep_capacity(Precision::Exact).await?;
        self.door.keep_size().await?;
        Ok(time.into_iter().chain(capacity).collect())
    }
}

/// Whether any archive can be kept to this cap.
pub(super) fn check_least(cap: u64) -> Result<(), RetentionError> {
    if cap >= RETENTION_CAP_MIN {
        return Ok(());
    }
    Err(RetentionError::CapTooSmall {
        cap,
        least: RETENTION_CAP_MIN,
        why: "less has no room for parts that can go one by one",
    })
}

/// Whether the archive that is there can be kept to the cap without giving up its newest unit.
pub(super) async fn check_newest(
    archive: &dyn Archive,
    index: &Index,
    cap: u64,
) -> Result<(), RetentionError> {
    let disk = archive.disk_bytes().await?;
    let units = archive.units().await?;
    let older = before_newest(&units, index).map(|unit| unit.disk_bytes);
    let rest = disk.saturating_sub(older.sum());
    if rest <= cap {
        return Ok(());
    }
    Err(RetentionError::CapTooSmall {
        cap,
        least: rest.saturating_add(rest / RETENTION_EXCESS),
        why: "its newest part takes so much, and goes only as a whole; give it that at first: under a \
              cap parts get smaller as messages come in, and then it can be lowered",
    })
}
