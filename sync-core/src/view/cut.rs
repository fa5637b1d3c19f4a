//! Cutting several sets at the same positions.

use alloc::vec;
use alloc::vec::Vec;

use super::View;
use super::columns::{Columns, Counted};
use crate::cut::{Cut, Part};
use crate::item::{Item, Range};
use crate::set::ItemSet;
use crate::summary::Tally;

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
pub(super) fn search<S: ItemSet>(view: &View<S>, cuts: &[Cut], parts: &mut [Part]) {
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
    let columns = Columns::read(view.sets(), &range, most)?;
    let mut counted = vec![Counted::default(); cuts.len() - 1];
    columns.count(&mut counted, |part, time, id| {
        let end = &cuts[part + 1].at;
        time < end.timestamp() || end.is_after(&Item::new(time, *id))
    });
    let mut end = view.rank(&first.at);
    let mut parts = Vec::with_capacity(cuts.len());
    parts.push(Part {
        end,
        tally: Tally::default(),
    });
    parts.extend(counted.iter().map(|part| {
        end += part.count;
        Part {
            end,
            tally: part.tally(),
        }
    }));
    Some(parts)
}
