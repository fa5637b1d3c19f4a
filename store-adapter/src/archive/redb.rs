//! An archive of redb files in a directory: a catalogue, and units of messages that lie beside each
//! other in the order (timestamp, hash).
//!
//! A redb file grows and hardly gives anything back. So history is cut into units: the newest takes
//! what comes in, and is closed behind its last message when it has its size; an old one that has
//! outgrown it is split. Removing a unit's messages removes its file.
//!
//! Within a unit small rows (topics, length) lie apart from the messages, so that windows and filters
//! are scanned without reading payloads. Every commit is durable when it returns and leaves the file
//! in a state that opens at once after a crash, unless another [`Durability`] is chosen.

mod append;
mod catalogue;
mod closing;
mod directory;
mod engine;
mod fault;
mod files;
mod filter;
mod find;
mod helpers;
mod journal;
mod loading;
mod moving;
mod opened;
mod options;
mod place;
mod read;
mod rehearsal;
mod removal;
mod slot;
mod sound;
mod split;
mod sums;
mod tables;
#[cfg(test)]
mod tests;
mod unfinished;
mod unit;
mod units;
mod verify;
mod write;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use sync_core::{Id, Range};

use self::engine::Engine;
pub use self::options::RedbOptions;
use super::{Archive, ArchiveError, ArchiveStats, Scan, ScanPage, StorageUnit, check_state};
use crate::record::{Key, Record};

/// When what was stored is on the disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Durability {
    /// Before the call that stores it returns, as [`Archive`] promises.
    #[default]
    EachBatch,
    /// When the archive is closed. A crash may lose any messages that were stored since it was opened,
    /// and after a failure of the disk as many may be gone: for what can be made anew.
    OnClose,
}

/// Keeps messages in a directory of files, until they are removed.
///
/// All work is done on blocking threads of the tokio runtime. One process has the archive open at a
/// time.
#[derive(Debug)]
pub struct RedbArchive {
    engine: Arc<Engine>,
    durability: Durability,
}

impl RedbArchive {
    /// Opens the archive in the directory at `path`. An archive in one file, as an earlier version
    /// made it, is moved into the present form first; its messages are on the disk twice meanwhile.
    ///
    /// # Errors
    /// When nothing is there, or it isn't a sound archive of this program, or is in use. It is left as
    /// it was.
    pub async fn open(path: &Path) -> Result<Self, ArchiveError> {
        Self::open_with(path, &RedbOptions::default()).await
    }

    /// As [`RedbArchive::open`], with options.
    ///
    /// # Errors
    /// As [`RedbArchive::open`].
    pub async fn open_with(path: &Path, options: &RedbOptions) -> Result<Self, ArchiveError> {
        let (path, options) = (path.to_owned(), options.clone());
        Self::opened(move || place::open(&path, &options)).await
    }

    /// As [`RedbArchive::open`], creating the directory first if nothing is there.
    ///
    /// # Errors
    /// As [`RedbArchive::open`], and when the directory can't be created.
    pub async fn open_or_create(path: &Path) -> Result<Self, ArchiveError> {
        Self::open_or_create_with(path, &RedbOptions::default()).await
    }

    /// As [`RedbArchive::open_or_create`], with options.
    ///
    /// # Errors
    /// As [`RedbArchive::open_or_create`].
    pub async fn open_or_create_with(
        path: &Path,
        options: &RedbOptions,
    ) -> Result<Self, ArchiveError> {
        let made = path.to_owned();
        on_blocking_thread(move || place::create_if_missing(&made)).await?;
        Self::open_with(path, options).await
    }

    /// The same archive with another durability than that of each batch.
    #[must_use]
    pub fn with_durability(self, durability: Durability) -> Self {
        Self { durability, ..self }
    }

    async fn opened(
        open: impl FnOnce() -> Result<Engine, ArchiveError> + Send + 'static,
    ) -> Result<Self, ArchiveError> {
        let engine = on_blocking_thread(open).await?;
        Ok(Self {
            engine: Arc::new(engine),
            durability: Durability::default(),
        })
    }

    async fn with<T: Send + 'static>(
        &self,
        act: impl FnOnce(&Engine) -> Result<T, ArchiveError> + Send + 'static,
    ) -> Result<T, ArchiveError> {
        let engine = Arc::clone(&self.engine);
        on_blocking_thread(move || act(&engine)).await
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
        self.with(move |engine| engine.append(durability, &batch))
            .await
    }

    async fn lookup(&self, hashes: &[Id]) -> Result<Vec<Record>, ArchiveError> {
        let hashes = hashes.to_vec();
        self.with(move |engine| engine.lookup(&hashes)).await
    }

    async fn locate(&self, hashes: &[Id]) -> Result<Vec<Key>, ArchiveError> {
        let hashes = hashes.to_vec();
        self.with(move |engine| engine.locate(&hashes)).await
    }

    async fn read(&self, keys: &[Key]) -> Result<Vec<Record>, ArchiveError> {
        let keys = keys.to_vec();
        self.with(move |engine| engine.read(keys)).await
    }

    async fn scan(&self, scan: &Scan) -> Result<ScanPage, ArchiveError> {
        let scan = scan.clone();
        self.with(move |engine| engine.scan(&scan)).await
    }

    async fn remove(&self, span: &Range, limit: usize) -> Result<usize, ArchiveError> {
        let (span, durability) = (*span, self.durability);
        self.with(move |engine| engine.remove(durability, &span, limit))
            .await
    }

    async fn stats(&self) -> Result<ArchiveStats, ArchiveError> {
        self.with(Engine::stats).await
    }

    async fn disk_bytes(&self) -> Result<u64, ArchiveError> {
        // Not on this thread: the list of units is exchanged under a lock, which may be held for long.
        self.with(|engine| Ok(engine.disk_bytes())).await
    }

    async fn units(&self) -> Result<Vec<StorageUnit>, ArchiveError> {
        self.with(Engine::storage_units).await
    }

    async fn state(&self, name: &str) -> Result<Option<Vec<u8>>, ArchiveError> {
        let name = name.to_owned();
        self.with(move |engine| engine.catalogue.state(&name)).await
    }

    async fn set_state(&self, name: &str, value: Option<Vec<u8>>) -> Result<(), ArchiveError> {
        check_state(name, value.as_deref())?;
        let name = name.to_owned();
        self.with(move |engine| engine.catalogue.set_state(&name, value.as_deref()))
            .await
    }
}
