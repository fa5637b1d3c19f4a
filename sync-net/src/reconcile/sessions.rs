//! Which sessions run, how many may, and which of two that were started on each other goes on.
//!
//! The rule for two nodes that start at once: the session of the lower peer id goes on. The lower
//! one refuses the other's stream while its own session runs; the higher one serves the stream that
//! comes and, with its first frame, gives up its own session. A node that is serving a peer already
//! doesn't start on it. Starting and admitting are decided under one lock, so on each node one of
//! them is first, and every interleaving leaves one session.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use libp2p::PeerId;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use super::error::ReconcileError;
use super::stop::{Stop, StopSignal, Stopper};
use crate::limits::ReconcileLimits;

/// The running sessions of one node.
#[derive(Debug)]
pub(crate) struct Sessions {
    local: PeerId,
    most: usize,
    most_per_peer: usize,
    displaced_after: Duration,
    running: Mutex<Running>,
    admitted: Notify,
    next_id: AtomicU64,
}

#[derive(Debug, Default)]
struct Running {
    started: HashMap<PeerId, Stopper>,
    served: HashMap<PeerId, usize>,
    served_in_all: usize,
    /// Served sessions whose peer's next frame is waited for, and since when.
    silent: HashMap<u64, (Instant, Stopper)>,
    next_admission: u64,
}

impl Running {
    /// Ends the session that has waited longest for its peer, if that is `after` or longer.
    fn displace(&mut self, after: Duration) -> bool {
        let longest = self.silent.iter().min_by_key(|(_, (since, _))| *since);
        let number = longest
            .filter(|(_, (since, _))| since.elapsed() >= after)
            .map(|(number, _)| *number);
        let Some((_, stopper)) = number.and_then(|number| self.silent.remove(&number)) else {
            return false;
        };
        stopper.stop(Stop::Displace);
        true
    }
}

impl Sessions {
    /// No sessions yet.
    pub(crate) fn new(local: PeerId, limits: &ReconcileLimits) -> Arc<Self> {
        Arc::new(Self {
            local,
            most: limits.served,
            most_per_peer: limits.served_per_peer,
            displaced_after: limits.displaced_after,
            running: Mutex::default(),
            admitted: Notify::new(),
            next_id: AtomicU64::new(1),
        })
    }

    pub(crate) fn next_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    /// Notes that this side starts a session with `peer`, which `stopper` stops.
    pub(crate) fn start(
        self: &Arc<Self>,
        peer: PeerId,
        stopper: Stopper,
    ) -> Result<Started, ReconcileError> {
        let mut running = self.running.lock();
        if running.served.contains_key(&peer) {
            return Err(ReconcileError::Yielded);
        }
        if running.started.contains_key(&peer) {
            return Err(ReconcileError::AlreadyRunning);
        }
        running.started.insert(peer, stopper);
        Ok(Started {
            sessions: Arc::clone(self),
            peer,
        })
    }

    /// Takes a place for a session that `peer` starts, or tells why it is refused.
    pub(crate) fn admit(self: &Arc<Self>, peer: PeerId) -> Result<Admitted, &'static str> {
        let mut running = self.running.lock();
        if running.started.contains_key(&peer) && self.goes_first(&peer) {
            return Err("the session that this side started goes on");
        }
        let of_peer = running.served.get(&peer).copied().unwrap_or_default();
        if of_peer >= self.most_per_peer {
            return Err("too many sessions of this peer at once");
        }
        if running.served_in_all >= self.most
            && !(of_peer == 0 && running.displace(self.displaced_after))
        {
            return Err("too many sessions at once");
        }
        running.served.insert(peer, of_peer + 1);
        running.served_in_all += 1;
        let number = running.next_admission;
        running.next_admission += 1;
        let (stopper, displaced) = Stopper::new();
        self.admitted.notify_waiters();
        Ok(Admitted {
            sessions: Arc::clone(self),
            peer,
            number,
            stopper,
            displaced,
        })
    }

    /// Whether this side's session goes on when both sides start at once.
    pub(crate) fn goes_first(&self, peer: &PeerId) -> bool {
        self.local.to_bytes() < peer.to_bytes()
    }

    /// Waits, at most `grace`, until a session of `peer` is served; gives whether one is.
    pub(crate) async fn served_within(&self, peer: &PeerId, grace: Duration) -> bool {
        let served = async {
            loop {
                let admitted = self.admitted.notified();
                if self.running.lock().served.contains_key(peer) {
                    return;
                }
                admitted.await;
            }
        };
        timeout(grace, served).await.is_ok()
    }
}

/// A session's place among the running ones; free again when dropped.
pub(crate) trait Place: Send + Sync {
    /// The peer's first frame is there.
    fn begun(&self) {}

    /// The peer's next frame is waited for, or that is over.
    fn awaits_peer(&self, _awaits: bool) {}

    /// Says when the place is given to somebody else.
    fn displaced(&self) -> Option<StopSignal> {
        None
    }
}

/// A session that this side started; over when dropped.
#[derive(Debug)]
pub(crate) struct Started {
    sessions: Arc<Sessions>,
    peer: PeerId,
}

impl Started {
    pub(crate) fn peer(&self) -> PeerId {
        self.peer
    }
}

impl Place for Started {}

impl Drop for Started {
    fn drop(&mut self) {
        self.sessions.running.lock().started.remove(&self.peer);
    }
}

/// A session that a peer started; over when dropped.
#[derive(Debug)]
pub(crate) struct Admitted {
    sessions: Arc<Sessions>,
    peer: PeerId,
    number: u64,
    stopper: Stopper,
    displaced: StopSignal,
}

