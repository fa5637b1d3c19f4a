//! An archive in a PostgreSQL database, which several nodes may share.
//!
//! Everything lies in the schema `wakustore`: one table of messages, partitioned by (timestamp, hash),
//! and small ones beside it. What was chosen, and why:
//!
//! - *The partitions hold every position, always.* They are divided where they get too large and joined
//!   where they are empty, as the leaves of a B-tree are, so that messages of any time find their
//!   place, whether a partition was made ahead for them or not; and there is no default one, which
//!   would have to be read through whenever another is made. A partition made ahead of the newest
//!   messages is as long as their rate fills; one that gets too large all the same is divided between
//!   keys, which may be of one nanosecond.
//! - *Their number is bounded*: a partition grows with the history, to a 64th of it. So a hash can be
//!   looked for in the index of each, which is needed seldom: a node remembers when the messages of
//!   hashes are from (`times`). A table of hashes of its own would make removal delete its rows one by
//!   one, while a partition that is dropped takes its indices with it.
//! - *A partition is emptied by truncating it*, which locks nothing else.
//! - *What other nodes do* is told by the numbers of transactions, see `changes`.
//!
//! Each call takes a connection of the pool for one statement or one transaction, and tries again what
//! failed with its connection or stood in another node's way.

mod ahead;
mod append;
mod care;
mod changes;
mod connections;
mod disk;
mod division;
mod fault;
mod find;
mod items;
mod keeper;
mod names;
mod partitions;
mod place;
mod quantiles;
mod read;
mod remove;
mod schema;
mod states;
mod tallies;
#[cfg(test)]
mod tests;
mod topics;
mod units;
pub(in crate::archive) mod url;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use async_trait::async_trait;
use sync_core::{Bound, Id, Range};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

pub use url::PostgresUrl;

use self::care::Care;
use self::connections::Connections;
use self::disk::Disk;
use self::fault::Fault;
use self::remove::Patience;
use self::topics::Topics;
use super::changes::{ChangePosition, Changes};
use super::times::Times;
use super::{
    Archive, ArchiveError, ArchiveOptions, ArchiveStats, Scan, ScanPage, StorageUnit, check_state,
};
use crate::counts::CountedItems;
use crate::limits::{PARTITION_BYTES, PARTITION_BYTES_LEAST, PARTITION_OUTGROWN, PARTITIONS};
use crate::record::{Key, Record};
use crate::retention::weight;

/// Keeps messages in a PostgreSQL database.
///
/// Side states are common to all nodes that share it; one of a single node has the node's name in its
/// name. Of the retention floor the greatest that was stored stays.
#[derive(Debug)]
pub struct PostgresArchive {
    shared: Arc<Shared>,
    wake: Arc<Notify>,
    keeper: JoinHandle<()>,
}

/// What calls and the keeper of the partitions share.
#[derive(Debug)]
struct Shared {
    connections: Connections,
    topics: Topics,
    times: Times,
    disk: Disk,
    care: Care,
    disk_cap: Option<u64>,
    partition_bytes: u64,
}

impl Shared {
    /// How many bytes a partition is to hold under the cap, if there is one.
    fn target_under_cap(&self) -> Option<u64> {
        let share = self.disk_cap? / PARTITIONS;
        Some(share.max(PARTITION_BYTES_LEAST))
    }

    /// Bytes that are kept free under the cap, so that any partition can be copied to be divided.
    fn spare_bytes(&self) -> u64 {
        let target = self.target_under_cap();
        target.map_or(0, |target| {
            self.disk.largest().max(target.saturating_mul(2))
        })
    }
}

impl PostgresArchive {
    /// Opens the archive in the database at `url`. Call it within a tokio runtime.
    ///
    /// # Errors
    /// When the database can't be reached, has no archive, or one that this program can't use. It is
    /// left as it was.
    pub async fn open(url: &PostgresUrl, options: &ArchiveOptions) -> Result<Self, ArchiveError> {
        Self::open_sized(url, options, false, PARTITION_BYTES).await
    }

    /// As [`PostgresArchive::open`], making the archive first if there is none. The database must be
    /// there.
    ///
    /// # Errors
    /// As [`PostgresArchive::open`], and when it can't be made.
    pub async fn open_or_create(
        url: &PostgresUrl,
        options: &ArchiveOptions,
    ) -> Result<Self, ArchiveError> {
        Self::open_sized(url, options, true, PARTITION_BYTES).await
    }

    /// As [`PostgresArchive::open_or_create`] or, without `create`, [`PostgresArchive::open`], with
    /// partitions of this many bytes while the history is small.
    ///
    /// # Errors
    /// As those.
    pub async fn open_sized(
        url: &PostgresUrl,
        options: &ArchiveOptions,
        create: bool,
        partition_bytes: u64,
    ) -> Result<Self, ArchiveError> {
        let connections = Connections::new(url, options.max_connections)?;
        connections.retry(|| prepare(&connections, create)).await?;
        let shared = Arc::new(Shared {
            connections,
            topics: Topics::default(),
            times: Times::default(),
            disk: Disk::default(),
            care: Care::default(),
            disk_cap: options.disk_cap,
            partition_bytes: partition_bytes.max(1),
        });
        let wake = Arc::new(Notify::new());
        let keeper = keeper::run(Arc::downgrade(&shared), Arc::clone(&wake));
        Ok(Self {
            shared,
            wake,
            keeper: tokio::spawn(keeper),
        })
    }

