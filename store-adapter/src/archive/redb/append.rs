//! How a batch is stored, whole or not at all, in the units that it falls into.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use sync_core::{Bound, Item};

use super::catalogue::{JournalChange, Listed, Switch};
use super::engine::{Engine, Writer, lower_at, sync};
use super::unit::Unit;
use super::units::{Entry, Units};
use super::{Durability, journal, read};
use crate::archive::ArchiveError;
use crate::record::Record;

/// Where a part of a batch goes.
#[derive(Debug)]
enum Destination {
    There(Arc<Unit>),
    /// A unit that is to be made, for positions from this one on.
    New(Item),
}

/// What goes to one unit, as indices into the batch in the order (timestamp, hash).
#[derive(Debug)]
struct Part {
    destination: Destination,
    records: Vec<usize>,
}

impl Engine {
    /// Stores a batch; tells of each record whether it was new.
    pub(super) fn append(
        &self,
        durability: Durability,
        batch: &[Record],
    ) -> Result<Vec<bool>, ArchiveError> {
        let mut writer = self.lock();
        self.settle(&mut writer)?;
        let stored = self.store(&mut writer, durability, batch);
        let Ok(fresh) = &stored else {
            writer.unsure = true;
            self.unsettle();
            return stored;
        };
        let new = batch.iter().zip(fresh).filter(|(_, fresh)| **fresh);
        self.times.learn(new.map(|(record, _)| record.item()));
        // The batch is stored, so that a failure here is only told to the log.
        let bytes = batch.iter().map(Record::encoded_len).sum();
        let kept = self
            .roll(&mut writer)
            .and_then(|()| self.go_on_splitting(&mut writer, bytes));
        if let Err(error) = kept {
            tracing::warn!(%error, "a unit of the archive can't be begun or split now");
            writer.unsure = true;
            self.unsettle();
        }
        stored
    }

    fn store(
        &self,
        writer: &mut Writer,
        durability: Durability,
        batch: &[Record],
    ) -> Result<Vec<bool>, ArchiveError> {
        let parts = self.divide(batch)?;
        if let [
            Part {
                destination: Destination::There(unit),
                records,
            },
        ] = &parts[..]
        {
            let mut fresh = vec![false; batch.len()];
            let part: Vec<&Record> = records.iter().map(|&index| &batch[index]).collect();
            let flags = self.append_to(writer, unit, durability, &part)?;
            for (index, flag) in records.iter().zip(flags) {
                fresh[*index] = flag;
            }
            return Ok(fresh);
        }
        let fresh = self.fresh_of(batch, &parts)?;
        let stored = parts.iter().flat_map(|part| &part.records);
        let stored = stored.filter(|&&index| fresh[index]);
        let stored: Vec<Record> = stored.map(|&index| batch[index].clone()).collect();
        if !stored.is_empty() {
            self.store_in_several(writer, durability, &parts, stored)?;
        }
        Ok(fresh)
    }

    /// Puts records into one unit, and tells a split of it.
    fn append_to(
        &self,
        writer: &mut Writer,
        unit: &Arc<Unit>,
        durability: Durability,
        records: &[&Record],
    ) -> Result<Vec<bool>, ArchiveError> {
        let fresh = self.touching(unit).append(durability, records)?;
        if let Some(split) = &mut writer.split {
            let added = records.iter().zip(&fresh).filter(|(_, fresh)| **fresh);
            split.note(unit, added.map(|(record, _)| record.item()));
        }
        Ok(fresh)
    }

    /// Which unit each record goes to.
    fn divide(&self, batch: &[Record]) -> Result<Vec<Part>, ArchiveError> {
        let mut in_order: Vec<usize> = (0..batch.len()).collect();
        // Stable: of two with one hash the earlier is stored.
        in_order.sort_by_key(|&index| batch[index].item());
        let units = self.units();
        let at = |index: &usize| units.index_of(&batch[*index].item());
        let mut parts = Vec::new();
        for records in in_order.chunk_by(|a, b| at(a) == at(b)) {
            let index = records.first().map_or(0, at);
            if index == units.last_index() {
                parts.extend(self.cut(&units.newest().unit, batch, records)?);
            } else {
                parts.push(Part {
                    destination: Destination::There(Arc::clone(&units.entries()[index].unit)),
                    records: records.to_vec(),
                });
            }
        }
        Ok(parts)
    }

    /// Divides what the newest unit would get, so that neither it nor those that follow become much
    /// larger than they are to be.
    fn cut(
        &self,
        newest: &Arc<Unit>,
        batch: &[Record],
        records: &[usize],
    ) -> Result<Vec<Part>, ArchiveError> {
        let first = Part {
            destination: Destination::There(Arc::clone(newest)),
            records: Vec::new(),
        };
        let (mut part, mut parts) = (first, Vec::new());
        let left = self.target.saturating_sub(newest.disk_bytes());
        let (mut room, mut bytes) = (left.max(self.target / 4), 0);
        let all: u64 = records
            .iter()
            .map(|&index| disk_bytes_of(&batch[index]))
            .sum();
        // A unit may begin only behind all that is in the one before.
        let mut last = match all > room {
            true => self.with(newest, read::edges)?.map(|(_, last)| last),
            false => None,
        };
        for &index in records {
            let (item, takes) = (batch[index].item(), disk_bytes_of(&batch[index]));
            if bytes > 0 && bytes + takes > room && last.is_none_or(|last| last < item) {
                parts.push(part);
                part = Part {
                    destination: Destination::New(item),
                    records: Vec::new(),
                };
                (room, bytes) = (self.target, 0);
            }
            part.records.push(index);
            bytes += takes;
            last = last.max(Some(item));
        }
        parts.push(part);
        Ok(parts)
    }

