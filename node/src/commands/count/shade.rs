//! How much a node lacks of a bucket, as one of a few shades.

use std::collections::BTreeSet;

use crate::census::report::{BucketReport, CellReport};

/// How much of a bucket's messages a node lacks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Shade {
    /// There are no messages, at any node.
    Empty,
    /// It has all of them.
    Whole,
    /// It lacks less than 1 %.
    Little,
    /// It lacks less than 10 %.
    Some,
    /// It lacks less than half.
    Much,
    /// It lacks half or more.
    Most,
    /// It isn't known.
    Unknown,
}

impl Shade {
    /// All of them, in order.
    pub(super) const ALL: [Self; 7] = [
        Self::Empty,
        Self::Whole,
        Self::Little,
        Self::Some,
        Self::Much,
        Self::Most,
        Self::Unknown,
    ];

    /// Of what a node has answered about a bucket, or several.
    pub(super) fn of(messages: u64, cell: Option<CellReport>) -> Self {
        let Some(cell) = cell else {
            return Self::Unknown;
        };
        // In parts of a thousand, without rounding.
        let missing = u128::from(cell.missing) * 1_000;
        let messages = u128::from(messages);
        match missing {
            0 if cell.unsure > 0 => Self::Unknown,
            0 if messages == 0 => Self::Empty,
            0 => Self::Whole,
            missing if missing < messages * 10 => Self::Little,
            missing if missing < messages * 100 => Self::Some,
            missing if missing < messages * 500 => Self::Much,
            _ => Self::Most,
        }
    }

    /// Of several buckets in a row, for one node: `None` of it if it hasn't answered for any of them.
    pub(super) fn of_buckets(buckets: &[BucketReport], node: usize) -> Self {
        let messages = buckets.iter().map(|bucket| bucket.messages).sum();
        let mut sum = None;
        for cell in buckets.iter().map(|bucket| bucket.nodes.get(node)) {
            let Some(Some(cell)) = cell else {
                return Self::Unknown;
            };
            let sum = sum.get_or_insert(CellReport {
                messages: 0,
                missing: 0,
                unsure: 0,
            });
            sum.messages += cell.messages;
            sum.missing += cell.missing;
            sum.unsure += cell.unsure;
        }
        Self::of(messages, sum)
    }

    /// Those of any node where so many buckets are taken together, in order.
    pub(super) fn in_use(buckets: &[BucketReport], together: usize) -> impl Iterator<Item = Self> {
        let cells = buckets.chunks(together).flat_map(|buckets| {
            let nodes = buckets.first().map_or(0, |bucket| bucket.nodes.len());
            (0..nodes).map(|node| Self::of_buckets(buckets, node))
        });
        let used: BTreeSet<Self> = cells.collect();
        Self::ALL
            .into_iter()
            .filter(move |shade| used.contains(shade))
    }

    /// What it means.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Empty => "no messages",
            Self::Whole => "nothing missing",
            Self::Little => "under 1 %",
            Self::Some => "under 10 %",
            Self::Much => "under half",
            Self::Most => "half or more",
            Self::Unknown => "not known",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shade(messages: u64, missing: u64) -> Shade {
        let cell = CellReport {
            messages: messages - missing,
            missing,
            unsure: 0,
        };
        Shade::of(messages, Some(cell))
    }

    #[test]
    fn one_message_in_a_million_shows() {
        assert_eq!(shade(0, 0), Shade::Empty);
        assert_eq!(shade(1_000_000, 0), Shade::Whole);
        assert_eq!(shade(1_000_000, 1), Shade::Little);
        assert_eq!(shade(1_000, 9), Shade::Little);
        assert_eq!(shade(1_000, 10), Shade::Some);
        assert_eq!(shade(1_000, 100), Shade::Much);
        assert_eq!(shade(1_000, 500), Shade::Most);
        assert_eq!(shade(1, 1), Shade::Most);
        assert_eq!(Shade::of(5, None), Shade::Unknown);
    }

    #[test]
    fn buckets_taken_together_are_known_if_each_is() {
        let report = crate::census::report::tests::three_nodes();
        let of = |buckets: std::ops::Range<usize>, node| {
            Shade::of_buckets(&report.buckets[buckets], node)
        };
        assert_eq!(of(0..1, 2), Shade::Whole);
        assert_eq!(of(0..2, 2), Shade::Unknown);
        assert_eq!(of(0..3, 0), Shade::Much, "one of six");
        assert_eq!(of(1..2, 0), Shade::Most, "one of two");
        let in_use =
            |together| -> Vec<Shade> { Shade::in_use(&report.buckets, together).collect() };
        assert_eq!(in_use(1), [Shade::Whole, Shade::Most, Shade::Unknown]);
        assert_eq!(in_use(3), [Shade::Much, Shade::Unknown]);
    }
}
