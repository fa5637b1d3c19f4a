//! The time that is counted, and its buckets.

use super::limits::BUCKETS;
use crate::sync::report::grouped;

/// A span of time, parted into buckets that start at multiples of their width since 1970; the first and the last
/// may be cut short.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    since: u64,
    until: u64,
    width: u64,
}

/// Why a span can't be counted.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SpanError {
    /// Buckets without any width.
    #[error("a bucket of no time at all: give --bucket a duration like 1h")]
    NoWidth,
    /// More buckets than there may be.
    #[error(
        "{} buckets are more than {}: give a longer --bucket, or less time",
        grouped(*buckets),
        grouped(BUCKETS as u64)
    )]
    TooMany {
        /// So many.
        buckets: u64,
    },
}

impl Span {
    /// From `since` on and before `until`, by buckets of `width`, all in nanoseconds; `None` if that is no time.
    ///
    /// # Errors
    /// When the width is 0, or there are too many buckets.
    pub fn new(since: u64, until: u64, width: u64) -> Result<Option<Self>, SpanError> {
        if width == 0 {
            return Err(SpanError::NoWidth);
        }
        if since >= until {
            return Ok(None);
        }
        let buckets = (until - 1) / width - since / width + 1;
        if buckets > BUCKETS as u64 {
            return Err(SpanError::TooMany { buckets });
        }
        Ok(Some(Self {
            since,
            until,
            width,
        }))
    }

    /// Where it starts, included, in nanoseconds since 1970.
    #[must_use]
    pub const fn since(&self) -> u64 {
        self.since
    }

    /// Where it ends, excluded, in nanoseconds since 1970.
    #[must_use]
    pub const fn until(&self) -> u64 {
        self.until
    }

    /// How long a bucket is, in nanoseconds.
    #[must_use]
    pub const fn width(&self) -> u64 {
        self.width
    }

    /// How many buckets there are, at least one.
    #[must_use]
    pub const fn buckets(&self) -> usize {
        // At most BUCKETS.
        ((self.until - 1) / self.width - self.since / self.width + 1) as usize
    }

    /// Start, included, and end, excluded, of a bucket; the last one's if there aren't so many.
    #[must_use]
    pub fn bucket(&self, number: usize) -> (u64, u64) {
        let number = number.min(self.buckets() - 1) as u64;
        let start = (self.since / self.width + number) * self.width;
        let end = start.saturating_add(self.width);
        (start.max(self.since), end.min(self.until))
    }

    /// The first bucket that doesn't lie wholly before a time; so many as there are if each does.
    #[must_use]
    pub fn first_not_before(&self, time: u64) -> usize {
        if time >= self.until {
            return self.buckets();
        }
        self.bucket_of(time).unwrap_or(0)
    }

    /// The bucket of a time; `None` for one outside.
    #[must_use]
    pub fn bucket_of(&self, time: u64) -> Option<usize> {
        let inside = (self.since..self.until).contains(&time);
        inside.then(|| (time / self.width - self.since / self.width) as usize)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn buckets_start_at_multiples_and_end_with_the_span() {
        let span = Span::new(25, 52, 10).unwrap().unwrap();
        let buckets: Vec<_> = (0..span.buckets()).map(|n| span.bucket(n)).collect();
        assert_eq!(buckets, [(25, 30), (30, 40), (40, 50), (50, 52)]);
        assert_eq!(Span::new(5, 5, 10), Ok(None));
        assert_eq!(Span::new(6, 5, 10), Ok(None));
        assert_eq!(Span::new(0, 5, 0), Err(SpanError::NoWidth));
    }

    #[test]
    fn there_are_no_more_buckets_than_may_be() {
        let most = BUCKETS as u64;
        assert!(matches!(Span::new(0, most, 1), Ok(Some(_))));
        let error = Span::new(0, most + 1, 1).unwrap_err();
        assert_eq!(error, SpanError::TooMany { buckets: most + 1 });
        assert!(error.to_string().contains("5,001"), "{error}");
        assert!(Span::new(0, u64::MAX, 1).is_err());
        assert!(matches!(Span::new(0, u64::MAX, u64::MAX), Ok(Some(_))));
    }

    proptest! {
        #[test]
        fn every_time_lies_in_its_bucket(
            since: u64, length in 1u64..10_000, width in 3u64..5_000, time in 0u64..12_000,
        ) {
            let until = since.saturating_add(length);
            prop_assume!(since < until);
            let span = Span::new(since, until, width).unwrap().unwrap();
            let time = since.saturating_add(time).saturating_sub(1_000);
            match span.bucket_of(time) {
                Some(number) => {
                    let (start, end) = span.bucket(number);
                    prop_assert!(number < span.buckets() && (start..end).contains(&time));
                }
                None => prop_assert!(time < since || time >= until),
            }
            let first = (0..span.buckets()).find(|number| span.bucket(*number).1 > time);
            prop_assert_eq!(span.first_not_before(time), first.unwrap_or(span.buckets()));
            let whole: u64 = (0..span.buckets()).map(|n| span.bucket(n)).map(|(s, e)| e - s).sum();
            prop_assert_eq!(whole, until - since);
        }
    }
}
