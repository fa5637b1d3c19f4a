//! The ranges of a batch of which ids are listed or compared, read together.

use alloc::vec::Vec;
use core::ops::ControlFlow;

use crate::item::{Id, Range};
use crate::set::ItemSet;

/// Of ranges that hold more ids than this none are kept here.
const IDS_MAX: usize = 128;

/// What the own set holds in some ranges, which are taken in order.
#[derive(Debug, Default)]
pub(super) struct Lists {
    ranges: Vec<Range>,
    /// The ids in each range; more than for the ranges may be there, of other batches.
    ids: Vec<Held>,
    taken: usize,
}

/// The ids in a range.
#[derive(Debug, Default)]
struct Held {
    ids: Vec<Id>,
    /// Whether there are more than are kept.
    is_cut_short: bool,
}

impl Lists {
    /// Forgets what it has.
    pub(super) fn clear(&mut self) {
        self.ranges.clear();
        self.taken = 0;
    }

    /// Adds a range, which lies behind those added before.
    pub(super) fn add(&mut self, range: Range) {
        self.ranges.push(range);
    }

    /// Reads the ids in the ranges.
    pub(super) fn read(&mut self, set: &impl ItemSet) {
        let count = self.ranges.len();
        if self.ids.len() < count {
            self.ids.resize_with(count, Held::default);
        }
        for held in &mut self.ids[..count] {
            held.ids.clear();
            held.is_cut_short = false;
        }
        set.visit_each(&self.ranges, &mut |index, _, ids| {
            let held = &mut self.ids[index];
            if held.ids.len() + ids.len() > IDS_MAX {
                held.is_cut_short = true;
                return ControlFlow::Break(());
            }
            held.ids.extend_from_slice(ids);
            ControlFlow::Continue(())
        });
    }

    /// The ids in that range in any order, if it is one of the next ones and they are few.
    pub(super) fn take(&mut self, range: &Range) -> Option<&[Id]> {
        let behind = &self.ranges[self.taken..];
        self.taken += behind.iter().position(|next| next == range)? + 1;
        let held = &self.ids[self.taken - 1];
        (!held.is_cut_short).then_some(&*held.ids)
    }
}
