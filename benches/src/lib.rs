//! Inputs that the benches share: random items, and pairs of sets that differ by so many; and the
//! clock that they measure by.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use rustix::time::{ClockId, clock_gettime};
use sync_core::{Id, Item};

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

/// The processor time that this thread has taken so far.
#[must_use]
pub fn thread_cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or_default(),
        u32::try_from(time.tv_nsec).unwrap_or_default(),
    )
}

/// An item in the newest `newest` nanoseconds of all.
fn random_item(rng: &mut StdRng, newest: u64) -> Item {
    let mut id = Id::ZERO;
    rng.fill_bytes(&mut id.0);
    Item::new(rng.random_range(START + SPAN - newest..START + SPAN), id)
}
