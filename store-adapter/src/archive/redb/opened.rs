//! Which units are open: those used last, and no more than so many.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::unit::Unit;
use crate::limits::{CACHE_SHARES_LEAST, OPEN_UNITS};

/// Counts the units that are open, and closes the one that wasn't used for the longest time.
#[derive(Debug)]
pub(super) struct Opened {
    limit: usize,
    shares: AtomicUsize,
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
            shares: AtomicUsize::new(CACHE_SHARES_LEAST),
            held: Mutex::default(),
        }
    }

    /// Into how many shares the memory for pages is divided when there are so many units.
    ///
    /// A power of two, which gets less only when a quarter would do: a unit that comes or goes now and then
    /// has nearly never all others closed to get other shares.
    pub(super) fn shares_for(&self, units: usize) -> usize {
        let open = units.min(self.limit);
        let needed = open
            .clamp(CACHE_SHARES_LEAST, OPEN_UNITS)
            .next_power_of_two();
        // Units are exchanged by one writer at a time.
        let now = self.shares.load(Ordering::Relaxed);
        if needed > now || 4 * needed <= now {
            self.shares.store(needed, Ordering::Relaxed);
            return needed;
        }
        now
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_units_have_a_share_each_and_all_the_memory_there_is_but_half() {
        for units in 0..2 * OPEN_UNITS {
            let shares = Opened::new(OPEN_UNITS).shares_for(units);
            let open = units.min(OPEN_UNITS);
            assert!(shares >= open, "{units}");
            assert!(shares < 2 * open || shares == CACHE_SHARES_LEAST, "{units}");
        }
        assert_eq!(Opened::new(10).shares_for(500), 16);
    }

    #[test]
    fn shares_stay_while_units_come_and_go() {
        let opened = Opened::new(OPEN_UNITS);
        let numbers = [32, 33, 32, 60, 17, 16, 17, 65];
        let shares = numbers.map(|units| opened.shares_for(units));
        assert_eq!(shares, [32, 64, 64, 64, 64, 16, 32, 128]);
    }
}
