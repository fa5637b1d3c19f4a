//! Which peers are connected, what they speak, and the way to the handler of each connection.

use std::collections::HashMap;
use std::sync::Arc;

use libp2p::swarm::ConnectionId;
use libp2p::{PeerId, StreamProtocol};
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};

use crate::control::OpenFailure;

/// A wish for a stream, on its way to a handler.
#[derive(Debug)]
pub(crate) struct Open {
    /// In the order of preference; the first one that the peer speaks is taken.
    pub(crate) protocols: Vec<StreamProtocol>,
    pub(crate) answer: Answer,
}

/// Where a handler tells the outcome.
pub(crate) type Answer = oneshot::Sender<Result<(StreamProtocol, libp2p::Stream), OpenFailure>>;

/// The open connections. Handlers enter themselves and take themselves out when dropped, so that
/// a connection which another behaviour denied leaves nothing behind.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    peers: Mutex<HashMap<PeerId, Vec<Link>>>,
}

#[derive(Debug)]
struct Link {
    id: ConnectionId,
    opens: mpsc::Sender<Open>,
    /// `None` until the peer has told.
    protocols: Option<Vec<StreamProtocol>>,
}

impl Connections {
    pub(crate) fn enter(
        self: &Arc<Self>,
        peer: PeerId,
        id: ConnectionId,
        opens: mpsc::Sender<Open>,
    ) -> Entry {
        self.peers.lock().entry(peer).or_default().push(Link {
            id,
            opens,
            protocols: None,
        });
        Entry {
            connections: Arc::clone(self),
            peer,
            id,
        }
    }

    /// The way to the newest connection: an old one may be dead without anybody knowing yet.
    pub(crate) fn newest(&self, peer: &PeerId) -> Option<mpsc::Sender<Open>> {
        let peers = self.peers.lock();
        peers.get(peer)?.last().map(|link| link.opens.clone())
    }

    pub(crate) fn peers(&self) -> Vec<PeerId> {
        self.peers.lock().keys().copied().collect()
    }

    /// What the peer says that it speaks; `None` if it isn't connected or hasn't told.
    pub(crate) fn protocols(&self, peer: &PeerId) -> Option<Vec<StreamProtocol>> {
        let peers = self.peers.lock();
        let mut links = peers.get(peer)?.iter().rev();
        links.find_map(|link| link.protocols.clone())
    }
}

/// A connection's place in [`Connections`].
#[derive(Debug)]
pub(crate) struct Entry {
    connections: Arc<Connections>,
    peer: PeerId,
    id: ConnectionId,
}

impl Entry {
    pub(crate) fn peer(&self) -> PeerId {
        self.peer
    }

    pub(crate) fn set_protocols(&self, protocols: Vec<StreamProtocol>) {
        let mut peers = self.connections.peers.lock();
        let links = peers.get_mut(&self.peer).into_iter().flatten();
        for link in links.filter(|link| link.id == self.id) {
            link.protocols = Some(protocols.clone());
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut peers = self.connections.peers.lock();
        if let Some(links) = peers.get_mut(&self.peer) {
            links.retain(|link| link.id != self.id);
            if links.is_empty() {
                peers.remove(&self.peer);
            }
        }
    }
}
