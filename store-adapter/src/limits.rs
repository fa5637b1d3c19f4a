//! Every number that peers, files or users can push against, in one place.
//!
//! Constants are fixed by deployed formats; the fields of [`IngestLimits`], [`StoreLimits`],
//! [`StoreClientLimits`] and [`FetchLimits`] are settable and have the defaults shown.

mod archive;
mod counts;
mod fetch;
mod message;
mod postgres;
mod redb;
mod retention;
mod store;

pub use archive::*;
pub use counts::*;
pub use fetch::*;
pub use message::*;
pub use postgres::*;
pub use redb::*;
pub use retention::*;
pub use store::*;

/// Most pubsub topics whose stored messages are counted apart.
pub const TOPICS_COUNTED: usize = 64;
