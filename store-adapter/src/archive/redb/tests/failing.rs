//! Disks that are full, or fail at some operation.

use std::io;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use redb::{BackendError, StorageBackend};
use tempfile::TempDir;

use super::super::directory::Directory;
use super::super::files::{Backend, Files, Hold};
use super::*;

/// What a disk still bears before it fails.
#[derive(Debug)]
struct Disk {
    /// Files may grow to this length.
    capacity: AtomicU64,
    /// So many writes and flushes succeed.
    operations: AtomicU64,
    syncs: AtomicU64,
}

impl Disk {
    fn unlimited() -> Arc<Self> {
        Arc::new(Self {
            capacity: AtomicU64::new(u64::MAX),
            operations: AtomicU64::new(u64::MAX),
            syncs: AtomicU64::new(0),
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

/// A directory on such a disk.
#[derive(Debug)]
struct FailingFiles {
    directory: Directory,
    disk: Arc<Disk>,
}

impl FailingFiles {
    fn wrap(&self, file: Backend) -> Backend {
        let disk = Arc::clone(&self.disk);
        Backend::new(FailingFile { file, disk })
    }
}

impl Files for FailingFiles {
    fn create(&self, name: &str) -> io::Result<Backend> {
        self.disk.spend()?;
        Ok(self.wrap(self.directory.create(name)?))
    }

    fn open(&self, name: &str) -> io::Result<Backend> {
        Ok(self.wrap(self.directory.open(name)?))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.disk.spend()?;
        self.directory.remove(name)
    }

    fn names(&self) -> io::Result<Vec<String>> {
        self.directory.names()
    }

    fn disk_bytes(&self, name: &str) -> io::Result<u64> {
        self.directory.disk_bytes(name)
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.spend()?;
        self.directory.sync()
    }

    fn path_of(&self, name: &str) -> PathBuf {
        self.directory.path_of(name)
    }

    fn hold(&self) -> io::Result<Hold> {
        self.directory.hold()
    }
}

#[derive(Debug)]
struct FailingFile {
    file: Backend,
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
        self.disk.syncs.fetch_add(1, Ordering::SeqCst);
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

fn files_on(path: &Path, disk: &Arc<Disk>) -> Arc<dyn Files> {
    Arc::new(FailingFiles {
        directory: Directory::new(path),
        disk: Arc::clone(disk),
    })
}

/// An archive whose units take so many bytes.
fn on_disk(unit_bytes: u64) -> (Engine, Arc<Disk>, TempDir) {
    let (place, disk) = (tempfile::tempdir().unwrap(), Disk::unlimited());
    let engine = open(&files_on(place.path(), &disk), unit_bytes).unwrap();
    (engine, disk, place)
}

#[test]
fn a_full_disk_is_an_error_and_loses_nothing() {
    let (engine, disk, _place) = on_disk(u64::MAX);
    disk.capacity.store(8 << 20, Ordering::SeqCst);
    let (mut acknowledged, mut number) = (Vec::new(), 0);
    let error = loop {
        let records = batch(number, 100);
        match append(&engine, &records) {
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
    assert_eq!(items(&engine), items_of(&acknowledged));
    assert!(append(&engine, &batch(number, 100)).is_err());
    assert_eq!(items(&engine), items_of(&acknowledged));
    disk.repair();
    let late = batch(number, 100);
    assert_eq!(append(&engine, &late).unwrap(), [true; 100]);
    acknowledged.extend(late);
    assert_eq!(items(&engine), items_of(&acknowledged));
}

/// Stores a second batch while the disk fails after so many operations; tells whether it worked.
fn survives_a_failure_after(operations: u64, unit_bytes: u64) -> bool {
    let (engine, disk, place) = on_disk(unit_bytes);
    // The second batch falls between, before and behind the messages of the first.
    let all = [batch(1, 12), batch(2, 12), batch(3, 12)].concat();
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for (n, record) in all.into_iter().enumerate() {
        if n % 3 == 1 { &mut first } else { &mut second }.push(record);
    }
    append(&engine, &first).unwrap();
    disk.operations.store(operations, Ordering::SeqCst);
    let result = append(&engine, &second);
    disk.repair();
    let both = items_of(&[first.clone(), second.clone()].concat());
    let held = items(&engine);
    match &result {
        Ok(_) => assert_eq!(held, both),
        Err(_) => assert!(held == items_of(&first) || held == both, "{operations}"),
    }
    append(&engine, &second).unwrap();
    assert_eq!(items(&engine), both);
    drop(engine);
    let engine = open(&files_on(place.path(), &Disk::unlimited()), unit_bytes).unwrap();
    assert_eq!(items(&engine), both, "{operations}");
    result.is_ok()
}

#[test]
fn a_disk_that_fails_at_any_operation_leaves_whole_batches() {
    // In one unit, and in several.
    for (unit_bytes, most) in [(u64::MAX, 60), (20_000, 400)] {
        let (mut failures, mut operations) = (0, 0);
        while !survives_a_failure_after(operations, unit_bytes) {
            failures += 1;
            operations += 1 + operations / 40;
            assert!(operations < 10 * most, "it never works");
        }
        assert!(failures > 3 && operations < most, "{failures} {operations}");
    }
}

#[test]
fn reading_waits_for_what_a_failure_left_half_done() {
    let mut seen = 0;
    for operations in (0..200).step_by(3) {
        let (engine, disk, _place) = on_disk(20_000);
        let records = batch(1, 40);
        let even: Vec<Record> = records.iter().step_by(2).cloned().collect();
        append(&engine, &even).unwrap();
        disk.operations.store(operations, Ordering::SeqCst);
        let stored = append(&engine, &records).is_ok();
        if !stored {
            // With the disk still broken: nothing, or none or all of the batch.
            if let Ok(stats) = engine.stats() {
                assert!([20, 40].contains(&stats.messages), "{}", stats.messages);
            } else {
                seen += 1;
            }
        }
        disk.repair();
        assert!([20, 40].contains(&items(&engine).len()));
    }
    assert!(seen > 0);
}

#[test]
fn many_threads_survive_one_failure() {
    let (engine, disk, _place) = on_disk(u64::MAX);
    append(&engine, &batch(0, 10)).unwrap();
    disk.operations.store(20, Ordering::SeqCst);
    let mut acknowledged = items_of(&batch(0, 10));
    let outcomes: Vec<bool> = std::thread::scope(|scope| {
        let writers: Vec<_> = (1..9)
            .map(|number| {
                scope.spawn({
                    let engine = &engine;
                    move || append(engine, &batch(number, 10)).is_ok()
                })
            })
            .collect();
        writers
            .into_iter()
            .map(|writer| writer.join().unwrap())
            .collect()
    });
    for (stored, number) in outcomes.iter().zip(1..) {
        if *stored {
            acknowledged.extend(items_of(&batch(number, 10)));
        }
    }
    assert!(outcomes.contains(&false));
    disk.repair();
    let held = items(&engine);
    assert!(acknowledged.iter().all(|item| held.contains(item)));
    assert_eq!(held.len() % 10, 0);
}

#[test]
fn no_other_process_gets_an_archive_whose_catalogue_has_failed() {
    let (engine, disk, place) = on_disk(u64::MAX);
    append(&engine, &batch(1, 3)).unwrap();
    disk.operations.store(0, Ordering::SeqCst);
    engine
        .catalogue
        .set_state("online", Some(b"1"))
        .unwrap_err();
    disk.repair();
    let again = || open(&files_on(place.path(), &Disk::unlimited()), u64::MAX);
    let error = again().unwrap_err();
    assert!(matches!(error, ArchiveError::InUse { .. }), "{error:?}");
    engine.catalogue.set_state("online", Some(b"2")).unwrap();
    assert_eq!(items(&engine), items_of(&batch(1, 3)));
    drop(engine);
    assert_eq!(items(&again().unwrap()), items_of(&batch(1, 3)));
}

#[test]
fn a_unit_is_synced_once_when_it_is_made_and_not_when_it_goes() {
    let (engine, disk, _place) = on_disk(u64::MAX);
    let mut writer = engine.lock();
    let synced = |before: u64| disk.syncs.load(Ordering::SeqCst) - before;
    let before = synced(0);
    let entry = engine.make_unit(&mut writer, catalogue::FIRST, 0).unwrap();
    assert_eq!(synced(before), 1);
    let records = batch(1, 3);
    let records: Vec<&Record> = records.iter().collect();
    entry.unit.append(Durability::EachBatch, &records).unwrap();
    let before = synced(0);
    assert!(before > 1, "what is stored isn't synced");
    entry.unit.remove().unwrap();
    assert_eq!(synced(before), 0);
}
