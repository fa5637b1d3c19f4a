//! Looks after the partitions: some are empty ahead of the newest messages, none gets too large, and
//! empty ones are joined. One node does it at a time.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use deadpool_postgres::Object;
use tokio::sync::Notify;

use super::Shared;
use super::ahead::{self, Ahead};
use super::changes;
use super::disk;
use super::division;
use super::fault::Fault;
use super::partitions;
use super::units::{self, Unit};
use crate::limits::{
    PARTITION_LOOK_AGAIN_MILLISECONDS, PARTITION_LOOK_AGAIN_MOST_MILLISECONDS,
    PARTITION_LOOK_MILLISECONDS, PARTITION_PAUSE_MILLISECONDS, PARTITION_SETTLE_MILLISECONDS,
    PARTITION_TURN_SECONDS, PARTITIONS,
};

/// The lock of whoever changes partitions; common to all nodes.
const PARTITION_LOCK: i64 = 0x7761_6b75_0000_0002;

/// Most parts into which a partition is divided at once.
const PARTS: u64 = 8;

/// Looks when something was stored, and every now and then.
pub(super) async fn run(shared: Weak<Shared>, wake: Arc<Notify>) {
    let usual = Duration::from_millis(PARTITION_LOOK_MILLISECONDS);
    let soon = Duration::from_millis(PARTITION_LOOK_AGAIN_MILLISECONDS);
    let longest = Duration::from_millis(PARTITION_LOOK_AGAIN_MOST_MILLISECONDS);
    let (mut pause, mut held_up) = (usual, soon);
    loop {
        match held_up > soon {
            // What is stored meanwhile calls in vain.
            true => tokio::time::sleep(pause).await,
            // Ended by time or by a call, it is the same.
            false => drop(tokio::time::timeout(pause, wake.notified()).await),
        }
        let Some(shared) = shared.upgrade() else {
            return;
        };
        pause = usual;
        let looked = look(&shared).await;
        if looked.is_ok() {
            held_up = soon;
        }
        match looked {
            Ok(true) => {}
            // Another node is at it. Under a cap others wait for it.
            Ok(false) => {
                if shared.disk_cap.is_some() {
                    pause = soon;
                }
            }
            // The next look does it.
            Err(fault) if fault.may_pass() => {
                tracing::debug!(?fault, "partitions left as they are");
                shared.care.held_up();
                pause = held_up;
                held_up = longest.min(held_up * 2);
            }
            Err(fault) => tracing::warn!(?fault, "the partitions can't be looked after"),
        }
    }
}

/// Waits until no partition takes more than so many bytes, and looks after them meanwhile, but not for
/// long. What other nodes store makes them grow too.
pub(super) async fn settle(shared: &Shared, most: u64) {
    let end = Instant::now() + Duration::from_millis(PARTITION_SETTLE_MILLISECONDS);
    while !shared.care.is_held_up() && Instant::now() < end {
        if !disk::largest(shared).await.is_ok_and(|bytes| bytes > most) {
            return;
        }
        match look(shared).await {
            Ok(true) => {}
            Ok(false) => pause().await,
            Err(_) => return,
        }
    }
}

/// Leaves another node that is at it some time.
pub(super) async fn pause() {
    tokio::time::sleep(Duration::from_millis(PARTITION_PAUSE_MILLISECONDS)).await;
}

/// As [`look`], after whoever else is at it, who may take [`PARTITION_TURN_SECONDS`].
pub(super) async fn look_in_turn(shared: &Shared) -> Result<(), Fault> {
    let end = Instant::now() + Duration::from_secs(PARTITION_TURN_SECONDS);
    while !look(shared).await? {
        if Instant::now() > end {
            return Err(Fault::Failed(
                "another node looks after the partitions".into(),
            ));
        }
        pause().await;
    }
    Ok(())
}

/// Does what is to be done now, unless another node is at it; tells whether it did. Either way what was
/// stored before is looked after.
pub(super) async fn look(shared: &Shared) -> Result<bool, Fault> {
    let seen = shared.care.seen_now();
    let done = take_turn(shared).await?;
    shared.care.looked_after(seen);
    Ok(done)
}

async fn take_turn(shared: &Shared) -> Result<bool, Fault> {
    let client = shared.connections.get().await?;
    let mut turn = Turn(Some(client));
    let Some(client) = &mut turn.0 else {
        return Ok(false);
    };
    let row = client
        .query_one("SELECT pg_try_advisory_lock($1)", &[&PARTITION_LOCK])
        .await?;
    let done = match row.try_get(0)? {
        true => tend(shared, client).await.map(|()| true),
        false => Ok(false),
    };
    let unlocked = client.execute("SELECT pg_advisory_unlock_all()", &[]).await;
    if unlocked.is_ok() {
        turn.0 = None;
    }
    done
}

/// A connection that may have the lock. It is closed, and the lock free, if the look is broken off.
struct Turn(Option<Object>);

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(client) = self.0.take() {
            drop(Object::take(client));
        }
    }
}

async fn tend(shared: &Shared, client: &mut Object) -> Result<(), Fault> {
    partitions::clear_away(client).await?;
    changes::forget_old_removals(client).await?;
    let held = units::list(client).await?;
    let target = target(shared, &held);
    ahead::make(client, &held, target).await?;
    join_empty(client).await?;
    for (unit, bytes) in units::list(client).await? {
        let parts = (bytes * 4 / (target * 3)).min(PARTS);
        if bytes * 2 > target * 3 && parts > 1 && unit.messages >= parts {
            let parts = usize::try_from(parts).unwrap_or(1);
            let mut ahead = Ahead::while_dividing(shared, &unit);
            division::divide(client, &unit, bytes, parts, &mut ahead).await?;
            tracing::debug!(unit = unit.number, bytes, parts, "a partition was divided");
        }
    }
    Ok(())
}

/// How many bytes a partition is to hold. It may get half as many more before it is divided.
pub(super) fn target(shared: &Shared, held: &[(Unit, u64)]) -> u64 {
    let all: u64 = held.iter().map(|(_, bytes)| bytes).sum();
    let of_all = (all / PARTITIONS).max(shared.partition_bytes);
    shared.target_under_cap().unwrap_or(of_all)
}

/// Joins the longest run of empty neighbours that lies before messages.
async fn join_empty(client: &mut Object) -> Result<(), Fault> {
    let held = units::list(client).await?;
    let newest = held.iter().rposition(|(unit, _)| unit.messages > 0);
    let before = &held[..newest.unwrap_or(0)];
    let runs = before.chunk_by(|(a, _), (b, _)| (a.messages == 0) == (b.messages == 0));
    let empty = runs.filter(|run| run.len() > 1 && run[0].0.messages == 0);
    let Some(longest) = empty.max_by_key(|run| run.len()) else {
        return Ok(());
    };
    let units: Vec<Unit> = longest.iter().map(|(unit, _)| unit.clone()).collect();
    partitions::join_empty(client, &units).await
}
