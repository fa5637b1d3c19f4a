//! Which units are open: those used last, and no more than so many.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::unit::Unit;

/// Counts the units that are open, and closes the one that wasn't used for the longest time.
#[derive(Debug)]
pub(super) struct Opened {
    limit: usize,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    uses: u64,
    units: HashMap<u64, (u64, Weak<Unit>)>,
}

impl Opened {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit: limit.max(1),
            held: Mutex::default(),
        }
    }

    /// How many units may be open.
    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// To be called before a unit is used.
    pub(super) fn touch(&self, unit: &Arc<Unit>) {
        // Closing waits for whoever uses the unit, so it is done without the lock.
        for idle in self.counted(unit) {
            idle.rest();
        }
    }

    /// Counts a use; gives units that are to be closed for it.
    fn counted(&self, unit: &Arc<Unit>) -> Vec<Arc<Unit>> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.uses += 1;
        let uses = held.uses;
        held.units.insert(unit.id(), (uses, Arc::downgrade(unit)));
        let mut idle = Vec::new();
        while held.units.len() > self.limit {
            let longest = held.units.iter().min_by_key(|(_, (used, _))| *used);
            let Some(id) = longest.map(|(id, _)| *id) else {
                break;
            };
            let unit = held.units.remove(&id).and_then(|(_, unit)| unit.upgrade());
            idle.extend(unit);
        }
        idle
    }
}
