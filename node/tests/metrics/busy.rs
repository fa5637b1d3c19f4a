//! An archive that is busy, or that can't be written.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use store_adapter::archive::{ArchiveStats, MemoryArchive, Scan, ScanPage};
use store_adapter::record::Key;
use store_adapter::{Archive, ArchiveError, Record};
use sync_core::{Id, Range};
use wakustore::metrics::Prefix;

use crate::page::{Page, get, page_with};
use crate::support::{Measured, messages};

/// An archive that can be told to answer nothing, or to store nothing.
#[derive(Debug, Default)]
struct Faulty {
    inner: MemoryArchive,
    busy: AtomicBool,
    full: AtomicBool,
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

#[tokio::test]
async fn the_page_comes_within_a_second_while_the_archive_answers_nothing() {
    let archive = Arc::new(Faulty::default());
    let node =
        Measured::start_with(Arc::<Faulty>::clone(&archive), Prefix::default(), |_| {}).await;
    node.store.put(messages(50, 1)).await.unwrap();
    page_with(node.page, |page| {
        page.has("logos_delivery_archive_disk_bytes")
    })
    .await;
    archive.busy.store(true, Ordering::SeqCst);
    let begun = Instant::now();
    let page = Page::of(node.page).await;
    assert!(
        begun.elapsed() < Duration::from_secs(1),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(page.sum("logos_delivery_archive_messages"), 50.0);
    let age = page.value("logos_delivery_archive_disk_age_seconds");
    page_with(node.page, |page| {
        page.value("logos_delivery_archive_disk_age_seconds") > age
    })
    .await;
    let not_ready = "logos_delivery_node_health{status=\"NOT_READY\"}";
    page_with(node.page, |page| page.value(not_ready) == 1.0).await;
    archive.busy.store(false, Ordering::SeqCst);
    node.node.stop().await;
}

#[tokio::test]
async fn a_node_that_cannot_store_is_not_ready_until_it_can() {
    let archive = Arc::new(Faulty::default());
    let node =
        Measured::start_with(Arc::<Faulty>::clone(&archive), Prefix::default(), |_| {}).await;
    archive.full.store(true, Ordering::SeqCst);
    node.store.put(messages(1, 1)).await.unwrap_err();
    let (status, word) = get(node.page, "/health").await;
    assert_eq!((status, word.as_str()), (503, "NOT_READY"));
    let page = Page::of(node.page).await;
    let failures = "logos_delivery_archive_errors_total{type=\"insert_failure\"}";
    assert_eq!(page.value(failures), 1.0);
    archive.full.store(false, Ordering::SeqCst);
    node.store.put(messages(1, 1)).await.unwrap();
    assert_eq!(get(node.page, "/health").await.0, 200);
    node.node.stop().await;
}
