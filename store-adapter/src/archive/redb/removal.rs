//! How messages are removed: whole units where that can be, and rows elsewhere.

use std::sync::Arc;

use sync_core::Range;

use super::catalogue::{FIRST, Listed, Switch};
use super::engine::{Engine, Writer, sync};
use super::unit::Unit;
use super::units::{Entry, Units, lies_within};
use super::{Durability, read, write};
use crate::archive::ArchiveError;

/// What of a unit lies in a span.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Share {
    Nothing,
    Part,
    Whole,
}

impl Engine {
    /// Removes the oldest messages of `span`, `limit` of them or whole units; tells how many those were.
    pub(super) fn remove(
        &self,
        durability: Durability,
        span: &Range,
        limit: usize,
    ) -> Result<usize, ArchiveError> {
        let mut writer = self.lock();
        self.settle(&mut writer)?;
        let removed = self.remove_from_units(&mut writer, durability, span, limit);
        if removed.is_err() {
            writer.unsure = true;
            self.unsettle();
        }
        removed
    }

    fn remove_from_units(
        &self,
        writer: &mut Writer,
        durability: Durability,
        span: &Range,
        limit: usize,
    ) -> Result<usize, ArchiveError> {
        let units = self.units();
        let (mut whole, mut removed) = (Vec::new(), 0);
        for index in units.within(span) {
            if removed >= limit {
                break;
            }
            let unit = &units.entries()[index].unit;
            match self.share_of(&units, index, span)? {
                Share::Nothing => {}
                Share::Whole => {
                    removed += usize::try_from(unit.messages()).unwrap_or(usize::MAX);
                    whole.push(unit.id());
                }
                Share::Part => {
                    self.drop_units(writer, &std::mem::take(&mut whole))?;
                    writer.abandon_split_of(self, unit);
                    let rows = self.touching(unit).change(|database| {
                        write::remove(database, durability, span, limit - removed)
                    })?;
                    removed += rows;
                }
            }
        }
        self.drop_units(writer, &whole)?;
        Ok(removed)
    }

    fn share_of(&self, units: &Units, index: usize, span: &Range) -> Result<Share, ArchiveError> {
        let unit = &units.entries()[index].unit;
        let for_span = lies_within(&units.span(index), span);
        if unit.messages() == 0 {
            let drop = for_span && index != units.last_index();
            return Ok(if drop { Share::Whole } else { Share::Nothing });
        }
        if for_span {
            return Ok(Share::Whole);
        }
        Ok(match self.with(unit, read::edges)? {
            Some((first, last)) if span.contains(&first) && span.contains(&last) => Share::Whole,
            Some(_) => Share::Part,
            None => Share::Nothing,
        })
    }

    /// Removes units with all they hold: first from the catalogue, then from the disk. Those before
    /// them are for their positions from then on.
    fn drop_units(&self, writer: &mut Writer, dropped: &[u64]) -> Result<(), ArchiveError> {
        if dropped.is_empty() {
            return Ok(());
        }
        let units = self.units();
        let (gone, mut kept): (Vec<Entry>, Vec<Entry>) = units
            .entries()
            .iter()
            .cloned()
            .partition(|entry| dropped.contains(&entry.unit.id()));
        let mut switch = Switch {
            dropped: dropped.to_vec(),
            ..Switch::default()
        };
        let newest = units.newest();
        if dropped.contains(&newest.unit.id()) {
            let entry = self.make_unit(writer, newest.lower, newest.unit.messages())?;
            sync(&*self.files)?;
            kept.push(entry);
        }
        if let Some(first) = kept.first_mut() {
            first.lower = FIRST;
        }
        // Cheap, and right whichever of them begin elsewhere now.
        switch.put.extend(kept.iter().map(|entry| Listed {
            id: entry.unit.id(),
            lower: entry.lower,
        }));
        self.catalogue.switch(&switch)?;
        if let Some(units) = Units::new(kept) {
            self.exchange(units);
        }
        for entry in gone {
            writer.abandon_split_of(self, &entry.unit);
            discard(&entry.unit);
        }
        Ok(())
    }
}

/// Removes a file that the catalogue doesn't list. If that fails, the next opening removes it.
pub(super) fn discard(unit: &Arc<Unit>) {
    if let Err(error) = unit.remove() {
        tracing::warn!(%error, "a removed unit of the archive is still on the disk");
    }
}
