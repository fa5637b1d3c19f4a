//! A time of now that a clock set wrong for a while can't throw off.

use std::time::Duration;

use crate::limits::{CLOCK_DOUBT, CLOCK_JUMP};

/// Follows the system's clock, but not at once where it jumps ahead: messages removed because of
/// that wouldn't come back. A clock that jumps back is followed at once, since then less is removed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SteadyClock {
    /// What it said at `passed`.
    told: u64,
    /// Time that had passed then, by a clock that nobody sets.
    passed: u64,
    /// When the system's clock began to be ahead, by the clock that nobody sets.
    ahead_since: Option<u64>,
}

impl SteadyClock {
    /// Starts at `now` (nanoseconds since 1970), which is believed.
    #[must_use]
    pub const fn new(now: u64) -> Self {
        Self {
            told: now,
            passed: 0,
            ahead_since: None,
        }
    }

    /// The time to count back from, in nanoseconds since 1970, when the system's clock shows `now`
    /// and `passed` has gone by since the start; tells too whether `now` is doubted.
    pub fn read(&mut self, now: u64, passed: Duration) -> (u64, bool) {
        let passed = u64::try_from(passed.as_nanos()).unwrap_or(u64::MAX);
        let expected = self.told.saturating_add(passed.saturating_sub(self.passed));
        let ahead = now > expected.saturating_add(CLOCK_JUMP);
        self.ahead_since = ahead.then(|| self.ahead_since.unwrap_or(passed));
        let doubted = self
            .ahead_since
            .is_some_and(|since| passed.saturating_sub(since) < CLOCK_DOUBT);
        self.told = if doubted { expected } else { now };
        self.passed = passed;
        if !doubted {
            self.ahead_since = None;
        }
        (self.told, doubted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600_000_000_000;
    const START: u64 = 1_000_000 * HOUR;

    fn at(clock: &mut SteadyClock, now: u64, passed: u64) -> (u64, bool) {
        clock.read(now, Duration::from_nanos(passed))
    }

    #[test]
    fn a_clock_that_runs_is_followed() {
        let mut clock = SteadyClock::new(START);
        for hours in 1..50 {
            let now = START + hours * HOUR;
            assert_eq!(at(&mut clock, now, hours * HOUR), (now, false));
        }
        let slow = START + 49 * HOUR + CLOCK_JUMP;
        assert_eq!(at(&mut clock, slow, 49 * HOUR), (slow, false));
    }

    #[test]
    fn a_jump_ahead_is_doubted_for_an_hour_and_forgotten_when_it_is_taken_back() {
        let mut clock = SteadyClock::new(START);
        let far = START + 10_000 * HOUR;
        assert_eq!(at(&mut clock, far, 1), (START + 1, true));
        assert_eq!(at(&mut clock, far + HOUR - 1, HOUR), (START + HOUR, true));
        let right = START + HOUR + 1;
        assert_eq!(at(&mut clock, right, HOUR + 1), (right, false));
        // A second jump is doubted as long as the first.
        let passed = 2 * HOUR;
        assert!(at(&mut clock, far, passed).1);
        assert!(at(&mut clock, far, passed + HOUR - 1).1);
        assert_eq!(at(&mut clock, far, passed + HOUR), (far, false));
        let later = far + HOUR;
        assert_eq!(at(&mut clock, later, passed + 2 * HOUR), (later, false));
    }

    #[test]
    fn a_jump_back_is_followed_at_once() {
        let mut clock = SteadyClock::new(START);
        assert_eq!(at(&mut clock, START - HOUR, 5), (START - HOUR, false));
        assert_eq!(at(&mut clock, 0, 6), (0, false));
        let on = START - HOUR;
        assert_eq!(
            at(&mut clock, on, 7),
            (8 - 7, true),
            "it was believed to be 0"
        );
    }
}
