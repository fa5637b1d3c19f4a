//! The units of an archive in the order of what they hold.

use std::sync::Arc;

use sync_core::{Bound, Item, Range};

use super::catalogue::FIRST;
use super::unit::{Role, Unit};

/// A unit, and the first position that it is for.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) lower: Item,
    pub(super) unit: Arc<Unit>,
}

/// The units of an archive, at least one. Each holds what lies from its first position to that of
/// the next, and together they are for every position.
#[derive(Clone, Debug)]
pub(super) struct Units {
    entries: Vec<Entry>,
}

impl Units {
    /// Units in order, the first of which begins at the first position. `None` without any.
    pub(super) fn new(entries: Vec<Entry>) -> Option<Self> {
        let first = entries.first()?.lower;
        debug_assert_eq!(first, FIRST, "the first unit begins at the first position");
        debug_assert!(entries.is_sorted_by(|a, b| a.lower < b.lower));
        Some(Self { entries })
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Gives each unit its role, where the memory of all but the newest has so many shares; tells which are
    /// to be closed for that.
    pub(super) fn take_roles(&self, shares: usize) -> Vec<Arc<Unit>> {
        let newest = self.last_index();
        let role = |index| match index == newest {
            true => Role::Newest,
            false => Role::Other { shares },
        };
        let units = self.entries.iter().enumerate();
        let changed = units.filter(|(index, entry)| entry.unit.take_role(role(*index)));
        changed.map(|(_, entry)| Arc::clone(&entry.unit)).collect()
    }

    /// Where the unit for a position is among them.
    pub(super) fn index_of(&self, item: &Item) -> usize {
        let behind = self.entries.partition_point(|entry| entry.lower <= *item);
        behind.saturating_sub(1)
    }

    /// Where the unit for the latest positions is among them.
    pub(super) fn last_index(&self) -> usize {
        self.entries.len() - 1
    }

    pub(super) fn newest(&self) -> &Entry {
        &self.entries[self.last_index()]
    }

    /// The positions that a unit is for.
    pub(super) fn span(&self, index: usize) -> Range {
        let upper = self.entries.get(index + 1);
        Range::new(
            Bound::Before(self.entries[index].lower),
            upper.map_or(Bound::Infinity, |entry| Bound::Before(entry.lower)),
        )
    }

    /// The units that are for positions of a range.
    pub(super) fn within(&self, range: &Range) -> std::ops::Range<usize> {
        let Bound::Before(lower) = range.lower else {
            return 0..0;
        };
        if range.is_empty() {
            return 0..0;
        }
        let end = match range.upper {
            Bound::Before(upper) => self.entries.partition_point(|entry| entry.lower < upper),
            Bound::Infinity => self.entries.len(),
        };
        self.index_of(&lower)..end
    }
}

/// Whether a range lies within another.
pub(super) fn lies_within(inner: &Range, outer: &Range) -> bool {
    outer.lower <= inner.lower && inner.upper <= outer.upper
}
