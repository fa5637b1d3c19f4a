//! Inputs that the benches share: random items, and pairs of sets that differ by so many.

use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use sync_core::{Id, Item};

/// Thirty days in nanoseconds: what timestamps are spread over.
pub const SPAN: u64 = 30 * 86_400 * 1_000_000_000;

/// The first timestamp, nanoseconds since 1970.
pub const START: u64 = 1_700_000_000_000_000_000;

/// So many random items in order, the same for the same seed.
#[must_use]
pub fn items(count: usize, seed: u64) -> Vec<Item> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut items: Vec<Item> = (0..count).map(|_| random_item(&mut rng)).collect();
    items.sort_unstable();
    items
}

/// Two sets of about `count` items that differ by `differences`, half on each side, spread over
/// all time.
#[must_use]
pub fn pair(count: usize, differences: usize, seed: u64) -> (Vec<Item>, Vec<Item>) {
    let shared = items(count.saturating_sub(differences.div_ceil(2)), seed);
    let mut rng = StdRng::seed_from_u64(seed ^ 0x5eed);
    let mut side = |extra: usize| {
        let mut items = shared.clone();
        items.extend((0..extra).map(|_| random_item(&mut rng)));
        items.sort_unstable();
        items
    };
    (side(differences.div_ceil(2)), side(differences / 2))
}

fn random_item(rng: &mut StdRng) -> Item {
    let mut id = Id::ZERO;
    rng.fill_bytes(&mut id.0);
    Item::new(rng.random_range(START..START + SPAN), id)
}
