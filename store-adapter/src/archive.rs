//! The contract with whatever keeps the messages, and the choice among the backends.

pub mod changes;
pub mod error;
pub mod memory;
pub mod options;
pub mod postgres;
pub mod redb;
pub mod scan;
mod times;
mod trace;
pub mod unit;
pub mod url;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use sync_core::{Bound, Id, Item, Range};

pub use changes::{ChangePosition, Changes};
pub use error::ArchiveError;
pub use memory::MemoryArchive;
pub use options::ArchiveOptions;
pub use postgres::{PostgresArchive, PostgresUrl};
pub use redb::{Durability, RedbArchive, RedbOptions};
pub use scan::{Scan, ScanPage};
pub use unit::StorageUnit;
pub use url::{ArchiveUrl, ArchiveUrlError};

use crate::counts::CountedItems;
use crate::record::{Key, Record};

/// Keeps messages in the order (timestamp, hash), and some small named values beside them.
///
/// What every backend promises, and the conformance suite holds it to:
/// - A batch is stored whole or not at all, and is durable before [`Archive::append`] returns.
/// - No read transaction outlives a call, and a call looks at a bounded number of rows, so that
///   reading never holds up writing for long.
/// - A hash is stored once. A second message of one hash is a duplicate, whatever its other fields.
/// - After an error the archive goes on: what was acknowledged is there, and the call may be
///   repeated.
///
/// Backends may grow methods with default answers, such as [`Archive::changes`] of a shared database.
#[async_trait]
pub trait Archive: Send + Sync + fmt::Debug {
    /// Stores a batch; tells of each record whether it was new, in the order given. A duplicate of
    /// an earlier record in the batch isn't new either. A shared archive stores nothing below the
    /// retention floor that it keeps, which another node may have raised: [`ArchiveError::BelowFloor`]; and nothing past its cap,
    /// under which another may store at the same time: [`ArchiveError::NoRoom`].
    async fn append(&self, batch: Vec<Record>) -> Result<Vec<bool>, ArchiveError>;

    /// The records of these hashes in the order (timestamp, hash), each once; unknown hashes are
    /// left out. The caller bounds how many it asks for.
    async fn lookup(&self, hashes: &[Id]) -> Result<Vec<Record>, ArchiveError>;

    /// As [`Archive::lookup`], without reading payloads.
    async fn locate(&self, hashes: &[Id]) -> Result<Vec<Key>, ArchiveError>;

    /// The records of keys that this archive has given, in the order (timestamp, hash), each once; those
    /// that were removed since are left out. Cheaper than [`Archive::lookup`] where messages lie in the
    /// order of their times.
    async fn read(&self, keys: &[Key]) -> Result<Vec<Record>, ArchiveError> {
        let hashes: Vec<Id> = keys.iter().map(|key| key.item.id).collect();
        self.lookup(&hashes).await
    }

    /// The next page of keys that match, without reading payloads.
    async fn scan(&self, scan: &Scan) -> Result<ScanPage, ArchiveError>;

    /// Every item from `lower` on, in order and by pubsub topic.
    async fn items(&self, lower: &Bound) -> Result<TopicItems, ArchiveError> {
        Ok(self.counted_items(lower).await?.items)
    }

    /// As [`Archive::items`], and what they come to by hour, shard and content topic, as an index wants
    /// them: backends may be faster at it than by scans.
    async fn counted_items(&self, lower: &Bound) -> Result<CountedItems, ArchiveError> {
        let mut counted = CountedItems::default();
        let mut rest = Some(Range::new(*lower, Bound::Infinity));
        while let Some(range) = rest {
            let page = self.scan(&Scan::of_range(range)).await?;
            counted.extend(page.keys);
            rest = page.rest;
        }
        Ok(counted)
    }

    /// Removes the oldest messages of `span`: `limit` of them, or more where a unit that lies in the
    /// span with all it holds is dropped whole, which costs the same however much it holds. Tells how
    /// many that were; fewer than `limit` means that the span is empty now. [`ArchiveError::Held`] means
    /// that it is but for units that somebody reads for long.
    async fn remove(&self, span: &Range, limit: usize) -> Result<usize, ArchiveError>;

    /// As [`Archive::remove`], for whoever can't wait: others may be in the way more easily.
    async fn remove_promptly(&self, span: &Range, limit: usize) -> Result<usize, ArchiveError> {
        self.remove(span, limit).await
    }

    /// How much it holds.
    async fn stats(&self) -> Result<ArchiveStats, ArchiveError>;

    /// Bytes taken on disk by everything the archive keeps, as [`ArchiveStats::disk_bytes`], at a cost
    /// that allows to ask before every batch.
    async fn disk_bytes(&self) -> Result<u64, ArchiveError> {
        Ok(self.stats().await?.disk_bytes)
    }

