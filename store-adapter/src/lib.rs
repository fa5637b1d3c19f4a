//! What Waku adds to set reconciliation: messages, archives, Store v3 and fetching.

pub mod archive;
pub mod fetch;
pub mod hash;
pub mod limits;
pub mod line;
pub mod message;
pub mod metadata;
pub mod record;
#[cfg(test)]
mod testing;
pub mod transfer;
mod unknown;

pub use archive::{Archive, ArchiveError, ArchiveStats, ArchiveUrl, ArchiveUrlError};
pub use hash::message_hash;
pub use message::WakuMessage;
pub use record::{Key, Record};
