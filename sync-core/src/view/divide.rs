//! Dividing a section of several sets into parts of about the same size.

use alloc::vec;
use alloc::vec::Vec;

use super::View;
use super::columns::{Columns, Counted};
use crate::cut::{Cut, Part, Section, Share};
use crate::item::Bound;
use crate::set::{ItemSet, divide_evenly};

/// Up to so many items of a section are read, to divide it by a sample of them. They make parts that
/// are listed next, where uneven ones would cost bytes; and in each set there are few.
const READ_MAX: usize = 512;

/// Of the items that are read every so manieth of each set is in the sample.
const SAMPLED: usize = 4;

/// Into more parts than this nothing is divided by a sample.
const PARTS_MAX: usize = 48;

/// Divides a section into as many parts as there are `shares`.
///
/// Even parts would need the items of certain ranks, each of which takes several searches in every
/// set. But parts need only be of about the same size. So they end where parts of the largest set end,
/// which that set finds easily, and which cuts the others in proportion, if all are spread about alike.
/// If few items are left, then a sample of all decides, and they are counted one by one. Where the
/// parts come out too uneven, sets being spread in very different ways, they are made even at that
/// cost.
pub(super) fn divide<S: ItemSet>(view: &View<S>, section: &Section, shares: &mut [Share]) {
    let items = section.ranks.len();
    let divided = if items <= READ_MAX {
        by_sample(view, section, shares)
    } else {
        by_largest(view, section, shares)
    };
    if divided.is_none() || is_uneven(section, shares) {
        divide_evenly(view, section.ranks.clone(), shares);
    }
}

/// Whether one of the parts has more than a quarter of the items.
fn is_uneven(section: &Section, shares: &[Share]) -> bool {
    let mut start = section.ranks.start;
    shares.iter().any(|share| {
        let count = share.end - start;
        start = share.end;
        4 * count > section.ranks.len()
    })
}

/// Divides where the largest set divides; `None` if that can't be.
fn by_largest<S: ItemSet>(view: &View<S>, section: &Section, shares: &mut [Share]) -> Option<()> {
    let (lower, upper) = (section.range.lower, section.range.upper);
    let largest = view.sets().iter().max_by_key(|set| set.len())?;
    let of_set = Section {
        range: section.range,
        ranks: largest.rank(&lower)..largest.rank(&upper),
    };
    if of_set.ranks.len() < SAMPLED * shares.len() {
        return None;
    }
    largest.divide(&of_set, shares);
    let uppers = shares.iter().map(|share| share.upper.unwrap_or(upper));
    let cuts: Vec<Cut> = [lower]
        .into_iter()
        .chain(uppers)
        .map(|at| Cut { at, summed: true })
        .collect();
    let mut parts = vec![Part::default(); cuts.len()];
    view.cut(&cuts, &mut parts);
    for (share, part) in shares.iter_mut().zip(&parts[1..]) {
        (share.end, share.tally) = (part.end, part.tally);
    }
    Some(())
}

/// Divides at the times of a sample of the items; `None` if that can't be.
fn by_sample<S: ItemSet>(view: &View<S>, section: &Section, shares: &mut [Share]) -> Option<()> {
    let columns = Columns::read(view.sets(), &section.range, section.ranks.len())?;
    let times = columns.times().iter().copied();
    let mut sample: Vec<u64> = times.skip(SAMPLED / 2).step_by(SAMPLED).collect();
    sample.sort_unstable();
    let parts = shares.len();
    let mut ends = [u64::MAX; PARTS_MAX];
    let inner = ends.get_mut(..parts - 1)?;
    for (index, end) in inner.iter_mut().enumerate() {
        *end = *sample.get((index + 1) * sample.len() / parts)?;
    }
    if inner.first()? <= &section.range.lower.timestamp() {
        return None;
    }
    let mut counted = [Counted::default(); PARTS_MAX];
    columns.count(&mut counted[..parts], |part, time, _| time < ends[part]);
    let mut end = section.ranks.start;
    for (index, (share, part)) in shares.iter_mut().zip(counted).enumerate() {
        end += part.count;
        let upper = (index + 1 < parts).then(|| Bound::at_time(ends[index]));
        *share = Share {
            end,
            tally: part.tally(),
            upper,
        };
    }
    Some(())
}
