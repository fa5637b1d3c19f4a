//! Many positions asked for at once, in order: how messages ask, range after range.

use core::ops;

use crate::item::{Bound, Range};
use crate::summary::Tally;

/// A position at which [`ItemSet::cut`](crate::ItemSet::cut) cuts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cut {
    /// The position.
    pub at: Bound,
    /// Whether the tally of what lies between the cut before and this one is wanted.
    pub summed: bool,
}

/// What lies between a cut and the one before.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Part {
    /// How many items of the set lie before the cut: the rank at which the part ends.
    pub end: usize,
    /// The tally of the part's items, if wanted; else, and for the first cut, empty.
    pub tally: Tally,
}

/// A range of a set, and the ranks of the items in it: some sets find them by the one, some by the
/// other.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Section {
    /// Where the items lie.
    pub range: Range,
    /// Which ones of the set they are.
    pub ranks: ops::Range<usize>,
}

/// One of the parts that [`ItemSet::divide`](crate::ItemSet::divide) makes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Share {
    /// How many items of the set lie before the end of the part: the rank at which it ends.
    pub end: usize,
    /// The tally of the part's items.
    pub tally: Tally,
    /// [`Bound::between`] the last item of the part and the first one behind it; `None` for the last
    /// part, which ends where the caller says.
    pub upper: Option<Bound>,
}

/// The rank at which part `index` ends, when `ranks` are divided into `parts` that differ by one item
/// at most, the larger ones first.
pub(crate) fn even_end(ranks: &ops::Range<usize>, parts: usize, index: usize) -> usize {
    let (each, larger) = (ranks.len() / parts, ranks.len() % parts);
    ranks.start + (index + 1) * each + larger.min(index + 1)
}
