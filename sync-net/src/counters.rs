//! What the network layer counts, for whoever shows metrics.

use std::sync::atomic::{AtomicU64, Ordering};

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds `amount`.
    pub fn add(&self, amount: u64) {
        self.0.fetch_add(amount, Ordering::Relaxed);
    }

    /// Adds one.
    pub fn increment(&self) {
        self.add(1);
    }

    /// The sum so far.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Totals since the start, over all peers.
        #[derive(Debug, Default)]
        #[non_exhaustive]
        pub struct Counters {
            $($(#[$doc])* pub $name: Counter,)*
        }

        impl Counters {
            /// Every counter by its name, in the order of their declaration.
            pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + use<> {
                [$((stringify!($name), self.$name.get()),)*].into_iter()
            }
        }
    };
}

counters! {
    /// Inbound connections denied, since there were too many.
    connections_denied,
    /// Inbound streams handed to the protocol's queue.
    streams_accepted,
    /// Inbound streams refused by word: the refusal frame was queued for writing.
    streams_refused,
    /// Inbound streams that the program's gate doesn't admit; refused or reset like others.
    streams_gated,
    /// Inbound streams reset, since too many refusals were being written already.
    streams_reset,
    /// Refusals that the peer didn't take before their deadline.
    refusals_failed,
    /// Streams opened to peers.
    streams_opened,
    /// Streams that couldn't be opened.
    opens_failed,
    /// Frames sent.
    frames_sent,
    /// Frames received whole.
    frames_received,
    /// Bytes sent in frames, length prefixes included.
    bytes_sent,
    /// Bytes received in frames, length prefixes included.
    bytes_received,
    /// Length prefixes that were malformed or beyond the limit.
    frames_refused,
    /// Long frames for which there was no room at the time.
    frames_without_room,
    /// Frames and closings that a deadline cut off.
    deadlines_missed,
    /// Reconciliation sessions begun, in either role.
    sessions_started,
    /// Reconciliation sessions that ended well.
    sessions_done,
    /// Reconciliation sessions that failed.
    sessions_failed,
    /// Reconciliation sessions that failed by a frame that was malformed, broke a limit or the
    /// protocol; counted in `sessions_failed` too.
    sessions_malformed,
    /// Own reconciliation sessions given up for the one that the peer started at the same time.
    sessions_yielded,
    /// Sessions that peers asked for and were answered "busy".
    sessions_busy,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_counter_is_listed_by_its_name() {
        let counters = Counters::default();
        counters.streams_accepted.increment();
        counters.sessions_busy.add(7);
        let listed: Vec<_> = counters.iter().filter(|(_, value)| *value > 0).collect();
        assert_eq!(listed, [("streams_accepted", 1), ("sessions_busy", 7)]);
    }
}
