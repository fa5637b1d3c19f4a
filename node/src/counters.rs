//! What the node counts of its peers' faults.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use store_adapter::fetch::FetchRefusal;
use sync_net::Counter;

use crate::sync::JobReport;

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
    /// Messages that peers pushed and that could be read.
    pub pushes_received: Counter,
    /// Messages pushed to peers.
    pub pushes_sent: Counter,
    /// Messages that sessions found missing here, of sessions whose work is over.
    pub missing: Counter,
    /// Of those, how many were fetched and archived.
    pub fetched: Counter,
    /// Of those, how many weren't got, and are left to a later session.
    pub unfilled: Counter,
    /// Messages that peers lacked and aren't known to have got.
    pub undelivered: Counter,
    refusals: Mutex<BTreeMap<FetchRefusal, u64>>,
}

impl NodeCounters {
    /// Counts what the work of a session came to.
    pub(crate) fn count_job(&self, report: &JobReport) {
        self.refused_messages.add(report.fetch.refused());
        self.missing.add(report.need());
        self.fetched.add(report.fetch.fetched);
        self.unfilled.add(report.fetch.owed());
        self.undelivered.add(report.undelivered);
        let mut refusals = self.refusals.lock();
        for (reason, count) in &report.fetch.refusals {
            *refusals.entry(*reason).or_default() += count;
        }
    }

    /// How many of the messages that were asked for were refused for this reason.
    #[must_use]
    pub fn refused_for(&self, reason: FetchRefusal) -> u64 {
        self.refusals
            .lock()
            .get(&reason)
            .copied()
            .unwrap_or_default()
    }
}
