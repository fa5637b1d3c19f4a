//! What the node counts of its peers' faults.

use sync_net::Counter;

/// Counts since the node started. Those of sessions and streams are [`sync_net::Counters`].
#[derive(Debug, Default)]
pub struct NodeCounters {
    /// Requests that couldn't be read, of Store queries and metadata.
    pub malformed_requests: Counter,
    /// Streams of pushed messages that ended with something that couldn't be read.
    pub malformed_pushes: Counter,
    /// Pushed messages that nobody had asked for.
    pub unsolicited_pushes: Counter,
    /// Messages that were asked for, came, and were refused.
    pub refused_messages: Counter,
}
