//! Empty partitions ahead of the newest messages.

use std::time::{Duration, Instant};

use deadpool_postgres::Object;

use super::Shared;
use super::fault::Fault;
use super::keeper::target;
use super::partitions;
use super::place::Place;
use super::units::{self, Unit};
use crate::limits::{
    PARTITION_AHEAD_MILLISECONDS, PARTITION_CUT_BYTES, PARTITION_SPAN, PARTITIONS_MOST,
};

/// Empty partitions that are kept ahead of the newest messages.
const AHEAD: usize = 3;

/// The shortest span of time of a partition that is made ahead, in nanoseconds; a second.
const SHORTEST: u64 = 1_000_000_000;

/// Keeps some made while a partition is divided, which may take longer than those last that there are:
/// the last partition of all would hold what comes after them, and grow.
#[derive(Debug)]
pub(super) struct Ahead<'a> {
    shared: &'a Shared,
    divided: &'a Unit,
    next: Instant,
}

impl<'a> Ahead<'a> {
    pub(super) fn while_dividing(shared: &'a Shared, divided: &'a Unit) -> Self {
        Self {
            shared,
            divided,
            next: Instant::now(),
        }
    }

    /// Makes what is to be made, if it wasn't looked for just before. Where others are in the way it is
    /// left for the next time.
    pub(super) async fn keep_up(&mut self, client: &mut Object) -> Result<(), Fault> {
        if Instant::now() < self.next {
            return Ok(());
        }
        self.next = Instant::now() + Duration::from_millis(PARTITION_AHEAD_MILLISECONDS);
        let held = units::list(client).await?;
        let last = held.last().map(|(last, _)| last.number);
        if last == Some(self.divided.number) {
            return Ok(());
        }
        match make(client, &held, target(self.shared, &held)).await {
            Err(fault) if fault.may_pass() => Ok(()),
            made => made,
        }
    }
}

/// Makes empty partitions behind the newest messages, each long enough for its share at the rate at
/// which these came.
pub(super) async fn make(
    client: &mut Object,
    held: &[(Unit, u64)],
    target: u64,
) -> Result<(), Fault> {
    let newest = held.iter().rposition(|(unit, _)| unit.messages > 0);
    let (Some(newest), Some((last, bytes_of_last))) = (newest, held.last()) else {
        return Ok(());
    };
    if held.len() - newest > 2 || held.len() as u64 >= PARTITIONS_MOST {
        return Ok(());
    }
    if !is_cut_quickly(*bytes_of_last) {
        return Ok(());
    }
    let (unit, bytes) = &held[newest];
    let Some((oldest_time, newest_time)) = times_in(client, unit).await? else {
        return Ok(());
    };
    let span = newest_time.saturating_sub(oldest_time);
    let long_enough = u128::from(span) * u128::from(target) / u128::from((*bytes).max(1));
    let width = match span {
        0 => PARTITION_SPAN / 24,
        _ => u64::try_from(long_enough).unwrap_or(u64::MAX),
    };
    let width = i64::try_from(width.clamp(SHORTEST, PARTITION_SPAN)).unwrap_or(i64::MAX);
    let start = last
        .lower
        .timestamp
        .max(i64::try_from(newest_time).unwrap_or(i64::MAX));
    let mut places = Vec::new();
    for number in 1..=AHEAD as i64 {
        // Messages of the far future leave no room behind them.
        let Some(time) = width.checked_mul(number).and_then(|w| start.checked_add(w)) else {
            break;
        };
        places.push(Place::at_time(time));
    }
    partitions::cut_last(client, last, &places).await
}

/// The times of the oldest and the newest message of a unit.
async fn times_in(client: &Object, unit: &Unit) -> Result<Option<(u64, u64)>, Fault> {
    let sql = format!(
        "SELECT min(timestamp), max(timestamp) FROM {}",
        unit.table()
    );
    let row = client.query_one(&sql, &[]).await?;
    let (oldest, newest): (Option<i64>, Option<i64>) = (row.try_get(0)?, row.try_get(1)?);
    let time = |time: i64| u64::try_from(time).unwrap_or_default();
    Ok(oldest.zip(newest).map(|(a, b)| (time(a), time(b))))
}

/// Whether a last partition of so many bytes may be cut. It is read through for that, and everybody waits
/// meanwhile; a larger one is divided first.
const fn is_cut_quickly(bytes: u64) -> bool {
    bytes <= PARTITION_CUT_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_last_partition_is_cut_up_to_the_limit() {
        assert!(is_cut_quickly(PARTITION_CUT_BYTES));
        assert!(!is_cut_quickly(PARTITION_CUT_BYTES + 1));
    }
}
