//! Which peers pull history: a responder of the own protocol never learns what the peer lacks, and the
//! peer pulls it after the session.

use hashlink::LruCache;
use libp2p::PeerId;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::limits::{PULLERS, PULLS_FOLLOW};

/// When peers last had a session with this node, or pulled after it.
#[derive(Debug)]
pub(super) struct Pulling(Mutex<LruCache<PeerId, Instant>>);

impl Pulling {
    /// Nobody pulls.
    pub(super) fn new() -> Self {
        Self(Mutex::new(LruCache::new(PULLERS)))
    }

    /// The peer has a session.
    pub(super) fn session(&self, peer: PeerId) {
        self.0.lock().insert(peer, Instant::now());
    }

    /// Whether what the peer asks of the store belongs to its last session: it follows closely upon that,
    /// or upon what did.
    pub(super) fn asks(&self, peer: &PeerId) -> bool {
        let mut peers = self.0.lock();
        let Some(last) = peers.get_mut(peer) else {
            return false;
        };
        let follows = last.elapsed() < PULLS_FOLLOW;
        if follows {
            *last = Instant::now();
        }
        follows
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_asks_soon_after_a_session_pulls_until_it_pauses() {
        let pulling = Pulling::new();
        let (node, client) = (PeerId::random(), PeerId::random());
        pulling.session(node);
        for _ in 0..10 {
            tokio::time::advance(PULLS_FOLLOW - Duration::from_millis(1)).await;
            assert!(pulling.asks(&node) && !pulling.asks(&client));
        }
        tokio::time::advance(PULLS_FOLLOW).await;
        assert!(!pulling.asks(&node));
        (0..2 * PULLERS).for_each(|_| pulling.session(PeerId::random()));
        assert_eq!(pulling.0.lock().len(), PULLERS);
    }
}
