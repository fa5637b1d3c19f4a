//! Several sets read as one: the shards of a node.

mod bracket;
mod columns;
mod cut;
mod divide;

use alloc::vec::Vec;
use core::ops::{self, ControlFlow};
use core::slice;

use bracket::{Bracket, distance};
use columns::Columns;

use crate::cut::{Cut, Part, Section, Share};
use crate::item::{Bound, Item, Range};
use crate::set::{ItemSet, VisitEach};
use crate::summary::Summary;

/// With fewer candidates than this for each set, the place of a rank is found by reading them.
const READ_MAX: usize = 16;

/// The first block of a visit; each next one is twice as large, up to [`BLOCK_MAX`].
const BLOCK_MIN: usize = 256;

/// Most items that a visit holds at a time.
const BLOCK_MAX: usize = 4_096;

/// Disjoint sets, the shards of a node say, read as one.
///
/// # Cost
///
/// For k sets of n items together: ranks, cuts and summaries by key add up over the sets, so they
/// cost k times what they cost in one. Sections are divided where one of the sets divides, or a sample
/// of all does, rather than by rank ([`ItemSet::divide`]).
///
/// Selection isn't additive, since the item of a rank may be in any of the sets. It is exact
/// nevertheless: the candidates in all sets are narrowed by pivots, each ranked in every set, until
/// few are left, which are read. The pivots are taken where the rank should lie, so that for sets that
/// are spread alike about log log n of them do; never more than 3·k·log n are needed. A summary by
/// ranks selects both ends first. [`ItemSet::visit`] selects once for each block of some thousand
/// items, and merges.
///
/// # Items in several sets
///
/// In Waku there are none: an id commits to its pubsub topic. If there are, each copy counts: it has
/// a rank of its own, behind the copies in earlier sets, is visited and enters summaries.
#[derive(Clone, Debug, Default)]
pub struct View<S> {
    sets: Vec<S>,
}

impl<S: ItemSet> View<S> {
    /// These sets, which should be disjoint, as one.
    #[must_use]
    pub const fn new(sets: Vec<S>) -> Self {
        Self { sets }
    }

    /// The sets.
    #[must_use]
    pub fn sets(&self) -> &[S] {
        &self.sets
    }

    /// How many items of each set are among the first `rank` of all.
    fn places(&self, rank: usize) -> Vec<usize> {
        let mut bracket = Bracket::new(&self.sets, rank);
        loop {
            if let Some(cut) = bracket.settled() {
                return cut;
            }
            if bracket.width() <= READ_MAX * self.sets.len() {
                return self.read_cut(bracket);
            }
            let (set, place) = bracket.pivot();
            // The ranks of a bracket exist in their sets, which don't change.
            let Some(item) = self.sets[set].select(place) else {
                return bracket.low;
            };
            bracket.narrow(self.ranks_of(&item, set, place), set);
        }
    }

    /// For each set how many of its items come before the one at `place` of `set`, copies of which
    /// come in the order of the sets.
    fn ranks_of(&self, item: &Item, set: usize, place: usize) -> Vec<usize> {
        let (before, after) = (Bound::Before(*item), Bound::after(item));
        let rank_in = |(index, other): (usize, &S)| match index.cmp(&set) {
            core::cmp::Ordering::Less => other.rank(&after),
            core::cmp::Ordering::Equal => place,
            core::cmp::Ordering::Greater => other.rank(&before),
        };
        self.sets.iter().enumerate().map(rank_in).collect()
    }

    /// Reads the candidates that are left and counts those that come before the rank.
    fn read_cut(&self, bracket: Bracket) -> Vec<usize> {
        let missing = bracket.missing();
        let (mut cut, high) = (bracket.low, bracket.high);
        let mut candidates = self.read(&cut, &high);
        if missing < candidates.len() {
            candidates.select_nth_unstable(missing);
        }
        for (_, set) in &candidates[..missing.min(candidates.len())] {
            cut[*set] += 1;
        }
        cut
    }

