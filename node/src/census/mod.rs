//! Which of several nodes hold which messages of a span of time: asked of them over the network, and compared.
//!
//! A roll knows who holds what, and compares. It is filled by reconciliation where a node speaks this project's
//! protocol, by Store queries for hashes elsewhere. Nothing is fetched but what is needed to tell the times of
//! messages, and nodes are told nothing. A report is what comes of it, for whoever shows it.

pub(crate) mod collect;
pub mod limits;
pub(crate) mod node_set;
pub(crate) mod report;
pub(crate) mod roll;
mod span;
pub(crate) mod subject;

pub(crate) use collect::{Wanted, collect};
pub(crate) use report::Report;
pub use span::{Span, SpanError};
pub(crate) use subject::Subjects;
