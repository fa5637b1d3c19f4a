//! Connects with the peers of a walk over stores, each when it is its turn.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use libp2p::{Multiaddr, PeerId};
use tokio::time::timeout;

use super::limits::CLUSTER_AWAITED;
use super::peer_info::peer_of;
use super::{ConnectError, SwarmHandle, protocols};

/// Connects with peers before they are asked for pages, and anew if they were lost meanwhile.
#[derive(Debug)]
pub(crate) struct Dialler {
    swarm: SwarmHandle,
    /// The cluster that peers have to be of; any without one.
    cluster_id: Option<u16>,
    addresses: HashMap<PeerId, Multiaddr>,
    met: HashSet<PeerId>,
}

/// Why a peer can't be asked.
#[derive(Debug)]
pub(super) enum Unreached {
    /// It was there before, and may be again.
    ForNow(String),
    /// It isn't there, or isn't one to be asked.
    ForGood(String),
}

impl Dialler {
    /// Knows the peers that `addresses` end in, by the first address of each; gives them too, in the same order.
    ///
    /// # Errors
    /// When an address names no peer.
    pub(crate) fn new(
        swarm: SwarmHandle,
        cluster_id: Option<u16>,
        addresses: &[Multiaddr],
    ) -> Result<(Self, Vec<PeerId>), ConnectError> {
        let (mut known, mut order) = (HashMap::new(), Vec::new());
        for address in addresses {
            let peer = peer_of(address).ok_or_else(|| ConnectError::NoPeerId(address.clone()))?;
            if let Entry::Vacant(first) = known.entry(peer) {
                first.insert(address.clone());
                order.push(peer);
            }
        }
        let dialler = Self {
            swarm,
            cluster_id,
            addresses: known,
            met: HashSet::new(),
        };
        Ok((dialler, order))
    }

    /// Whether a connection with any of them came about so far.
    pub(super) fn has_met_any(&self) -> bool {
        !self.met.is_empty()
    }

    /// Connects with the peer, unless it is connected, and makes sure that it can be asked.
    pub(super) async fn reach(&mut self, peer: &PeerId) -> Result<(), Unreached> {
        self.check_cluster(peer)?;
        // One that is connected may not have said yet what it speaks, which this waits for.
        if !self.swarm.peers().speaks(peer, protocols::STORE)
            && let Some(address) = self.addresses.get(peer)
        {
            let connected = self.swarm.connect(address).await;
            connected.map_err(|error| self.unreached(peer, &error))?;
        }
        self.met.insert(*peer);
        self.check_protocol(peer)?;
        self.await_cluster(peer).await;
        self.check_cluster(peer)
    }

    fn unreached(&self, peer: &PeerId, error: &ConnectError) -> Unreached {
        if self.met.contains(peer) {
            Unreached::ForNow(error.to_string())
        } else {
            Unreached::ForGood(error.to_string())
        }
    }

    fn check_protocol(&self, peer: &PeerId) -> Result<(), Unreached> {
        let peers = self.swarm.peers();
        if peers.speaks(peer, protocols::STORE) {
            return Ok(());
        }
        if !peers.is_connected(peer) {
            return Err(Unreached::ForNow("it closed the connection".into()));
        }
        let agent = peers.info(peer).map(|info| info.agent);
        let agent = agent.filter(|agent| !agent.is_empty());
        Err(Unreached::ForGood(format!(
            "it doesn't speak Store v3 ({}), and says that it is {}",
            protocols::STORE,
            agent.as_deref().unwrap_or("nothing in particular")
        )))
    }

    /// Gives a peer that was just met time to tell its cluster, if that matters.
    async fn await_cluster(&self, peer: &PeerId) {
        let peers = self.swarm.peers();
        if self.cluster_id.is_some() && peers.speaks(peer, protocols::METADATA) {
            let told = peers.wait_until(peer, |info| {
                info.cluster_id.is_some() || !info.is_connected()
            });
            // One that doesn't tell is asked all the same.
            let _ = timeout(CLUSTER_AWAITED, told).await;
        }
    }

    fn check_cluster(&self, peer: &PeerId) -> Result<(), Unreached> {
        let peers = self.swarm.peers();
        let Some(ours) = self.cluster_id.filter(|_| peers.is_foreign(peer)) else {
            return Ok(());
        };
        let theirs = peers.info(peer).and_then(|info| info.cluster_id);
        let theirs = theirs.map_or_else(|| "another".into(), |theirs| theirs.to_string());
        Err(Unreached::ForGood(format!(
            "it is of cluster {theirs}, and {ours} was asked for"
        )))
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use store_adapter::ArchiveUrl;

    use super::*;
    use crate::node::{Node, NodeConfig};
    use crate::store::Store;

    async fn node() -> Node {
        let config = NodeConfig::new(sync_net::identity::generate(), Some(99));
        let config = config.listening_on(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
        let store = Store::open(&ArchiveUrl::Memory).await.unwrap();
        Node::start(config, store).await.unwrap()
    }

    #[tokio::test]
    async fn of_several_addresses_of_a_peer_the_first_is_dialled() {
        let (node, peer) = (node().await, PeerId::random());
        let at = |port: u16, peer: PeerId| -> Multiaddr {
            format!("/ip4/127.0.0.1/tcp/{port}/p2p/{peer}")
                .parse()
                .unwrap()
        };
        let other = PeerId::random();
        let addresses = [at(1, peer), at(2, other), at(3, peer)];
        let (dialler, order) = Dialler::new(node.network().clone(), Some(99), &addresses).unwrap();
        assert_eq!(order, [peer, other]);
        assert_eq!(dialler.addresses[&peer], addresses[0]);
        node.stop().await;
    }

    #[tokio::test]
    async fn a_peer_that_has_come_by_itself_may_say_what_it_speaks_before_it_is_asked() {
        let (asking, coming) = (node().await, node().await);
        let addresses = coming.addresses().to_vec();
        let (mut dialler, order) =
            Dialler::new(asking.network().clone(), Some(99), &addresses).unwrap();
        let (connected, reached) = tokio::join!(coming.connect(&asking.addresses()[0]), async {
            asking.peers().wait_connected(&order[0]).await;
            dialler.reach(&order[0]).await
        });
        connected.unwrap();
        reached.unwrap();
        asking.stop().await;
        coming.stop().await;
    }
}
