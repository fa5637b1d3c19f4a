//! Who is connected, and what each peer speaks.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use libp2p::{Multiaddr, PeerId};
use parking_lot::Mutex;
use store_adapter::{Gaps, Span};
use sync_core::PeerState;
use tokio::sync::Notify;

use super::Claims;

/// The connected peers.
#[derive(Debug, Default)]
pub struct PeerTable {
    peers: Mutex<HashMap<PeerId, Peer>>,
    changed: Notify,
}

#[derive(Debug)]
struct Peer {
    address: Multiaddr,
    connections: usize,
    /// Unknown until the peer has identified itself.
    protocols: Option<BTreeSet<String>>,
    /// What it has said of its archive.
    claims: Option<Claims>,
}

impl PeerTable {
    /// A connection was made; gives whether it is the first with this peer.
    pub(super) fn connected(&self, peer: PeerId, address: Multiaddr) -> bool {
        let mut peers = self.peers.lock();
        let entry = peers.entry(peer).or_insert(Peer {
            address,
            connections: 0,
            protocols: None,
            claims: None,
        });
        entry.connections += 1;
        entry.connections == 1
    }

    /// A connection ended; gives whether it was the last with this peer.
    pub(super) fn closed(&self, peer: &PeerId) -> bool {
        let mut peers = self.peers.lock();
        let last = peers.get_mut(peer).is_some_and(|entry| {
            entry.connections -= 1;
            entry.connections == 0
        });
        if last {
            peers.remove(peer);
        }
        drop(peers);
        self.changed.notify_waiters();
        last
    }

    /// The peer told which protocols it speaks.
    pub(super) fn identified(&self, peer: &PeerId, protocols: BTreeSet<String>) {
        if let Some(entry) = self.peers.lock().get_mut(peer) {
            entry.protocols = Some(protocols);
        }
        self.changed.notify_waiters();
    }

    /// The peer told in a hello what its archive holds.
    pub(crate) fn told(&self, peer: &PeerId, state: &PeerState) {
        if let Some(entry) = self.peers.lock().get_mut(peer) {
            entry.claims = Some(Claims::of(state));
        }
    }

    /// Where the peer lacks messages, as far as it has said so within the time `fresh`.
    pub(crate) fn lacks(&self, peer: &PeerId, fresh: Duration) -> Gaps {
        let peers = self.peers.lock();
        let claims = peers.get(peer).and_then(|entry| entry.claims.as_ref());
        claims
            .and_then(|claims| claims.lacks(fresh))
            .cloned()
            .unwrap_or_default()
    }

    /// The connected peers that speak `protocol` and may hold messages of `span`: those first that
    /// lack least of it, as far as they have said so within the time `fresh`, and those not at all
    /// that lack all of it.
    pub(crate) fn holders(&self, protocol: &str, span: Span, fresh: Duration) -> Vec<PeerId> {
        let peers = self.peers.lock();
        let lacking = |entry: &Peer| {
            let claims = entry.claims.as_ref();
            let lacks = claims.and_then(|claims| claims.lacks(fresh));
            lacks.map_or(0, |lacks| {
                lacks.within(span).iter().map(Span::length).sum::<u64>()
            })
        };
        let mut holders: Vec<(u64, PeerId)> = peers
            .iter()
            .filter(|(_, entry)| entry.speaks(protocol))
            .map(|(peer, entry)| (lacking(entry), *peer))
            .filter(|(lacking, _)| *lacking == 0 || *lacking < span.length())
            .collect();
        holders.sort_by_key(|(lacking, _)| *lacking);
        holders.into_iter().map(|(_, peer)| peer).collect()
    }

    /// Whether the peer is connected.
    #[must_use]
    pub fn is_connected(&self, peer: &PeerId) -> bool {
        self.peers.lock().contains_key(peer)
    }

    /// Whether the peer is connected and has said that it speaks `protocol`.
    #[must_use]
    pub fn speaks(&self, peer: &PeerId, protocol: &str) -> bool {
        self.peers
            .lock()
            .get(peer)
            .is_some_and(|entry| entry.speaks(protocol))
    }

    /// The connected peers that speak one of `protocols`.
    #[must_use]
    pub fn that_speak(&self, protocols: &[&str]) -> Vec<PeerId> {
        let peers = self.peers.lock();
        let speaks = |entry: &Peer| protocols.iter().any(|protocol| entry.speaks(protocol));
        peers
            .iter()
            .filter(|(_, entry)| speaks(entry))
            .map(|(peer, _)| *peer)
            .collect()
    }

    /// The connected peers with the address each was met at.
    #[must_use]
    pub fn connected_peers(&self) -> Vec<(PeerId, Multiaddr)> {
        self.peers
            .lock()
            .iter()
            .map(|(peer, entry)| (*peer, entry.address.clone()))
            .collect()
    }

    /// Waits until the peer has told what it speaks; `false` if it is gone or `deadline` passes.
    pub async fn wait_identified(&self, peer: &PeerId, deadline: Duration) -> bool {
        let waiting = async {
            loop {
                let changed = self.changed.notified();
                match self.peers.lock().get(peer) {
                    None => return false,
                    Some(entry) if entry.protocols.is_some() => return true,
                    Some(_) => {}
                }
                changed.await;
            }
        };
        tokio::time::timeout(deadline, waiting)
            .await
            .unwrap_or(false)
    }
}

impl Peer {
    fn speaks(&self, protocol: &str) -> bool {
        self.protocols
            .as_ref()
            .is_some_and(|protocols| protocols.contains(protocol))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_peer_is_there_until_its_last_connection_ends() {
        let (table, peer) = (PeerTable::default(), PeerId::random());
        assert!(table.connected(peer, Multiaddr::empty()));
        assert!(!table.connected(peer, Multiaddr::empty()));
        table.identified(&peer, BTreeSet::from(["/a/1".to_owned()]));
        assert!(!table.closed(&peer));
        assert_eq!(table.that_speak(&["/b/1", "/a/1"]), [peer]);
        assert!(table.closed(&peer));
        assert!(!table.speaks(&peer, "/a/1"));
        assert!(!table.wait_identified(&peer, Duration::from_secs(9)).await);
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_hold_a_span_are_named_first_and_those_who_lack_it_not_at_all() {
        let table = PeerTable::default();
        let [whole, half, none, silent] = [(); 4].map(|()| {
            let peer = PeerId::random();
            table.connected(peer, Multiaddr::empty());
            table.identified(&peer, BTreeSet::from(["/a/1".to_owned()]));
            peer
        });
        let since = |oldest| PeerState {
            oldest: Some(oldest),
            ..PeerState::default()
        };
        for (peer, oldest) in [(whole, 10), (half, 15), (none, 20)] {
            table.told(&peer, &since(oldest));
        }
        let fresh = Duration::from_secs(300);
        let holders = || table.holders("/a/1", Span::new(10, 20), fresh);
        let named = holders();
        assert!(named[..2].contains(&whole) && named[..2].contains(&silent));
        assert_eq!(named[2..], [half]);
        assert!(table.holders("/b/1", Span::new(10, 20), fresh).is_empty());
        // What was said long ago says nothing of now.
        tokio::time::advance(fresh + Duration::from_millis(1)).await;
        assert_eq!(holders().len(), 4);
        assert!(table.lacks(&none, fresh).is_empty());
    }
}