    /// The items between two cuts, set by set, each with the index of its set.
    fn read(&self, low: &[usize], high: &[usize]) -> Vec<(Item, usize)> {
        let mut items = Vec::with_capacity(distance(low, high));
        for (index, set) in self.sets.iter().enumerate() {
            let every = set.visit(low[index]..high[index], &mut |item| {
                items.push((item, index));
                ControlFlow::Continue(())
            });
            debug_assert!(every.is_continue(), "nothing above breaks");
        }
        items
    }

    fn clamp(&self, ranks: ops::Range<usize>) -> ops::Range<usize> {
        let end = ranks.end.min(self.len());
        ranks.start.min(end)..end
    }
}

impl<S> FromIterator<S> for View<S> {
    fn from_iter<I: IntoIterator<Item = S>>(sets: I) -> Self {
        Self {
            sets: sets.into_iter().collect(),
        }
    }
}

impl<S: ItemSet> ItemSet for View<S> {
    fn len(&self) -> usize {
        self.sets.iter().map(ItemSet::len).sum()
    }

    fn rank(&self, bound: &Bound) -> usize {
        self.sets.iter().map(|set| set.rank(bound)).sum()
    }

    fn select(&self, rank: usize) -> Option<Item> {
        if rank >= self.len() {
            return None;
        }
        let cut = self.places(rank);
        let next = self.sets.iter().zip(cut);
        next.filter_map(|(set, place)| set.select(place)).min()
    }

    fn summary(&self, ranks: ops::Range<usize>) -> Summary {
        let ranks = self.clamp(ranks);
        if ranks.is_empty() {
            return Summary::EMPTY;
        }
        let (low, high) = (self.places(ranks.start), self.places(ranks.end));
        let places = low.into_iter().zip(high);
        add(self
            .sets
            .iter()
            .zip(places)
            .map(|(set, (low, high))| set.summary(low..high)))
    }

    fn summary_of(&self, range: &Range) -> Summary {
        add(self.sets.iter().map(|set| set.summary_of(range)))
    }

    fn visit_each(&self, ranges: &[Range], visit: &mut VisitEach<'_>) {
        self.sets
            .iter()
            .for_each(|set| set.visit_each(ranges, visit));
    }

    fn reads_together(&self) -> bool {
        true
    }

    fn cut(&self, cuts: &[Cut], parts: &mut [Part]) {
        cut::cut(self, cuts, parts);
    }

    fn divide(&self, section: &Section, shares: &mut [Share]) {
        self.divide_all(slice::from_ref(section), shares);
    }

    fn divide_all(&self, sections: &[Section], shares: &mut [Share]) {
        divide::divide_all(self, sections, shares);
    }

    fn visit_range(
        &self,
        range: &Range,
        visit: &mut dyn FnMut(Item) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let mut columns = [Columns::default()];
        Columns::read_each(&self.sets, &[*range], &mut columns, |_| BLOCK_MIN);
        let Some(items) = columns[0].items() else {
            return self.visit(self.rank(&range.lower)..self.rank(&range.upper), visit);
        };
        let mut items: Vec<Item> = items.collect();
        items.sort();
        items.into_iter().try_for_each(visit)
    }

    fn visit(
        &self,
        ranks: ops::Range<usize>,
        visit: &mut dyn FnMut(Item) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let ranks = self.clamp(ranks);
        if ranks.is_empty() {
            return ControlFlow::Continue(());
        }
        let mut low = self.places(ranks.start);
        let mut done = ranks.start;
        let mut block = BLOCK_MIN;
        while done < ranks.end {
            let next = ranks.end.min(done + block);
            let high = self.places(next);
            let mut items = self.read(&low, &high);
            // A stable sort takes the sets' items for the ordered runs that they are.
            items.sort();
            items.into_iter().try_for_each(|(item, _)| visit(item))?;
            (low, done) = (high, next);
            block = BLOCK_MAX.min(2 * block);
        }
        ControlFlow::Continue(())
    }
}

fn add(summaries: impl Iterator<Item = Summary>) -> Summary {
    summaries.fold(Summary::EMPTY, |mut total, summary| {
        total += &summary;
        total
    })
}
