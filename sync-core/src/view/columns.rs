//! The items of several sets in a range, read set by set.

use alloc::vec::Vec;
use core::ops::{ControlFlow, Range};

use crate::item::{self, Id, Item};
use crate::limbs::{Group, Sum, Total};
use crate::set::ItemSet;
use crate::summary::Tally;

/// Timestamps and ids side by side: those of each set in order, one set behind the other.
#[derive(Debug)]
pub(super) struct Columns {
    times: Vec<u64>,
    ids: Vec<Id>,
    /// Where each set's end.
    ends: Vec<usize>,
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
    /// The items in `range`; nothing if there are more than `most`. That should be a fair guess of how
    /// many there are.
    pub(super) fn read<S: ItemSet>(sets: &[S], range: &item::Range, most: usize) -> Option<Self> {
        let mut columns = Self {
            times: Vec::with_capacity(most),
            ids: Vec::with_capacity(most),
            ends: Vec::with_capacity(sets.len()),
        };
        for set in sets {
            let all = set.visit_columns(range, &mut |times, ids| {
                if columns.times.len() + times.len() > most {
                    return ControlFlow::Break(());
                }
                columns.times.extend_from_slice(times);
                columns.ids.extend_from_slice(ids);
                ControlFlow::Continue(())
            });
            if all.is_break() {
                return None;
            }
            columns.ends.push(columns.times.len());
        }
        Some(columns)
    }

    /// The timestamps.
    pub(super) fn times(&self) -> &[u64] {
        &self.times
    }

    /// The items, set by set.
    pub(super) fn items(&self) -> impl Iterator<Item = Item> {
        let pairs = self.times.iter().zip(&self.ids);
        pairs.map(|(timestamp, id)| Item::new(*timestamp, *id))
    }

    /// Counts what lies in each of `parts`, of which `is_before(part, item)` says whether an item lies
    /// before the end; all lie before that of the last part.
    pub(super) fn count(&self, parts: &mut [Counted], is_before: impl Fn(usize, u64, &Id) -> bool) {
        let mut start = 0;
        for end in &self.ends {
            self.count_set(start..*end, parts, &is_before);
            start = *end;
        }
    }

    /// Counts the items of one set, which ascend.
    #[inline]
    fn count_set(
        &self,
        items: Range<usize>,
        parts: &mut [Counted],
        is_before: impl Fn(usize, u64, &Id) -> bool,
    ) {
        let mut at = items.start;
        for (index, part) in parts.iter_mut().enumerate() {
            if at == items.end {
                break;
            }
            let start = at;
            while at < items.end && is_before(index, self.times[at], &self.ids[at]) {
                at += 1;
            }
            part.count += at - start;
            part.sum.add(&Sum::of_ids(&self.ids[start..at]));
        }
    }
}
