//! The ranges of one frame as they are drawn: side by side from the first position to the last, and never
//! more than a bound of them.

use serde::Serialize;
use utoipa::ToSchema;

use super::limits::RANGES_DRAWN;

/// What a frame says of a range, the least telling first: of ranges that are drawn as one the most
/// telling counts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Said {
    /// Nothing: both sides agree, or the sender leaves it.
    Skip,
    /// It couldn't be read.
    Unread,
    /// A fingerprint of the items in it.
    Fingerprint,
    /// The ids of the items in it.
    Ids,
}

/// Neighbouring ranges that are drawn as one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Drawn {
    /// Where it ends, in nanoseconds since 1970; it starts where the one before ends.
    pub(super) until: u64,
    pub(super) said: Said,
    /// How many ranges it is.
    pub(super) ranges: u32,
    /// How many ids they list.
    pub(super) ids: u64,
}

/// How many ranges of each kind a frame has, and how many ids it lists.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RangeTally {
    /// Ranges that are skipped.
    pub skips: u64,
    /// Ranges with a fingerprint.
    pub fingerprints: u64,
    /// Ranges whose ids are listed.
    pub lists: u64,
    /// Ids in these lists.
    pub ids: u64,
}

/// The ranges of a frame, from the beginning of time to its end.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Strip {
    drawn: Vec<Drawn>,
    pub(super) tally: RangeTally,
}

impl Strip {
    /// Takes the next range, which ends at `until` (nanoseconds since 1970).
    pub(super) fn push(&mut self, until: u64, said: Said, ids: u64) {
        match said {
            Said::Skip => self.tally.skips += 1,
            Said::Fingerprint => self.tally.fingerprints += 1,
            Said::Ids => self.tally.lists += 1,
            Said::Unread => {}
        }
        self.tally.ids += ids;
        let next = Drawn {
            until: until.max(self.end()),
            said,
            ranges: 1,
            ids,
        };
        match self.drawn.last_mut() {
            // That nothing is said of two neighbours is no more than that nothing is said of both.
            Some(last) if last.said == said && matches!(said, Said::Skip | Said::Unread) => {
                *last = merged(last, &next);
            }
            _ => self.drawn.push(next),
        }
        if self.drawn.len() >= 2 * RANGES_DRAWN {
            self.thin();
        }
    }

    /// The strip is complete: what follows its last range is `said`, up to the end of time.
    pub(super) fn finish(mut self, said: Said) -> Self {
        if self.end() < u64::MAX {
            let tally = self.tally;
            self.push(u64::MAX, said, 0);
            // Nobody wrote it.
            self.tally = tally;
        }
        self.thin();
        self.drawn.shrink_to_fit();
        self
    }

    fn end(&self) -> u64 {
        self.drawn.last().map_or(0, |last| last.until)
    }

    /// All of them, in order.
    #[cfg(test)]
    pub(super) fn drawn(&self) -> &[Drawn] {
        &self.drawn
    }

    /// The positions between them that lie neither at the beginning nor at the end of time.
    pub(super) fn inner_bounds(&self) -> impl Iterator<Item = u64> {
        let bounds = self.drawn.iter().map(|drawn| drawn.until);
        bounds.filter(|until| !matches!(until, 0 | &u64::MAX))
    }

    /// What lies in `since..until`: it begins and ends there, without a gap.
    pub(super) fn within(&self, since: u64, until: u64) -> Vec<Drawn> {
        let mut from = 0;
        let mut within = Vec::new();
        for drawn in &self.drawn {
            let (start, end) = (from, drawn.until);
            from = end;
            let touches = end > since && start < until || start == end && start >= since;
            if touches && start <= until {
                within.push(Drawn {
                    until: end.min(until),
                    ..*drawn
                });
            }
        }
        within
    }

    /// Makes neighbours one, the narrowest pairs first, until there are no more than are drawn.
    fn thin(&mut self) {
        while self.drawn.len() > RANGES_DRAWN {
            let mut from = 0;
            let starts = self.drawn.iter().map(|drawn| {
                let start = from;
                from = drawn.until;
                start
            });
            let starts: Vec<u64> = starts.collect();
            let mut pairs: Vec<usize> = (0..self.drawn.len() - 1).collect();
            pairs.sort_by_key(|&first| self.drawn[first + 1].until - starts[first]);
            let (mut left, mut joined) = (
                self.drawn.len() - RANGES_DRAWN,
                vec![false; self.drawn.len()],
            );
            let mut first_of_pair = vec![false; self.drawn.len()];
            for first in pairs {
                if left > 0 && !joined[first] && !joined[first + 1] {
                    (joined[first], joined[first + 1]) = (true, true);
                    first_of_pair[first] = true;
                    left -= 1;
                }
            }
            let mut thinned = Vec::with_capacity(self.drawn.len());
            let mut place = 0;
            while place < self.drawn.len() {
                if first_of_pair[place] {
                    thinned.push(merged(&self.drawn[place], &self.drawn[place + 1]));
                    place += 2;
                } else {
                    thinned.push(self.drawn[place]);
                    place += 1;
                }
            }
            self.drawn = thinned;
        }
    }
}

