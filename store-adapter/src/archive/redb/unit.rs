//! One file of messages that lie beside each other in the order (timestamp, hash).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use redb::Database;
use sync_core::Id;

use super::fault::Fault;
use super::files::{Care, Files};
use super::filter::Filter;
use super::slot::Slot;
use super::{Durability, read, sound, tables, verify, write};
use crate::archive::ArchiveError;
use crate::archive::trace::Trace;
use crate::limits::{
    NEWEST_UNIT_CACHE_BYTES, OPEN_UNITS, OTHER_UNITS_CACHE_BYTES, SPLIT_CACHE_BYTES,
};
use crate::record::Record;

/// What becomes of a unit, which decides the memory it gets for pages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Role {
    /// Read, and written to now and then.
    Other {
        /// Into how many shares their memory is divided.
        shares: usize,
    },
    /// Takes what comes in live.
    Newest,
    /// Part of a unit that is being split.
    Piece,
}

impl Role {
    /// As [`Role::Other`] while it isn't known how many others there are.
    pub(super) const ONE_OF_MANY: Self = Self::Other { shares: OPEN_UNITS };

    const fn cache_bytes(self) -> usize {
        match self {
            Self::Other { shares } => OTHER_UNITS_CACHE_BYTES / shares,
            Self::Newest => NEWEST_UNIT_CACHE_BYTES,
            Self::Piece => SPLIT_CACHE_BYTES,
        }
    }
}

/// A unit's file, opened by whoever needs it.
#[derive(Debug)]
pub(super) struct Unit {
    id: u64,
    files: Arc<dyn Files>,
    slot: Slot,
    figures: Arc<Figures>,
    filter: Filter,
}

#[derive(Debug)]
struct Figures {
    messages: AtomicU64,
    disk_bytes: AtomicU64,
    /// Memory for pages. Takes effect when the file is opened the next time.
    cache_bytes: AtomicUsize,
    care: Care,
}

/// The file of the unit of this number.
pub(super) fn name_of(id: u64) -> String {
    format!("unit-{id:08}.redb")
}

/// Whether a file is named as units are.
pub(super) fn is_name(name: &str) -> bool {
    let digits = name
        .strip_prefix("unit-")
        .and_then(|n| n.strip_suffix(".redb"));
    digits.is_some_and(|digits| digits.len() >= 8 && digits.bytes().all(|b| b.is_ascii_digit()))
}

impl Unit {
    /// Makes an empty unit, durable but for its name, with a filter for about `keys` hashes.
    pub(super) fn create(
        files: Arc<dyn Files>,
        archive: u64,
        id: u64,
        keys: u64,
    ) -> Result<Arc<Self>, ArchiveError> {
        let cache = Role::ONE_OF_MANY.cache_bytes();
        sound::create(&*files, &name_of(id), cache, |transaction| {
            tables::create_unit(transaction, archive, id)
        })?;
        let filter = Filter::with_room(usize::try_from(keys).unwrap_or(0));
        Ok(Self::closed(files, id, 0, filter))
    }

    /// A unit that is there, once it is known to be sound and whole. It isn't changed.
    pub(super) fn verified(
        files: Arc<dyn Files>,
        archive: u64,
        id: u64,
    ) -> Result<Arc<Self>, ArchiveError> {
        let name = name_of(id);
        let (path, open) = (files.path_of(&name), || files.open(&name));
        let checked = sound::rehearse(&path, open, SPLIT_CACHE_BYTES, |database| {
            verify::verify(database, archive, id)
        });
        let contents = checked.map_err(|error| match error {
            ArchiveError::NotFound { path } => ArchiveError::Refused {
                path,
                reason: "it is missing, and the archive's catalogue lists it".into(),
            },
            error => error,
        })?;
        Ok(Self::closed(files, id, contents.messages, contents.filter))
    }

