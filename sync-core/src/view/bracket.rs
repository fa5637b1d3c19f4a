//! Closing in on the item of a rank among several sets.

use alloc::vec;
use alloc::vec::Vec;

use crate::set::ItemSet;

/// Between which places of each set the cut at a rank lies.
pub(super) struct Bracket {
    rank: usize,
    /// The first so many of each set come before the cut.
    pub(super) low: Vec<usize>,
    /// All from here on in each set come behind the cut.
    pub(super) high: Vec<usize>,
    /// How many pivots there have been.
    pivots: usize,
}

impl Bracket {
    pub(super) fn new<S: ItemSet>(sets: &[S], rank: usize) -> Self {
        Self {
            rank,
            low: vec![0; sets.len()],
            high: sets.iter().map(ItemSet::len).collect(),
            pivots: 0,
        }
    }

    /// The cut, if the bracket leaves one only.
    pub(super) fn settled(&self) -> Option<Vec<usize>> {
        let missing = self.missing();
        if missing == 0 {
            Some(self.low.clone())
        } else if missing >= self.width() {
            Some(self.high.clone())
        } else {
            None
        }
    }

    /// How many candidates are left.
    pub(super) fn width(&self) -> usize {
        distance(&self.low, &self.high)
    }

    /// How many candidates come before the cut.
    pub(super) fn missing(&self) -> usize {
        self.rank - self.low.iter().sum::<usize>()
    }

    /// The place of the next pivot, and its set: the one with the most candidates.
    ///
    /// Where the sets are spread alike, the cut lies in proportion, give or take about the root of
    /// the number of candidates. Pivots go by turns that much to either side of it, so that two of
    /// them close in on the cut. Every third halves the candidates of the set, whatever they are.
    pub(super) fn pivot(&mut self) -> (usize, usize) {
        let widths = self
            .low
            .iter()
            .zip(&self.high)
            .map(|(low, high)| high - low);
        let widest = widths.enumerate().max_by_key(|(_, width)| *width);
        let (set, width) = widest.unwrap_or_default();
        let total = self.width() as u128;
        let ahead = (self.missing() as u128 * width as u128 / total.max(1)) as usize;
        let margin = width.isqrt() / 2 + 1;
        let place = match self.pivots % 3 {
            0 => ahead.saturating_sub(margin),
            1 => ahead + margin,
            _ => width / 2,
        };
        self.pivots += 1;
        (set, self.low[set] + place.min(width - 1))
    }

    /// Learns the ranks of the pivot, an item of `set`, in every set.
    pub(super) fn narrow(&mut self, mut ranks: Vec<usize>, set: usize) {
        if ranks.iter().sum::<usize>() >= self.rank {
            pick(&mut self.high, &ranks, usize::min);
        } else {
            ranks[set] += 1;
            pick(&mut self.low, &ranks, usize::max);
        }
    }
}

fn pick(places: &mut [usize], ranks: &[usize], which: fn(usize, usize) -> usize) {
    for (place, rank) in places.iter_mut().zip(ranks) {
        *place = which(*place, *rank);
    }
}

pub(super) fn distance(low: &[usize], high: &[usize]) -> usize {
    low.iter().zip(high).map(|(low, high)| high - low).sum()
}
