//! The traits by which sessions read sets, whatever holds them.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::{self, ControlFlow};
use core::slice;

use crate::cut::{Cut, Part, Section, Share, even_end};
use crate::item::{Bound, Id, Item, Range};
use crate::summary::{Summary, Tally};

/// What is shown timestamps and the ids that belong to them, and says whether to go on.
pub type VisitColumns<'a> = dyn FnMut(&[u64], &[Id]) -> ControlFlow<()> + 'a;

/// What is shown the index of a range, and timestamps and ids of items in it, and says whether to go on with that
/// range.
pub type VisitEach<'a> = dyn FnMut(usize, &[u64], &[Id]) -> ControlFlow<()> + 'a;

/// An ordered set of items with positions (*ranks*, counted from 0) and summaries.
///
/// A set doesn't change while a session reads it: give a session a snapshot. Ranks past the end
/// are read as the end, and a range whose start lies behind its end is empty.
pub trait ItemSet {
    /// How many items.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many items lie before `bound`: the rank of the first one that doesn't.
    fn rank(&self, bound: &Bound) -> usize;

    /// The item of this rank, if there are so many.
    fn select(&self, rank: usize) -> Option<Item>;

    /// The summary of the items of these ranks.
    fn summary(&self, ranks: ops::Range<usize>) -> Summary;

    /// The summary of the items in `range`.
    fn summary_of(&self, range: &Range) -> Summary {
        self.summary(self.rank(&range.lower)..self.rank(&range.upper))
    }

    /// Shows the items of these ranks in order, until `visit` breaks; gives how it ended.
    fn visit(
        &self,
        ranks: ops::Range<usize>,
        visit: &mut dyn FnMut(Item) -> ControlFlow<()>,
    ) -> ControlFlow<()>;

    /// Shows the items in `range` in order, until `visit` breaks; gives how it ended.
    fn visit_range(
        &self,
        range: &Range,
        visit: &mut dyn FnMut(Item) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        self.visit(self.rank(&range.lower)..self.rank(&range.upper), visit)
    }

    /// Shows the timestamps and the ids of the items in `range` in order, some items at a time, until
    /// `visit` breaks; gives how it ended. Sets that hold them side by side override this.
    fn visit_columns(&self, range: &Range, visit: &mut VisitColumns<'_>) -> ControlFlow<()> {
        self.visit_range(range, &mut |item| {
            visit(slice::from_ref(&item.timestamp), slice::from_ref(&item.id))
        })
    }

    /// Shows the timestamps and ids of the items in each of `ranges`, some at a time, with the index of
    /// the range. What is shown at a time ascends, but comes in any order; where `visit` breaks, no more of that
    /// range need be shown. Sets that read many ranges faster together override this.
    fn visit_each(&self, ranges: &[Range], visit: &mut VisitEach<'_>) {
        for (index, range) in ranges.iter().enumerate() {
            // Whether it was cut short is known to the one who did.
            let _ = self.visit_columns(range, &mut |times, ids| visit(index, times, ids));
        }
    }

    /// Whether [`visit_each`](Self::visit_each) is so much faster than one range after the other that it pays to
    /// keep what it shows until it is needed.
    fn reads_together(&self) -> bool {
        false
    }

    /// Cuts the set at ascending positions, and tells for each what lies between it and the one
    /// before: `parts[i]` belongs to `cuts[i]`; of slices of different length the rest of the longer
    /// one is left alone. A position that lies before the previous one counts as that.
    ///
    /// The answers are those of [`rank`](Self::rank) and [`summary`](Self::summary). Sets that can
    /// go on from one position to the next override this.
    fn cut(&self, cuts: &[Cut], parts: &mut [Part]) {
        let mut start = None;
        for (cut, part) in cuts.iter().zip(parts) {
            let end = self.rank(&cut.at).max(start.unwrap_or(0));
            *part = Part {
                end,
                tally: match start {
                    Some(start) if cut.summed => self.summary(start..end).tally(),
                    _ => Tally::default(),
                },
            };
            start = Some(end);
        }
    }

