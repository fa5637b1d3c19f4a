//! What Waku adds to set reconciliation: messages, archives, Store v3 and fetching.

pub mod archive;
pub mod floor;
pub mod hash;
pub mod index;
pub mod ingest;
pub mod limits;
pub mod line;
pub mod message;
pub mod metadata;
pub mod record;
pub mod store;
#[cfg(test)]
mod testing;
pub mod transfer;
mod unknown;

pub use archive::{Archive, ArchiveError, ArchiveStats, ArchiveUrl, ArchiveUrlError};
pub use hash::message_hash;
pub use index::{Index, IndexSnapshot};
pub use ingest::{Arrival, Ingest, IngestCounters, IngestReport, Ingested, Origin, Refusal};
pub use message::WakuMessage;
pub use record::{Key, Record};
