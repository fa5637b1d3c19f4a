//! An archive that can be busy, or that can't be written, for tests of several binaries.

use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use store_adapter::archive::{ArchiveStats, MemoryArchive, Scan, ScanPage};
use store_adapter::record::Key;
use store_adapter::{Archive, ArchiveError, Record};
use sync_core::{Id, Range};

/// An archive that can be told to answer nothing, or to store nothing.
#[derive(Debug, Default)]
pub(crate) struct Faulty {
    inner: MemoryArchive,
    pub(crate) busy: AtomicBool,
    pub(crate) full: AtomicBool,
}

impl Faulty {
    async fn answer(&self) {
        if self.busy.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
    }
}

#[async_trait]
impl Archive for Faulty {
    async fn append(&self, batch: Vec<Record>) -> Result<Vec<bool>, ArchiveError> {
        self.answer().await;
        if self.full.load(Ordering::SeqCst) {
            return Err(ArchiveError::Ending);
        }
        self.inner.append(batch).await
    }
    async fn lookup(&self, hashes: &[Id]) -> Result<Vec<Record>, ArchiveError> {
        self.answer().await;
        self.inner.lookup(hashes).await
    }
    async fn locate(&self, hashes: &[Id]) -> Result<Vec<Key>, ArchiveError> {
        self.answer().await;
        self.inner.locate(hashes).await
    }
    async fn scan(&self, scan: &Scan) -> Result<ScanPage, ArchiveError> {
        self.answer().await;
        self.inner.scan(scan).await
    }
    async fn remove(&self, span: &Range, limit: usize) -> Result<usize, ArchiveError> {
        self.answer().await;
        self.inner.remove(span, limit).await
    }
    async fn stats(&self) -> Result<ArchiveStats, ArchiveError> {
        self.answer().await;
        self.inner.stats().await
    }
    async fn state(&self, name: &str) -> Result<Option<Vec<u8>>, ArchiveError> {
        self.answer().await;
        self.inner.state(name).await
    }
    async fn set_state(&self, name: &str, value: Option<Vec<u8>>) -> Result<(), ArchiveError> {
        self.answer().await;
        self.inner.set_state(name, value).await
    }
}