    fn closed(files: Arc<dyn Files>, id: u64, messages: u64, filter: Filter) -> Arc<Self> {
        let figures = Arc::new(Figures {
            messages: AtomicU64::new(messages),
            disk_bytes: AtomicU64::new(0),
            cache_bytes: AtomicUsize::new(Role::ONE_OF_MANY.cache_bytes()),
            care: Care::default(),
        });
        let opener = {
            let (files, figures, name) = (Arc::clone(&files), Arc::clone(&figures), name_of(id));
            move || {
                let cache_bytes = figures.cache_bytes.load(Ordering::Relaxed);
                let path = files.path_of(&name);
                let file = || Ok(files.open(&name)?.with_care(figures.care.clone()));
                let database = sound::open(&path, file, cache_bytes)?;
                // After a failure it may hold more or less than was known.
                let messages = read::count(&database);
                let messages = messages.map_err(|fault| fault.into_error(&path))?;
                figures.messages.store(messages, Ordering::Relaxed);
                Ok(database)
            }
        };
        let slot = Slot::new(files.path_of(&name_of(id)), opener);
        let unit = Self {
            id,
            files,
            slot,
            figures,
            filter,
        };
        unit.measure();
        Arc::new(unit)
    }

    pub(super) const fn id(&self) -> u64 {
        self.id
    }

    /// How many messages it holds.
    pub(super) fn messages(&self) -> u64 {
        self.figures.messages.load(Ordering::Relaxed)
    }

    /// Bytes of the disk that it takes, as of the last change.
    pub(super) fn disk_bytes(&self) -> u64 {
        self.figures.disk_bytes.load(Ordering::Relaxed)
    }

    /// Whether it may hold a hash; `false` is certain.
    pub(super) fn may_hold(&self, trace: Trace) -> bool {
        self.filter.may_hold(trace)
    }

    /// Those hashes that it may hold; that it holds none of the others is certain.
    pub(super) fn likely(&self, sought: &[(Id, Trace)]) -> Vec<Id> {
        self.filter.likely(sought)
    }

    /// Does something with the database; see [`Slot::with`].
    pub(super) fn with<T>(
        &self,
        act: impl Fn(&Database) -> Result<T, Fault>,
    ) -> Result<T, ArchiveError> {
        self.slot.with(act)
    }

    /// Stores records; tells of each whether it was new.
    pub(super) fn append(
        &self,
        durability: Durability,
        batch: &[&Record],
    ) -> Result<Vec<bool>, ArchiveError> {
        // First, so that nobody misses what is there already.
        let traces = batch.iter().map(|record| Trace::of(&record.hash()));
        self.filter.insert(
            traces
                .filter(|trace| !self.may_hold(*trace))
                .collect::<Vec<_>>(),
        );
        self.change(|database| write::append(database, durability, batch))
    }

    /// Makes a change, after which the figures are right.
    pub(super) fn change<T>(
        &self,
        act: impl Fn(&Database) -> Result<T, Fault>,
    ) -> Result<T, ArchiveError> {
        let changed = self.slot.with(|database| {
            let changed = act(database)?;
            self.figures
                .messages
                .store(read::count(database)?, Ordering::Relaxed);
            Ok(changed)
        });
        self.measure();
        changed
    }

    /// Gives the unit a role; tells whether it has other memory for that, so that it is to be closed.
    pub(super) fn take_role(&self, role: Role) -> bool {
        let bytes = role.cache_bytes();
        self.figures.cache_bytes.swap(bytes, Ordering::Relaxed) != bytes
    }

    /// Closes the file until somebody needs it.
    pub(super) fn rest(&self) {
        self.slot.rest();
        self.measure();
    }

    /// Closes the file and removes it.
    pub(super) fn remove(&self) -> Result<(), ArchiveError> {
        self.figures.care.end();
        self.slot.rest();
        let removed = self.files.remove(&name_of(self.id));
        removed.map_err(|source| ArchiveError::Io {
            path: self.slot.path().to_owned(),
            source,
        })
    }

    fn measure(&self) {
        if let Ok(bytes) = self.files.disk_bytes(&name_of(self.id)) {
            self.figures.disk_bytes.store(bytes, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_units_are_told_from_others() {
        for id in [0, 7, 99_999_999, u64::MAX] {
            assert!(is_name(&name_of(id)), "{}", name_of(id));
        }
        for other in [
            "catalogue.redb",
            "unit-1.redb",
            "unit-0000000x.redb",
            "unit-00000001",
        ] {
            assert!(!is_name(other), "{other}");
        }
    }
}
