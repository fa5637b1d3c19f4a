//! Dividing a section of several sets into parts of about the same size.

use alloc::vec;
use alloc::vec::Vec;

use super::columns::{Columns, Counted};
use super::{View, cut};
use crate::cut::{Cut, Part, Section, Share};
use crate::item::Bound;
use crate::set::{ItemSet, divide_evenly, shares_of};
use crate::summary::Tally;

/// Up to so many items of a section are read, to divide it by a sample of them. They make parts that
/// are listed next, where uneven ones would cost bytes; and in each set there are few.
const READ_MAX: usize = 512;

/// Of the items that are read every so manieth of each set is in the sample.
const SAMPLED: usize = 6;

/// How many sections are read together.
const READ_TOGETHER: usize = 8;

/// Fewer items than this for each part, and the largest set doesn't say where to divide.
const FEW: usize = 4;

/// Into more parts than this nothing is divided by a sample.
const PARTS_MAX: usize = 48;

/// Divides each section into as many parts.
///
/// Even parts would need the items of certain ranks, each of which takes several searches in every
/// set. But parts need only be of about the same size. So they end where parts of the largest set end,
/// which that set finds easily, and which cuts the others in proportion, if all are spread about alike.
/// If few items are left, then a sample of all decides, and they are counted one by one. Where the
/// parts come out too uneven, sets being spread in very different ways, they are made even at that
/// cost.
pub(super) fn divide_all<S: ItemSet>(view: &View<S>, sections: &[Section], shares: &mut [Share]) {
    let (mut large, mut small) = (Vec::new(), Vec::new());
    for (section, shares) in sections.iter().zip(shares_of(sections, shares)) {
        if section.ranks.len() > READ_MAX {
            large.push((section, shares));
        } else {
            small.push((section, shares));
        }
    }
    by_sample(view, &mut small);
    by_largest(view, &mut large);
    for (section, shares) in large {
        if is_uneven(section, shares) {
            divide_evenly(view, section.ranks.clone(), shares);
        }
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

/// Divides sections where the largest set divides. Where that has too few items for it, there is one
/// part that has all.
fn by_largest<S: ItemSet>(view: &View<S>, sections: &mut [(&Section, &mut [Share])]) {
    let sets = view.sets().iter().enumerate();
    let Some((index, largest)) = sets.max_by_key(|(_, set)| set.len()) else {
        return;
    };
    let of_set = |section: &Section| Section {
        range: section.range,
        ranks: largest.rank(&section.range.lower)..largest.rank(&section.range.upper),
    };
    let of_largest: Vec<Section> = sections
        .iter()
        .map(|(section, _)| of_set(section))
        .collect();
    let count = sections.iter().map(|(_, shares)| shares.len()).sum();
    let mut divided = vec![Share::default(); count];
    largest.divide_all(&of_largest, &mut divided);
    let mut cuts = Vec::with_capacity(count + sections.len());
    // What the largest set holds is known, and what the others do adds to it.
    let mut parts = Vec::with_capacity(cuts.capacity());
    for (((section, _), ours), shares) in sections
        .iter()
        .zip(&of_largest)
        .zip(shares_of(&of_largest, &mut divided))
    {
        if ours.ranks.len() < FEW * shares.len() {
            join(shares);
        }
        cuts.push(Cut {
            at: section.range.lower,
            summed: false,
        });
        cuts.extend(shares.iter().map(|share| Cut {
            at: share.upper.unwrap_or(section.range.upper),
            summed: true,
        }));
        parts.push(Part {
            end: ours.ranks.start,
            tally: Tally::default(),
        });
        parts.extend(shares.iter().map(|share| Part {
            end: share.end,
            tally: share.tally,
        }));
    }
    let (before, behind) = (&view.sets()[..index], &view.sets()[index + 1..]);
    cut::add_searched(before.iter().chain(behind), &cuts, &mut parts);
    let mut parts = cuts.iter().zip(parts).filter(|(cut, _)| cut.summed);
    for (section, shares) in sections {
        let inner = shares.len() - 1;
        for (index, share) in shares.iter_mut().enumerate() {
            let Some((cut, part)) = parts.next() else {
                return;
            };
            *share = Share {
                end: part.end,
                tally: part.tally,
                upper: (index < inner && cut.at < section.range.upper).then_some(cut.at),
            };
        }
    }
}

/// Makes one part of all, and nothing of the ones behind it.
fn join(shares: &mut [Share]) {
    let Some((first, others)) = shares.split_first_mut() else {
        return;
    };
    for share in &mut *others {
        first.end = share.end;
        first.tally += &share.tally;
        share.tally = Tally::default();
        share.upper = None;
    }
    first.upper = None;
    let end = first.end;
    for share in others {
        share.end = end;
    }
}

/// Divides sections of few items, which are read.
fn by_sample<S: ItemSet>(view: &View<S>, sections: &mut [(&Section, &mut [Share])]) {
    let ranges: Vec<_> = sections.iter().map(|(section, _)| section.range).collect();
    let mut columns = Vec::new();
    columns.resize_with(READ_TOGETHER.min(sections.len()), Columns::default);
    for (sections, ranges) in sections
        .chunks_mut(READ_TOGETHER)
        .zip(ranges.chunks(READ_TOGETHER))
    {
        let columns = &mut columns[..ranges.len()];
        Columns::read_each(view.sets(), ranges, columns, |index| {
            sections[index].0.ranks.len()
        });
        for ((section, shares), columns) in sections.iter_mut().zip(columns) {
            if sample(section, shares, columns).is_none() || is_uneven(section, shares) {
                divide_evenly(view, section.ranks.clone(), shares);
            }
        }
    }
}

/// Divides at the times of a sample of the items; `None` if that can't be.
fn sample(section: &Section, shares: &mut [Share], columns: &Columns) -> Option<()> {
    let times = columns.times()?.iter().copied();
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
    columns.count(&mut counted[..parts], |part, time| time < ends[part]);
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