    /// Of each record whether it is new.
    fn fresh_of(&self, batch: &[Record], parts: &[Part]) -> Result<Vec<bool>, ArchiveError> {
        let (mut fresh, mut seen) = (vec![false; batch.len()], HashSet::new());
        for part in parts {
            let records: Vec<&Record> = part.records.iter().map(|&index| &batch[index]).collect();
            let held = match &part.destination {
                Destination::There(unit) => {
                    self.with(unit, |database| read::held(database, &records))?
                }
                Destination::New(_) => vec![false; records.len()],
            };
            for (index, held) in part.records.iter().zip(held) {
                fresh[*index] = !held && seen.insert(batch[*index].hash());
            }
        }
        Ok(fresh)
    }

    fn store_in_several(
        &self,
        writer: &mut Writer,
        durability: Durability,
        parts: &[Part],
        stored: Vec<Record>,
    ) -> Result<(), ArchiveError> {
        let mut entries = self.units().entries().to_vec();
        let mut switch = Switch::default();
        for part in parts {
            if let Destination::New(lower) = part.destination {
                let entry = self.make_unit(writer, lower, part.records.len() as u64)?;
                switch.put.push(Listed {
                    id: entry.unit.id(),
                    lower,
                });
                entries.push(entry);
            }
        }
        if durability == Durability::EachBatch {
            let intent = journal::write(&*self.files, writer.take_number(), &stored)?;
            let bytes = self.files.disk_bytes(&intent.name);
            self.passing_bytes
                .fetch_add(bytes.unwrap_or(0), Ordering::Relaxed);
            switch.journal = JournalChange::Set(intent);
        }
        sync(&*self.files)?;
        self.catalogue.switch(&switch)?;
        // From here on the batch is stored.
        if let Some(units) = Units::new(entries).filter(|_| !switch.put.is_empty()) {
            self.exchange(units);
        }
        writer.pending = stored;
        self.complete(writer)
    }

    /// Puts what is stored in the journal into the units, and removes the journal.
    pub(super) fn complete(&self, writer: &mut Writer) -> Result<(), ArchiveError> {
        if writer.pending.is_empty() {
            return Ok(());
        }
        let records = writer.pending.clone();
        let units = self.units();
        let at = |record: &Record| units.index_of(&record.item());
        for part in records.chunk_by(|a, b| at(a) == at(b)) {
            let unit = &units.entries()[part.first().map_or(0, at)].unit;
            let part: Vec<&Record> = part.iter().collect();
            self.append_to(writer, unit, Durability::EachBatch, &part)?;
        }
        let journal = self.catalogue.read()?.journal;
        if let Some(intent) = journal {
            let cleared = self.catalogue.switch(&Switch {
                journal: JournalChange::Clear,
                ..Switch::default()
            });
            cleared.inspect_err(|_| writer.unsure = true)?;
            let bytes = self.files.disk_bytes(&intent.name).unwrap_or(0);
            self.files
                .remove(&intent.name)
                .map_err(|source| self.io_error(source))
                .inspect_err(|_| writer.unsure = true)?;
            let less = |passing: u64| Some(passing.saturating_sub(bytes));
            let _ = self
                .passing_bytes
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        }
        writer.pending = Vec::new();
        Ok(())
    }

    /// Ends the newest unit behind its last message and begins another, if it has all that it is to
    /// have.
    fn roll(&self, writer: &mut Writer) -> Result<(), ArchiveError> {
        let units = self.units();
        let newest = &units.newest().unit;
        if newest.disk_bytes() < self.target {
            return Ok(());
        }
        let last = self.with(newest, read::edges)?;
        let behind = last.and_then(|(_, last)| lower_at(Bound::after(&last)));
        let Some(lower) = behind else {
            return Ok(());
        };
        let keys = newest.messages() + newest.messages() / 8;
        let entry = self.make_unit(writer, lower, keys)?;
        sync(&*self.files)?;
        let id = entry.unit.id();
        self.catalogue.switch(&Switch {
            put: vec![Listed { id, lower }],
            ..Switch::default()
        })?;
        let mut entries = units.entries().to_vec();
        entries.push(entry);
        if let Some(units) = Units::new(entries) {
            self.exchange(units);
        }
        Ok(())
    }

    /// Makes an empty unit that the catalogue is to list.
    pub(super) fn make_unit(
        &self,
        writer: &mut Writer,
        lower: Item,
        keys: u64,
    ) -> Result<Entry, ArchiveError> {
        let (files, id) = (Arc::clone(&self.files), writer.take_number());
        let unit = Unit::create(files, self.archive, id, keys)?;
        Ok(Entry { lower, unit })
    }
}

impl Writer {
    /// A number that no file has yet.
    pub(super) const fn take_number(&mut self) -> u64 {
        let number = self.next;
        self.next += 1;
        number
    }
}

/// About how many bytes of the disk a record will take.
fn disk_bytes_of(record: &Record) -> u64 {
    let bytes = record.encoded_len() as u64;
    bytes + bytes / 3 + 256
}
