//! Sync: a session finds what is missing, and what follows fills it.
//!
//! For every session there is a *job*: a fetch plan of what this side lacks, and the
//! set of what the peer lacks. In the own dialect each side pulls, by Store queries. In Waku's each
//! side pushes by transfer; what doesn't come that way is pulled, and what was pushed is asked
//! after. Whatever arrives is taken only if it is owed, hashes to what was owed, and lies in the
//! scope of the session.

mod asked;
mod budgets;
mod fetch;
mod hand_over;
mod held;
mod job;
mod limits;
mod pulling;
mod query;
pub mod report;
mod schedule;
mod standing;
mod syncer;

pub use job::JobReport;
pub use limits::SyncLimits;
pub use schedule::Schedule;
pub(crate) use schedule::run as run_schedule;
pub use standing::PeerStanding;
pub(crate) use syncer::SessionStorage;
pub use syncer::{SyncError, Synced, Syncer};