    /// Looks after the partitions now, as it is done in the background from time to time; once whoever
    /// else is at it has ended.
    ///
    /// # Errors
    /// When the database can't be read or written, or others are in the way; nothing is lost then.
    pub async fn tend_partitions(&self) -> Result<(), ArchiveError> {
        let shared = &*self.shared;
        let look = || keeper::look_in_turn(shared);
        shared.connections.retry(look).await
    }
}

impl PostgresArchive {
    async fn remove_with(
        &self,
        span: &Range,
        limit: usize,
        patience: Patience,
    ) -> Result<usize, ArchiveError> {
        let (shared, removed) = (&*self.shared, AtomicUsize::new(0));
        let removed = shared
            .connections
            .retry(|| remove::remove(shared, span, limit, &removed, patience))
            .await;
        // Also after an error: some may have been removed before it.
        self.wake.notify_one();
        removed
    }
}

impl Drop for PostgresArchive {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

async fn prepare(connections: &Connections, create: bool) -> Result<(), Fault> {
    let mut client = connections.get().await?;
    schema::prepare(&mut client, create).await?;
    schema::warn_of_settings(&client).await
}

#[async_trait]
impl Archive for PostgresArchive {
    async fn append(&self, batch: Vec<Record>) -> Result<Vec<bool>, ArchiveError> {
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        let (shared, tried) = (&*self.shared, append::Tried::default());
        if let Some(target) = shared.target_under_cap() {
            shared.care.catch_up(target / 2).await;
            keeper::settle(shared, target * PARTITION_OUTGROWN).await;
        }
        let fresh = shared
            .connections
            .retry(|| append::append(shared, &batch, &tried))
            .await?;
        let new = || batch.iter().zip(&fresh).filter(|(_, fresh)| **fresh);
        let bytes = new().map(|(record, _)| weight(record.encoded_len())).sum();
        shared.times.learn(new().map(|(record, _)| record.item()));
        shared.disk.stored(bytes);
        shared.care.stored(bytes);
        self.wake.notify_one();
        Ok(fresh)
    }

    async fn lookup(&self, hashes: &[Id]) -> Result<Vec<Record>, ArchiveError> {
        let shared = &*self.shared;
        shared
            .connections
            .retry(|| find::lookup(shared, hashes))
            .await
    }

    async fn locate(&self, hashes: &[Id]) -> Result<Vec<Key>, ArchiveError> {
        let shared = &*self.shared;
        shared
            .connections
            .retry(|| find::locate(shared, hashes))
            .await
    }

    async fn scan(&self, scan: &Scan) -> Result<ScanPage, ArchiveError> {
        let shared = &*self.shared;
        shared.connections.retry(|| read::scan(shared, scan)).await
    }

    async fn counted_items(&self, lower: &Bound) -> Result<CountedItems, ArchiveError> {
        items::read(&self.shared, lower).await
    }

    async fn remove(&self, span: &Range, limit: usize) -> Result<usize, ArchiveError> {
        self.remove_with(span, limit, Patience::LONG).await
    }

    async fn remove_promptly(&self, span: &Range, limit: usize) -> Result<usize, ArchiveError> {
        self.remove_with(span, limit, Patience::SHORT).await
    }

    async fn stats(&self) -> Result<ArchiveStats, ArchiveError> {
        let shared = &*self.shared;
        shared.connections.retry(|| disk::stats(shared)).await
    }

    async fn disk_bytes(&self) -> Result<u64, ArchiveError> {
        let shared = &*self.shared;
        shared.connections.retry(|| disk::bytes(shared)).await
    }

    fn spare_bytes(&self) -> u64 {
        self.shared.spare_bytes()
    }

    async fn units(&self) -> Result<Vec<StorageUnit>, ArchiveError> {
        let shared = &*self.shared;
        shared
            .connections
            .retry(|| async {
                let client = shared.connections.get().await?;
                let held = units::list(&client).await?.into_iter();
                let held = held.filter(|(unit, _)| unit.messages > 0);
                Ok(held
                    .map(|(unit, disk_bytes)| StorageUnit {
                        span: unit.span(),
                        messages: unit.messages,
                        disk_bytes,
                    })
                    .collect())
            })
            .await
    }

    async fn removable(
        &self,
        units: Vec<StorageUnit>,
        bytes: u64,
    ) -> Result<Vec<StorageUnit>, ArchiveError> {
        let (shared, units) = (&*self.shared, &units[..]);
        shared
            .connections
            .retry(|| remove::removable(shared, units, bytes))
            .await
    }

    async fn rearrange(&self) -> Result<bool, ArchiveError> {
        let shared = &*self.shared;
        match keeper::look(shared).await {
            Ok(true) => {}
            // Another node is at it, or in the way.
            Ok(false) => keeper::pause().await,
            Err(fault) if fault.may_pass() => keeper::pause().await,
            Err(fault) => return Err(shared.connections.told(fault)),
        }
        shared.disk.forget();
        Ok(true)
    }

    async fn changes(
        &self,
        after: Option<&ChangePosition>,
    ) -> Result<Option<Changes>, ArchiveError> {
        let shared = &*self.shared;
        let read = || changes::read(shared, after);
        shared.connections.retry(read).await.map(Some)
    }

    async fn state(&self, name: &str) -> Result<Option<Vec<u8>>, ArchiveError> {
        let shared = &*self.shared;
        shared.connections.retry(|| states::get(shared, name)).await
    }

    async fn set_state(&self, name: &str, value: Option<Vec<u8>>) -> Result<(), ArchiveError> {
        check_state(name, value.as_deref())?;
        let shared = &*self.shared;
        shared
            .connections
            .retry(|| states::set(shared, name, value.as_deref()))
            .await
    }
}
