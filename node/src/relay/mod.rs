//! Waku's relay: gossipsub, whose messages are archived as they come.
//!
//! The swarm's task decides on each message (`validation.rs`): what isn't live or can't be read isn't
//! passed on. What is goes into a bounded queue (`intake.rs`) and from there in batches through the
//! archive's one door, ephemeral messages excepted. [`Relay`] is the handle for all others: it
//! changes subscriptions, publishes, and gives what came since it was last asked.

mod behaviour;
mod cache;
mod config;
mod counters;
mod driver;
mod error;
mod handle;
mod intake;
mod limits;
mod mount;
mod shared;
mod subscriptions;
mod validation;
mod validator;

pub(crate) use behaviour::Gossipsub;
pub use config::{RelayConfig, SharedRegistry};
pub use counters::RelayCounters;
pub(crate) use driver::Driver;
pub use error::{PublishError, RelayError};
pub use handle::{Published, Relay, RelayPeer};
pub use limits::RelayLimits;
pub(crate) use mount::{Mounted, SwarmPart, mount};
pub use validator::Validator;
