//! Bounds of the work after a session.

use std::time::Duration;

use store_adapter::limits::FetchLimits;

use crate::net::limits::STORE_QUERY_DEADLINE;

/// How often time alone makes a difference to a job: back-off, patience, deadlines.
pub(super) const TICK: Duration = Duration::from_millis(100);

/// What a message takes in a Store response besides its content, in bytes: hash, tags and lengths;
/// generously.
pub(super) const ENTRY_BYTES: usize = 256;

/// What a Store response takes besides its messages, in bytes; generously: a peer may have much to
/// say.
pub(super) const RESPONSE_BYTES: usize = 4_096;

/// Most peers of which it is kept in mind how far behind them this node is.
pub(super) const PEERS_COMPARED: usize = 256;

/// Messages read from the archive at a time to be pushed.
pub(super) const PUSHED_AT_ONCE: usize = 100;

/// The first pause before a peer is asked again whether messages have arrived; doubled each time.
pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// The first pause after a peer has said that it is asked too often; doubled each time.
pub(super) const FIRST_PATIENCE: Duration = Duration::from_millis(100);

/// How often in a row that is no failure of the peer.
pub(super) const TIMES_PATIENT: u32 = 6;

/// How soon after a session, or after the page before, a peer's Store query counts as part of what it
/// pulls.
pub(super) const PULLS_FOLLOW: Duration = Duration::from_secs(60);

/// Peers of which that is remembered.
pub(super) const PULLERS: usize = 1_024;

/// How long a peer may pause before it is asked whether it got messages another way.
pub(super) const QUIET: Duration = Duration::from_secs(2);

/// How many finished jobs a slow listener may fall behind.
pub(super) const FINISHED_QUEUE: usize = 256;

/// How far in the future a peer's messages may lie, in nanoseconds: clocks differ.
pub(super) const FUTURE_TOLERANCE: u64 = 20_000_000_000;

/// Bounds of fetching and pushing.
#[derive(Clone, Debug)]
pub struct SyncLimits {
    /// Bounds of what is owed, and of how often it is asked for.
    pub fetch: FetchLimits,
    /// Most hashes owed at once in all the sessions together that peers started; those beyond it
    /// are counted, and named again by the next session. Sessions that this side starts have
    /// [`FetchLimits::owed`] each.
    pub owed_together: usize,
    /// Most hashes of messages to be brought to peers in all the sessions together that they
    /// started; those beyond it count as undelivered.
    pub outgoing_together: usize,
    /// Most Store queries under way for one session.
    pub queries_at_once: usize,
    /// Longest time that a Store query takes, from the opening of its stream on.
    pub query: Duration,
    /// How long a hash that is asked of one peer isn't asked of another for another session.
    pub overlap: Duration,
    /// Most messages held, in one session, that a peer pushed before the session named them. Those
    /// that find no room are fetched once they are named.
    pub held_messages: usize,
    /// Most bytes of them, in one session.
    pub held_bytes: usize,
    /// Most bytes of them, in all sessions together.
    pub held_bytes_in_all: usize,
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
            owed_together: 50_000,
            outgoing_together: 100_000,
            queries_at_once: 4,
            query: STORE_QUERY_DEADLINE,
            overlap: Duration::from_secs(1),
            held_messages: 10_000,
            held_bytes: 4 << 20,
            held_bytes_in_all: 16 << 20,
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
