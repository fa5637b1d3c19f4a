//! So many in such a time.

use std::fmt;
use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use governor::Quota;

use super::limits::{BYTES_PER_CELL, LONGEST_PERIOD};

/// A bucket: so many are in it when it is full, and it fills in such a time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rate {
    volume: NonZeroU64,
    period: Duration,
}

/// Why a volume and a period make no rate.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RateError {
    /// One or both are zero.
    #[error("expected a volume and a period above zero")]
    Zero,
    /// The period is too long.
    #[error("expected a period of a year at most")]
    Period,
    /// More than can be told apart.
    #[error("expected at most 1,000,000,000 requests or 64 GB a second")]
    TooFast,
}

impl Rate {
    /// A rate of `volume` (requests, or bytes) in each `period`.
    ///
    /// # Errors
    /// When that is none, or too many to be counted.
    pub fn new(volume: u64, period: Duration) -> Result<Self, RateError> {
        let volume = NonZeroU64::new(volume).ok_or(RateError::Zero)?;
        if period.is_zero() {
            return Err(RateError::Zero);
        }
        if period > LONGEST_PERIOD {
            return Err(RateError::Period);
        }
        Ok(Self { volume, period })
    }

    /// So many a second.
    #[must_use]
    pub(super) const fn per_second(volume: NonZeroU64) -> Self {
        Self {
            volume,
            period: Duration::from_secs(1),
        }
    }

    /// How many there are in a full bucket.
    #[must_use]
    pub const fn volume(&self) -> u64 {
        self.volume.get()
    }

    /// How long it takes to fill.
    #[must_use]
    pub const fn period(&self) -> Duration {
        self.period
    }

    /// How many come in a second, over time.
    #[must_use]
    pub fn a_second(&self) -> f64 {
        self.volume.get() as f64 / self.period.as_secs_f64()
    }

    /// A part of it: so many of so many.
    #[must_use]
    pub(super) fn part(&self, (part, of): (u64, u64)) -> Self {
        let volume = u128::from(self.volume.get()) * u128::from(part) / u128::from(of.max(1));
        let volume = u64::try_from(volume).unwrap_or(u64::MAX);
        Self {
            volume: NonZeroU64::new(volume).unwrap_or(NonZeroU64::MIN),
            period: self.period,
        }
    }

    /// A bucket of requests.
    pub(super) fn requests(&self) -> Result<Quota, RateError> {
        quota(self.volume.get(), self.period)
    }

    /// A bucket of bytes, in cells of [`BYTES_PER_CELL`].
    pub(super) fn bytes(&self) -> Result<Quota, RateError> {
        quota(self.volume.get().div_ceil(BYTES_PER_CELL), self.period)
    }
}

fn quota(cells: u64, period: Duration) -> Result<Quota, RateError> {
    let nanoseconds = period.as_nanos() / u128::from(cells);
    let each = u64::try_from(nanoseconds).map_err(|_| RateError::Period)?;
    let quota = Quota::with_period(Duration::from_nanos(each)).ok_or(RateError::TooFast)?;
    let burst = u32::try_from(cells).unwrap_or(u32::MAX);
    Ok(quota.allow_burst(NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN)))
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{:?}", self.volume, self.period)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_from_one_a_year_to_what_can_be_told_apart_make_buckets() {
        let second = Duration::from_secs(1);
        assert_eq!(Rate::new(0, second), Err(RateError::Zero));
        assert_eq!(Rate::new(1, Duration::ZERO), Err(RateError::Zero));
        assert!(Rate::new(1, LONGEST_PERIOD).unwrap().requests().is_ok());
        let longer = LONGEST_PERIOD + Duration::from_nanos(1);
        assert_eq!(Rate::new(1, longer), Err(RateError::Period));
        let fastest = Rate::new(1_000_000_000, second).unwrap();
        assert!(fastest.requests().is_ok());
        let faster = Rate::new(1_000_000_001, second).unwrap();
        assert_eq!(faster.requests(), Err(RateError::TooFast));
        assert!(Rate::new(64_000_000_000, second).unwrap().bytes().is_ok());
        let faster = Rate::new(64_000_000_001, second).unwrap();
        assert_eq!(faster.bytes(), Err(RateError::TooFast));
    }

    #[test]
    fn a_part_is_never_nothing_and_never_overflows() {
        let rate = |volume| Rate::new(volume, Duration::from_secs(1)).unwrap();
        assert_eq!(rate(1_000).part((3, 4)).volume(), 750);
        assert_eq!(rate(1).part((3, 4)).volume(), 1);
        assert_eq!(rate(u64::MAX).part((3, 4)).volume(), u64::MAX / 4 * 3 + 2);
    }
}
