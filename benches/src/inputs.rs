//! Random items, and pairs of sets that differ by so many.

use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use sync_core::{Id, Item, RangeTree, View};

/// Thirty days in nanoseconds: what timestamps are spread over.
pub const SPAN: u64 = 30 * 86_400 * 1_000_000_000;

/// An hour in nanoseconds.
pub const HOUR: u64 = 3_600 * 1_000_000_000;

/// The first timestamp, nanoseconds since 1970.
pub const START: u64 = 1_700_000_000_000_000_000;

/// Where the differences of a pair lie.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Placement {
    /// Anywhere in time.
    Spread,
    /// In the newest hour.
    Recent,
}

/// Two sets in order, and what each of them lacks.
#[derive(Clone, Debug)]
pub struct Pair {
    /// The initiator's items.
    pub left: Vec<Item>,
    /// The responder's items.
    pub right: Vec<Item>,
    /// The ids that only `left` has, in order.
    pub have: Vec<Id>,
    /// The ids that only `right` has, in order.
    pub need: Vec<Id>,
}

/// So many random items in order, the same for the same seed.
#[must_use]
pub fn items(count: usize, seed: u64) -> Vec<Item> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut items: Vec<Item> = (0..count).map(|_| random_item(&mut rng, SPAN)).collect();
    items.sort_unstable();
    items
}

/// Two sets of about `count` items that differ by `differences`, half on each side.
#[must_use]
pub fn pair(count: usize, differences: usize, placement: Placement, seed: u64) -> Pair {
    let shared = items(count.saturating_sub(differences.div_ceil(2)), seed);
    let mut rng = StdRng::seed_from_u64(seed ^ 0x5eed);
    let newest = match placement {
        Placement::Spread => SPAN,
        Placement::Recent => HOUR,
    };
    let mut side = |extra: usize| {
        let extra: Vec<Item> = (0..extra).map(|_| random_item(&mut rng, newest)).collect();
        let mut items = shared.clone();
        items.extend_from_slice(&extra);
        items.sort_unstable();
        let mut ids: Vec<Id> = extra.into_iter().map(|item| item.id).collect();
        ids.sort_unstable();
        (items, ids)
    };
    let (left, have) = side(differences.div_ceil(2));
    let (right, need) = side(differences / 2);
    Pair {
        left,
        right,
        have,
        need,
    }
}

/// An item in the newest `newest` nanoseconds of all.
fn random_item(rng: &mut StdRng, newest: u64) -> Item {
    let mut id = Id::ZERO;
    rng.fill_bytes(&mut id.0);
    Item::new(rng.random_range(START + SPAN - newest..START + SPAN), id)
}

/// The items as a tree.
///
/// # Panics
/// When they aren't in order.
#[must_use]
pub fn tree(items: &[Item]) -> RangeTree {
    RangeTree::from_sorted(items.iter().copied()).expect("the items of a pair are in order")
}

/// The items as a view of so many trees, each item in the one that its id says, as topics would.
///
/// # Panics
/// When the items aren't in order.
#[must_use]
pub fn view(items: &[Item], shards: usize) -> View<RangeTree> {
    let shard = |number: usize| {
        let of_shard = items
            .iter()
            .filter(move |item| usize::from(item.id.0[0]) % shards == number);
        RangeTree::from_sorted(of_shard.copied()).expect("the items of a pair are in order")
    };
    (0..shards).map(shard).collect()
}
