//! The archive over a disk that fails.

use std::fs::OpenOptions;
use std::io;
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use redb::backends::FileBackend;
use redb::{BackendError, StorageBackend};
use sync_core::Item;

use super::*;
use crate::testing::record;

/// What a disk still bears before it fails.
#[derive(Debug)]
struct Disk {
    /// Files may grow to this length.
    capacity: AtomicU64,
    /// So many writes and flushes succeed.
    operations: AtomicU64,
}

impl Disk {
    fn unlimited() -> Arc<Self> {
        Arc::new(Self {
            capacity: AtomicU64::new(u64::MAX),
            operations: AtomicU64::new(u64::MAX),
        })
    }

    fn spend(&self) -> io::Result<()> {
        let spend = |left: u64| left.checked_sub(1);
        let spent = self
            .operations
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, spend);
        spent
            .map(drop)
            .map_err(|_| io::ErrorKind::StorageFull.into())
    }

    fn repair(&self) {
        self.capacity.store(u64::MAX, Ordering::SeqCst);
        self.operations.store(u64::MAX, Ordering::SeqCst);
    }
}

#[derive(Debug)]
struct FailingFile {
    file: FileBackend,
    disk: Arc<Disk>,
}

impl StorageBackend for FailingFile {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.disk.spend()?;
        if len > self.disk.capacity.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.disk.spend()?;
        self.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.disk.spend()?;
        self.file.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.unlock_range(start, end)
    }
}

async fn on_disk(path: &Path, disk: &Arc<Disk>) -> RedbArchive {
    file::create_if_missing(path).unwrap();
    let disk = Arc::clone(disk);
    let open = move |path: &Path| {
        let file = OpenOptions::new().read(true).write(true).open(path);
        let backend = FailingFile {
            file: FileBackend::new(file.unwrap()).unwrap(),
            disk: Arc::clone(&disk),
        };
        let opened = file::builder().create_with_backend(backend);
        opened.map_err(|error| Fault::from(error).into_refusal(path))
    };
    RedbArchive::with_opener(path, open).await.unwrap()
}

fn batch(number: i64, count: i64) -> Vec<Record> {
    (0..count)
        .map(|n| record("/t", "/c", 1_000 * number + n, &[number as u8; 3_000]))
        .collect()
}

async fn items(archive: &RedbArchive) -> Vec<Item> {
    let page = archive.scan(&Scan::of_range(Range::ALL)).await.unwrap();
    assert_eq!(page.rest, None);
    page.keys.iter().map(|key| key.item).collect()
}

fn items_of(records: &[Record]) -> Vec<Item> {
    records.iter().map(Record::item).collect()
}

#[tokio::test]
async fn a_full_disk_is_an_error_and_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let disk = Disk::unlimited();
    let archive = on_disk(&directory.path().join("a.redb"), &disk).await;
    disk.capacity.store(8 << 20, Ordering::SeqCst);
    let (mut acknowledged, mut number) = (Vec::new(), 0);
    let error = loop {
        let records = batch(number, 100);
        match archive.append(records.clone()).await {
            Ok(fresh) => assert_eq!(fresh, [true; 100]),
            Err(error) => break error,
        }
        acknowledged.extend(records);
        number += 1;
    };
    let ArchiveError::Io { source, .. } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(source.kind(), io::ErrorKind::StorageFull);
    assert!(number > 3);
    assert_eq!(items(&archive).await, items_of(&acknowledged));
    assert!(archive.append(batch(number, 100)).await.is_err());
    assert_eq!(items(&archive).await, items_of(&acknowledged));
    disk.repair();
    let late = batch(number, 100);
    assert_eq!(archive.append(late.clone()).await.unwrap(), [true; 100]);
    acknowledged.extend(late);
    assert_eq!(items(&archive).await, items_of(&acknowledged));
}

#[tokio::test]
async fn a_disk_that_fails_at_any_operation_leaves_whole_batches() {
    let (mut failures, mut successes) = (0, 0);
    for operations in 0..60 {
        let directory = tempfile::tempdir().unwrap();
        let disk = Disk::unlimited();
        let archive = on_disk(&directory.path().join("a.redb"), &disk).await;
        let (first, second) = (batch(0, 10), batch(1, 10));
        archive.append(first.clone()).await.unwrap();
        disk.operations.store(operations, Ordering::SeqCst);
        let result = archive.append(second.clone()).await;
        disk.repair();
        let held = items(&archive).await;
        let both = items_of(&[first.clone(), second.clone()].concat());
        match result {
            Ok(_) => {
                successes += 1;
                assert_eq!(held, both);
            }
            Err(_) => {
                failures += 1;
                assert!(held == items_of(&first) || held == both);
            }
        }
        archive.append(second).await.unwrap();
        assert_eq!(items(&archive).await, both);
    }
    assert!(failures > 3 && successes > 3, "{failures} {successes}");
}

#[tokio::test]
async fn many_tasks_survive_one_failure() {
    let directory = tempfile::tempdir().unwrap();
    let disk = Disk::unlimited();
    let archive = Arc::new(on_disk(&directory.path().join("a.redb"), &disk).await);
    archive.append(batch(0, 10)).await.unwrap();
    disk.operations.store(20, Ordering::SeqCst);
    let writers: Vec<_> = (1..9)
        .map(|number| {
            let archive = Arc::clone(&archive);
            tokio::spawn(async move { archive.append(batch(number, 10)).await.is_ok() })
        })
        .collect();
    let mut acknowledged = items_of(&batch(0, 10));
    let mut failed = 0;
    for (writer, number) in writers.into_iter().zip(1..) {
        match writer.await.unwrap() {
            true => acknowledged.extend(items_of(&batch(number, 10))),
            false => failed += 1,
        }
    }
    assert!(failed > 0);
    disk.repair();
    let held = items(&archive).await;
    assert!(acknowledged.iter().all(|item| held.contains(item)));
    assert_eq!(held.len() % 10, 0);
}

#[test]
fn a_panic_of_the_database_becomes_an_error() {
    let (result, panicked) = slot::guarded(|| -> Result<(), Fault> { panic!("page 7") });
    assert!(panicked);
    match result {
        Err(Fault::Damaged(reason)) => assert!(reason.contains("page 7"), "{reason}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn numbers_that_sort_as_items_do() {
    let ids = [sync_core::Id::ZERO, sync_core::Id([0xff; 32])];
    let times = [0, 1, 255, 256, i64::MAX as u64];
    let items: Vec<Item> = times
        .iter()
        .flat_map(|&time| ids.map(|id| Item::new(time, id)))
        .collect();
    assert!(items.is_sorted_by_key(tables::key_of));
    for item in items {
        assert_eq!(tables::item_of(&tables::key_of(&item)), item);
    }
}
