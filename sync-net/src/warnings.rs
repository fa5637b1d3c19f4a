//! How many lines of the log a peer may fill.

use std::collections::HashMap;

use libp2p::PeerId;
use parking_lot::Mutex;
use tokio::time::Instant;
use tracing::warn;

use crate::limits::WarningLimits;

/// Bounds the warnings that peers can provoke, each and together, and says how many were left out.
///
/// Ask [`admit`](Self::admit) before a warning; what isn't admitted is for the debug log.
#[derive(Debug)]
pub struct Warnings {
    limits: WarningLimits,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    since: Instant,
    /// Never more peers than warnings admitted.
    of_peers: HashMap<PeerId, usize>,
    admitted: usize,
    left_out: u64,
}

impl Warnings {
    /// None yet.
    #[must_use]
    pub fn new(limits: WarningLimits) -> Self {
        let state = State {
            since: Instant::now(),
            of_peers: HashMap::new(),
            admitted: 0,
            left_out: 0,
        };
        Self {
            limits,
            state: Mutex::new(state),
        }
    }

    /// Whether a warning about this peer may go to the log now.
    pub fn admit(&self, peer: &PeerId) -> bool {
        let mut state = self.state.lock();
        if state.since.elapsed() >= self.limits.period {
            let left_out = state.left_out;
            *state = State {
                since: Instant::now(),
                of_peers: HashMap::new(),
                admitted: 0,
                left_out: 0,
            };
            if left_out > 0 {
                warn!(left_out, "warnings about peers were left out");
            }
        }
        let of_peer = state.of_peers.get(peer).copied().unwrap_or_default();
        let admitted = of_peer < self.limits.per_peer && state.admitted < self.limits.in_all;
        if admitted {
            state.admitted += 1;
            state.of_peers.insert(*peer, of_peer + 1);
        } else {
            state.left_out += 1;
        }
        admitted
    }
}

/// A warning about `$peer` if [`Warnings`] admit it, and a line of the debug log if not.
#[macro_export]
macro_rules! warn_of_peer {
    ($warnings:expr, $peer:expr, $($rest:tt)+) => {
        if $warnings.admit($peer) {
            ::tracing::warn!(peer = %$peer, $($rest)+);
        } else {
            ::tracing::debug!(peer = %$peer, $($rest)+);
        }
    };
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn warnings(per_peer: usize, in_all: usize) -> Warnings {
        Warnings::new(WarningLimits {
            per_peer,
            in_all,
            period: Duration::from_secs(60),
        })
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_provokes_warnings_fills_its_share_of_the_log_and_no_more() {
        let warnings = warnings(3, 100);
        let (noisy, other) = (PeerId::random(), PeerId::random());
        let admitted = (0..50).filter(|_| warnings.admit(&noisy)).count();
        assert_eq!(admitted, 3);
        assert!(warnings.admit(&other));
        tokio::time::advance(Duration::from_secs(59)).await;
        assert!(!warnings.admit(&noisy));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(warnings.admit(&noisy));
    }

    #[tokio::test(start_paused = true)]
    async fn many_peers_together_fill_no_more_than_the_bound_of_all_and_no_memory() {
        let warnings = warnings(3, 10);
        let admitted = (0..1_000).filter(|_| warnings.admit(&PeerId::random()));
        assert_eq!(admitted.count(), 10);
        let state = warnings.state.lock();
        assert_eq!((state.of_peers.len(), state.left_out), (10, 990));
    }
}
