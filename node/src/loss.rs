//! Messages lost on the way in: a relay's validator that admits some and not others.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use store_adapter::message_hash;

use crate::relay::Validator;

/// How many messages were lost.
#[derive(Clone, Debug, Default)]
pub struct Lost(Arc<AtomicU64>);

impl Lost {
    /// How many were, so far.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Loses so many of a hundred messages. Which ones follows from the seed and their hashes, so
    /// that a message is lost whichever peer it comes from.
    #[must_use]
    pub fn validator(&self, percent: u32, seed: u64) -> Validator {
        let lost = self.clone();
        Validator::new(move |topic, message| {
            let hash = message_hash(topic, message);
            let mut key = hash.0;
            for (byte, of_seed) in key.iter_mut().zip(seed.to_le_bytes()) {
                *byte ^= of_seed;
            }
            let admitted = StdRng::from_seed(key).random_range(0..100) >= percent;
            if !admitted {
                lost.0.fetch_add(1, Ordering::Relaxed);
            }
            admitted
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traffic::Traffic;

    #[test]
    fn about_as_many_are_lost_as_asked_and_others_with_another_seed() {
        let mut traffic = Traffic::new(99, 5);
        let messages: Vec<_> = (0..10_000u64)
            .map(|second| traffic.message(second, second + 1))
            .collect();
        let losses = [1, 2].map(|seed| {
            let lost = Lost::default();
            let validator = lost.validator(10, seed);
            let admitted: Vec<bool> = messages
                .iter()
                .map(|(t, m)| validator.admits(t, m))
                .collect();
            assert!((800..1_200).contains(&lost.count()), "{}", lost.count());
            let again: Vec<bool> = messages
                .iter()
                .map(|(t, m)| validator.admits(t, m))
                .collect();
            assert_eq!(admitted, again);
            admitted
        });
        assert_ne!(losses[0], losses[1]);
    }
}