fn merged(first: &Drawn, second: &Drawn) -> Drawn {
    Drawn {
        until: second.until,
        said: first.said.max(second.said),
        ranges: first.ranges.saturating_add(second.ranges),
        ids: first.ids.saturating_add(second.ids),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn said() -> impl Strategy<Value = Said> {
        prop_oneof![
            Just(Said::Skip),
            Just(Said::Unread),
            Just(Said::Fingerprint),
            Just(Said::Ids),
        ]
    }

    /// Ranges by how long they are, many of them of no length at all.
    fn ranges() -> impl Strategy<Value = Vec<(u64, Said, u64)>> {
        let length = prop_oneof![Just(0), 1..1_000u64, Just(u64::MAX / 4)];
        proptest::collection::vec((length, said(), 0..5u64), 0..900)
    }

    /// Ends in place of lengths.
    fn placed(lengths: &[(u64, Said, u64)]) -> Vec<(u64, Said, u64)> {
        let mut end = 0u64;
        let placed = lengths.iter().map(|(length, said, ids)| {
            end = end.saturating_add(*length);
            (end, *said, if *said == Said::Ids { *ids } else { 0 })
        });
        placed.collect()
    }

    fn strip(ranges: &[(u64, Said, u64)]) -> Strip {
        let mut strip = Strip::default();
        for (until, said, ids) in ranges {
            strip.push(*until, *said, *ids);
        }
        strip.finish(Said::Skip)
    }

    proptest! {
        #[test]
        fn what_is_drawn_covers_everything_and_stays_within_its_bound(lengths in ranges()) {
            let ranges = placed(&lengths);
            let strip = strip(&ranges);
            prop_assert!(strip.drawn().len() <= RANGES_DRAWN);
            prop_assert_eq!(strip.drawn().last().unwrap().until, u64::MAX);
            prop_assert!(strip.drawn().is_sorted_by_key(|drawn| drawn.until));
            // Nothing is drawn that wasn't there: every bound is one of the frame's.
            let bounds: Vec<u64> = ranges.iter().map(|range| range.0).collect();
            for bound in strip.inner_bounds() {
                prop_assert!(bounds.contains(&bound));
            }
            let sum: u64 = strip.drawn().iter().map(|drawn| drawn.ids).sum();
            prop_assert_eq!(sum, strip.tally.ids);
            let count = |kind| ranges.iter().filter(|range| range.1 == kind).count() as u64;
            let tally = strip.tally;
            prop_assert_eq!(
                (tally.skips, tally.fingerprints, tally.lists),
                (count(Said::Skip), count(Said::Fingerprint), count(Said::Ids))
            );
        }

        #[test]
        fn few_ranges_are_drawn_as_they_are(lengths in ranges()) {
            let ranges = placed(&lengths[..lengths.len().min(RANGES_DRAWN - 1)]);
            let strip = strip(&ranges);
            let mut from = 0;
            // The naive twin: where a range lies, what is drawn says what the range does.
            for (until, said, _) in ranges {
                if until > from {
                    let drawn = strip.drawn().iter().find(|drawn| drawn.until >= until);
                    prop_assert_eq!(drawn.unwrap().said, said);
                }
                from = until;
            }
        }

        #[test]
        fn a_part_of_it_has_no_gaps_either(
            lengths in ranges(), since in 0..5_000u64, length in 1..50_000u64
        ) {
            let strip = strip(&placed(&lengths));
            let within = strip.within(since, since + length);
            prop_assert_eq!(within.last().unwrap().until, since + length);
            prop_assert!(within.is_sorted_by_key(|drawn| drawn.until));
            prop_assert!(within[0].until >= since);
            prop_assert!(within.len() <= RANGES_DRAWN + 1);
        }
    }

    #[test]
    fn of_many_the_narrowest_become_one() {
        let mut strip = Strip::default();
        let wide = 1_000_000;
        // A wide range, a thousand narrow ones, a wide one.
        strip.push(wide, Said::Fingerprint, 0);
        for narrow in 1..=1_000 {
            strip.push(wide + narrow, Said::Ids, 1);
        }
        strip.push(2 * wide, Said::Fingerprint, 0);
        let strip = strip.finish(Said::Skip);
        let drawn = strip.drawn();
        assert_eq!((drawn[0].until, drawn[0].ranges), (wide, 1));
        let last = &drawn[drawn.len() - 2];
        assert_eq!(
            (last.until, last.ranges, last.said),
            (2 * wide, 1, Said::Fingerprint)
        );
        assert_eq!(strip.tally.ids, 1_000);
    }
}
