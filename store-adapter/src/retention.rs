//! What is kept, and what goes: policies, and how they are held to.
//!
//! What goes is always the oldest, in the order (timestamp, hash). Whatever goes, the retention
//! floor is raised first and durably, and nothing below it comes in again by any door; so a message
//! that was pruned isn't asked for either.

mod clock;
mod counters;
mod error;
mod floors;
mod growth;
mod keeper;
mod plan;
mod policy;

pub use clock::SteadyClock;
pub use counters::{Pruned, PrunedTotal, Reason, RetentionCounters};
pub use error::RetentionError;
pub use floors::Precision;
pub use keeper::Keeper;
pub use plan::{Plan, PlanPart, plan};
pub use policy::{PolicyError, RetentionPolicy};

pub(crate) use counters::Counters;
pub(crate) use floors::{before_newest, oldest_units, past_capacity, past_time};
pub(crate) use growth::{Growth, weight};
