//! Sets for property tests: clustered, with equal timestamps, and with times that are bounds.

use std::collections::BTreeSet;

use proptest::prelude::*;
use sync_core::{Id, Item, Range, Scope};

use crate::support::archive::Archive;

/// Where the windows begin; a time of our days, as real frames have.
pub(crate) const BEGIN: u64 = 1_700_000_000_000_000_000;

/// What each of two sides holds, and the times they talk about.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    pub(crate) left: Vec<Item>,
    pub(crate) right: Vec<Item>,
    pub(crate) length: u64,
}

impl Pair {
    pub(crate) fn window(&self) -> Range {
        Range::of_times(BEGIN, BEGIN + self.length)
    }

    pub(crate) fn scope(&self) -> Scope {
        Scope::of_window(self.window())
    }

    pub(crate) fn archives(&self) -> (Archive, Archive) {
        (
            Archive::of_items(self.left.iter().copied()),
            Archive::of_items(self.right.iter().copied()),
        )
    }
}

/// The item of this number at a time, its id scattered.
pub(crate) fn item(timestamp: u64, number: u64) -> Item {
    let mut id = Id::ZERO;
    let mut state = number ^ timestamp.rotate_left(17);
    for chunk in id.0.chunks_exact_mut(8) {
        // SplitMix64, whose constants are Steele, Lea and Flood's.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        chunk.copy_from_slice(&(word ^ (word >> 31)).to_le_bytes());
    }
    Item::new(timestamp, id)
}

/// An item whose id is zero, the only one that can equal a bound.
pub(crate) fn zero(timestamp: u64) -> Item {
    Item::new(timestamp, Id::ZERO)
}

/// Two sides of up to about 1,500 items.
pub(crate) fn pairs() -> impl Strategy<Value = Pair> {
    lengths()
        .prop_flat_map(|length| (Just(length), items(length), shares(), any::<u64>()))
        .prop_map(|(length, items, shares, seed)| split(length, &items, shares, seed))
}

/// Windows down to the shortest, and such as divide by eight with and without a rest.
fn lengths() -> impl Strategy<Value = u64> {
    prop_oneof![
        2 => 1..40_u64,
        2 => 40..4_000_u64,
        2 => Just(3_600_000_000_000_u64),
        1 => 1..3_600_000_000_000_u64,
    ]
}

/// How many of 100 items only the left and only the right side has.
fn shares() -> impl Strategy<Value = (u64, u64)> {
    prop_oneof![
        6 => (0..3_u64, 0..3_u64),
        2 => (0..50_u64, 0..50_u64),
        1 => Just((100, 0)),
        1 => Just((0, 100)),
        1 => Just((0, 0)),
    ]
}

/// Runs of one timestamp, clusters, spread items, and items at the bounds of equal divisions.
fn items(length: u64) -> impl Strategy<Value = Vec<Item>> {
    let at = move |offset: u64| BEGIN + offset % (length + 1);
    let run = (any::<u64>(), 1..260_u64).prop_map(move |(offset, count)| {
        (0..count)
            .map(|number| item(at(offset), number))
            .collect::<Vec<_>>()
    });
    let cluster = (any::<u64>(), 1..300_u64, 1..60_u64).prop_map(move |(offset, count, width)| {
        (0..count)
            .map(|number| item(at(offset.wrapping_add(number * 7 % width)), number + 1_000))
            .collect()
    });
    let spread = (any::<u64>(), 1..400_u64).prop_map(move |(seed, count)| {
        (0..count)
            .map(|number| item(at(seed.wrapping_mul(number * 2 + 1)), number + 2_000))
            .collect()
    });
    let bounds = (0..=8_u64, 0..=8_u64, 0..3_u64).prop_map(move |(eighth, part, number)| {
        let time = at(length * eighth / 8 + length / 64 * part);
        vec![item(time, number + 3_000)]
    });
    let part = prop_oneof![run, cluster, spread, bounds];
    prop::collection::vec(part, 0..6).prop_map(|parts| parts.concat())
}

fn split(length: u64, items: &[Item], shares: (u64, u64), seed: u64) -> Pair {
    let items: BTreeSet<Item> = items.iter().copied().collect();
    let draw = |item: &Item| (u64::from_le_bytes(item.id.0[..8].try_into().unwrap()) ^ seed) % 100;
    let (left_only, right_only) = shares;
    Pair {
        left: items
            .iter()
            .filter(|item| draw(item) < 100 - right_only)
            .copied()
            .collect(),
        right: items
            .iter()
            .filter(|item| draw(item) >= left_only)
            .copied()
            .collect(),
        length,
    }
}
