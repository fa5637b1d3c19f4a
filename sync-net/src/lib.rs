//! Opaque frames over libp2p, and the driver that runs reconciliation sessions over them.

mod behaviour;
mod connections;
mod control;
pub mod counters;
pub mod frame;
mod handler;
pub mod identity;
pub mod limits;
mod protocol;
pub mod reconcile;
pub mod swarm;
pub mod transport;

pub use behaviour::Behaviour;
pub use control::{Control, OpenError, OpenFailure, RequestError};
pub use counters::{Counter, Counters};
pub use frame::{FrameError, FramedStream};
pub use handler::Handler;
pub use limits::{ConnectionLimits, Deadlines, FrameLimits, NetLimits, ReconcileLimits};
pub use protocol::{Inbound, ProtocolConfig};
pub use reconcile::{
    DialectChoice, Outcome, ReconcileConfig, ReconcileError, Reconciler, Role, SessionInfo, Storage,
};
pub use swarm::build_swarm;
pub use transport::Muxers;
