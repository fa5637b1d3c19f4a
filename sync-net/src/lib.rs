//! Frames over libp2p, and reconciliation sessions over these.
//!
//! - [`Behaviour`] goes into a swarm, beside whatever else is there. It carries opaque frames over
//!   protocols of the program's choice: [`Behaviour::serve`] gives a bounded queue of the streams
//!   that peers open, and what doesn't fit is refused by word. [`Control`] opens streams, for one
//!   question and one answer or for as many frames as it takes.
//! - [`FramedStream`] sends and receives frames, each with a deadline and a longest length.
//! - [`Reconciler`] finds out which items two nodes don't share. A program brings its items, and
//!   learns the differences, by implementing [`Storage`]. An [`Observer`] sees the frames.
//! - [`Admission`] goes into a swarm too: it bounds the connections that others make. A [`Gate`] says how
//!   many streams and bytes may come or go in a time.
//! - [`build_swarm`] makes a swarm as Waku's peers expect it, [`identity`] keeps its key.
//!
//! Every bound stands in [`limits`]; what happened is counted in [`Counters`],
//! and the warnings that peers can provoke are bounded by [`Warnings`].
//!
//! ```
//! use std::sync::Arc;
//! use sync_core::{ItemSet, Scope, SortedItems, Source, SourceError};
//! use sync_net::{
//!     Behaviour, ConnectionLimits, NetLimits, Outcome, ReconcileConfig, ReconcileError, Reconciler,
//!     SessionInfo, Storage, build_swarm, identity,
//! };
//!
//! struct Nothing;
//!
//! impl Source for Nothing {
//!     fn open(&self, _: &Scope) -> Result<Box<dyn ItemSet + Send>, SourceError> {
//!         Ok(Box::new(SortedItems::default()))
//!     }
//! }
//!
//! #[async_trait::async_trait]
//! impl Storage for Nothing {
//!     fn source(&self) -> Box<dyn Source> {
//!         Box::new(Nothing)
//!     }
//!
//!     async fn found(
//!         &self,
//!         session: &SessionInfo,
//!         have: Vec<sync_core::Id>,
//!         need: Vec<sync_core::Id>,
//!     ) {
//!         println!("{}: has {have:?}, needs {need:?}", session.peer);
//!     }
//!
//!     async fn ended(&self, _: &SessionInfo, outcome: &Result<Outcome, ReconcileError>) {
//!         println!("{outcome:?}");
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let key = identity::generate();
//! let mut behaviour = Behaviour::new(NetLimits::default());
//! let local = key.public().to_peer_id();
//! let config = ReconcileConfig::default();
//! let (reconciler, serving) = Reconciler::mount(&mut behaviour, local, Arc::new(Nothing), config);
//! tokio::spawn(serving);
//! let swarm = build_swarm(&key, behaviour, &ConnectionLimits::default())?;
//! // Drive `swarm` as always; once it is connected to a peer: reconciler.reconcile(peer, ...).
//! # drop((swarm, reconciler));
//! # Ok(())
//! # }
//! ```

pub mod admission;
mod behaviour;
mod connections;
mod control;
pub mod counters;
pub mod frame;
mod gate;
mod handler;
pub mod identity;
pub mod limits;
mod protocol;
pub mod reconcile;
mod room;
pub mod swarm;
pub mod transport;
mod warnings;

pub use admission::Admission;
pub use behaviour::Behaviour;
pub use control::{Control, OpenError, OpenFailure, RequestError};
pub use counters::{Counter, Counters};
pub use frame::{FrameError, FramedStream};
pub use gate::{Flow, Gate};
pub use handler::Handler;
pub use limits::{
    AdmissionLimits, ConnectionLimits, Deadlines, FrameLimits, NetLimits, ReconcileLimits,
    WarningLimits,
};
pub use protocol::{Inbound, ProtocolConfig};
pub use reconcile::{
    DialectChoice, Direction, Observer, Outcome, ReconcileConfig, ReconcileError, Reconciler, Role,
    SessionInfo, SessionObserver, Storage,
};
pub use swarm::build_swarm;
pub use transport::Muxers;
pub use warnings::Warnings;
