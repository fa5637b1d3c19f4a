//! An archive over another one whose operations fail when they are told to.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use store_adapter::archive::{Archive, ArchiveError, Scan, ScanPage};
use store_adapter::{ArchiveStats, Key, Record, StorageUnit};
use sync_core::{Id, Range};

/// On which side of its effect an operation fails.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Side {
    /// Nothing was done.
    Before,
    /// Everything was done, and only the answer is lost.
    After,
}

/// Which operations fail, counted from 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    Never,
    /// This one alone.
    At(usize, Side),
    /// This one and all after it, until healed.
    From(usize, Side),
    /// Every one whose number has this remainder by this divisor.
    Every(usize, usize, Side),
}

/// What the message of every injected failure contains.
pub(crate) const INJECTED: &str = "an injected failure";

#[derive(Debug)]
pub(crate) struct Faulty {
    inner: Arc<dyn Archive>,
    fault: Mutex<Fault>,
    begun: AtomicUsize,
    /// How often an operation lets others go first, before and after its effect.
    yields: usize,
    failed: AtomicBool,
}

impl Faulty {
    pub(crate) fn new(inner: Arc<dyn Archive>, fault: Fault) -> Self {
        Self {
            inner,
            fault: Mutex::new(fault),
            begun: AtomicUsize::new(0),
            yields: 0,
            failed: AtomicBool::new(false),
        }
    }

    pub(crate) fn with_yields(self, yields: usize) -> Self {
        Self { yields, ..self }
    }

    /// From now on, operations fail like this.
    pub(crate) fn fail(&self, fault: Fault) {
        *self.fault.lock().unwrap() = fault;
    }

    /// From now on, none fails.
    pub(crate) fn heal(&self) {
        self.fail(Fault::Never);
    }

    /// How many operations were begun.
    pub(crate) fn begun(&self) -> usize {
        self.begun.load(Ordering::SeqCst)
    }

    /// Whether any failed.
    pub(crate) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::SeqCst)
    }

    fn next_fails(&self) -> Option<Side> {
        let number = self.begun.fetch_add(1, Ordering::SeqCst);
        match *self.fault.lock().unwrap() {
            Fault::At(at, side) if number == at => Some(side),
            Fault::From(from, side) if number >= from => Some(side),
            Fault::Every(by, rest, side) if number % by == rest => Some(side),
            _ => None,
        }
    }

    async fn with<T>(
        &self,
        act: impl Future<Output = Result<T, ArchiveError>>,
    ) -> Result<T, ArchiveError> {
        let fails = self.next_fails();
        self.let_others_go().await;
        if fails == Some(Side::Before) {
            return Err(self.failure());
        }
        let result = act.await;
        self.let_others_go().await;
        match fails {
            Some(_) => Err(self.failure()),
            None => result,
        }
    }

    async fn let_others_go(&self) {
        for _ in 0..self.yields {
            tokio::task::yield_now().await;
        }
    }

    fn failure(&self) -> ArchiveError {
        self.failed.store(true, Ordering::SeqCst);
        ArchiveError::Io {
            path: "faulty".into(),
            source: io::Error::other(INJECTED),
        }
    }
}

#[async_trait]
impl Archive for Faulty {
    async fn append(&self, batch: Vec<Record>) -> Result<Vec<bool>, ArchiveError> {
        self.with(self.inner.append(batch)).await
    }
    async fn lookup(&self, hashes: &[Id]) -> Result<Vec<Record>, ArchiveError> {
        self.with(self.inner.lookup(hashes)).await
    }
    async fn read(&self, keys: &[Key]) -> Result<Vec<Record>, ArchiveError> {
        self.with(self.inner.read(keys)).await
    }
    async fn locate(&self, hashes: &[Id]) -> Result<Vec<Key>, ArchiveError> {
        self.with(self.inner.locate(hashes)).await
    }
    async fn scan(&self, scan: &Scan) -> Result<ScanPage, ArchiveError> {
        self.with(self.inner.scan(scan)).await
    }
    async fn remove(&self, span: &Range, limit: usize) -> Result<usize, ArchiveError> {
        self.with(self.inner.remove(span, limit)).await
    }
    async fn stats(&self) -> Result<ArchiveStats, ArchiveError> {
        self.with(self.inner.stats()).await
    }
    async fn disk_bytes(&self) -> Result<u64, ArchiveError> {
        self.with(self.inner.disk_bytes()).await
    }
    async fn units(&self) -> Result<Vec<StorageUnit>, ArchiveError> {
        self.with(self.inner.units()).await
    }
    async fn state(&self, name: &str) -> Result<Option<Vec<u8>>, ArchiveError> {
        self.with(self.inner.state(name)).await
    }
    async fn set_state(&self, name: &str, value: Option<Vec<u8>>) -> Result<(), ArchiveError> {
        self.with(self.inner.set_state(name, value)).await
    }
}
