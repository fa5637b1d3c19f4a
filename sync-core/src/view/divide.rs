//! Dividing a section of several sets into parts of about the same size.

use alloc::vec;
use alloc::vec::Vec;

use super::View;
use crate::cut::{Cut, Part, Section, Share};
use crate::item::{Bound, Item};
use crate::set::{ItemSet, divide_evenly};

/// Up to so many items of a section are read, to divide it by a sample of them. They make parts that
/// are listed next, where uneven ones would cost bytes; and in each set there are few.
const READ_MAX: usize = 512;

/// Of the items that are read every so manieth of each set is in the sample.
const SAMPLED: usize = 4;

/// Divides a section into as many parts as there are `shares`.
///
/// Even parts would need the items of certain ranks, each of which takes several searches in every
/// set. But parts need only be of about the same size. So they end where parts of the largest set end,
/// which that set finds easily, and which cuts the others in proportion, if all are spread about alike.
/// If few items are left, then a sample of all decides. Where the parts come out too uneven, sets being
/// spread in very different ways, they are made even at that cost.
pub(super) fn divide<S: ItemSet>(view: &View<S>, section: &Section, shares: &mut [Share]) {
    let items = section.ranks.len();
    let bounds = if items <= READ_MAX {
        bounds_of_sample(view, section, shares.len())
    } else {
        bounds_of_largest(view, section, shares.len())
    };
    let Some(bounds) = bounds else {
        return divide_evenly(view, section.ranks.clone(), shares);
    };
    let inner = bounds.iter().copied();
    let cuts: Vec<Cut> = [section.range.lower]
        .into_iter()
        .chain(inner)
        .chain([section.range.upper])
        .map(|at| Cut { at, summed: true })
        .collect();
    let mut parts = vec![Part::default(); cuts.len()];
    view.cut(&cuts, &mut parts);
    let largest = parts.windows(2).map(|pair| pair[1].end - pair[0].end).max();
    if largest.is_none_or(|largest| 4 * largest > items) {
        return divide_evenly(view, section.ranks.clone(), shares);
    }
    let uppers = bounds.into_iter().map(Some).chain([None]);
    for ((share, part), upper) in shares.iter_mut().zip(&parts[1..]).zip(uppers) {
        *share = Share {
            end: part.end,
            tally: part.tally,
            upper,
        };
    }
}

/// Where the largest set divides the section.
fn bounds_of_largest<S: ItemSet>(
    view: &View<S>,
    section: &Section,
    parts: usize,
) -> Option<Vec<Bound>> {
    let ends = [section.range.lower, section.range.upper].map(|at| Cut { at, summed: false });
    let ranks = view.sets().iter().map(|set| {
        let mut parts = [Part::default(); 2];
        set.cut(&ends, &mut parts);
        parts[0].end..parts[1].end
    });
    let (set, ranks) = view
        .sets()
        .iter()
        .zip(ranks)
        .max_by_key(|(_, ranks)| ranks.len())?;
    let of_set = Section {
        range: section.range,
        ranks,
    };
    let mut shares = vec![Share::default(); parts];
    set.divide(&of_set, &mut shares);
    shares[..parts - 1]
        .iter()
        .map(|share| share.upper)
        .collect()
}

/// Where a sample of the items divides the section.
fn bounds_of_sample<S: ItemSet>(
    view: &View<S>,
    section: &Section,
    parts: usize,
) -> Option<Vec<Bound>> {
    let items = view.read_range(&section.range, section.ranks.len())?;
    let mut sample: Vec<&Item> = items.iter().skip(SAMPLED / 2).step_by(SAMPLED).collect();
    sample.sort_unstable();
    // A part ends before an item of a later time than the one before it: such bounds are short.
    let bound = |index: usize| {
        let place = (index + 1) * sample.len() / parts;
        let (left, right) = (sample.get(place.checked_sub(1)?)?, sample.get(place)?);
        (left.timestamp < right.timestamp).then(|| Bound::at_time(right.timestamp))
    };
    (0..parts - 1).map(bound).collect()
}
