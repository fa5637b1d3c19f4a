//! What Waku adds to set reconciliation: messages and their hashes, archives that keep them, the
//! Store v3 service, and the plan that fetches what a reconciliation found missing.
//!
//! A message travels one way: it arrives at [`Ingest`], the one door, which checks it by the rules
//! of its [`Origin`] and hashes it; an [`Archive`] commits it; and only then the [`Index`], from
//! which sessions read, knows of it. What sessions find missing goes to a
//! [`FetchPlan`](fetch::FetchPlan), and what is fetched comes through the same door.
//!
//! Nothing here knows a network: requests and responses are bytes, and peers are whatever names
//! them.
//!
//! ```
//! use std::sync::Arc;
//! use store_adapter::limits::{IngestLimits, StoreLimits};
//! use store_adapter::store::{self, StoreAnswer, StoreQueryRequest};
//! use store_adapter::{ArchiveOptions, Arrival, ArchiveUrl, Index, Ingest, Origin, WakuMessage, archive};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let archive = archive::open(&ArchiveUrl::parse("memory:")?, &ArchiveOptions::default()).await?;
//! let index = Arc::new(Index::rebuild(Arc::clone(&archive)).await?);
//! let door = Ingest::new(Arc::clone(&archive), Arc::clone(&index), IngestLimits::default());
//!
//! let message = WakuMessage {
//!     payload: b"hi".to_vec(),
//!     content_topic: "/app/1/chat/proto".into(),
//!     timestamp: Some(1_700_000_000_000_000_000),
//!     ..WakuMessage::default()
//! };
//! let hash = store_adapter::message_hash("/waku/2/rs/0/0", &message);
//! let arrival = Arrival::new("/waku/2/rs/0/0", message.clone());
//! assert_eq!(door.ingest(Origin::Imported, vec![arrival]).await?.new, 1);
//! assert_eq!(index.len(), 1);
//!
//! let request = StoreQueryRequest::by_hashes("1", &[hash], true);
//! let request = prost::Message::encode_to_vec(&request);
//! let response = store::serve(&*archive, &StoreLimits::default(), &request).await;
//! let answer = StoreAnswer::decode(&response, "1")?;
//! assert_eq!(answer.entries[0].content, Some(("/waku/2/rs/0/0".into(), message)));
//! # Ok(()) })
//! # }
//! ```

pub mod archive;
pub mod counts;
pub mod fetch;
pub mod floor;
pub mod gaps;
pub mod hash;
pub mod index;
pub mod ingest;
pub mod limits;
pub mod line;
pub mod lines;
pub mod message;
pub mod metadata;
pub mod nwaku;
pub mod record;
pub mod retention;
pub mod sharding;
pub mod store;
#[cfg(test)]
mod testing;
pub mod tls;
pub mod transfer;
mod unknown;

pub use archive::{
    Archive, ArchiveError, ArchiveOptions, ArchiveStats, ArchiveUrl, ArchiveUrlError, StorageUnit,
};
pub use gaps::{Gaps, Span};
pub use hash::message_hash;
pub use index::{Followed, Follower, Index, IndexCounts, IndexSnapshot};
pub use ingest::{Arrival, Ingest, IngestCounters, IngestReport, Ingested, Origin, Refusal};
pub use message::WakuMessage;
pub use metadata::WakuMetadata;
pub use record::{Key, Record};
pub use retention::RetentionPolicy;
pub use transfer::WakuMessageAndTopic;
