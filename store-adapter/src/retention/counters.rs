//! Counts what was pruned.

use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use sync_core::Bound;

/// Which bound of a policy had messages go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reason {
    /// They were too old.
    Time,
    /// There were too many.
    Capacity,
    /// They took too much of the disk.
    Size,
}

impl Reason {
    /// The reason, as a name for counters and logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Capacity => "capacity",
            Self::Size => "size",
        }
    }
}

/// What went at one time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pruned {
    /// Why.
    pub reason: Reason,
    /// How many messages.
    pub messages: u64,
    /// By how many bytes the archive got smaller on disk; 0 where only rows of a unit went, whose
    /// room is used again.
    pub bytes: u64,
    /// Before this position nothing is kept now.
    pub floor: Bound,
}

/// What went for one reason since the program began.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PrunedTotal {
    /// How often something went.
    pub runs: u64,
    /// How many messages.
    pub messages: u64,
    /// By how many bytes the archive got smaller on disk.
    pub bytes: u64,
    /// When something last went, in nanoseconds since 1970.
    pub last: Option<u64>,
}

/// What went since the program began.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RetentionCounters {
    /// For being too old.
    pub time: PrunedTotal,
    /// For being too many.
    pub capacity: PrunedTotal,
    /// For taking too much of the disk.
    pub size: PrunedTotal,
}

#[derive(Debug, Default)]
pub(crate) struct Counters(Mutex<RetentionCounters>);

impl Counters {
    /// Counts what went, and logs it. Of nothing nothing is said.
    pub(crate) fn count(&self, pruned: &Pruned) {
        if pruned.messages == 0 && pruned.bytes == 0 {
            return;
        }
        tracing::info!(
            reason = pruned.reason.name(),
            messages = pruned.messages,
            bytes = pruned.bytes,
            kept_from_ns = pruned.floor.timestamp(),
            "pruned"
        );
        let mut counters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let total = match pruned.reason {
            Reason::Time => &mut counters.time,
            Reason::Capacity => &mut counters.capacity,
            Reason::Size => &mut counters.size,
        };
        total.runs += 1;
        total.messages += pruned.messages;
        total.bytes += pruned.bytes;
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        total.last = since
            .ok()
            .and_then(|since| u64::try_from(since.as_nanos()).ok());
    }

    pub(crate) fn read(&self) -> RetentionCounters {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
