//! An archive of many units: how it is opened, read and kept consistent.
//!
//! Changes go one at a time, under the lock of the [`Writer`]. Readers hold the list of units for as
//! long as they read, so that no unit is removed under them; the list is exchanged only after the
//! catalogue says so on the disk.

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use redb::Database;
use sync_core::{Bound, Item, Range};

use super::catalogue::{self, CATALOGUE, Catalogue, Consistence, FIRST, Listed};
use super::closing::Closing;
use super::fault::Fault;
use super::files::{Files, Hold};
use super::helpers::Helpers;
use super::loading::{known, load};
use super::opened::Opened;
use super::options::RedbOptions;
use super::read::{self, Cached, Topics};
use super::split::Split;
use super::unit::{self, Unit};
use super::units::{Entry, Units};
use super::{journal, moving};
use crate::archive::scan::PageBuilder;
use crate::archive::times::Times;
use crate::archive::{ArchiveError, ArchiveStats, Scan, ScanPage, StorageUnit};
use crate::limits::ARCHIVE_SCAN_UNITS;
use crate::record::{Key, Record};

/// An open archive.
#[derive(Debug)]
pub(super) struct Engine {
    pub(super) files: Arc<dyn Files>,
    pub(super) catalogue: Catalogue,
    /// The number that all files of the archive share.
    pub(super) archive: u64,
    /// Bytes of the disk that a unit is to take.
    pub(super) target: u64,
    units: RwLock<Arc<Units>>,
    writer: Mutex<Writer>,
    opened: Opened,
    closing: Closing,
    topics: Topics,
    pub(super) times: Times,
    pub(super) helpers: Helpers,
    /// Whether something has to be settled before anything is read.
    unsettled: AtomicBool,
    /// Bytes of the disk that files take which aren't units yet.
    pub(super) passing_bytes: AtomicU64,
    /// Let go last. The catalogue's own lock is free for a moment when it is opened anew after a failure.
    _hold: Hold,
}

/// What is to know for changing an archive.
#[derive(Debug, Default)]
pub(super) struct Writer {
    /// The number of the next file.
    pub(super) next: u64,
    /// Whether a change has failed, so that what is on the disk may not be what is known.
    pub(super) unsure: bool,
    /// A stored batch that not every unit has yet.
    pub(super) pending: Vec<Record>,
    pub(super) split: Option<Split>,
}

/// Makes an archive that holds nothing, and makes its files durable.
pub(super) fn create(files: &Arc<dyn Files>) -> Result<(), ArchiveError> {
    let archive = catalogue::new_archive_number();
    let unit = Listed {
        id: 1,
        lower: FIRST,
    };
    Unit::create(Arc::clone(files), archive, unit.id, 0)?;
    Catalogue::create(&**files, archive, unit)?;
    sync(&**files)
}

/// Makes durable which files there are.
pub(super) fn sync(files: &dyn Files) -> Result<(), ArchiveError> {
    files.sync().map_err(|source| ArchiveError::Io {
        path: files.path_of(CATALOGUE),
        source,
    })
}

/// Keeps other processes away.
fn hold(files: &dyn Files) -> Result<Hold, ArchiveError> {
    let path = || files.path_of(CATALOGUE);
    files.hold().map_err(|source| match source.kind() {
        io::ErrorKind::WouldBlock => ArchiveError::InUse { path: path() },
        io::ErrorKind::NotFound => ArchiveError::NotFound { path: path() },
        _ => {
            let path = path();
            ArchiveError::Io { path, source }
        }
    })
}

