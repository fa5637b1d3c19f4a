//! Cutting several sets at the same positions.

use alloc::vec;
use alloc::vec::Vec;
use core::ops::{ControlFlow, Range};

use super::View;
use super::columns::{Counted, count_run};
use crate::cut::{Cut, Part};
use crate::item::{self, Bound, Item};
use crate::set::ItemSet;

/// Parts that follow each other are read and counted item by item if they hold no more than so many
/// each on average: then every set has but a few in each, which take longer to search than to read.
const READ_MAX: usize = 48;

/// Fewer parts than this aren't worth the try.
const PARTS_MIN: usize = 4;

/// Cuts the view: [`ItemSet::cut`].
pub(super) fn cut<S: ItemSet>(view: &View<S>, cuts: &[Cut], parts: &mut [Part]) {
    let known = cuts.len().min(parts.len());
    let (cuts, parts) = (&cuts[..known], &mut parts[..known]);
    let runs: Vec<Range<usize>> = runs_to_read(view, cuts).collect();
    search_between(view, cuts, parts, &runs);
    read(view, cuts, parts, &runs);
}

/// Looks for the cuts outside of the runs, and for the first one of each.
fn search_between<S: ItemSet>(
    view: &View<S>,
    cuts: &[Cut],
    parts: &mut [Part],
    runs: &[Range<usize>],
) {
    if runs.is_empty() {
        search(view, cuts, parts);
        return;
    }
    let mut from = 0;
    let mut places = Vec::with_capacity(cuts.len());
    for run in runs {
        places.extend(from..=run.start);
        from = run.end;
    }
    places.extend(from..cuts.len());
    let searched: Vec<Cut> = places.iter().map(|place| cuts[*place]).collect();
    let mut found = vec![Part::default(); searched.len()];
    search(view, &searched, &mut found);
    for (place, part) in places.iter().zip(found) {
        parts[*place] = part;
    }
}

/// Reads the items of the runs, whose first cuts are known, and counts them; runs that hold too many are searched.
fn read<S: ItemSet>(view: &View<S>, cuts: &[Cut], parts: &mut [Part], runs: &[Range<usize>]) {
    let ranges: Vec<_> = runs
        .iter()
        .map(|run| range_of(&cuts[run.clone()]))
        .collect();
    let mut counted = vec![Counted::default(); cuts.len()];
    let mut read = vec![0; runs.len()];
    for set in view.sets() {
        set.visit_each(&ranges, &mut |index, times, ids| {
            let run = runs[index].start + 1..runs[index].end;
            read[index] += times.len();
            if read[index] > most(&cuts[runs[index].clone()]) {
                return ControlFlow::Break(());
            }
            let ends = &cuts[run.clone()];
            count_run(times, ids, &mut counted[run], |part, time, id| {
                let end = &ends[part].at;
                time < end.timestamp() || end.is_after(&Item::new(time, *id))
            });
            ControlFlow::Continue(())
        });
    }
    for (run, read) in runs.iter().zip(read) {
        if read > most(&cuts[run.clone()]) {
            search(view, &cuts[run.clone()], &mut parts[run.clone()]);
            continue;
        }
        let mut end = parts[run.start].end;
        for place in run.clone().skip(1) {
            end += counted[place].count;
            parts[place] = Part {
                end,
                tally: counted[place].tally(),
            };
        }
    }
}

/// Those runs of cuts, each one that starts a part and all the ones behind it where wanted parts end, between
/// which there should be so few items that they are read.
fn runs_to_read<S: ItemSet>(view: &View<S>, cuts: &[Cut]) -> impl Iterator<Item = Range<usize>> {
    let largest = view.sets().iter().max_by_key(|set| set.len());
    let starts = (0..cuts.len()).filter(|start| *start == 0 || !cuts[*start].summed);
    let runs = starts.map(|start| {
        let wanted = cuts[start + 1..].iter().take_while(|cut| cut.summed);
        start..start + 1 + wanted.count()
    });
    runs.filter(move |run| {
        let cuts = &cuts[run.clone()];
        if cuts.len() <= PARTS_MIN || !cuts.is_sorted_by_key(|cut| cut.at) {
            return false;
        }
        let item::Range { lower, upper } = range_of(cuts);
        largest.is_some_and(|largest| {
            let in_largest = largest.rank(&upper) - largest.rank(&lower);
            view.sets().len() * in_largest <= most(cuts)
        })
    })
}

/// From the first of the cuts to the last.
fn range_of(cuts: &[Cut]) -> item::Range {
    match cuts {
        [first, .., last] => item::Range::new(first.at, last.at),
        _ => item::Range::new(Bound::MIN, Bound::MIN),
    }
}

/// Most items that are read between the cuts.
const fn most(cuts: &[Cut]) -> usize {
    READ_MAX * (cuts.len() - 1)
}

/// Looks for the cuts in every set; what lies between adds up.
fn search<S: ItemSet>(view: &View<S>, cuts: &[Cut], parts: &mut [Part]) {
    parts.fill(Part::default());
    add_searched(view.sets(), cuts, parts);
}

/// Looks for the cuts in each of the sets, and adds what lies before and between them.
pub(super) fn add_searched<'a, S: ItemSet + 'a>(
    sets: impl IntoIterator<Item = &'a S>,
    cuts: &[Cut],
    parts: &mut [Part],
) {
    if cuts.is_empty() {
        return;
    }
    let mut of_set = vec![Part::default(); cuts.len()];
    for set in sets {
        set.cut(cuts, &mut of_set);
        for (part, more) in parts.iter_mut().zip(&of_set) {
            part.end += more.end;
            part.tally += &more.tally;
        }
    }
}
