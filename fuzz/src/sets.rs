//! Pairs of sets made from few bytes: spread, clustered and equal timestamps, ids with long prefixes in
//! common, and differences anywhere.

use std::collections::BTreeSet;

use arbitrary::Arbitrary;
use sync_core::{Id, Item};

/// What nanoseconds lie between an item and the next, one of these.
const STEPS: [u64; 10] = [0, 1, 2, 7, 8, 9, 1_000, 1_000_000, 1_000_000_000, 1 << 54];

/// A recent time, in nanoseconds.
const RECENT: u64 = 1_700_000_000_000_000_000;

/// Items that follow each other.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub struct Cluster {
    start: Start,
    step: u8,
    /// So many items in a row have one timestamp.
    run: u8,
    count: u16,
    seed: u8,
    similar_ids: bool,
    /// One in so many is held by one side only; 0 for none.
    only_one_in: u8,
    by: Holder,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Start {
    Early(u8),
    Recent(u16),
    /// So long before the end of what can be.
    Late(u8),
    Any(u64),
}

/// Who holds the items that are held by one side only.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Holder {
    Left,
    Right,
    InTurns,
}

impl Cluster {
    fn items(&self, end: u64, most: usize) -> impl Iterator<Item = (Item, bool, bool)> {
        let start = match self.start {
            Start::Early(time) => u64::from(time),
            Start::Recent(second) => RECENT + u64::from(second) * 1_000_000_000,
            Start::Late(back) => end - 1 - u64::from(back),
            Start::Any(time) => time,
        };
        let step = STEPS[usize::from(self.step) % STEPS.len()];
        let count = u64::from(self.count).min(most as u64);
        let cluster = *self;
        (0..count).map(move |number| {
            let runs = number / u64::from(cluster.run.max(1));
            let time = start.saturating_add(runs.saturating_mul(step)).min(end - 1);
            let (left, right) = cluster.holders(number);
            (Item::new(time, cluster.id(number, time)), left, right)
        })
    }

    fn id(&self, number: u64, time: u64) -> Id {
        let mut id = id(number << 8 | u64::from(self.seed), time);
        if self.similar_ids {
            id.0[..20].fill(7);
        }
        id
    }

    fn holders(&self, number: u64) -> (bool, bool) {
        let every = u64::from(self.only_one_in);
        if every == 0 || !number.is_multiple_of(every) {
            return (true, true);
        }
        match self.by {
            Holder::Left => (true, false),
            Holder::Right => (false, true),
            Holder::InTurns => {
                let left = (number / every).is_multiple_of(2);
                (left, !left)
            }
        }
    }
}

/// What two sides hold, each in order; at most `most` items together, all before the time `end`.
pub fn pair(clusters: &[Cluster], end: u64, most: usize) -> (Vec<Item>, Vec<Item>) {
    let (mut ours, mut theirs) = (BTreeSet::new(), BTreeSet::new());
    let mut room = most;
    for cluster in clusters {
        for (item, left, right) in cluster.items(end, room) {
            room -= 1;
            if left {
                ours.insert(item);
            }
            if right {
                theirs.insert(item);
            }
        }
    }
    (ours.into_iter().collect(), theirs.into_iter().collect())
}

/// An id that looks random, as hashes do: ids that somebody chose could hide from a sum or an xor.
pub fn id(number: u64, time: u64) -> Id {
    let mut id = Id::ZERO;
    let mut state = number ^ time.rotate_left(32);
    for word in id.0.chunks_exact_mut(8) {
        // splitmix64 (Steele, Lea, Flood 2014).
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word.copy_from_slice(&(mixed ^ (mixed >> 31)).to_le_bytes());
    }
    id
}

/// The ids of `ours` that aren't in `theirs`.
pub fn missing(ours: &[Item], theirs: &[Item]) -> BTreeSet<Id> {
    let theirs: BTreeSet<&Item> = theirs.iter().collect();
    let only_ours = ours.iter().filter(|item| !theirs.contains(item));
    only_ours.map(|item| item.id).collect()
}
