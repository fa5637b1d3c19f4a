//! An archive in one redb file.
//!
//! Small rows (topics, length) lie apart from the messages, so that windows and filters are
//! scanned without reading payloads. Every commit is durable when it returns and leaves the file
//! in a state that opens at once after a crash, unless another [`Durability`] is chosen.

mod fault;
mod file;
mod read;
mod rehearsal;
mod slot;
mod tables;
#[cfg(test)]
mod tests;
mod write;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use redb::Database;
use sync_core::{Id, Range};

use self::fault::Fault;
use self::read::Topics;
use self::slot::Slot;
use super::{Archive, ArchiveError, ArchiveStats, Scan, ScanPage, check_state};
use crate::record::{Key, Record};

/// When what was stored is on the disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Durability {
    /// Before the call that stores it returns, as [`Archive`] promises.
    #[default]
    EachBatch,
    /// When the archive is closed. A crash loses what was stored since it was opened, and after a
    /// failure of the disk as much may be gone: for what can be made anew.
    OnClose,
}

/// Keeps messages in a file, until it is removed.
///
/// All work is done on blocking threads of the tokio runtime. One process has the file open at a
/// time.
#[derive(Debug)]
pub struct RedbArchive {
    slot: Arc<Slot>,
    topics: Arc<Topics>,
    durability: Durability,
}

impl RedbArchive {
    /// Opens the archive in the file at `path`.
    ///
    /// # Errors
    /// When there is no such file, or it isn't a sound archive of this program, or is in use. The
    /// file is left as it was.
    pub async fn open(path: &Path) -> Result<Self, ArchiveError> {
        Self::with_opener(path, file::open).await
    }

    /// As [`RedbArchive::open`], creating the file first if nothing is there.
    ///
    /// It is made under another name and then given its own, so that a crash leaves no half file.
    ///
    /// # Errors
    /// As [`RedbArchive::open`], and when the file can't be created.
    pub async fn open_or_create(path: &Path) -> Result<Self, ArchiveError> {
        let made = path.to_owned();
        on_blocking_thread(move || file::create_if_missing(&made)).await?;
        Self::open(path).await
    }

    /// The same archive with another durability than that of each batch.
    #[must_use]
    pub fn with_durability(self, durability: Durability) -> Self {
        Self { durability, ..self }
    }

    async fn with_opener(
        path: &Path,
        open: impl Fn(&Path) -> Result<Database, ArchiveError> + Send + Sync + 'static,
    ) -> Result<Self, ArchiveError> {
        let path = path.to_owned();
        let slot = on_blocking_thread(move || Slot::open(path, open)).await?;
        Ok(Self {
            slot: Arc::new(slot),
            topics: Arc::default(),
            durability: Durability::default(),
        })
    }

    async fn with<T: Send + 'static>(
        &self,
        act: impl Fn(&Database) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, ArchiveError> {
        let slot = Arc::clone(&self.slot);
        on_blocking_thread(move || slot.with(act)).await
    }
}

async fn on_blocking_thread<T: Send + 'static>(
    act: impl FnOnce() -> Result<T, ArchiveError> + Send + 'static,
) -> Result<T, ArchiveError> {
    // Panics of the database are caught within; a join fails only when the runtime ends.
    let done = tokio::task::spawn_blocking(act).await;
    done.unwrap_or(Err(ArchiveError::Ending))
}

#[async_trait]
impl Archive for RedbArchive {
    async fn append(&self, batch: Vec<Record>) -> Result<Vec<bool>, ArchiveError> {
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        let durability = self.durability;
        self.with(move |database| write::append(database, durability, &batch))
            .await
    }

    async fn lookup(&self, hashes: &[Id]) -> Result<Vec<Record>, ArchiveError> {
        let (hashes, topics) = (hashes.to_vec(), Arc::clone(&self.topics));
        self.with(move |database| read::lookup(database, &topics, &hashes))
            .await
    }

    async fn locate(&self, hashes: &[Id]) -> Result<Vec<Key>, ArchiveError> {
        let (hashes, topics) = (hashes.to_vec(), Arc::clone(&self.topics));
        self.with(move |database| read::locate(database, &topics, &hashes))
            .await
    }

    async fn scan(&self, scan: &Scan) -> Result<ScanPage, ArchiveError> {
        let (scan, topics) = (scan.clone(), Arc::clone(&self.topics));
        self.with(move |database| read::scan(database, &topics, &scan))
            .await
    }

    async fn remove(&self, span: &Range, limit: usize) -> Result<usize, ArchiveError> {
        let (span, durability) = (*span, self.durability);
        self.with(move |database| write::remove(database, durability, &span, limit))
            .await
    }

    async fn stats(&self) -> Result<ArchiveStats, ArchiveError> {
        let stats = self.with(read::stats).await?;
        let slot = Arc::clone(&self.slot);
        let disk_bytes = on_blocking_thread(move || file::bytes_on_disk(slot.path())).await?;
        Ok(ArchiveStats {
            disk_bytes,
            ..stats
        })
    }

    async fn state(&self, name: &str) -> Result<Option<Vec<u8>>, ArchiveError> {
        let name = name.to_owned();
        self.with(move |database| read::state(database, &name))
            .await
    }

    async fn set_state(&self, name: &str, value: Option<Vec<u8>>) -> Result<(), ArchiveError> {
        check_state(name, value.as_deref())?;
        let (name, durability) = (name.to_owned(), self.durability);
        self.with(move |database| write::set_state(database, durability, &name, value.as_deref()))
            .await
    }
}