    /// Divides the items of a section into as many parts of about the same size as there are
    /// `shares`. Of eight parts or more none holds more than a quarter of at least 32 items.
    ///
    /// Made this way, parts differ by one item at most, the larger ones first. Sets for which other
    /// places are much easier to find than those (several sets read as one, say) override this.
    fn divide(&self, section: &Section, shares: &mut [Share]) {
        divide_evenly(self, section.ranks.clone(), shares);
    }

    /// Divides ascending sections, all into as many parts: those of the first come first in `shares`,
    /// which holds some for each, then those of the second, and so on.
    ///
    /// The answers are those of [`divide`](Self::divide). Sets that find many places faster together
    /// than section after section override this.
    fn divide_all(&self, sections: &[Section], shares: &mut [Share]) {
        for (section, shares) in sections.iter().zip(shares_of(sections, shares)) {
            self.divide(section, shares);
        }
    }
}

/// The shares of each of the sections.
pub(crate) fn shares_of<'a>(
    sections: &[Section],
    shares: &'a mut [Share],
) -> slice::ChunksExactMut<'a, Share> {
    let parts = shares.len() / sections.len().max(1);
    shares.chunks_exact_mut(parts.max(1))
}

/// Divides the items of these ranks into parts that differ by one item at most.
pub(crate) fn divide_evenly<S: ItemSet + ?Sized>(
    set: &S,
    ranks: ops::Range<usize>,
    shares: &mut [Share],
) {
    let parts = shares.len();
    let mut start = ranks.start;
    for (index, share) in shares.iter_mut().enumerate() {
        let end = even_end(&ranks, parts, index);
        *share = Share {
            end,
            tally: set.summary(start..end).tally(),
            upper: (index + 1 < parts).then(|| bound_at(set, end)).flatten(),
        };
        start = end;
    }
}

fn bound_at<S: ItemSet + ?Sized>(set: &S, rank: usize) -> Option<Bound> {
    let left = set.select(rank.checked_sub(1)?)?;
    let right = set.select(rank)?;
    Some(Bound::between(&left, &right))
}

/// A set that changes.
pub trait ItemSetMut: ItemSet {
    /// Adds `item`; `false` if it was there, or if its timestamp is the reserved `u64::MAX`.
    fn insert(&mut self, item: Item) -> bool;

    /// Takes `item` out; `false` if it wasn't there.
    fn remove(&mut self, item: &Item) -> bool;

    /// Takes out everything before `bound`; gives how many items that were.
    fn prune_before(&mut self, bound: &Bound) -> usize;
}

macro_rules! item_set_by_deref {
    ($($pointer:ty),*) => {$(
        impl<S: ItemSet + ?Sized> ItemSet for $pointer {
            fn len(&self) -> usize {
                (**self).len()
            }

            fn rank(&self, bound: &Bound) -> usize {
                (**self).rank(bound)
            }

            fn select(&self, rank: usize) -> Option<Item> {
                (**self).select(rank)
            }

            fn summary(&self, ranks: ops::Range<usize>) -> Summary {
                (**self).summary(ranks)
            }

            fn summary_of(&self, range: &Range) -> Summary {
                (**self).summary_of(range)
            }

            fn visit(
                &self,
                ranks: ops::Range<usize>,
                visit: &mut dyn FnMut(Item) -> ControlFlow<()>,
            ) -> ControlFlow<()> {
                (**self).visit(ranks, visit)
            }

            fn visit_each(&self, ranges: &[Range], visit: &mut VisitEach<'_>) {
                (**self).visit_each(ranges, visit);
            }

            fn reads_together(&self) -> bool {
                (**self).reads_together()
            }

            fn cut(&self, cuts: &[Cut], parts: &mut [Part]) {
                (**self).cut(cuts, parts);
            }

            fn visit_range(
                &self,
                range: &Range,
                visit: &mut dyn FnMut(Item) -> ControlFlow<()>,
            ) -> ControlFlow<()> {
                (**self).visit_range(range, visit)
            }

            fn visit_columns(
                &self,
                range: &Range,
                visit: &mut VisitColumns<'_>,
            ) -> ControlFlow<()> {
                (**self).visit_columns(range, visit)
            }

            fn divide(&self, section: &Section, shares: &mut [Share]) {
                (**self).divide(section, shares);
            }

            fn divide_all(&self, sections: &[Section], shares: &mut [Share]) {
                (**self).divide_all(sections, shares);
            }
        }
    )*};
}

