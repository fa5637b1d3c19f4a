//! What is found by hash: where its time is remembered in the unit for that time, and else in all units
//! that may hold it by their filters.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use redb::Database;
use sync_core::{Id, Item};

use super::engine::Engine;
use super::fault::Fault;
use super::read::{self, Cached, Sought};
use super::units::{Entry, Units};
use crate::archive::ArchiveError;
use crate::archive::trace::Trace;
use crate::record::{Key, Record};

/// How what is looked for in a unit is read.
struct Reading<T> {
    read: fn(&Database, Cached<'_>, Sought<'_>) -> Result<Vec<T>, Fault>,
    item_of: fn(&T) -> Item,
}

impl Engine {
    pub(super) fn lookup(&self, hashes: &[Id]) -> Result<Vec<Record>, ArchiveError> {
        let (read, item_of) = (read::lookup, Record::item);
        self.find(hashes, &Reading { read, item_of })
    }

    pub(super) fn locate(&self, hashes: &[Id]) -> Result<Vec<Key>, ArchiveError> {
        let (read, item_of) = (read::locate, |key: &Key| key.item);
        self.find(hashes, &Reading { read, item_of })
    }

    fn find<T: Send>(&self, hashes: &[Id], reading: &Reading<T>) -> Result<Vec<T>, ArchiveError> {
        let units = self.reading()?;
        let mut sought: BTreeSet<Id> = hashes.iter().copied().collect();
        let mut found = self.find_likely(&units, &sought, reading)?;
        for one in &found {
            sought.remove(&(reading.item_of)(one).id);
        }
        if !sought.is_empty() {
            let others = self.find_anywhere(&units, &sought, reading)?;
            self.times.learn(others.iter().map(reading.item_of));
            found.extend(others);
        }
        found.sort_by_key(reading.item_of);
        found.dedup_by_key(|one| (reading.item_of)(one));
        Ok(found)
    }

    /// Asks the units for the times at which these hashes were last known to be.
    fn find_likely<T: Send>(
        &self,
        units: &Units,
        sought: &BTreeSet<Id>,
        reading: &Reading<T>,
    ) -> Result<Vec<T>, ArchiveError> {
        let mut likely = self.times.likely(sought);
        likely.sort_unstable();
        let at = |item: &Item| units.index_of(item);
        let parts: Vec<&[Item]> = likely.chunk_by(|a, b| at(a) == at(b)).collect();
        self.helpers.share(&parts, likely.len(), |part| {
            let unit = &units.entries()[part.first().map_or(0, at)].unit;
            let cache = self.names_of(unit);
            self.with(unit, |database| {
                (reading.read)(database, cache, Sought::Items(part))
            })
        })
    }

    /// Asks the units that may hold these hashes, the newest first, until all are found.
    fn find_anywhere<T: Send>(
        &self,
        units: &Units,
        sought: &BTreeSet<Id>,
        reading: &Reading<T>,
    ) -> Result<Vec<T>, ArchiveError> {
        let traced = sought.iter().map(|hash| (*hash, Trace::of(hash)));
        let sought: Vec<(Id, Trace)> = traced.collect();
        let missing = AtomicUsize::new(sought.len());
        let newest_first: Vec<&Entry> = units.entries().iter().rev().collect();
        let hits = sought.len().min(newest_first.len());
        self.helpers
            .share(&newest_first, hits, |Entry { unit, .. }| {
                if missing.load(Ordering::Relaxed) == 0 {
                    return Ok(Vec::new());
                }
                let likely = unit.likely(&sought);
                if likely.is_empty() {
                    return Ok(Vec::new());
                }
                let cache = self.names_of(unit);
                let there = self.with(unit, |database| {
                    (reading.read)(database, cache, Sought::Hashes(&likely))
                })?;
                // A hash lies in one unit.
                missing.fetch_sub(there.len(), Ordering::Relaxed);
                Ok(there)
            })
    }
}
