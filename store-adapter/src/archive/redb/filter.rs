//! Which hashes a unit may hold, so that most units needn't be asked for a hash.
//!
//! A Bloom filter of a fixed size fills up, so a unit has a list of them: each is made for a number
//! of keys, and the next for twice as many. A unit that is opened, or no longer the newest, has one
//! that fits.

use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use fastbloom::AtomicBloomFilter;
use sync_core::Id;

use crate::archive::trace::Trace;
use crate::limits::{FILTER_BITS_PER_KEY, FILTER_KEYS_LEAST};

/// The hashes of one unit. Hashes that were removed may still seem to be there.
#[derive(Debug)]
pub(super) struct Filter {
    parts: RwLock<Vec<Part>>,
}

#[derive(Debug)]
struct Part {
    bloom: AtomicBloomFilter,
    keys: usize,
    room: usize,
}

impl Part {
    fn with_room(room: usize) -> Self {
        let room = room.max(FILTER_KEYS_LEAST);
        let bits = AtomicBloomFilter::with_num_bits(room.saturating_mul(FILTER_BITS_PER_KEY));
        Self {
            bloom: bits.expected_items(room),
            keys: 0,
            room,
        }
    }
}

impl Filter {
    /// An empty filter for about `keys` hashes; it takes any number.
    pub(super) fn with_room(keys: usize) -> Self {
        Self {
            parts: RwLock::new(vec![Part::with_room(keys)]),
        }
    }

    pub(super) fn insert(&self, traces: impl IntoIterator<Item = Trace>) {
        let mut parts = self.parts.write().unwrap_or_else(PoisonError::into_inner);
        for trace in traces {
            if parts.last().is_none_or(|part| part.keys >= part.room) {
                let room = parts.last().map_or(0, |part| part.room.saturating_mul(2));
                parts.push(Part::with_room(room));
            }
            if let Some(part) = parts.last_mut() {
                part.bloom.insert_hash(trace.bits());
                part.keys += 1;
            }
        }
    }

    /// Whether the unit may hold the hash; `false` is certain.
    pub(super) fn may_hold(&self, trace: Trace) -> bool {
        may_hold(&self.parts(), trace)
    }

    /// Those hashes that the unit may hold; that it holds none of the others is certain.
    pub(super) fn likely(&self, sought: &[(Id, Trace)]) -> Vec<Id> {
        let parts = self.parts();
        let likely = sought.iter().filter(|(_, trace)| may_hold(&parts, *trace));
        likely.map(|(hash, _)| *hash).collect()
    }

    fn parts(&self) -> RwLockReadGuard<'_, Vec<Part>> {
        self.parts.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn may_hold(parts: &[Part], trace: Trace) -> bool {
    parts
        .iter()
        .any(|part| part.bloom.contains_hash(trace.bits()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(n: u64) -> Trace {
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&n.to_le_bytes());
        Trace::of(&Id(hash))
    }

    #[test]
    fn a_hash_that_was_inserted_is_never_missed_however_many_there_are() {
        let filter = Filter::with_room(0);
        let count = 10 * FILTER_KEYS_LEAST as u64;
        filter.insert((0..count).map(trace));
        assert!((0..count).all(|n| filter.may_hold(trace(n))));
    }

    #[test]
    fn few_hashes_that_were_not_inserted_seem_to_be_there() {
        let filter = Filter::with_room(20_000);
        filter.insert((0..20_000).map(trace));
        let wrong = (20_000..120_000).filter(|&n| filter.may_hold(trace(n)));
        assert!(wrong.count() < 1_000);
    }
}
