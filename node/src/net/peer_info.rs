//! What is known of a peer at one moment, for REST and whoever else shows it.

use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

/// What is known of a peer. As JSON it has the keys of nwaku's admin calls, in camel case, and some
/// more behind them; times are seconds since 1970.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PeerInfo {
    /// The best address to reach it at, with the peer id at the end.
    #[schema(value_type = String)]
    pub multiaddr: Multiaddr,
    /// What it speaks, as it said last; sorted.
    pub protocols: Vec<String>,
    /// Its shards, as its metadata said last; sorted.
    pub shards: Vec<u16>,
    /// Whether it is connected, and if not, what is known of that.
    pub connected: Connectedness,
    /// What program it says it is; empty if it hasn't said.
    pub agent: String,
    /// How this node learned of it.
    pub origin: PeerOrigin,
    /// Gossipsub's score of it, where relay gives one.
    pub score: Option<f64>,

    /// Its peer id.
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = String)]
    pub peer_id: PeerId,
    /// Every address known, the best first, with the peer id at the end.
    #[schema(value_type = Vec<String>)]
    pub addresses: Vec<Multiaddr>,
    /// The protocol version that it identifies with; empty if it hasn't said.
    pub protocol_version: String,
    /// Its cluster, as its metadata said last.
    pub cluster_id: Option<u32>,
    /// Who made the connection.
    pub direction: PeerDirection,
    /// Why it is kept in mind when it isn't connected; `None` for one that came by itself.
    pub kept: Option<Kept>,
    /// How many connections there are with it.
    pub connections: usize,
    /// Since when it is connected.
    pub connected_since: Option<u64>,
    /// How often a first connection with it was made.
    pub times_connected: u64,
    /// How many dials failed since the last connection.
    pub failed_dials: u32,
    /// What went wrong last.
    pub last_failure: Option<PeerFailure>,
    /// How long the last ping took to and fro, in seconds.
    pub round_trip: Option<f64>,
}

/// Whether a peer is connected; nwaku's names.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, ToSchema)]
pub enum Connectedness {
    /// It never was, and no attempt failed.
    NotConnected,
    /// The last attempt failed.
    CannotConnect,
    /// It was, and no attempt failed since.
    CanConnect,
    /// It is.
    Connected,
}

/// How the node learned of a peer; nwaku's names. nwaku has more, for ways of discovery that this
/// node doesn't have.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, ToSchema)]
pub enum PeerOrigin {
    /// It connected by itself, or was dialled by hand.
    UnknownOrigin,
    /// By the configuration.
    Static,
}

/// Who made the connection with a peer; nwaku's names.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, ToSchema)]
pub enum PeerDirection {
    /// There was none yet.
    UnknownDirection,
    /// The peer.
    Inbound,
    /// This node.
    Outbound,
}

/// Why a peer is kept in mind when it isn't connected, the weakest reason first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, ToSchema)]
pub enum Kept {
    /// It was dialled by hand.
    Dialled,
    /// The configuration names it as a peer to stay connected with.
    StaticNode,
    /// The configuration names it as a store to stay connected with.
    StoreNode,
}

/// What went wrong with a peer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct PeerFailure {
    /// When, in seconds since 1970.
    pub at: u64,
    /// What libp2p said.
    pub reason: String,
}

impl PeerInfo {
    /// Whether the peer is connected.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.connected == Connectedness::Connected
    }

    /// Whether it said that it speaks one of `protocols`.
    #[must_use]
    pub fn speaks(&self, protocols: &[&str]) -> bool {
        protocols
            .iter()
            .any(|protocol| self.protocols.iter().any(|spoken| spoken == protocol))
    }
}

impl Connectedness {
    /// Every value, in nwaku's order.
    pub const ALL: [Self; 4] = [
        Self::Connected,
        Self::NotConnected,
        Self::CannotConnect,
        Self::CanConnect,
    ];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotConnected => "NotConnected",
            Self::CannotConnect => "CannotConnect",
            Self::CanConnect => "CanConnect",
            Self::Connected => "Connected",
        }
    }
}

fn as_text<S: Serializer>(peer: &PeerId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(peer)
}

/// The peer that `address` ends in.
pub(crate) fn peer_of(address: &Multiaddr) -> Option<PeerId> {
    match address.iter().last() {
        Some(Protocol::P2p(peer)) => Some(peer),
        _ => None,
    }
}

/// `address` without the peer id at its end.
pub(crate) fn without_peer(address: &Multiaddr) -> Multiaddr {
    let mut address = address.clone();
    if peer_of(&address).is_some() {
        address.pop();
    }
    address
}
