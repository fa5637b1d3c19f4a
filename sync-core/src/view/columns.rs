//! The items of several sets in some ranges, read set by set.

use alloc::vec::Vec;
use core::ops::ControlFlow;

use crate::item::{self, Id, Item};
use crate::limbs::{Group, Sum, Total};
use crate::set::ItemSet;
use crate::summary::Tally;

/// Timestamps and ids side by side, in runs that ascend.
#[derive(Debug, Default)]
pub(super) struct Columns {
    times: Vec<u64>,
    ids: Vec<Id>,
    /// Where each run ends.
    ends: Vec<usize>,
    /// Whether there were too many.
    is_cut_short: bool,
}

/// How many items there are in a part, and what their ids add up to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counted {
    pub(super) count: usize,
    pub(super) sum: Sum,
}

impl Counted {
    pub(super) const fn tally(&self) -> Tally {
        Tally {
            count: self.count as u64,
            sum: self.sum.0,
        }
    }
}

impl Columns {
    /// Reads the items in each of `ranges`, of that of an index at most as many as `most` says, each into the columns
    /// at the same index.
    pub(super) fn read_each<S: ItemSet>(
        sets: &[S],
        ranges: &[item::Range],
        all: &mut [Self],
        most: impl Fn(usize) -> usize,
    ) {
        for (index, columns) in all.iter_mut().enumerate() {
            columns.clear();
            columns.times.reserve(most(index));
            columns.ids.reserve(most(index));
        }
        for set in sets {
            set.visit_each(ranges, &mut |index, times, ids| {
                all[index].push(times, ids, most(index))
            });
        }
    }

    fn clear(&mut self) {
        self.times.clear();
        self.ids.clear();
        self.ends.clear();
        self.is_cut_short = false;
    }

    /// Adds a run; breaks if there are more items than `most` then.
    fn push(&mut self, times: &[u64], ids: &[Id], most: usize) -> ControlFlow<()> {
        if self.times.len() + times.len() > most {
            self.is_cut_short = true;
            return ControlFlow::Break(());
        }
        self.times.extend_from_slice(times);
        self.ids.extend_from_slice(ids);
        self.ends.push(self.times.len());
        ControlFlow::Continue(())
    }

    /// The timestamps; `None` if there were too many.
    pub(super) fn times(&self) -> Option<&[u64]> {
        (!self.is_cut_short).then_some(&*self.times)
    }

    /// The items, run by run; `None` if there were too many.
    pub(super) fn items(&self) -> Option<impl Iterator<Item = Item>> {
        let pairs = self.times()?.iter().zip(&self.ids);
        Some(pairs.map(|(timestamp, id)| Item::new(*timestamp, *id)))
    }

    /// Counts what lies in each of `parts`, of which `is_before(part, time)` says whether an item lies
    /// before the end; all lie before that of the last part.
    pub(super) fn count(&self, parts: &mut [Counted], is_before: impl Fn(usize, u64) -> bool) {
        let mut start = 0;
        for end in &self.ends {
            let (times, ids) = (&self.times[start..*end], &self.ids[start..*end]);
            count_run(times, ids, parts, |part, time, _| is_before(part, time));
            start = *end;
        }
    }
}

/// Counts what of a run lies in each of `parts`, of which `is_before(part, time, id)` says whether an item lies before
/// the end; all lie before that of the last part.
///
/// There are but a few items in each: they are added up as they are compared, rather than once their number is known.
#[inline]
pub(super) fn count_run(
    times: &[u64],
    ids: &[Id],
    parts: &mut [Counted],
    is_before: impl Fn(usize, u64, &Id) -> bool,
) {
    let mut items = times.iter().zip(ids);
    let mut next = items.next();
    for (index, part) in parts.iter_mut().enumerate() {
        let Counted { mut count, mut sum } = *part;
        while let Some((time, id)) = next
            && is_before(index, *time, id)
        {
            count += 1;
            sum.add(&Sum::of_id(id));
            next = items.next();
        }
        *part = Counted { count, sum };
        if next.is_none() {
            break;
        }
    }
}
