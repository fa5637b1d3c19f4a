//! The file that says what an archive consists of: its units, a journal to be applied, side states.
//!
//! What it says is what there is: files that it doesn't list are leftovers of a crash, and a unit that
//! it lists must be there. One commit of it switches from one set of units to the next.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use redb::{Database, ReadableDatabase, ReadableTable, Table, WriteTransaction};
use siphasher::sip::SipHasher13;
use sync_core::{Id, Item};

use super::fault::Fault;
use super::files::Files;
use super::slot::Slot;
use super::sound::{self, check_version};
use super::tables::{
    self, ARCHIVE_KEY, FORMAT, FORMAT_VERSION, ItemKey, JOURNAL, STATES, SUMS, UNITS, item_of,
    key_of,
};
use super::{Durability, write};
use crate::archive::ArchiveError;
use crate::limits::CATALOGUE_CACHE_BYTES;

/// The name of the catalogue's file.
pub(super) const CATALOGUE: &str = "catalogue.redb";
/// The key in [`SUMS`] of the sum over all else that a catalogue holds.
const WHOLE_KEY: &str = "whole";
/// The first position there is.
pub(super) const FIRST: Item = Item::new(0, Id::ZERO);

/// A unit as the catalogue lists it: it holds what lies from `lower` to that of the next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Listed {
    pub(super) id: u64,
    pub(super) lower: Item,
}

/// A journal that is to be applied.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Intent {
    pub(super) name: String,
    pub(super) digest: [u8; 32],
}

/// What an archive consists of.
#[derive(Clone, Debug)]
pub(super) struct Consistence {
    /// The number that all files of the archive share.
    pub(super) archive: u64,
    /// In the order of what they hold.
    pub(super) units: Vec<Listed>,
    pub(super) journal: Option<Intent>,
}

/// A change of what an archive consists of.
#[derive(Debug, Default)]
pub(super) struct Switch {
    /// Units that are listed no longer.
    pub(super) dropped: Vec<u64>,
    /// Units that are new, or begin elsewhere from now on.
    pub(super) put: Vec<Listed>,
    pub(super) journal: JournalChange,
}

/// What becomes of the journal that is listed.
#[derive(Debug, Default)]
pub(super) enum JournalChange {
    #[default]
    Keep,
    Set(Intent),
    Clear,
}

/// The open catalogue. While it is open, no other process opens the archive.
#[derive(Debug)]
pub(super) struct Catalogue {
    files: Arc<dyn Files>,
    slot: Slot,
    disk_bytes: AtomicU64,
}

impl Catalogue {
    /// Makes a catalogue that lists one unit.
    pub(super) fn create(
        files: &dyn Files,
        archive: u64,
        unit: Listed,
    ) -> Result<(), ArchiveError> {
        sound::create(files, CATALOGUE, CATALOGUE_CACHE_BYTES, |transaction| {
            tables::create_catalogue(transaction, archive)?;
            transaction
                .open_table(UNITS)?
                .insert(unit.id, &key_of(&unit.lower))?;
            store_sum(transaction)
        })
    }

    /// Opens the catalogue, which isn't changed before it is known to be sound, and `check` has found
    /// what it lists to be so.
    pub(super) fn open<T>(
        files: Arc<dyn Files>,
        check: impl FnOnce(&Consistence) -> Result<T, ArchiveError>,
    ) -> Result<(Self, T), ArchiveError> {
        let path = files.path_of(CATALOGUE);
        let open = || files.open(CATALOGUE);
        // The check is made within, so that the file is locked meanwhile.
        let checked = sound::rehearse(&path, open, CATALOGUE_CACHE_BYTES, |database| {
            Ok(check(&read(database)?))
        })??;
        let opener = {
            let (files, path) = (Arc::clone(&files), path.clone());
            move || sound::open(&path, || files.open(CATALOGUE), CATALOGUE_CACHE_BYTES)
        };
        let catalogue = Self {
            files,
            slot: Slot::new(path, opener),
            disk_bytes: AtomicU64::new(0),
        };
        catalogue.read()?;
        catalogue.measure();
        Ok((catalogue, checked))
    }

    pub(super) fn read(&self) -> Result<Consistence, ArchiveError> {
        self.slot.with(read)
    }

    /// Makes a change, durable on return. After an error it may have been made or not.
    pub(super) fn switch(&self, switch: &Switch) -> Result<(), ArchiveError> {
        self.change(|transaction| {
            let mut units = transaction.open_table(UNITS)?;
            for id in &switch.dropped {
                units.remove(id)?;
            }
            for unit in &switch.put {
                units.insert(unit.id, &key_of(&unit.lower))?;
            }
            let mut journal = transaction.open_table(JOURNAL)?;
            if !matches!(switch.journal, JournalChange::Keep) {
                clear(&mut journal)?;
            }
            if let JournalChange::Set(intent) = &switch.journal {
                journal.insert(intent.name.as_str(), &intent.digest)?;
            }
            Ok(())
        })
    }

