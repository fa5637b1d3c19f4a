//! The node's side of libp2p: which protocols it speaks, the swarm's task, and the peer table.

mod peers;
pub mod protocols;
mod swarm;

pub use peers::PeerTable;
pub use swarm::{ConnectError, SwarmHandle};
pub(crate) use swarm::{IDENTIFY_DEADLINE, spawn};
