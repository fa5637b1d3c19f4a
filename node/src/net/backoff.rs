//! Growing pauses between attempts.

use std::time::Duration;

use super::limits::{FIRST_REDIAL, LAST_REDIAL};

/// The pauses between dials of one peer: doubled from [`FIRST_REDIAL`] to [`LAST_REDIAL`].
#[derive(Debug)]
pub(super) struct Backoff {
    longest: Duration,
}

impl Backoff {
    pub(super) const fn new() -> Self {
        Self {
            longest: FIRST_REDIAL,
        }
    }

    /// The next pause: between half of its length and all of it, by `jitter` from 0 to 1, so that
    /// the peers of a node that comes back don't all dial it in the same moment.
    pub(super) fn pause(&mut self, jitter: f64) -> Duration {
        let longest = self.longest;
        self.longest = (longest * 2).min(LAST_REDIAL);
        longest.mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0)
    }

    /// The pauses start over.
    pub(super) const fn reset(&mut self) {
        self.longest = FIRST_REDIAL;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_bound_and_start_over() {
        let mut backoff = Backoff::new();
        let pauses: Vec<u64> = (0..9).map(|_| backoff.pause(1.0).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(backoff.pause(0.0), LAST_REDIAL / 2);
        backoff.reset();
        assert_eq!(backoff.pause(0.5), FIRST_REDIAL.mul_f64(0.75));
    }
}