impl Engine {
    /// Opens an archive that is there. Nothing is changed before all of it is known to be sound.
    pub(super) fn open(files: Arc<dyn Files>, options: &RedbOptions) -> Result<Self, ArchiveError> {
        let hold = hold(&*files)?;
        let check = |found: &Consistence| load(&files, found, &HashMap::new());
        let (catalogue, checked) = Catalogue::open(Arc::clone(&files), check)?;
        let found = catalogue.read()?;
        // The same, unless somebody else has changed the archive in between.
        let units = load(&files, &found, &known(&checked))?;
        let opened = Opened::new(options.open_units);
        // None is open yet.
        units.take_roles(opened.shares_for(units.entries().len()));
        let engine = Self {
            files,
            catalogue,
            archive: found.archive,
            target: options.unit_bytes.max(1),
            units: RwLock::new(Arc::new(units)),
            writer: Mutex::default(),
            opened,
            closing: Closing::default(),
            topics: Topics::default(),
            times: Times::default(),
            helpers: Helpers::new(),
            unsettled: AtomicBool::new(true),
            passing_bytes: AtomicU64::new(0),
            _hold: hold,
        };
        let mut writer = engine.lock();
        engine.take_stock(&mut writer, &found)?;
        engine.settle(&mut writer)?;
        drop(writer);
        Ok(engine)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The units as they are now.
    pub(super) fn units(&self) -> Arc<Units> {
        Arc::clone(&self.units.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Exchanges the list of units for one that the catalogue has; waits for readers.
    pub(super) fn exchange(&self, units: Units) {
        let changed = units.take_roles(self.opened.shares_for(units.entries().len()));
        *self.units.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(units);
        self.closing.close(changed);
    }

    /// Does something with a unit's database.
    pub(super) fn with<T>(
        &self,
        unit: &Arc<Unit>,
        act: impl Fn(&Database) -> Result<T, Fault>,
    ) -> Result<T, ArchiveError> {
        self.opened.touch(unit);
        unit.with(act)
    }

    /// Does something with a unit that needs it open.
    pub(super) fn touching(&self, unit: &Arc<Unit>) -> Arc<Unit> {
        self.opened.touch(unit);
        Arc::clone(unit)
    }

    pub(super) const fn names_of(&self, unit: &Unit) -> Cached<'_> {
        Cached {
            topics: &self.topics,
            unit: unit.id(),
        }
    }

    /// Says that a change has failed or isn't complete, so that the next operation settles it.
    pub(super) fn unsettle(&self) {
        self.unsettled.store(true, Ordering::SeqCst);
    }

    /// Brings what is known and what is stored together again after a failure, and completes what was
    /// begun.
    pub(super) fn settle(&self, writer: &mut Writer) -> Result<(), ArchiveError> {
        if !self.unsettled.load(Ordering::SeqCst) {
            return Ok(());
        }
        if writer.unsure {
            let found = self.catalogue.read()?;
            let units = load(&self.files, &found, &known(&self.units()))?;
            self.take_stock(writer, &found)?;
            self.exchange(units);
            writer.unsure = false;
        }
        self.complete(writer)?;
        self.unsettled.store(false, Ordering::SeqCst);
        Ok(())
    }

    /// Reads the journal if there is one, and removes the files that are leftovers.
    fn take_stock(&self, writer: &mut Writer, found: &Consistence) -> Result<(), ArchiveError> {
        writer.split = None;
        self.passing_bytes.store(0, Ordering::Relaxed);
        if let Some(intent) = &found.journal {
            writer.pending = journal::read(&*self.files, intent)?;
        } else {
            writer.pending = Vec::new();
        }
        let names = self.files.names();
        let names = names.map_err(|source| self.io_error(source))?;
        let mut listed: HashSet<String> = found.units.iter().map(|u| unit::name_of(u.id)).collect();
        listed.extend(found.journal.as_ref().map(|intent| intent.name.clone()));
        for name in names.iter().filter(|name| !listed.contains(*name)) {
            if unit::is_name(name) || journal::is_name(name) || name == moving::SOURCE {
                let path = self.files.path_of(name);
                tracing::info!(path = %path.display(), "removing what a crash left");
                self.files
                    .remove(name)
                    .map_err(|source| ArchiveError::Io { path, source })?;
            }
        }
        let most = found.units.iter().map(|unit| unit.id).max();
        writer.next = writer.next.max(most.unwrap_or(0) + 1);
        Ok(())
    }

    pub(super) fn io_error(&self, source: std::io::Error) -> ArchiveError {
        ArchiveError::Io {
            path: self.files.path_of(CATALOGUE),
            source,
        }
    }

    /// The units for a reader, who keeps them from being removed meanwhile.
    pub(super) fn reading(&self) -> Result<RwLockReadGuard<'_, Arc<Units>>, ArchiveError> {
        if self.unsettled.load(Ordering::SeqCst) {
            self.settle(&mut self.lock())?;
        }
        Ok(self.units.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The records of keys that were given before. Each lies where its time says, so that no filter and
    /// no table of hashes is asked.
    pub(super) fn read(&self, mut keys: Vec<Key>) -> Result<Vec<Record>, ArchiveError> {
        let units = self.reading()?;
        keys.sort_by_key(|key| key.item);
        keys.dedup_by_key(|key| key.item);
        let at = |key: &Key| units.index_of(&key.item);
        let mut found = Vec::with_capacity(keys.len());
        for part in keys.chunk_by(|a, b| at(a) == at(b)) {
            let unit = &units.entries()[part.first().map_or(0, at)].unit;
            found.extend(self.with(unit, |database| read::messages(database, part))?);
        }
        Ok(found)
    }

    pub(super) fn scan(&self, scan: &Scan) -> Result<ScanPage, ArchiveError> {
        let units = self.reading()?;
        let within = units.within(&scan.range);
        let mut page = PageBuilder::new(scan);
        for walked in 0..within.len() {
            let index = match scan.backward {
                true => within.end - 1 - walked,
                false => within.start + walked,
            };
            let span = units.span(index);
            if walked == ARCHIVE_SCAN_UNITS {
                page.stop_before(match scan.backward {
                    true => Range::new(scan.range.lower, span.upper),
                    false => Range::new(span.lower, scan.range.upper),
                });
                break;
            }
            let unit = &units.entries()[index].unit;
            let cache = self.names_of(unit);
            let on = |database: &Database| read::scan(database, cache, scan, page.clone());
            let (grown, full) = self.with(unit, on)?;
            page = grown;
            if full {
                break;
            }
        }
        let page = page.finish();
        self.times.learn(page.keys.iter().map(|key| key.item));
        Ok(page)
    }

    pub(super) fn stats(&self) -> Result<ArchiveStats, ArchiveError> {
        let units = self.reading()?;
        let entries = units.entries();
        let holding = |entry: &&Entry| entry.unit.messages() > 0;
        let edges_of = |entry: Option<&Entry>| match entry {
            Some(entry) => self.with(&entry.unit, read::edges),
            None => Ok(None),
        };
        let first = edges_of(entries.iter().find(holding))?;
        let last = edges_of(entries.iter().rev().find(holding))?;
        Ok(ArchiveStats {
            messages: entries.iter().map(|entry| entry.unit.messages()).sum(),
            disk_bytes: self.bytes_of(&units),
            log_bytes: 0,
            first: first.map(|(first, _)| first),
            last: last.map(|(_, last)| last),
        })
    }

    pub(super) fn disk_bytes(&self) -> u64 {
        self.bytes_of(&self.units())
    }

    fn bytes_of(&self, units: &Units) -> u64 {
        let entries = units.entries().iter();
        let of_units: u64 = entries.map(|entry| entry.unit.disk_bytes()).sum();
        of_units + self.catalogue.disk_bytes() + self.passing_bytes.load(Ordering::Relaxed)
    }

    pub(super) fn storage_units(&self) -> Result<Vec<StorageUnit>, ArchiveError> {
        let units = self.reading()?;
        let entries = units.entries().iter().enumerate();
        let told = entries.map(|(index, entry)| StorageUnit {
            span: units.span(index),
            messages: entry.unit.messages(),
            disk_bytes: entry.unit.disk_bytes(),
        });
        Ok(told.collect())
    }
}

/// The item just behind which a position lies, if it is one that a unit can begin at.
pub(super) const fn lower_at(bound: Bound) -> Option<Item> {
    match bound {
        Bound::Before(item) => Some(item),
        Bound::Infinity => None,
    }
}
