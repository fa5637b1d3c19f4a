//! Many positions asked for at once, in order: how messages ask, range after range.

use crate::item::Bound;
use crate::summary::Summary;

/// A position at which [`ItemSet::cut`](crate::ItemSet::cut) cuts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cut {
    /// The position.
    pub at: Bound,
    /// Whether the summary of what lies between the cut before and this one is wanted.
    pub summed: bool,
}

/// What lies between a cut and the one before.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Part {
    /// How many items of the set lie before the cut: the rank at which the part ends.
    pub end: usize,
    /// The summary of the part's items, if wanted; else, and for the first cut, empty.
    pub summary: Summary,
}

/// What lies between a rank given to [`ItemSet::divide`](crate::ItemSet::divide) and the one before.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Share {
    /// The summary of the items between; for the first rank empty.
    pub summary: Summary,
    /// [`Bound::between`] the last item before the rank and the first one from there on, if there
    /// are both; always `None` for the first and the last rank, which the caller mostly chose by a
    /// bound.
    pub bound: Option<Bound>,
}
