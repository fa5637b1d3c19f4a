//! Reconciliation sessions over streams: who starts, who answers, how many, and what is told to
//! whom. What the frames say is [`sync_core`]'s part; what is done about the differences is the
//! part of the program behind [`Storage`].

mod driver;
mod engine;
mod error;
mod inbound;
mod observer;
mod reconciler;
mod sessions;
mod stop;
mod storage;

pub use engine::{DialectChoice, Opening, objection, open};
pub use error::ReconcileError;
pub use observer::{Direction, Observer, SessionObserver};
pub use reconciler::{ReconcileConfig, Reconciler};
pub use storage::{Outcome, Role, SessionInfo, Storage};

/// The protocol id of Waku's reconciliation as deployed.
pub const WAKU_PROTOCOL_ID: &str = "/vac/waku/reconciliation/1.0.0";

/// The protocol id of reconciliation between this project's nodes.
pub const OWN_PROTOCOL_ID: &str = sync_core::own::PROTOCOL_ID;
