//! Who is connected, whom to remember, and what each peer speaks.

use std::collections::HashMap;
use std::time::Duration;

use libp2p::{Multiaddr, PeerId, identify};
use parking_lot::Mutex;
use store_adapter::metadata::WakuMetadata;
use store_adapter::{Gaps, Span};
use sync_core::PeerState;
use tokio::sync::Notify;

use super::Claims;
use super::limits::KNOWN_PEERS;
use super::peer::{Identity, Peer};
use super::peer_info::{Kept, PeerDirection, PeerInfo};

/// The connected peers, and those that are kept in mind: the ones of the configuration, and the
/// ones last dialled by hand. Peers that came by themselves are forgotten when they go.
#[derive(Debug, Default)]
pub struct PeerTable {
    peers: Mutex<HashMap<PeerId, Peer>>,
    changed: Notify,
}

impl PeerTable {
    /// A peer is to be kept in mind, which is asked for at `addresses`.
    pub(crate) fn keep(&self, peer: PeerId, addresses: &[Multiaddr], kept: Kept) {
        let mut peers = self.peers.lock();
        peers.entry(peer).or_default().keep(kept, addresses);
        forget_beyond(&mut peers, KNOWN_PEERS);
    }

    /// A connection was made; gives whether it is the first with this peer.
    pub(super) fn connected(
        &self,
        peer: PeerId,
        address: &Multiaddr,
        direction: PeerDirection,
    ) -> bool {
        let mut peers = self.peers.lock();
        let first = peers.entry(peer).or_default().connected(address, direction);
        drop(peers);
        self.changed.notify_waiters();
        first
    }

    /// A connection ended, by that cause if it wasn't in peace; gives whether it was the last with
    /// this peer.
    pub(super) fn closed(&self, peer: &PeerId, cause: Option<&str>) -> bool {
        let mut peers = self.peers.lock();
        let entry = peers.get_mut(peer);
        let last = entry.is_some_and(|entry| entry.closed(cause));
        if last {
            forget_unless_kept(&mut peers, peer);
        }
        drop(peers);
        self.changed.notify_waiters();
        last
    }

    /// An attempt to connect to the peer failed.
    pub(super) fn dial_failed(&self, peer: &PeerId, reason: &str) {
        self.change(peer, |entry| entry.dial_failed(reason));
    }

    /// The peer told what it is and which protocols it speaks.
    pub(super) fn identified(&self, peer: &PeerId, info: &identify::Info) {
        self.change(peer, |entry| entry.identified(Identity::of(info)));
    }

    /// The peer told its cluster and shards, to a node of cluster `own`.
    pub(crate) fn told_metadata(&self, peer: &PeerId, metadata: &WakuMetadata, own: Option<u16>) {
        self.change(peer, |entry| entry.told(metadata, own));
    }

    /// The peer told in a hello what its archive holds.
    pub(crate) fn told(&self, peer: &PeerId, state: &PeerState) {
        self.change(peer, |entry| entry.claims = Some(Claims::of(state)));
    }

    /// The peer answered a ping.
    pub(super) fn pinged(&self, peer: &PeerId, round_trip: Duration) {
        self.change(peer, |entry| entry.pinged(round_trip));
    }

    /// Notes what gossipsub thinks of connected peers.
    pub fn set_scores(&self, scores: impl IntoIterator<Item = (PeerId, f64)>) {
        let mut peers = self.peers.lock();
        for (peer, score) in scores {
            if let Some(entry) = peers.get_mut(&peer).filter(|entry| entry.is_connected()) {
                entry.score = Some(score);
            }
        }
    }

    fn change(&self, peer: &PeerId, change: impl FnOnce(&mut Peer)) {
        if let Some(entry) = self.peers.lock().get_mut(peer) {
            change(entry);
        }
        self.changed.notify_waiters();
    }

    /// What is known of every peer: those that are connected first.
    #[must_use]
    pub fn snapshot(&self) -> Vec<PeerInfo> {
        let peers = self.peers.lock();
        let infos = peers.iter().map(|(peer, entry)| entry.info(*peer));
        let mut infos: Vec<PeerInfo> = infos.collect();
        drop(peers);
        infos.sort_by_key(|info| (!info.is_connected(), info.peer_id));
        infos
    }

    /// What is known of one peer.
    #[must_use]
    pub fn info(&self, peer: &PeerId) -> Option<PeerInfo> {
        self.peers.lock().get(peer).map(|entry| entry.info(*peer))
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
        self.peers.lock().get(peer).is_some_and(Peer::is_connected)
    }

