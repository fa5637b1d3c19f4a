//! What resuming counts.

use sync_net::Counter;

/// Counts since the node started.
#[derive(Debug, Default)]
pub struct ResumeCounters {
    /// Gaps opened, at the start or after an isolation.
    pub gaps: Counter,
    /// Messages that were missing and came.
    pub messages: Counter,
    /// Sessions with peers about slices of gaps that came to their end.
    pub sessions: Counter,
    /// Pages that Store peers gave.
    pub pages: Counter,
    /// Messages that weren't those of their hash, or not of the times asked for.
    pub refused: Counter,
    /// Queries that a peer answered by asking to be asked less often.
    pub rate_limited: Counter,
    /// Sessions and queries that failed for other reasons.
    pub failures: Counter,
}