    /// Bytes that it needs for a while beside [`Archive::disk_bytes`], to rearrange what it holds: under
    /// a cap they are left free.
    fn spare_bytes(&self) -> u64 {
        0
    }

    /// The parts that hold messages, oldest first. Removing everything that a part may hold gives its
    /// disk back at once, and costs the same however much it holds.
    async fn units(&self) -> Result<Vec<StorageUnit>, ArchiveError> {
        let stats = self.stats().await?;
        Ok(vec![StorageUnit {
            span: Range::ALL,
            messages: stats.messages,
            disk_bytes: stats.disk_bytes,
        }])
    }

    /// Of these units, oldest first, those that could be removed right now, until they come to `bytes`
    /// on disk. Others are being read for long by somebody, and [`Archive::remove`] leaves them for
    /// another time.
    async fn removable(
        &self,
        units: Vec<StorageUnit>,
        _bytes: u64,
    ) -> Result<Vec<StorageUnit>, ArchiveError> {
        Ok(units)
    }

    /// Makes units smaller that have got too large to go one by one; tells whether it is of any use to
    /// look at the units again. An archive that answers `false` uses the room of removed rows again.
    async fn rearrange(&self) -> Result<bool, ArchiveError> {
        Ok(false)
    }

    /// What was stored and removed behind `after`, by whichever node; without it nothing, and the
    /// position of now. `None` from an archive that has one writer.
    async fn changes(
        &self,
        _after: Option<&ChangePosition>,
    ) -> Result<Option<Changes>, ArchiveError> {
        Ok(None)
    }

    /// The value stored under `name`; nodes that share the archive share it.
    async fn state(&self, name: &str) -> Result<Option<Vec<u8>>, ArchiveError>;

    /// Stores a value under `name`, or removes it; durable on return. Names and values are
    /// bounded by [`STATE_NAME_BYTES`](crate::limits::STATE_NAME_BYTES) and
    /// [`STATE_VALUE_BYTES`](crate::limits::STATE_VALUE_BYTES).
    async fn set_state(&self, name: &str, value: Option<Vec<u8>>) -> Result<(), ArchiveError>;
}

/// Items by pubsub topic, those of each topic in order.
pub type TopicItems = HashMap<Arc<str>, Vec<Item>>;

/// How much an archive holds.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct ArchiveStats {
    /// How many messages.
    pub messages: u64,
    /// Bytes taken on disk by everything the archive keeps, logs for recovery apart; 0 in memory.
    pub disk_bytes: u64,
    /// Bytes taken on disk by logs for recovery that the archive shares with others, such as
    /// PostgreSQL's write-ahead log.
    pub log_bytes: u64,
    /// The oldest message.
    pub first: Option<Item>,
    /// The newest message.
    pub last: Option<Item>,
}

/// Opens the archive at `url`, creating it if nothing is there.
///
/// # Errors
/// When what is there isn't a sound archive of this program, or is in use. It is left as it was.
pub async fn open(
    url: &ArchiveUrl,
    options: &ArchiveOptions,
) -> Result<Arc<dyn Archive>, ArchiveError> {
    match url {
        ArchiveUrl::Memory => Ok(Arc::new(MemoryArchive::new())),
        ArchiveUrl::Redb(path) => Ok(Arc::new(
            RedbArchive::open_or_create_with(path, &options.into()).await?,
        )),
        ArchiveUrl::Postgres(url) => Ok(Arc::new(
            PostgresArchive::open_or_create(url, options).await?,
        )),
    }
}

/// Opens the archive at `url`, which must be there; one in memory is there and empty.
///
/// # Errors
/// As [`open`], and when nothing is there.
pub async fn open_existing(
    url: &ArchiveUrl,
    options: &ArchiveOptions,
) -> Result<Arc<dyn Archive>, ArchiveError> {
    match url {
        ArchiveUrl::Memory => Ok(Arc::new(MemoryArchive::new())),
        ArchiveUrl::Redb(path) => Ok(Arc::new(
            RedbArchive::open_with(path, &options.into()).await?,
        )),
        ArchiveUrl::Postgres(url) => Ok(Arc::new(PostgresArchive::open(url, options).await?)),
    }
}

/// Whether `name` and `value` are short enough for a side state.
fn check_state(name: &str, value: Option<&[u8]>) -> Result<(), ArchiveError> {
    let value_bytes = value.map_or(0, <[u8]>::len);
    if name.len() > crate::limits::STATE_NAME_BYTES
        || value_bytes > crate::limits::STATE_VALUE_BYTES
    {
        return Err(ArchiveError::StateTooLong {
            name_bytes: name.len(),
            value_bytes,
        });
    }
    Ok(())
}
