//! Metrics: what the node counts and measures, as a page for Prometheus.
//!
//! [`FAMILIES`] names every metric; `docs/metrics.md` is written from it. Most figures live where the work
//! is done and are read when the page is asked for; durations are observed as they occur; and what can't
//! be read without waiting is watched by a task, so that a page never waits for the archive.

mod collector;
mod config;
mod documentation;
mod families;
mod figures;
pub mod limits;
mod names;
mod observed;
mod page;
mod server;
mod sources;
mod watch;

pub use config::MetricsConfig;
pub use documentation::markdown;
pub use families::FAMILIES;
pub use names::{Family, Kind, Prefix};
pub(crate) use observed::Observed;
pub(crate) use page::plain;
pub use server::MetricsServer;
pub(crate) use server::TEXT;
pub(crate) use sources::Sources;
pub(crate) use watch::Watched;
