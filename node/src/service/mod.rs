//! What the node answers: Store queries, metadata, and messages pushed by transfer.

pub(crate) mod metadata;
mod one_shot;
pub(crate) mod store;
pub(crate) mod transfer;