    /// Whether the peer said when it was asked last that it is of another cluster.
    #[must_use]
    pub fn is_foreign(&self, peer: &PeerId) -> bool {
        self.peers.lock().get(peer).is_some_and(Peer::is_foreign)
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
            .filter_map(|(peer, entry)| Some((*peer, entry.met_at()?.clone())))
            .collect()
    }

    /// Waits until the peer has told what it speaks; `false` if it is gone or `deadline` passes.
    pub async fn wait_identified(&self, peer: &PeerId, deadline: Duration) -> bool {
        let told = self.wait(|peers| match peers.get(peer) {
            Some(entry) if entry.is_identified() => Some(true),
            Some(entry) if entry.is_connected() => None,
            _ => Some(false),
        });
        tokio::time::timeout(deadline, told).await.unwrap_or(false)
    }

    /// Waits until the peer is connected.
    pub async fn wait_connected(&self, peer: &PeerId) {
        self.wait(|peers| peers.get(peer)?.is_connected().then_some(()))
            .await;
    }

    /// How many attempts to connect to the peer failed since it was connected.
    pub(super) fn failures(&self, peer: &PeerId) -> u32 {
        self.info(peer).map_or(0, |info| info.failed_dials)
    }

    /// Waits until the peer is connected, or an attempt fails beyond the so many `failures` that there were.
    ///
    /// # Errors
    /// What went wrong with that attempt.
    pub(super) async fn wait_dialled(&self, peer: &PeerId, failures: u32) -> Result<(), String> {
        let info = self.wait_until(peer, |info| {
            info.is_connected() || info.failed_dials > failures
        });
        let info = info.await;
        match info.last_failure {
            Some(failure) if !info.is_connected() => Err(failure.reason),
            _ => Ok(()),
        }
    }

    /// Waits until the peer isn't connected.
    pub async fn wait_gone(&self, peer: &PeerId) {
        let gone = |peers: &HashMap<PeerId, Peer>| !peers.get(peer).is_some_and(Peer::is_connected);
        self.wait(|peers| gone(peers).then_some(())).await;
    }

    /// Waits until what is known of the peer is as `expected` says.
    pub async fn wait_until(
        &self,
        peer: &PeerId,
        expected: impl Fn(&PeerInfo) -> bool,
    ) -> PeerInfo {
        let info = |peers: &HashMap<PeerId, Peer>| Some(peers.get(peer)?.info(*peer));
        self.wait(|peers| info(peers).filter(&expected)).await
    }

    /// Waits until `look` finds what it looks for.
    async fn wait<T>(&self, look: impl Fn(&HashMap<PeerId, Peer>) -> Option<T>) -> T {
        loop {
            // Made before the look, so that no change in between is missed.
            let changed = self.changed.notified();
            let found = look(&self.peers.lock());
            match found {
                Some(found) => return found,
                None => changed.await,
            }
        }
    }
}

fn forget_unless_kept(peers: &mut HashMap<PeerId, Peer>, peer: &PeerId) {
    match peers.get(peer) {
        Some(entry) if entry.kept.is_none() => drop(peers.remove(peer)),
        _ => forget_beyond(peers, KNOWN_PEERS),
    }
}

