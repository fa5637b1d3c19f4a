//! Many positions asked for at once, in order: how messages ask, range after range.

use core::ops::Range;

use crate::item::Bound;
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
pub(crate) fn even_end(ranks: &Range<usize>, parts: usize, index: usize) -> usize {
    let (each, larger) = (ranks.len() / parts, ranks.len() % parts);
    ranks.start + (index + 1) * each + larger.min(index + 1)
}
