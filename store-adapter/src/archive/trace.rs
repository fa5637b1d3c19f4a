//! What tables in memory know a hash by.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::OnceLock;

use siphasher::sip::SipHasher13;
use sync_core::Id;

/// Sixty-four bits of a hash. Keyed anew in each process, so that nobody can choose hashes that a table
/// takes for each other.
#[derive(Clone, Copy, Debug)]
pub(in crate::archive) struct Trace(u64);

impl Trace {
    pub(in crate::archive) fn of(hash: &Id) -> Self {
        static KEYS: OnceLock<(u64, u64)> = OnceLock::new();
        let (first, second) = *KEYS.get_or_init(|| {
            let random = RandomState::new();
            (random.hash_one(1u8), random.hash_one(2u8))
        });
        Self(SipHasher13::new_with_keys(first, second).hash(&hash.0))
    }

    pub(in crate::archive) const fn bits(self) -> u64 {
        self.0
    }
}