/// Forgets those that were dialled by hand longest ago, but for `most`.
fn forget_beyond(peers: &mut HashMap<PeerId, Peer>, most: usize) {
    let dialled = |entry: &Peer| entry.kept == Some(Kept::Dialled) && !entry.is_connected();
    let mut heard: Vec<(u64, PeerId)> = peers
        .iter()
        .filter(|(_, entry)| dialled(entry))
        .map(|(peer, entry)| (entry.heard, *peer))
        .collect();
    let over = heard.len().saturating_sub(most);
    if over > 0 {
        heard.sort_unstable();
        for (_, peer) in &heard[..over] {
            peers.remove(peer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::peer::info_of_speaking;
    use super::super::peer_info::{Connectedness, PeerOrigin};
    use super::*;

    fn connect(table: &PeerTable, peer: PeerId) -> bool {
        table.connected(peer, &Multiaddr::empty(), PeerDirection::Inbound)
    }

    fn identify(table: &PeerTable, peer: PeerId) {
        table.identified(&peer, &info_of_speaking(&["/a/1"]));
    }

    #[tokio::test]
    async fn a_peer_is_there_until_its_last_connection_ends() {
        let (table, peer) = (PeerTable::default(), PeerId::random());
        assert!(connect(&table, peer));
        assert!(!connect(&table, peer));
        identify(&table, peer);
        assert!(!table.closed(&peer, None));
        assert_eq!(table.that_speak(&["/b/1", "/a/1"]), [peer]);
        assert!(table.closed(&peer, None));
        assert!(!table.speaks(&peer, "/a/1"));
        assert!(!table.wait_identified(&peer, Duration::from_secs(9)).await);
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_hold_a_span_are_named_first_and_those_who_lack_it_not_at_all() {
        let table = PeerTable::default();
        let [whole, half, none, silent] = [(); 4].map(|()| {
            let peer = PeerId::random();
            connect(&table, peer);
            identify(&table, peer);
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

    #[tokio::test]
    async fn a_kept_peer_stays_known_when_it_goes_and_speaks_nothing_meanwhile() {
        let (table, peer) = (PeerTable::default(), PeerId::random());
        let address: Multiaddr = "/ip4/192.0.2.1/tcp/1".parse().unwrap();
        table.keep(peer, std::slice::from_ref(&address), Kept::StoreNode);
        table.keep(peer, &[], Kept::Dialled);
        let known = table.info(&peer).unwrap();
        assert_eq!(known.connected, Connectedness::NotConnected);
        assert_eq!(known.kept, Some(Kept::StoreNode));
        assert_eq!(known.origin, PeerOrigin::Static);
        connect(&table, peer);
        identify(&table, peer);
        assert!(table.speaks(&peer, "/a/1"));
        assert!(table.closed(&peer, Some("reset")));
        let known = table.info(&peer).unwrap();
        assert_eq!(known.connected, Connectedness::CanConnect);
        assert_eq!(known.agent, "nwaku-v0.38.0");
        assert_eq!(known.last_failure.unwrap().reason, "reset");
        assert!(!table.is_connected(&peer) && !table.speaks(&peer, "/a/1"));
        assert!(table.that_speak(&["/a/1"]).is_empty());
        assert!(table.connected_peers().is_empty());
        // What it said on an earlier connection isn't taken for what it speaks on the next.
        connect(&table, peer);
        assert!(!table.speaks(&peer, "/a/1"));
        identify(&table, peer);
        assert!(table.wait_identified(&peer, Duration::from_secs(9)).await);
    }

    #[test]
    fn peers_dialled_by_hand_are_forgotten_beyond_a_bound_and_others_are_not() {
        let table = PeerTable::default();
        let (pinned, connected, first) = (PeerId::random(), PeerId::random(), PeerId::random());
        table.keep(pinned, &[], Kept::StaticNode);
        table.keep(connected, &[], Kept::Dialled);
        connect(&table, connected);
        table.keep(first, &[], Kept::Dialled);
        let more =
            || (1..KNOWN_PEERS).for_each(|_| table.keep(PeerId::random(), &[], Kept::Dialled));
        more();
        assert!(table.info(&first).is_some());
        table.keep(PeerId::random(), &[], Kept::Dialled);
        assert!(table.info(&first).is_none());
        more();
        assert!(table.info(&pinned).is_some() && table.info(&connected).is_some());
        assert_eq!(table.snapshot().len(), KNOWN_PEERS + 2);
        assert_eq!(table.snapshot()[0].peer_id, connected);
        assert!(table.closed(&connected, None));
        assert_eq!(table.snapshot().len(), KNOWN_PEERS + 1);
    }

    #[tokio::test]
    async fn whoever_waits_for_a_peer_is_told_when_it_comes_and_when_it_goes() {
        let (table, peer) = (PeerTable::default(), PeerId::random());
        let come = async {
            tokio::task::yield_now().await;
            connect(&table, peer);
        };
        futures::join!(table.wait_connected(&peer), come);
        let go = async {
            tokio::task::yield_now().await;
            table.closed(&peer, None);
        };
        futures::join!(table.wait_gone(&peer), go);
        assert!(table.info(&peer).is_none());
    }

    #[test]
    fn scores_are_those_of_connected_peers() {
        let (table, here, gone) = (PeerTable::default(), PeerId::random(), PeerId::random());
        table.keep(gone, &[], Kept::StaticNode);
        connect(&table, here);
        table.set_scores([(here, -1.5), (gone, 2.0), (PeerId::random(), 3.0)]);
        assert_eq!(table.info(&here).unwrap().score, Some(-1.5));
        assert_eq!(table.info(&gone).unwrap().score, None);
        assert_eq!(table.snapshot().len(), 2);
    }
}
