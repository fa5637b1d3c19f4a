//! Spans of time in which an archive is known to be incomplete: merged where they touch, and
//! bounded in number.

use std::collections::BTreeMap;

use crate::limits::GAPS;

/// Bytes of a span as it is stored.
const SPAN_BYTES: usize = 16;

/// A span of time in nanoseconds since 1970, its end excluded.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Span {
    /// Where it begins.
    pub since: u64,
    /// Where it ends; messages of this time are outside.
    pub until: u64,
}

impl Span {
    /// All times.
    pub const ALL: Self = Self::new(0, u64::MAX);

    /// The times from `since` on and before `until`.
    #[must_use]
    pub const fn new(since: u64, until: u64) -> Self {
        Self { since, until }
    }

    /// Whether no time lies in it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.since >= self.until
    }

    /// How long it is, in nanoseconds.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.until.saturating_sub(self.since)
    }

    /// The times that lie in both.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        Self::new(self.since.max(other.since), self.until.min(other.until))
    }
}

/// A set of times as spans that don't touch, [`GAPS`] at most. One span more closes the shortest
/// distance between two: so the set may say more than it was told, never less.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Gaps {
    /// The end of each span by its start.
    spans: BTreeMap<u64, u64>,
}

impl Gaps {
    /// Adds the times of `span`.
    pub fn insert(&mut self, span: Span) {
        if span.is_empty() {
            return;
        }
        let Span {
            mut since,
            mut until,
        } = span;
        while let Some((start, end)) = self.last_from(until) {
            if end < since {
                break;
            }
            self.spans.remove(&start);
            since = since.min(start);
            until = until.max(end);
        }
        self.spans.insert(since, until);
        self.close_distances();
    }

    /// Takes out the times of `span`.
    pub fn remove(&mut self, span: Span) {
        if span.is_empty() {
            return;
        }
        while let Some((start, end)) = self.last_from(span.until - 1) {
            if end <= span.since {
                break;
            }
            self.spans.remove(&start);
            if span.until < end {
                self.spans.insert(span.until, end);
            }
            if start < span.since {
                self.spans.insert(start, span.since);
                break;
            }
        }
        self.close_distances();
    }

    /// The spans in order.
    pub fn iter(&self) -> impl Iterator<Item = Span> {
        self.spans
            .iter()
            .map(|(since, until)| Span::new(*since, *until))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// How long all of them are, in nanoseconds.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.iter().map(|span| span.length()).sum()
    }

    /// Those parts of `span` that lie in the set, in order.
    #[must_use]
    pub fn within(&self, span: Span) -> Vec<Span> {
        let parts = self.iter().map(|own| own.intersect(&span));
        parts.filter(|part| !part.is_empty()).collect()
    }

    /// Those parts of `span` that don't lie in the set, in order.
    #[must_use]
    pub fn outside(&self, span: Span) -> Vec<Span> {
        let (mut parts, mut since) = (Vec::new(), span.since);
        for inside in self.within(span) {
            parts.push(Span::new(since, inside.since));
            since = inside.until;
        }
        parts.push(Span::new(since, span.until));
        parts.retain(|part| !part.is_empty());
        parts
    }

    /// The set in bytes: for each span start and end, 8 bytes each, big-endian.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.iter()
            .flat_map(|span| [span.since.to_be_bytes(), span.until.to_be_bytes()])
            .flatten()
            .collect()
    }

    /// The set of these bytes; `None` when they aren't those of one.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let spans = bytes.chunks_exact(SPAN_BYTES);
        if !spans.remainder().is_empty() {
            return None;
        }
        let word = |bytes: &[u8]| Some(u64::from_be_bytes(bytes.try_into().ok()?));
        spans
            .map(|span| Some(Span::new(word(&span[..8])?, word(&span[8..])?)))
            .collect()
    }

    /// The last span that begins at `time` or before.
    fn last_from(&self, time: u64) -> Option<(u64, u64)> {
        let (start, end) = self.spans.range(..=time).next_back()?;
        Some((*start, *end))
    }

    fn close_distances(&mut self) {
        while self.spans.len() > GAPS {
            let (ends, starts) = (self.iter(), self.iter().skip(1));
            let distances = ends
                .zip(starts)
                .map(|(left, right)| (right.since - left.until, left.since, right));
            let Some((_, left, right)) = distances.min() else {
                return;
            };
            self.spans.remove(&right.since);
            self.spans.insert(left, right.until);
        }
    }
}

