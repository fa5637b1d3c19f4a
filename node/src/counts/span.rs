//! What counts are asked for.

use super::bucket::Bucket;

/// The times that counts are asked for: whole buckets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CountsSpan {
    bucket: Bucket,
    since: u64,
    until: u64,
}

impl CountsSpan {
    /// The buckets of the times from `since` to before `until`, in nanoseconds since 1970; none unless
    /// `since` lies before `until`.
    #[must_use]
    pub fn new(bucket: Bucket, since: u64, until: u64) -> Self {
        let start = bucket.start_of(since);
        let end = match since < until {
            true => bucket.end_before(until),
            false => start,
        };
        Self {
            bucket,
            since: start,
            until: end,
        }
    }

    /// How long its buckets are.
    #[must_use]
    pub const fn bucket(&self) -> Bucket {
        self.bucket
    }

    /// Where its first bucket begins, in nanoseconds since 1970.
    #[must_use]
    pub const fn since(&self) -> u64 {
        self.since
    }

    /// Where its last bucket ends, in nanoseconds since 1970.
    #[must_use]
    pub const fn until(&self) -> u64 {
        self.until
    }
}

#[cfg(test)]
mod tests {
    use store_adapter::counts::HOUR;

    use super::*;

    #[test]
    fn a_span_is_of_the_buckets_that_its_times_lie_in() {
        let span = |since, until| {
            let span = CountsSpan::new(Bucket::HOUR, since, until);
            (span.since() / HOUR, span.until() / HOUR)
        };
        assert_eq!(span(0, 2 * HOUR), (0, 2));
        assert_eq!(span(HOUR + 5, HOUR + 6), (1, 2));
        assert_eq!(span(HOUR + 5, HOUR + 5), (1, 1));
        assert_eq!(span(3 * HOUR, HOUR), (3, 3));
    }
}
