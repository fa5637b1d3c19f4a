//! The node's side of libp2p: which protocols it speaks, the swarm's task, and the peer table.

mod announced;
mod backoff;
mod claims;
mod dialler;
mod keep;
pub(crate) mod limits;
mod liveness;
mod peer;
mod peer_groups;
mod peer_info;
mod peers;
pub mod ports;
pub mod protocols;
mod reader;
mod record;
mod shards;
mod swarm;

pub use announced::{AnnounceConfig, Announced};
pub(crate) use claims::{Claims, lacks_of};
pub(crate) use dialler::Dialler;
pub(crate) use keep::kept_peers;
pub use peer_groups::{PeerStats, PeersOfShard, peer_stats, peers_of_shards, service_peers};
pub(crate) use peer_info::peer_of;
pub use peer_info::{Connectedness, Kept, PeerDirection, PeerFailure, PeerInfo, PeerOrigin};
pub use peers::PeerTable;
pub use reader::{StoreEvent, StoreReader};
pub use record::{Capabilities, NodeRecord, RecordError};
pub use shards::CurrentShards;
pub use swarm::{ConnectError, SwarmHandle};
pub(crate) use swarm::{SwarmParts, spawn};
