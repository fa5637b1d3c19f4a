//! How far apart this node and each peer are, as far as sessions have shown.

use hashlink::LruCache;
use libp2p::PeerId;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::limits::PEERS_COMPARED;

/// How this node and a peer compare, by their last session that came to a good end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PeerStanding {
    /// Messages that the peer holds, and this node doesn't as far as it is known.
    pub behind: u64,
    /// Messages that this node holds, and the peer isn't known to.
    pub ahead: u64,
    /// When the session ended.
    pub compared: Instant,
}

/// The peers of late.
#[derive(Debug)]
pub(super) struct Standing(Mutex<LruCache<PeerId, PeerStanding>>);

impl Default for Standing {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(PEERS_COMPARED)))
    }
}

impl Standing {
    /// A session with the peer has ended well.
    pub(super) fn found(&self, peer: PeerId, behind: u64, ahead: u64) {
        let standing = PeerStanding {
            behind,
            ahead,
            compared: Instant::now(),
        };
        self.0.lock().insert(peer, standing);
    }

    /// The work of a session with the peer is over, and so much of what it found is left.
    pub(super) fn filled(&self, peer: PeerId, behind: u64, ahead: u64) {
        if let Some(standing) = self.0.lock().peek_mut(&peer) {
            standing.behind = behind;
            standing.ahead = ahead;
        }
    }

    /// All of them, the latest first.
    pub(super) fn all(&self) -> Vec<(PeerId, PeerStanding)> {
        let standings = self.0.lock();
        let all = standings.iter().rev();
        all.map(|(peer, standing)| (*peer, *standing)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_session_found_counts_until_it_is_filled_and_old_peers_are_forgotten() {
        let standing = Standing::default();
        let (one, other) = (PeerId::random(), PeerId::random());
        standing.filled(one, 1, 1);
        assert!(standing.all().is_empty(), "no session ended well");
        standing.found(one, 5, 2);
        standing.found(other, 0, 0);
        standing.filled(one, 1, 0);
        let all = standing.all();
        assert_eq!((all[0].0, all[1].0), (other, one));
        assert_eq!((all[1].1.behind, all[1].1.ahead), (1, 0));
        (1..PEERS_COMPARED).for_each(|_| standing.found(PeerId::random(), 0, 0));
        let left: Vec<PeerId> = standing.all().into_iter().map(|(peer, _)| peer).collect();
        assert!(left.contains(&other) && !left.contains(&one));
    }
}
