//! The node's side of libp2p: which protocols it speaks, the swarm's task, and the peer table.

mod claims;
pub(crate) mod limits;
mod peers;
pub mod ports;
pub mod protocols;
mod reader;
mod swarm;

pub(crate) use claims::{Claims, lacks_of};
pub use peers::PeerTable;
pub use reader::{StoreEvent, StoreReader};
pub(crate) use swarm::spawn;
pub use swarm::{ConnectError, SwarmHandle};