impl FromIterator<Span> for Gaps {
    fn from_iter<T: IntoIterator<Item = Span>>(spans: T) -> Self {
        let mut gaps = Self::default();
        spans.into_iter().for_each(|span| gaps.insert(span));
        gaps
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// Times of the naive twin are few; the set's spans are made of them.
    const TIMES: u64 = 60;

    fn span() -> impl Strategy<Value = Span> {
        (0..TIMES, 0..TIMES).prop_map(|(since, until)| Span::new(since, until))
    }

    fn times(spans: impl IntoIterator<Item = Span>) -> BTreeSet<u64> {
        let times = spans.into_iter().flat_map(|span| span.since..span.until);
        times.collect()
    }

    /// Every span of `gaps` apart from the next, and not empty.
    fn assert_sound(gaps: &Gaps) {
        let spans: Vec<Span> = gaps.iter().collect();
        assert!(spans.iter().all(|span| !span.is_empty()), "{spans:?}");
        assert!(
            spans.windows(2).all(|pair| pair[0].until < pair[1].since),
            "{spans:?}"
        );
        assert!(spans.len() <= GAPS);
    }

    proptest! {
        #[test]
        fn a_set_of_spans_is_the_set_of_its_times(
            changes in proptest::collection::vec((any::<bool>(), span()), 0..40),
            asked in span(),
        ) {
            let (mut gaps, mut twin) = (Gaps::default(), BTreeSet::new());
            for (insert, span) in changes {
                if insert {
                    gaps.insert(span);
                    twin.extend(span.since..span.until);
                } else {
                    gaps.remove(span);
                    twin.retain(|time| !(span.since..span.until).contains(time));
                }
                assert_sound(&gaps);
                prop_assert_eq!(times(gaps.iter()), twin.clone());
            }
            let all = times([asked]);
            prop_assert_eq!(times(gaps.within(asked)), &all & &twin);
            prop_assert_eq!(times(gaps.outside(asked)), &all - &twin);
            prop_assert_eq!(gaps.length(), twin.len() as u64);
            prop_assert_eq!(Gaps::decode(&gaps.encode()), Some(gaps));
        }

        #[test]
        fn over_the_bound_a_set_says_more_and_never_less(
            spans in proptest::collection::vec((0..100_000u64, 1..40u64), GAPS..3 * GAPS),
            removed in proptest::collection::vec((0..100_000u64, 1..4_000u64), 0..9),
        ) {
            let (mut gaps, mut twin) = (Gaps::default(), BTreeSet::new());
            for (since, length) in spans {
                gaps.insert(Span::new(since, since + length));
                twin.extend(since..since + length);
                assert_sound(&gaps);
            }
            for (since, length) in removed {
                gaps.remove(Span::new(since, since + length));
                twin.retain(|time| !(since..since + length).contains(time));
                assert_sound(&gaps);
            }
            prop_assert!(times(gaps.iter()).is_superset(&twin));
        }
    }

    #[test]
    fn the_shortest_distance_is_closed_first() {
        let spans = (0..GAPS as u64).map(|n| Span::new(n * 100, n * 100 + 10));
        let mut gaps: Gaps = spans.collect();
        assert_eq!(gaps.iter().count(), GAPS);
        gaps.insert(Span::new(515, 520));
        assert_eq!(gaps.iter().count(), GAPS);
        assert!(gaps.iter().any(|span| span == Span::new(500, 520)));
    }

    #[test]
    fn the_ends_of_time_are_times_like_others() {
        let mut gaps: Gaps = [Span::ALL].into_iter().collect();
        gaps.remove(Span::new(5, u64::MAX));
        assert_eq!(gaps.iter().collect::<Vec<_>>(), [Span::new(0, 5)]);
        gaps.insert(Span::new(u64::MAX - 1, u64::MAX));
        gaps.remove(Span::new(0, 5));
        assert_eq!(gaps.length(), 1);
        assert_eq!(Gaps::decode(&[0; 15]), None);
    }
}
