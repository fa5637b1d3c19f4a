//! What a policy would have go, without doing it.

use sync_core::{Bound, Item, Range};

use super::keeper::{check_least, check_newest};
use super::{Precision, Reason, RetentionError, RetentionPolicy};
use super::{before_newest, oldest_units, past_capacity, past_time};
use crate::archive::{Archive, ArchiveError, Scan};
use crate::index::Index;

/// What a policy would have go.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    /// For each bound of the policy that there is too much for.
    pub parts: Vec<PlanPart>,
    /// The floor that results.
    pub floor: Bound,
    /// How many messages would go for all together.
    pub messages: u64,
    /// Bytes of these messages, encoded.
    pub message_bytes: u64,
    /// Bytes on disk that would be given back: those of units that go whole.
    pub disk_bytes: u64,
    /// The oldest message that would be left.
    pub oldest: Option<Item>,
}

/// What one bound of a policy would have go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PlanPart {
    /// Which bound.
    pub reason: Reason,
    /// The floor that it wants.
    pub floor: Bound,
    /// How many messages lie below that.
    pub messages: u64,
}

/// What `policy` would have go of `archive`, of which `index` is the index, at `now` (nanoseconds
/// since 1970).
///
/// # Errors
/// When the archive can't be kept to the policy's cap, or can't be read.
pub async fn plan(
    archive: &dyn Archive,
    index: &Index,
    policy: &RetentionPolicy,
    now: u64,
) -> Result<Plan, RetentionError> {
    let units = archive.units().await?;
    let floor = index.floor();
    let mut wanted = Vec::new();
    if let Some(time) = policy.time {
        let past = past_time(&floor, &units, time, now, Precision::Exact);
        wanted.extend(past.map(|floor| (Reason::Time, floor)));
    }
    if let Some(capacity) = policy.capacity {
        let past = past_capacity(index, capacity, Precision::Exact);
        wanted.extend(past.map(|floor| (Reason::Capacity, floor)));
    }
    if let Some(cap) = policy.size {
        check_least(cap)?;
        check_newest(archive, index, cap).await?;
        let taken = archive
            .disk_bytes()
            .await?
            .saturating_add(archive.spare_bytes());
        let over = taken.saturating_sub(cap);
        let older = before_newest(&units, index);
        let end = (over > 0).then(|| oldest_units(older, over)).flatten();
        wanted.extend(end.map(|end| (Reason::Size, end)));
    }
    let part = |(reason, floor): (Reason, Bound)| PlanPart {
        reason,
        floor,
        messages: index.rank(&floor) as u64,
    };
    let parts: Vec<PlanPart> = wanted.into_iter().map(part).collect();
    let raised = |floor: Bound, part: &PlanPart| match part.reason {
        // Where what goes by time leaves no more than the capacity, nothing more is done.
        Reason::Capacity if part.messages <= index.rank(&floor) as u64 => floor,
        _ => floor.max(part.floor),
    };
    let floor = parts.iter().fold(floor, raised);
    let covered = units.iter().filter(|unit| unit.span.upper <= floor);
    let messages = index.rank(&floor);
    Ok(Plan {
        messages: messages as u64,
        message_bytes: bytes_before(archive, floor).await?,
        disk_bytes: covered.map(|unit| unit.disk_bytes).sum(),
        oldest: index.select(messages),
        parts,
        floor,
    })
}

async fn bytes_before(archive: &dyn Archive, floor: Bound) -> Result<u64, ArchiveError> {
    let (mut bytes, mut rest) = (0, Some(Range::new(Bound::MIN, floor)));
    while let Some(range) = rest {
        let page = archive.scan(&Scan::of_range(range)).await?;
        bytes += page
            .keys
            .iter()
            .map(|key| key.message_bytes as u64)
            .sum::<u64>();
        rest = page.rest;
    }
    Ok(bytes)
}
