//! Items that look random, and what two sets of them differ by.

use std::collections::BTreeSet;

use sync_core::{Id, Item};

/// An id that looks random and is made from a number.
pub(crate) fn id(number: u64) -> Id {
    let mut id = Id::ZERO;
    let mut state = number;
    for word in id.0.chunks_exact_mut(8) {
        // splitmix64 (Steele, Lea, Flood 2014).
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word.copy_from_slice(&(z ^ (z >> 31)).to_le_bytes());
    }
    id
}

/// The ids that only the first holds, and those that only the second holds.
pub(crate) fn true_differences(ours: &[Item], theirs: &[Item]) -> (BTreeSet<Id>, BTreeSet<Id>) {
    let (ours, theirs): (BTreeSet<_>, BTreeSet<_>) =
        (ours.iter().collect(), theirs.iter().collect());
    (
        ours.difference(&theirs).map(|item| item.id).collect(),
        theirs.difference(&ours).map(|item| item.id).collect(),
    )
}
