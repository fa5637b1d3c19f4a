//! How much peers may have of the node in a time: requests and bytes by token buckets, of each service,
//! for each peer and overall; and how much of the line history may take.
//!
//! What is there at one time (streams, sessions, queues, memory) is bounded elsewhere: every bound with
//! its default stands in `docs/limits.md`.
//!
//! A request is refused before it is read, if the peer or all peers together have had their requests, or
//! owe bytes: bytes are counted when they have gone, so the last answer may overdraw. Sessions and pushes
//! aren't refused halfway, but read and written more slowly.

mod bandwidth;
mod bucket;
mod clock;
mod counters;
mod gate;
mod guard;
mod limiter;
pub(crate) mod limits;
mod rate;
mod service;
mod setting;
mod table;

pub use bandwidth::BandwidthArg;
pub use counters::{Reason, ServiceCounters};
pub use limiter::{Client, Limiter, RateConfig, Refused};
pub use rate::{Rate, RateError};
pub use service::Service;
pub use setting::{Amount, RateSetting};
pub use table::{RateLimits, Rates, ServiceRates};
