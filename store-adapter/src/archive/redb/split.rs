//! How a unit that has outgrown its size is split, a step at a time between batches.
//!
//! Its messages are copied in order into new units, the pieces, while it goes on being read and
//! written. What is written into the part that was copied already is noted and copied after. When
//! everything is copied, one commit of the catalogue puts the pieces in its place.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use sync_core::{Bound, Id, Item, Range};

use super::catalogue::{FIRST, Listed, Switch};
use super::engine::{Engine, Writer, lower_at, sync};
use super::removal::discard;
use super::unit::{Role, Unit};
use super::units::{Entry, Units};
use super::{Durability, read};
use crate::archive::ArchiveError;
use crate::limits::{SPLIT_STEP_BYTES, SPLIT_STEP_BYTES_MOST, UNIT_OUTGROWN};
use crate::record::Record;

/// A unit that is being split.
#[derive(Debug)]
pub(super) struct Split {
    unit: Arc<Unit>,
    /// Bytes of the disk that each piece is to take.
    share: u64,
    /// How many hashes a piece will hold about.
    keys: u64,
    /// In order; the first is for all that lies before the second.
    pieces: Vec<Entry>,
    /// What lies before this is copied.
    copied: Bound,
    /// What was written before [`Split::copied`] since.
    behind: Vec<Id>,
}

impl Split {
    fn of(unit: &Arc<Unit>, target: u64) -> Self {
        let pieces = unit.disk_bytes().div_ceil(target).max(2);
        Self {
            unit: Arc::clone(unit),
            share: unit.disk_bytes() / pieces,
            keys: unit.messages() / pieces,
            pieces: Vec::new(),
            copied: Bound::MIN,
            behind: Vec::new(),
        }
    }

    /// Takes note of what was written into a unit.
    pub(super) fn note(&mut self, unit: &Unit, added: impl Iterator<Item = Item>) {
        if unit.id() == self.unit.id() {
            let copied = self.copied;
            let behind = added.filter(|item| copied.is_after(item));
            self.behind.extend(behind.map(|item| item.id));
        }
    }

    /// The piece for an item that lies before [`Split::copied`].
    fn piece_of(&self, item: &Item) -> Option<&Arc<Unit>> {
        let behind = self.pieces.partition_point(|piece| piece.lower <= *item);
        Some(&self.pieces.get(behind.saturating_sub(1))?.unit)
    }

    fn disk_bytes(&self) -> u64 {
        self.pieces
            .iter()
            .map(|piece| piece.unit.disk_bytes())
            .sum()
    }
}

impl Writer {
    /// Gives up a split that is under way of this unit; it is begun anew if the unit still needs it.
    pub(super) fn abandon_split_of(&mut self, engine: &Engine, unit: &Unit) {
        if let Some(split) = self.split.take_if(|split| split.unit.id() == unit.id()) {
            split.pieces.iter().for_each(|piece| discard(&piece.unit));
            engine.passing_bytes.store(0, Ordering::Relaxed);
        }
    }
}

impl Engine {
    /// Goes on with splitting by a step, if a unit needs it; `bytes` came in since the last one.
    pub(super) fn go_on_splitting(
        &self,
        writer: &mut Writer,
        bytes: usize,
    ) -> Result<(), ArchiveError> {
        let split = writer.split.take().or_else(|| self.largest_outgrown());
        let Some(mut split) = split else {
            return Ok(());
        };
        let least = usize::try_from(self.target / 8).unwrap_or(usize::MAX);
        let step = bytes
            .saturating_mul(2)
            .max(least.min(SPLIT_STEP_BYTES))
            .min(SPLIT_STEP_BYTES_MOST);
        let done = self.copy(writer, &mut split, step)?;
        self.passing_bytes
            .store(split.disk_bytes(), Ordering::Relaxed);
        if done {
            return self.put_pieces_in_place(split);
        }
        writer.split = Some(split);
        Ok(())
    }

    fn largest_outgrown(&self) -> Option<Split> {
        let units = self.units();
        let closed = &units.entries()[..units.last_index()];
        let outgrown = self.target.saturating_mul(UNIT_OUTGROWN);
        let largest = closed.iter().max_by_key(|entry| entry.unit.disk_bytes())?;
        let split = largest.unit.disk_bytes() >= outgrown && largest.unit.messages() > 1;
        split.then(|| Split::of(&largest.unit, self.target))
    }

