//! How many frames of one peer are read and dealt with at a time.

use std::collections::HashMap;
use std::sync::Arc;

use libp2p::PeerId;
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Turns that each peer has of its own: however slow it is, it keeps nobody else waiting, and what
/// it has the node keep in memory is bounded.
#[derive(Debug)]
pub(super) struct Turns {
    at_once: usize,
    waiting: usize,
    peers: Mutex<HashMap<PeerId, OfPeer>>,
}

#[derive(Debug)]
struct OfPeer {
    turns: Arc<Semaphore>,
    /// Those that have a turn and those that wait for one.
    visits: usize,
}

impl Turns {
    /// Of each peer `at_once` have their turn, and `waiting` more may wait for one.
    pub(super) fn new(at_once: usize, waiting: usize) -> Arc<Self> {
        Arc::new(Self {
            at_once: at_once.max(1),
            waiting,
            peers: Mutex::default(),
        })
    }

    /// Waits for a turn of `peer`; `None` when too many do already.
    pub(super) async fn of(self: &Arc<Self>, peer: PeerId) -> Option<Turn> {
        let (turns, visit) = self.enter(peer)?;
        let permit = turns.acquire_owned().await.ok()?;
        Some(Turn {
            _permit: permit,
            _visit: visit,
        })
    }

    fn enter(self: &Arc<Self>, peer: PeerId) -> Option<(Arc<Semaphore>, Visit)> {
        let mut peers = self.peers.lock();
        let of_peer = peers.entry(peer).or_insert_with(|| OfPeer {
            turns: Arc::new(Semaphore::new(self.at_once)),
            visits: 0,
        });
        if of_peer.visits >= self.at_once.saturating_add(self.waiting) {
            return None;
        }
        of_peer.visits += 1;
        let visit = Visit {
            turns: Arc::clone(self),
            peer,
        };
        Some((Arc::clone(&of_peer.turns), visit))
    }
}

/// A peer's turn, until it is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    _permit: OwnedSemaphorePermit,
    _visit: Visit,
}

#[derive(Debug)]
struct Visit {
    turns: Arc<Turns>,
    peer: PeerId,
}

impl Drop for Visit {
    fn drop(&mut self) {
        let mut peers = self.turns.peers.lock();
        if let Some(of_peer) = peers.get_mut(&self.peer) {
            of_peer.visits -= 1;
            if of_peer.visits == 0 {
                peers.remove(&self.peer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_peer_waits_for_its_own_turns_and_for_nobody_elses() {
        let turns = Turns::new(1, 1);
        let (slow, other) = (PeerId::random(), PeerId::random());
        let first = turns.of(slow).await.unwrap();
        let mut second = Box::pin(turns.of(slow));
        assert!(second.as_mut().now_or_never().is_none(), "it waits");
        assert!(turns.of(slow).await.is_none(), "one too many waits");
        drop(turns.of(other).await.unwrap());
        drop(first);
        let second = second.await.unwrap();
        drop(second);
        assert!(turns.peers.lock().is_empty());
    }
}
