//! Who takes part, and where.

use benches::{Competitor, NegentropyCrate, Ours, Pair, Placement, tree, view};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use sync_core::Dialect;

use crate::competitors::{EveryHash, NwakuSplitting, Rateless};
use crate::setup::Setup;

/// Shards of the view.
pub(crate) const SHARDS: usize = 8;

/// A way to reconcile, as it takes part.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Contestant {
    /// This engine by the negentropy dialect, over a tree.
    Ours,
    /// The same over a view of several trees.
    OursView,
    /// This engine by Waku's dialect, over a tree.
    OursWaku,
    /// The `negentropy` crate over its sorted vector.
    NegentropyCrate,
    /// The port of nwaku's splitting.
    Nwaku,
    /// The `riblt` crate.
    Rateless,
    /// All hashes one way.
    EveryHash,
}

impl Contestant {
    /// All of them, in the order of tables.
    pub(crate) const ALL: [Self; 7] = [
        Self::Ours,
        Self::OursView,
        Self::OursWaku,
        Self::NegentropyCrate,
        Self::Nwaku,
        Self::Rateless,
        Self::EveryHash,
    ];

    /// Those that targets compare by time.
    pub(crate) const REPEATED: [Self; 4] = [
        Self::Ours,
        Self::OursView,
        Self::OursWaku,
        Self::NegentropyCrate,
    ];

    /// What tables and legends call it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ours => "waku-store-sync",
            Self::OursView => "waku-store-sync, 8 shards",
            Self::OursWaku => "waku-store-sync, waku dialect",
            Self::NegentropyCrate => "negentropy crate",
            Self::Nwaku => "nwaku's splitting",
            Self::Rateless => "rateless IBLT (riblt crate)",
            Self::EveryHash => "every hash",
        }
    }

    /// Whether it takes part in `setup`: where it means something, and ends in reasonable time.
    pub(crate) fn joins(self, setup: &Setup) -> bool {
        let framed = setup.frame_limit > 0;
        match self {
            Self::Ours | Self::NegentropyCrate => true,
            Self::OursView => !framed && setup.items <= 1_000_000,
            Self::OursWaku | Self::EveryHash => !framed,
            Self::Nwaku => !framed && setup.differences <= 1_000 && setup.items <= 1_000_000,
            Self::Rateless => {
                let spread = setup.placement == Placement::Spread;
                !framed && spread && setup.differences <= 1_000 && setup.items <= 1_000_000
            }
        }
    }

    /// Whether its time says anything of what it stands for.
    pub(crate) const fn is_timed(self) -> bool {
        !matches!(self, Self::Nwaku)
    }

    /// Makes it ready for `pair`; none of this counts.
    pub(crate) fn prepare(self, pair: &Pair, frame_limit: usize) -> Box<dyn Competitor> {
        let Pair { left, right, .. } = pair;
        match self {
            Self::Ours => trees(pair, Dialect::Negentropy, frame_limit),
            Self::OursWaku => trees(pair, Dialect::Waku, frame_limit),
            Self::OursView => {
                let (left, right) = (view(left, SHARDS), view(right, SHARDS));
                Box::new(Ours::new(left, right, Dialect::Negentropy, frame_limit))
            }
            Self::NegentropyCrate => Box::new(NegentropyCrate::new(left, right, frame_limit)),
            Self::Nwaku => Box::new(NwakuSplitting::new(left, right)),
            Self::Rateless => Box::new(Rateless::new(left, right)),
            Self::EveryHash => Box::new(EveryHash::new(left, right)),
        }
    }
}

fn trees(pair: &Pair, dialect: Dialect, frame_limit: usize) -> Box<dyn Competitor> {
    let (left, right) = (tree(&pair.left), tree(&pair.right));
    Box::new(Ours::new(left, right, dialect, frame_limit))
}
