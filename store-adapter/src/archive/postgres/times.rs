//! The timestamps of hashes that were read lately, so that the partitions in which they can be are
//! known.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sync_core::{Id, Item};

use crate::limits::ARCHIVE_HASHES_CACHED;

/// A hash commits to its timestamp, so what is remembered stays true.
#[derive(Debug, Default)]
pub(super) struct Times {
    generations: Mutex<Generations>,
}

/// Two maps, of which the older is forgotten when the newer is full.
#[derive(Debug, Default)]
struct Generations {
    new: HashMap<Id, u64>,
    old: HashMap<Id, u64>,
}

impl Times {
    pub(super) fn learn(&self, items: impl IntoIterator<Item = Item>) {
        let mut generations = self.generations();
        for item in items {
            if generations.new.len() >= ARCHIVE_HASHES_CACHED / 2 {
                generations.old = std::mem::take(&mut generations.new);
            }
            generations.new.insert(item.id, item.timestamp);
        }
    }

    /// The items of those hashes that are known; and those that aren't.
    pub(super) fn known(&self, hashes: impl IntoIterator<Item = Id>) -> (Vec<Item>, Vec<Id>) {
        let generations = self.generations();
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        for id in hashes {
            let new = generations.new.get(&id);
            match new.or_else(|| generations.old.get(&id)) {
                Some(timestamp) => known.push(Item::new(*timestamp, id)),
                None => unknown.push(id),
            }
        }
        (known, unknown)
    }

    // Every entry is right by itself, so poison is no news.
    fn generations(&self) -> MutexGuard<'_, Generations> {
        self.generations
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(number: usize) -> Item {
        let mut id = Id::ZERO;
        id.0[..8].copy_from_slice(&number.to_be_bytes());
        Item::new(number as u64, id)
    }

    #[test]
    fn the_newest_are_known_and_the_number_is_bounded() {
        let times = Times::default();
        let count = 2 * ARCHIVE_HASHES_CACHED;
        times.learn((0..count).map(item));
        let newest = item(count - 1);
        let known = times.known([newest.id, item(0).id]);
        assert_eq!(known, (vec![newest], vec![item(0).id]));
        let generations = times.generations();
        assert!(generations.new.len() + generations.old.len() <= ARCHIVE_HASHES_CACHED);
    }
}
