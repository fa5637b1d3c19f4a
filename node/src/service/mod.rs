//! What the node answers: Store queries, metadata, and messages pushed by transfer.

mod answering;
mod limits;
pub(crate) mod metadata;
mod one_shot;
pub(crate) mod store;
pub(crate) mod transfer;
mod turns;
mod waiting;

pub(crate) use limits::REQUEST_STREAMS_WAITING;
pub use limits::ServiceLimits;
pub(crate) use one_shot::Desk;
