//! What a report measures, in full or in small.

use std::time::Duration;

use crate::setup::Setup;
use crate::timing::Patience;

/// Frames of this length are what negentropy's users limit theirs to, about.
pub(crate) const FRAME_LIMIT: usize = 60_000;

/// What the number of differences goes through.
const DIFFERENCES: [usize; 7] = [0, 1, 10, 100, 1_000, 10_000, 100_000];

/// The sizes of a report, and how often things run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// A million items, or fewer in small.
    pub(crate) million: usize,
    /// For reconciliations.
    pub(crate) patience: Patience,
    /// How often all that targets are stated for is measured, some minutes apart.
    pub(crate) passes: usize,
    /// Runs of everything else.
    pub(crate) runs: usize,
    /// Runs of the exchange between two nodes.
    pub(crate) exchanges: usize,
}

impl Plan {
    /// What targets are stated for.
    pub(crate) const FULL: Self = Self {
        million: 1_000_000,
        patience: Patience {
            runs: 45,
            time: Duration::from_secs(1),
        },
        passes: 3,
        runs: 7,
        exchanges: 3,
    };

    /// All of it, so small that it takes a moment: to see that it works.
    pub(crate) const QUICK: Self = Self {
        million: 1_000,
        patience: Patience {
            runs: 2,
            time: Duration::from_secs(1),
        },
        passes: 2,
        runs: 2,
        exchanges: 1,
    };

    /// Whether the sizes are those that targets are stated for.
    pub(crate) const fn is_full(&self) -> bool {
        self.million == Self::FULL.million
    }

    /// Ten million items, or fewer in small.
    pub(crate) const fn ten_million(&self) -> usize {
        10 * self.million
    }

    /// So many items of a full plan are how many of this one.
    pub(crate) const fn items(&self, items: usize) -> usize {
        items / (Self::FULL.million / self.million)
    }

    /// Differences anywhere in time; in small at most a tenth of the items.
    pub(crate) fn spread(&self, items: usize, differences: usize) -> Setup {
        let items = self.items(items);
        let most = if self.is_full() { items } else { items / 10 };
        Setup::spread(items, differences.min(most))
    }

    /// CPU, bytes and rounds against the number of differences.
    pub(crate) fn by_differences(&self) -> Vec<Setup> {
        let spread = |differences| self.spread(1_000_000, differences);
        once(DIFFERENCES.map(spread))
    }

    /// The same with frames limited.
    pub(crate) fn framed(&self) -> Vec<Setup> {
        let framed = |differences| self.spread(1_000_000, differences).framed(FRAME_LIMIT);
        once(DIFFERENCES.map(framed))
    }

    /// The same with all differences in the newest hour.
    pub(crate) fn recent(&self) -> Vec<Setup> {
        let recent = |differences| self.spread(1_000_000, differences).recent();
        once([10, 100, 1_000, 10_000].map(recent))
    }

    /// CPU against the number of items, at so many differences.
    pub(crate) fn by_items(&self, differences: usize) -> Vec<Setup> {
        let sizes = [
            10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000, 10_000_000,
        ];
        once(sizes.map(|items| self.spread(items, differences)))
    }

    /// Sizes of the tree.
    pub(crate) fn trees(&self) -> [usize; 4] {
        [10_000, 100_000, 1_000_000, 10_000_000].map(|items| self.items(items))
    }

    /// The reconciliations that are measured in every pass: those that targets are stated for.
    pub(crate) fn repeated(&self) -> Vec<Setup> {
        let spread = |differences| self.spread(1_000_000, differences);
        once([
            spread(0),
            spread(10),
            spread(100),
            spread(1_000),
            spread(10_000),
            spread(1_000).recent(),
            spread(10_000).framed(FRAME_LIMIT),
            spread(100_000).framed(FRAME_LIMIT),
            self.spread(10_000_000, 1_000),
        ])
    }

    /// Every reconciliation.
    pub(crate) fn setups(&self) -> Vec<Setup> {
        once(
            [
                self.by_differences(),
                self.recent(),
                self.framed(),
                self.by_items(10),
                self.by_items(1_000),
            ]
            .concat(),
        )
    }
}

/// Each setup once, in the order given.
fn once(setups: impl IntoIterator<Item = Setup>) -> Vec<Setup> {
    let mut distinct = Vec::new();
    for setup in setups {
        if !distinct.contains(&setup) {
            distinct.push(setup);
        }
    }
    distinct
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_plan_reaches_ten_million_items_and_a_hundred_thousand_differences() {
        let setups = Plan::FULL.setups();
        assert!(setups.contains(&Setup::spread(10_000_000, 1_000)));
        assert!(setups.contains(&Setup::spread(1_000_000, 100_000).framed(FRAME_LIMIT)));
        assert!(setups.contains(&Setup::spread(1_000_000, 0)));
        assert_eq!(once(setups.clone()), setups);
    }

    #[test]
    fn a_quick_plan_is_small() {
        for setup in Plan::QUICK.setups() {
            assert!(setup.items <= Plan::QUICK.ten_million(), "{setup:?}");
            assert!(setup.differences <= setup.items, "{setup:?}");
        }
    }
}