impl Place for Admitted {
    /// A session that this side started at the same time ends. Not before, for a stream that brings
    /// nothing isn't worth a session.
    fn begun(&self) {
        if let Some(stopper) = self.sessions.running.lock().started.get(&self.peer) {
            stopper.stop(Stop::Yield);
        }
    }

    fn awaits_peer(&self, awaits: bool) {
        let silent = &mut self.sessions.running.lock().silent;
        if awaits && self.displaced.said().is_none() {
            silent.insert(self.number, (Instant::now(), self.stopper.clone()));
        } else {
            silent.remove(&self.number);
        }
    }

    fn displaced(&self) -> Option<StopSignal> {
        Some(self.displaced.clone())
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut running = self.sessions.running.lock();
        running.silent.remove(&self.number);
        running.served_in_all = running.served_in_all.saturating_sub(1);
        if let Some(of_peer) = running.served.get_mut(&self.peer) {
            *of_peer -= 1;
            if *of_peer == 0 {
                running.served.remove(&self.peer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ordered_peers() -> (PeerId, PeerId) {
        let (a, b) = (PeerId::random(), PeerId::random());
        if a.to_bytes() < b.to_bytes() {
            (a, b)
        } else {
            (b, a)
        }
    }

    fn limits(served: usize, served_per_peer: usize) -> ReconcileLimits {
        ReconcileLimits {
            served,
            served_per_peer,
            ..ReconcileLimits::default()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_session_gives_its_place_to_a_peer_that_has_none() {
        let sessions = Sessions::new(PeerId::random(), &limits(2, 2));
        let silent = PeerId::random();
        let held = [silent, silent].map(|peer| sessions.admit(peer).unwrap());
        held[1].awaits_peer(true);
        tokio::time::advance(Duration::from_millis(4_999)).await;
        held[0].awaits_peer(true);
        assert!(
            sessions.admit(PeerId::random()).is_err(),
            "nobody waited long"
        );
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(sessions.admit(silent).is_err(), "it has its share");
        let _newcomer = sessions.admit(PeerId::random()).unwrap();
        assert_eq!(held[1].displaced().unwrap().said(), Some(Stop::Displace));
        assert_eq!(held[0].displaced().unwrap().said(), None);
        held[0].awaits_peer(false);
        tokio::time::advance(Duration::from_secs(60)).await;
        assert!(
            sessions.admit(PeerId::random()).is_err(),
            "nobody is silent"
        );
    }

    #[test]
    fn places_are_bounded_in_all_and_for_each_peer_and_come_back() {
        let sessions = Sessions::new(PeerId::random(), &limits(3, 2));
        let (one, other) = ordered_peers();
        let first = sessions.admit(one).unwrap();
        let _second = sessions.admit(one).unwrap();
        assert!(sessions.admit(one).is_err());
        let _third = sessions.admit(other).unwrap();
        assert!(sessions.admit(other).is_err());
        drop(first);
        assert!(sessions.admit(other).is_ok());
    }

    #[test]
    fn one_session_at_a_time_is_started_with_a_peer() {
        let sessions = Sessions::new(PeerId::random(), &limits(1, 1));
        let peer = PeerId::random();
        let started = sessions.start(peer, Stopper::new().0).unwrap();
        let again = sessions.start(peer, Stopper::new().0);
        assert!(matches!(again, Err(ReconcileError::AlreadyRunning)));
        drop(started);
        assert!(sessions.start(peer, Stopper::new().0).is_ok());
    }

    #[test]
    fn the_lower_peer_refuses_while_its_own_session_runs() {
        let (lower, higher) = ordered_peers();
        let sessions = Sessions::new(lower, &limits(4, 4));
        let started = sessions.start(higher, Stopper::new().0).unwrap();
        assert!(sessions.admit(higher).is_err());
        drop(started);
        assert!(sessions.admit(higher).is_ok());
    }

    #[test]
    fn the_higher_peer_serves_and_yields_with_the_first_frame() {
        let (lower, higher) = ordered_peers();
        let sessions = Sessions::new(higher, &limits(4, 4));
        let (stopper, signal) = Stopper::new();
        let _started = sessions.start(lower, stopper).unwrap();
        let admitted = sessions.admit(lower).unwrap();
        assert_eq!(signal.said(), None);
        admitted.begun();
        assert_eq!(signal.said(), Some(Stop::Yield));
    }

    #[test]
    fn nobody_starts_on_a_peer_that_is_being_served() {
        let (lower, higher) = ordered_peers();
        for (local, peer) in [(lower, higher), (higher, lower)] {
            let sessions = Sessions::new(local, &limits(4, 4));
            let admitted = sessions.admit(peer).unwrap();
            let start = sessions.start(peer, Stopper::new().0);
            assert!(matches!(start, Err(ReconcileError::Yielded)));
            drop(admitted);
            assert!(sessions.start(peer, Stopper::new().0).is_ok());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_that_arrives_within_the_grace_time_is_waited_for() {
        let (local, peer) = ordered_peers();
        let sessions = Sessions::new(local, &limits(4, 4));
        assert!(!sessions.served_within(&peer, Duration::from_secs(1)).await);
        let later = Arc::clone(&sessions);
        let serving = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(500)).await;
            let admitted = later.admit(peer).unwrap();
            tokio::time::sleep(Duration::from_secs(5)).await;
            drop(admitted);
        });
        assert!(sessions.served_within(&peer, Duration::from_secs(1)).await);
        serving.abort();
    }
}