    /// Copies what was written behind, and then on; tells whether everything is copied.
    fn copy(
        &self,
        writer: &mut Writer,
        split: &mut Split,
        bytes: usize,
    ) -> Result<bool, ArchiveError> {
        self.copy_behind(split)?;
        let mut left = bytes;
        while left > 0 {
            match self.copy_on(writer, split, left)? {
                0 => return Ok(true),
                copied => left = left.saturating_sub(copied),
            }
        }
        Ok(false)
    }

    fn copy_behind(&self, split: &mut Split) -> Result<(), ArchiveError> {
        let cache = self.names_of(&split.unit);
        let behind = std::mem::take(&mut split.behind);
        let mut late = self.with(&split.unit, |database| {
            read::lookup(database, cache, read::Sought::Hashes(&behind))
        })?;
        late.sort_by_key(Record::item);
        let piece = |record: &Record| split.piece_of(&record.item()).map(|unit| unit.id());
        for part in late.chunk_by(|a, b| piece(a) == piece(b)) {
            let part: Vec<&Record> = part.iter().collect();
            if let Some(piece) = part.first().and_then(|one| split.piece_of(&one.item())) {
                self.touching(piece).append(Durability::EachBatch, &part)?;
            }
        }
        Ok(())
    }

    /// Copies so many bytes of messages at most, into one piece; tells how many, 0 at the end.
    fn copy_on(
        &self,
        writer: &mut Writer,
        split: &mut Split,
        bytes: usize,
    ) -> Result<usize, ArchiveError> {
        let taken = split
            .pieces
            .last()
            .map_or(0, |piece| piece.unit.disk_bytes());
        let room = match split.share.saturating_sub(taken) {
            0 => split.share,
            room => room.max(split.share / 8),
        };
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        let rest = Range::new(split.copied, Bound::Infinity);
        let cache = self.names_of(&split.unit);
        let next = self.with(&split.unit, |database| {
            read::records(database, cache, &rest, bytes.min(room))
        })?;
        let Some(last) = next.last() else {
            return Ok(0);
        };
        if split.pieces.is_empty() || taken >= split.share {
            let lower = lower_at(split.copied).unwrap_or(FIRST);
            let piece = self.make_unit(writer, lower, split.keys)?;
            piece.unit.take_role(Role::Piece);
            if let Some(complete) = split.pieces.last() {
                complete.unit.take_role(Role::ONE_OF_MANY);
                complete.unit.rest();
            }
            split.pieces.push(piece);
        }
        if let Some(piece) = split.pieces.last() {
            let part: Vec<&Record> = next.iter().collect();
            let unit = self.touching(&piece.unit);
            unit.append(Durability::EachBatch, &part)?;
        }
        split.copied = Bound::after(&last.item());
        Ok(next.iter().map(Record::encoded_len).sum::<usize>().max(1))
    }

    /// Lists the pieces instead of the unit, which is removed.
    fn put_pieces_in_place(&self, split: Split) -> Result<(), ArchiveError> {
        let units = self.units();
        let id = split.unit.id();
        let at = units
            .entries()
            .iter()
            .position(|entry| entry.unit.id() == id);
        let copied: u64 = split.pieces.iter().map(|piece| piece.unit.messages()).sum();
        let Some(at) = at.filter(|_| copied == split.unit.messages() && copied > 0) else {
            split.pieces.iter().for_each(|piece| discard(&piece.unit));
            self.passing_bytes.store(0, Ordering::Relaxed);
            return Err(ArchiveError::Damaged {
                path: self.files.path_of(&super::unit::name_of(id)),
                reason: format!(
                    "it says that it has {} messages, and {copied} can be read",
                    split.unit.messages()
                ),
            });
        };
        let mut pieces = split.pieces;
        pieces[0].lower = units.entries()[at].lower;
        for piece in &pieces {
            piece.unit.rest();
        }
        sync(&*self.files)?;
        let listed = pieces.iter().map(|piece| Listed {
            id: piece.unit.id(),
            lower: piece.lower,
        });
        self.catalogue.switch(&Switch {
            dropped: vec![id],
            put: listed.collect(),
            ..Switch::default()
        })?;
        let mut entries = units.entries().to_vec();
        entries.splice(at..=at, pieces);
        if let Some(units) = Units::new(entries) {
            self.exchange(units);
        }
        self.passing_bytes.store(0, Ordering::Relaxed);
        discard(&split.unit);
        Ok(())
    }
}
