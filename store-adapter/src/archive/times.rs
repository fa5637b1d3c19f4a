//! When the messages of hashes are from, so that they are looked for only where messages of those times
//! are.
//!
//! Learned from whatever passes: the index is read at the start, then what is stored, followed and
//! found. It is a hint: a hash may have no time here, another one's, or that of a message that has gone.

use std::sync::{Mutex, MutexGuard, PoisonError};

use hashbrown::HashTable;
use sync_core::{Id, Item};

use crate::archive::trace::Trace;
use crate::limits::ARCHIVE_TIMES_REMEMBERED;

/// Tables that are locked apart, so that one that grows holds up few: a power of two.
const TABLES: usize = 16;

/// How many hashes each table remembers before it forgets the older half.
const OF_A_TABLE: usize = ARCHIVE_TIMES_REMEMBERED / TABLES;

/// What is remembered of so many hashes at most: 12 bytes of each, in tables of which at least 7/16 are
/// in use once they grow.
#[derive(Debug, Default)]
pub(in crate::archive) struct Times {
    tables: [Mutex<Generations>; TABLES],
}

/// Two tables, of which the older is forgotten when the newer is full.
#[derive(Debug, Default)]
struct Generations {
    new: HashTable<Entry>,
    old: HashTable<Entry>,
}

/// A part of a hash's trace and the timestamp, in halves, which take no more room than they need.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Entry {
    tag: u32,
    timestamp: [u32; 2],
}

impl Entry {
    const fn new(tag: u32, timestamp: u64) -> Self {
        Self {
            tag,
            timestamp: [(timestamp >> 32) as u32, timestamp as u32],
        }
    }

    const fn timestamp(self) -> u64 {
        (self.timestamp[0] as u64) << 32 | self.timestamp[1] as u64
    }

    /// The table takes its place from the low bits, and a check from the high ones.
    const fn spread(tag: u32) -> u64 {
        (tag as u64) << 32 | tag as u64
    }
}

impl Generations {
    fn learn(&mut self, entry: Entry) {
        let place = Entry::spread(entry.tag);
        let is_entry = |known: &Entry| *known == entry;
        let tables = [&self.new, &self.old];
        // Also if only the older one has it: a history that fits stays whole however often it is read.
        if tables
            .iter()
            .any(|table| table.find(place, is_entry).is_some())
        {
            return;
        }
        if self.new.len() >= OF_A_TABLE / 2 {
            self.old = std::mem::take(&mut self.new);
        }
        let spread = |known: &Entry| Entry::spread(known.tag);
        self.new.insert_unique(place, entry, spread);
    }

    /// The times that hashes of this tag are known to have, newest knowledge first.
    fn of(&self, tag: u32) -> impl Iterator<Item = u64> + '_ {
        let tables = [&self.new, &self.old];
        let entries = tables
            .into_iter()
            .flat_map(move |table| table.iter_hash(Entry::spread(tag)));
        let of_tag = entries.filter(move |entry| entry.tag == tag);
        of_tag.map(|entry| entry.timestamp())
    }
}

impl Times {
    pub(in crate::archive) fn learn(&self, items: impl IntoIterator<Item = Item>) {
        for item in items {
            let (mut generations, tag) = self.table(&item.id);
            generations.learn(Entry::new(tag, item.timestamp));
        }
    }

    /// Where the messages of these hashes may be.
    pub(in crate::archive) fn likely<'a>(
        &self,
        hashes: impl IntoIterator<Item = &'a Id>,
    ) -> Vec<Item> {
        let mut likely = Vec::new();
        for id in hashes {
            let (generations, tag) = self.table(id);
            let times = generations.of(tag);
            likely.extend(times.map(|timestamp| Item::new(timestamp, *id)));
        }
        likely
    }

    /// The table that knows a hash, and what it knows it by.
    fn table(&self, id: &Id) -> (MutexGuard<'_, Generations>, u32) {
        let bits = Trace::of(id).bits();
        let table = &self.tables[(bits >> 32) as usize % TABLES];
        // Every entry is right by itself, so poison is no news.
        let generations = table.lock().unwrap_or_else(PoisonError::into_inner);
        (generations, bits as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(number: usize) -> Item {
        let mut id = Id::ZERO;
        id.0[..8].copy_from_slice(&number.to_be_bytes());
        Item::new((number as u64) << 20, id)
    }

    /// Different for each number, and spread as traces are.
    fn tag(number: usize) -> u32 {
        (number as u32).wrapping_mul(0x9e37_79b1)
    }

    #[test]
    fn what_was_learned_is_likely_and_nothing_else_of_a_few() {
        let times = Times::default();
        times.learn((0..100_000).map(item));
        for number in 0..100_000 {
            let item = item(number);
            assert!(times.likely([&item.id]).contains(&item));
        }
        // Of 32 bits each, 16 tables and 100,000 entries: a false one in some 7,000 trials of all.
        let others = (100_000..100_010).map(item);
        let false_ones: usize = others.map(|item| times.likely([&item.id]).len()).sum();
        assert!(false_ones < 2);
    }

    #[test]
    fn what_is_learned_again_takes_no_more_room_and_all_times_of_a_tag_are_given() {
        let mut generations = Generations::default();
        for timestamp in [5, u64::MAX, 5, 7] {
            generations.learn(Entry::new(9, timestamp));
        }
        assert_eq!(generations.new.len(), 3);
        let mut times: Vec<u64> = generations.of(9).collect();
        times.sort_unstable();
        assert_eq!(times, [5, 7, u64::MAX]);
        assert_eq!(generations.of(8).count(), 0);
    }

    #[test]
    fn a_history_that_fits_is_remembered_whole_however_often_it_is_read() {
        let mut generations = Generations::default();
        let count = OF_A_TABLE / 4 * 3;
        for _ in 0..3 {
            for number in 0..count {
                generations.learn(Entry::new(tag(number), 1));
            }
        }
        assert!((0..count).all(|number| generations.of(tag(number)).count() == 1));
    }

    #[test]
    fn the_newest_are_known_and_the_number_is_bounded() {
        let mut generations = Generations::default();
        let count = 2 * OF_A_TABLE;
        for number in 0..count {
            generations.learn(Entry::new(tag(number), 1));
            assert!(generations.new.len() + generations.old.len() <= OF_A_TABLE);
        }
        let is_known = |number| generations.of(tag(number)).count() == 1;
        assert!((count - OF_A_TABLE / 2..count).all(is_known));
        assert!(!is_known(0));
    }
}
