//! What is counted of each service, for whoever shows metrics.

use prometheus_client::metrics::histogram::Histogram;
use sync_net::{Counter, reconcile::Direction};

/// Upper bounds of how long a request takes, in seconds; nwaku's.
const HANDLING_SECONDS: [f64; 15] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 30.0,
];

/// Why something was refused.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Reason {
    /// The peer has had its requests.
    PeerRequests,
    /// The peer has had its bytes.
    PeerBytes,
    /// All peers together have had their requests.
    AllRequests,
    /// All peers together have had their bytes.
    AllBytes,
    /// The queue, or the peer's share of places, is full.
    NoPlace,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::PeerRequests,
        Self::PeerBytes,
        Self::AllRequests,
        Self::AllBytes,
        Self::NoPlace,
    ];

    /// Its name in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PeerRequests => "peer_requests",
            Self::PeerBytes => "peer_bytes",
            Self::AllRequests => "all_requests",
            Self::AllBytes => "all_bytes",
            Self::NoPlace => "no_place",
        }
    }
}

/// Totals of one service since the start.
#[derive(Debug)]
pub struct ServiceCounters {
    /// Requests that were admitted.
    pub served: Counter,
    /// How often something waited since a rate or the bandwidth of history was reached.
    pub paced: Counter,
    /// Bytes received on streams that peers opened, or in calls.
    pub received: Counter,
    /// Bytes sent on them.
    pub sent: Counter,
    /// Bytes received on streams that this node opened.
    pub own_received: Counter,
    /// Bytes sent on them.
    pub own_sent: Counter,
    /// Seconds from when a request was admitted until its answer was sent.
    pub handling: Histogram,
    /// Nanoseconds that the sending of answers took in all.
    pub sending_nanoseconds: Counter,
    refused: [Counter; Reason::ALL.len()],
}

impl Default for ServiceCounters {
    fn default() -> Self {
        Self {
            served: Counter::default(),
            paced: Counter::default(),
            received: Counter::default(),
            sent: Counter::default(),
            own_received: Counter::default(),
            own_sent: Counter::default(),
            handling: Histogram::new(HANDLING_SECONDS),
            sending_nanoseconds: Counter::default(),
            refused: Default::default(),
        }
    }
}

impl ServiceCounters {
    /// How many requests were refused for this reason.
    #[must_use]
    pub fn refused_for(&self, reason: Reason) -> u64 {
        self.refused[reason as usize].get()
    }

    /// How many requests were refused.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused.iter().map(Counter::get).sum()
    }

    pub(super) fn refuse(&self, reason: Reason) {
        self.refused[reason as usize].increment();
    }

    pub(super) fn count_bytes(&self, opened_by_peer: bool, direction: Direction, bytes: u64) {
        let counter = match (opened_by_peer, direction) {
            (true, Direction::Received) => &self.received,
            (true, Direction::Sent) => &self.sent,
            (false, Direction::Received) => &self.own_received,
            (false, Direction::Sent) => &self.own_sent,
        };
        counter.add(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_counted_by_itself() {
        let counters = ServiceCounters::default();
        for (times, reason) in Reason::ALL.into_iter().enumerate() {
            (0..times).for_each(|_| counters.refuse(reason));
        }
        for (times, reason) in Reason::ALL.into_iter().enumerate() {
            assert_eq!(
                counters.refused_for(reason),
                times as u64,
                "{}",
                reason.name()
            );
        }
        assert_eq!(counters.refused(), 10);
    }
}
