//! Bounds and intervals of resuming.

use std::time::Duration;

use crate::net::limits::{CLAIMS_BELIEVED, STORE_QUERY_DEADLINE};

/// How often it is looked whether the node is online and whether there is something to fetch.
pub(super) const TICK: Duration = Duration::from_millis(500);

/// Bounds and intervals of resuming.
#[derive(Clone, Debug)]
pub struct ResumeLimits {
    /// How often the last time online is stored; 30 s.
    pub interval: Duration,
    /// How far before the last time online a gap begins; 60 s. It is more than messages are under
    /// way, and more than the last time online may be behind.
    pub overlap: Duration,
    /// How long the node has to be without peers for that to be a gap while it runs; 5 min. What is
    /// shorter is left to the periodic sync.
    pub isolation: Duration,
    /// How much of a gap is filled by one session; 1 h. So memory is bounded and progress durable.
    pub slice: Duration,
    /// How often progress within a slice is stored at most; 1 s.
    pub progress: Duration,
    /// How long a Store query takes at most; 60 s.
    pub query: Duration,
    /// How long one peer is worked with before others have their turn; 30 min. What it gave by pages
    /// until then is kept, and what it gave by a session named again by the next one.
    pub task: Duration,
    /// The first pause after a peer has failed; 1 s. Doubled with each further failure.
    pub first_pause: Duration,
    /// The longest pause after a peer has failed, and the pause after it has lied; 10 min.
    pub last_pause: Duration,
    /// The first pause until peers are asked again for what none could give; 1 min. Doubled each
    /// time.
    pub first_retry: Duration,
    /// The longest pause until then; 1 h.
    pub last_retry: Duration,
    /// How long it is believed what a peer has said that it lacks; 5 min.
    pub claims: Duration,
    /// How often progress is logged at most; 10 s.
    pub report: Duration,
}

impl Default for ResumeLimits {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(30),
            overlap: Duration::from_secs(60),
            isolation: Duration::from_secs(300),
            slice: Duration::from_secs(3_600),
            progress: Duration::from_secs(1),
            query: STORE_QUERY_DEADLINE,
            task: Duration::from_secs(1_800),
            first_pause: Duration::from_secs(1),
            last_pause: Duration::from_secs(600),
            first_retry: Duration::from_secs(60),
            last_retry: Duration::from_secs(3_600),
            claims: CLAIMS_BELIEVED,
            report: Duration::from_secs(10),
        }
    }
}
