//! How long the spans are that counts are told of.

use std::str::FromStr;

use store_adapter::counts::HOUR;

use crate::cli::time::{DurationArg, nanoseconds};

/// A whole number of hours, as messages are counted by hours: at least one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bucket(u64);

impl Bucket {
    /// An hour.
    pub const HOUR: Self = Self(HOUR);

    /// A bucket of so many nanoseconds, if these are whole hours.
    #[must_use]
    pub fn of_nanoseconds(nanoseconds: u64) -> Option<Self> {
        let whole = nanoseconds > 0 && nanoseconds.is_multiple_of(HOUR);
        whole.then_some(Self(nanoseconds))
    }

    /// Its length in nanoseconds.
    #[must_use]
    pub const fn nanoseconds(self) -> u64 {
        self.0
    }

    /// The start of the bucket of a time, both in nanoseconds since 1970.
    #[must_use]
    pub const fn start_of(self, time: u64) -> u64 {
        time - time % self.0
    }

    /// The end of the last bucket that begins before this time.
    pub(super) const fn end_before(self, time: u64) -> u64 {
        match time % self.0 {
            0 => time,
            behind => time.saturating_add(self.0 - behind),
        }
    }
}

impl Default for Bucket {
    fn default() -> Self {
        Self::HOUR
    }
}

impl FromStr for Bucket {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refuse = || format!("expected a bucket of whole hours, as 1h, 6h or 7d; got `{text}`");
        // A number without a unit would be seconds, which nobody means here.
        if !text.ends_with(|last: char| last.is_ascii_alphabetic()) {
            return Err(refuse());
        }
        let DurationArg(duration) = text.parse().map_err(|_| refuse())?;
        Self::of_nanoseconds(nanoseconds(duration)).ok_or_else(refuse)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_hours_are_read_and_nothing_else() {
        let hours = |text: &str| text.parse::<Bucket>().map(|bucket| bucket.0 / HOUR);
        assert_eq!(hours("1h"), Ok(1));
        assert_eq!(hours("120m"), Ok(2));
        assert_eq!(hours("7d"), Ok(168));
        let most = "99999999999999999d";
        for text in ["", "0h", "30m", "90m", "3600", "1", "h", "-1h", "1w", most] {
            let error = hours(text).unwrap_err();
            assert!(error.contains("6h") && error.contains(text), "{error}");
        }
    }

    #[test]
    fn buckets_begin_at_multiples_of_their_length() {
        let bucket = Bucket(6 * HOUR);
        assert_eq!(bucket.start_of(6 * HOUR), 6 * HOUR);
        assert_eq!(bucket.start_of(12 * HOUR - 1), 6 * HOUR);
        assert_eq!(bucket.end_before(12 * HOUR), 12 * HOUR);
        assert_eq!(bucket.end_before(6 * HOUR + 1), 12 * HOUR);
        assert_eq!(bucket.end_before(u64::MAX), u64::MAX);
    }
}