    pub(super) fn state(&self, name: &str) -> Result<Option<Vec<u8>>, ArchiveError> {
        self.slot.with(|database| {
            let states = database.begin_read()?.open_table(STATES)?;
            Ok(states.get(name)?.map(|value| value.value().to_vec()))
        })
    }

    pub(super) fn set_state(&self, name: &str, value: Option<&[u8]>) -> Result<(), ArchiveError> {
        self.change(|transaction| {
            let mut states = transaction.open_table(STATES)?;
            match value {
                Some(value) => states.insert(name, value)?,
                None => states.remove(name)?,
            };
            Ok(())
        })
    }

    /// Bytes of the disk that it takes, as of the last change.
    pub(super) fn disk_bytes(&self) -> u64 {
        self.disk_bytes.load(Ordering::Relaxed)
    }

    fn change(
        &self,
        act: impl Fn(&WriteTransaction) -> Result<(), Fault>,
    ) -> Result<(), ArchiveError> {
        let changed = self.slot.with(|database| {
            let transaction = write::begin(database, Durability::EachBatch)?;
            act(&transaction)?;
            store_sum(&transaction)?;
            Ok(transaction.commit()?)
        });
        self.measure();
        changed
    }

    fn measure(&self) {
        if let Ok(bytes) = self.files.disk_bytes(CATALOGUE) {
            self.disk_bytes.store(bytes, Ordering::Relaxed);
        }
    }
}

/// A number by which the files of a new archive know each other.
pub(super) fn new_archive_number() -> u64 {
    RandomState::new().hash_one(CATALOGUE)
}

fn clear(journal: &mut Table<'_, &'static str, &'static [u8; 32]>) -> Result<(), Fault> {
    journal.retain(|_, _| false)?;
    Ok(())
}

/// Reads what the archive consists of, and checks that it makes sense.
fn read(database: &Database) -> Result<Consistence, Fault> {
    check_version(database, FORMAT_VERSION)?;
    let transaction = database.begin_read()?;
    let archive = transaction.open_table(FORMAT)?.get(ARCHIVE_KEY)?;
    let archive = archive
        .ok_or(Fault::missing("the archive's number"))?
        .value();
    let (units, journal) = (
        transaction.open_table(UNITS)?,
        transaction.open_table(JOURNAL)?,
    );
    let states = transaction.open_table(STATES)?;
    let stored = transaction.open_table(SUMS)?.get(WHOLE_KEY)?;
    if stored.map(|sum| sum.value()) != Some(sum(&units, &journal, &states)?) {
        let reason = "what it lists isn't what was stored: its sum is another";
        return Err(Fault::Damaged(reason.into()));
    }
    let mut listed = Vec::new();
    for entry in units.iter()? {
        let (id, lower) = entry?;
        listed.push(Listed {
            id: id.value(),
            lower: item_of(lower.value()),
        });
    }
    listed.sort_by_key(|unit| unit.lower);
    let distinct = listed.windows(2).all(|pair| pair[0].lower < pair[1].lower);
    if !distinct || listed.first().is_none_or(|unit| unit.lower != FIRST) {
        return Err(Fault::Damaged("its units don't fit together".into()));
    }
    let mut intent = None;
    for entry in journal.iter()? {
        let (name, digest) = entry?;
        intent = Some(Intent {
            name: name.value().into(),
            digest: *digest.value(),
        });
    }
    Ok(Consistence {
        archive,
        units: listed,
        journal: intent,
    })
}

fn store_sum(transaction: &WriteTransaction) -> Result<(), Fault> {
    let units = transaction.open_table(UNITS)?;
    let journal = transaction.open_table(JOURNAL)?;
    let states = transaction.open_table(STATES)?;
    let sum = sum(&units, &journal, &states)?;
    transaction.open_table(SUMS)?.insert(WHOLE_KEY, sum)?;
    Ok(())
}

/// The sum of the hashes of all entries.
fn sum(
    units: &impl ReadableTable<u64, &'static ItemKey>,
    journal: &impl ReadableTable<&'static str, &'static [u8; 32]>,
    states: &impl ReadableTable<&'static str, &'static [u8]>,
) -> Result<u64, Fault> {
    let hash = |table: u64, key: &[u8], value: &[u8]| {
        let keyed = SipHasher13::new_with_keys(table, 0).hash(key);
        SipHasher13::new_with_keys(table, keyed).hash(value)
    };
    let mut sum = 0u64;
    for entry in units.iter()? {
        let (id, lower) = entry?;
        sum = sum.wrapping_add(hash(1, &id.value().to_le_bytes(), lower.value()));
    }
    for entry in journal.iter()? {
        let (name, digest) = entry?;
        sum = sum.wrapping_add(hash(2, name.value().as_bytes(), digest.value()));
    }
    for entry in states.iter()? {
        let (name, value) = entry?;
        sum = sum.wrapping_add(hash(3, name.value().as_bytes(), value.value()));
    }
    Ok(sum)
}