item_set_by_deref!(&S, Box<S>, Arc<S>);

/// The part of a set that lies in a range, with ranks of its own.
#[derive(Clone, Debug)]
pub struct Slice<S> {
    set: S,
    range: Range,
    start: usize,
    end: usize,
}

impl<S: ItemSet> Slice<S> {
    /// The part of `set` that lies in `range`.
    #[must_use]
    pub fn new(set: S, range: Range) -> Self {
        let start = set.rank(&range.lower);
        let end = set.rank(&range.upper).max(start);
        Self {
            set,
            range,
            start,
            end,
        }
    }

    fn outer(&self, ranks: &ops::Range<usize>) -> ops::Range<usize> {
        let end = self.start.saturating_add(ranks.end).min(self.end);
        self.start.saturating_add(ranks.start).min(end)..end
    }
}

impl<S: ItemSet> ItemSet for Slice<S> {
    fn len(&self) -> usize {
        self.end - self.start
    }

    fn rank(&self, bound: &Bound) -> usize {
        self.set.rank(bound).clamp(self.start, self.end) - self.start
    }

    fn select(&self, rank: usize) -> Option<Item> {
        (rank < self.len())
            .then(|| self.set.select(self.start + rank))
            .flatten()
    }

    fn summary(&self, ranks: ops::Range<usize>) -> Summary {
        self.set.summary(self.outer(&ranks))
    }

    fn summary_of(&self, range: &Range) -> Summary {
        self.set.summary_of(&self.range.intersect(range))
    }

    fn visit(
        &self,
        ranks: ops::Range<usize>,
        visit: &mut dyn FnMut(Item) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        self.set.visit(self.outer(&ranks), visit)
    }

    fn cut(&self, cuts: &[Cut], parts: &mut [Part]) {
        let inside = |cut: &Cut| Cut {
            at: cut.at.max(self.range.lower).min(self.range.upper),
            ..*cut
        };
        let cuts: Vec<Cut> = cuts.iter().map(inside).collect();
        self.set.cut(&cuts, parts);
        for (part, _) in parts.iter_mut().zip(cuts) {
            part.end = part.end.clamp(self.start, self.end) - self.start;
        }
    }

    fn visit_range(
        &self,
        range: &Range,
        visit: &mut dyn FnMut(Item) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        self.set.visit_range(&self.range.intersect(range), visit)
    }

    fn visit_columns(&self, range: &Range, visit: &mut VisitColumns<'_>) -> ControlFlow<()> {
        self.set.visit_columns(&self.range.intersect(range), visit)
    }

    fn visit_each(&self, ranges: &[Range], visit: &mut VisitEach<'_>) {
        let inside = ranges.iter().map(|range| self.range.intersect(range));
        self.set.visit_each(&inside.collect::<Vec<_>>(), visit);
    }

    fn reads_together(&self) -> bool {
        self.set.reads_together()
    }

    fn divide(&self, section: &Section, shares: &mut [Share]) {
        self.divide_all(slice::from_ref(section), shares);
    }

    fn divide_all(&self, sections: &[Section], shares: &mut [Share]) {
        let outer = |section: &Section| Section {
            range: self.range.intersect(&section.range),
            ranks: self.outer(&section.ranks),
        };
        let sections: Vec<Section> = sections.iter().map(outer).collect();
        self.set.divide_all(&sections, shares);
        for share in shares {
            share.end -= self.start;
        }
    }
}
