//! Bounds of the work after a session.

use std::time::Duration;

use store_adapter::limits::FetchLimits;

/// Bounds of fetching and pushing.
#[derive(Clone, Debug)]
pub struct SyncLimits {
    /// Bounds of what is owed, and of how often it is asked for.
    pub fetch: FetchLimits,
    /// Most Store queries under way for one session.
    pub queries_at_once: usize,
    /// Most messages held that a peer pushed before the session named them.
    pub held_messages: usize,
    /// Most bytes of them.
    pub held_bytes: usize,
    /// How long a peer that should push may pause before the rest is pulled.
    pub push_patience: Duration,
    /// How long a peer that should pull may pause before its part counts as owed.
    pub pull_patience: Duration,
    /// How often a peer is asked whether pushed messages have arrived.
    pub confirmations: u32,
    /// Jobs at work at once; sessions beyond it are reported and not worked on.
    pub jobs: usize,
    /// Of those, jobs of sessions that one peer started.
    pub jobs_per_peer: usize,
    /// Longest time that one job works; what is owed then is left to the next session.
    pub job: Duration,
    /// Syncs of the schedule at work at once, each with another peer.
    pub scheduled: usize,
}

impl Default for SyncLimits {
    fn default() -> Self {
        Self {
            fetch: FetchLimits::default(),
            queries_at_once: 4,
            held_messages: 10_000,
            held_bytes: 64 << 20,
            push_patience: Duration::from_secs(5),
            pull_patience: Duration::from_secs(20),
            confirmations: 8,
            jobs: 64,
            jobs_per_peer: 4,
            job: Duration::from_secs(6 * 3_600),
            scheduled: 4,
        }
    }
}
