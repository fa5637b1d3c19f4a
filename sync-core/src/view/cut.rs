//! Cutting several sets at the same positions.

use alloc::vec;
use alloc::vec::Vec;

use super::View;
use crate::cut::{Cut, Part};
use crate::item::Range;
use crate::limbs::{Group, Sum, Total};
use crate::set::ItemSet;

/// Parts that follow each other are read and counted item by item if they hold no more than so many
/// each on average: then every set has but a few in each, which take longer to search than to read.
const READ_MAX: usize = 24;

/// Fewer parts than this aren't worth the try.
const PARTS_MIN: usize = 4;

/// Cuts the view: [`ItemSet::cut`].
pub(super) fn cut<S: ItemSet>(view: &View<S>, cuts: &[Cut], parts: &mut [Part]) {
    let count = cuts.len().min(parts.len());
    let (mut start, mut searched) = (0, 0);
    while start < count {
        // Parts that are wanted follow a cut that starts the first of them.
        let behind = cuts[start + 1..count].iter();
        let end = start + 1 + behind.take_while(|cut| cut.summed).count();
        if let Some(read) = read(view, &cuts[start..end]) {
            search(view, &cuts[searched..start], &mut parts[searched..start]);
            parts[start..end].copy_from_slice(&read);
            searched = end;
        }
        start = end;
    }
    search(view, &cuts[searched..count], &mut parts[searched..count]);
}

/// Looks for the cuts in every set; what lies between adds up.
fn search<S: ItemSet>(view: &View<S>, cuts: &[Cut], parts: &mut [Part]) {
    if cuts.is_empty() {
        return;
    }
    parts.fill(Part::default());
    let mut of_set = vec![Part::default(); cuts.len()];
    for set in view.sets() {
        set.cut(cuts, &mut of_set);
        for (part, more) in parts.iter_mut().zip(&of_set) {
            part.end += more.end;
            part.tally += &more.tally;
        }
    }
}

/// Reads the items between the first cut and the last, and counts them; `None` where that would take
/// too long.
fn read<S: ItemSet>(view: &View<S>, cuts: &[Cut]) -> Option<Vec<Part>> {
    let [first, .., last] = cuts else {
        return None;
    };
    let range = Range::new(first.at, last.at);
    let most = READ_MAX * (cuts.len() - 1);
    let largest = view.sets().iter().max_by_key(|set| set.len())?;
    if cuts.len() <= PARTS_MIN || !cuts.is_sorted_by_key(|cut| cut.at) {
        return None;
    }
    let in_largest = largest.rank(&last.at) - largest.rank(&first.at);
    if view.sets().len() * in_largest > most {
        return None;
    }
    let items = view.read_range(&range, most)?;
    let mut sums = vec![Sum::default(); cuts.len()];
    let mut parts = vec![Part::default(); cuts.len()];
    let mut part = 1;
    let mut previous = None;
    for item in &items {
        // The items of each set ascend, then come those of the next.
        if previous.is_some_and(|previous| item < previous) {
            part = 1;
        }
        previous = Some(item);
        while !cuts[part].at.is_after(item) {
            part += 1;
        }
        parts[part].tally.count += 1;
        sums[part].add(&Sum::of_id(&item.id));
    }
    let mut end = view.rank(&first.at);
    for (part, sum) in parts.iter_mut().zip(sums) {
        end += part.tally.count as usize;
        part.end = end;
        part.tally.sum = sum.0;
    }
    Some(parts)
}
