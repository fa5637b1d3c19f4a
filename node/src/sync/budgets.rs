//! What all jobs share, so that peers have the node remember no more by many sessions than by one.

use std::sync::Arc;

use super::limits::SyncLimits;
use crate::budget::Budget;

/// Bounds of all jobs together.
#[derive(Clone, Debug)]
pub(crate) struct Budgets {
    /// Bytes of messages held.
    pub(crate) held: Arc<Budget>,
    /// Hashes owed to jobs of sessions that peers started.
    pub(crate) owed: Arc<Budget>,
    /// Hashes of messages to be brought to the peers of these.
    pub(crate) outgoing: Arc<Budget>,
}

impl Budgets {
    pub(crate) fn new(limits: &SyncLimits) -> Self {
        Self {
            held: Budget::new(limits.held_bytes_in_all),
            owed: Budget::new(limits.owed_together),
            outgoing: Budget::new(limits.outgoing_together),
        }
    }
}
