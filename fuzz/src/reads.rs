//! What a set answers, against the sorted vector of its items.

use std::ops::{self, ControlFlow};

use sync_core::{Bound, Cut, ItemSet, Part, Range, Section, Share, SortedItems, Tally};

/// What the set says of positions and of the ranges between each and the next.
pub fn check(set: &dyn ItemSet, oracle: &SortedItems, bounds: &[Bound]) {
    assert_eq!(set.len(), oracle.len());
    for bound in bounds {
        let rank = oracle.rank(bound);
        assert_eq!(set.rank(bound), rank);
        assert_eq!(set.select(rank), oracle.select(rank));
    }
    for pair in bounds.windows(2) {
        let range = Range::new(pair[0], pair[1]);
        let ranks = oracle.rank(&range.lower)..oracle.rank(&range.upper);
        let expected = oracle.summary(ranks.clone());
        assert_eq!(set.summary_of(&range), expected);
        assert_eq!(set.summary(ranks), expected);
        if range.lower <= range.upper {
            check_division(set, oracle, range);
        }
    }
    // All parts are asked for, long rows of them, and short ones.
    for rest in [usize::MAX, 8, 3] {
        check_cuts(set, oracle, bounds, rest);
    }
}

/// Cuts at ascending positions, as the trait asks for; one part in `rest` isn't asked for.
fn check_cuts(set: &dyn ItemSet, oracle: &SortedItems, bounds: &[Bound], rest: usize) {
    let mut bounds = bounds.to_vec();
    bounds.sort();
    let cuts = bounds.iter().enumerate().map(|(index, at)| Cut {
        at: *at,
        summed: index % rest != rest - 1,
    });
    let cuts: Vec<Cut> = cuts.collect();
    let mut parts = vec![Part::default(); cuts.len()];
    set.cut(&cuts, &mut parts);
    let mut start = None;
    for (cut, part) in cuts.iter().zip(&parts) {
        let end = oracle.rank(&cut.at);
        let tally = match start {
            Some(start) if cut.summed => oracle.summary(start..end).tally(),
            _ => Tally::default(),
        };
        assert_eq!(*part, Part { end, tally });
        start = Some(end);
    }
}

/// Divides a range into parts that are about even.
fn check_division(set: &dyn ItemSet, oracle: &SortedItems, range: Range) {
    let ranks = oracle.rank(&range.lower)..oracle.rank(&range.upper);
    let section = Section {
        range,
        ranks: ranks.clone(),
    };
    let few = ranks.len() < 32;
    for parts in [1, 2, 16] {
        let mut shares = vec![Share::default(); parts];
        set.divide(&section, &mut shares);
        let mut start = ranks.start;
        for share in &shares {
            assert!(start <= share.end);
            assert_eq!(share.tally, oracle.summary(start..share.end).tally());
            if let Some(upper) = share.upper {
                assert_eq!(oracle.rank(&upper), share.end);
                // Of fewer items some parts are empty, and end wherever the next item is.
                assert!(few || (range.lower <= upper && upper <= range.upper));
            }
            assert!(few || parts < 16 || share.end - start <= ranks.len() / 4);
            start = share.end;
        }
        assert_eq!(start, ranks.end);
    }
}

/// What is shown of ranks and of the range that they are, to the end and to the middle.
pub fn check_walk(set: &dyn ItemSet, oracle: &SortedItems, ranks: ops::Range<usize>) {
    let end = ranks.end.min(oracle.len());
    let expected = &oracle.as_slice()[ranks.start.min(end)..end];
    let mut shown = Vec::new();
    let all = set.visit(ranks.clone(), &mut |item| {
        shown.push(item);
        ControlFlow::Continue(())
    });
    assert!(all.is_continue());
    assert_eq!(shown, expected);
    let (Some(first), Some(last)) = (expected.first(), expected.last()) else {
        return;
    };
    shown.clear();
    let range = Range::new(Bound::Before(*first), Bound::after(last));
    let half = expected.len().div_ceil(2);
    let stopped = set.visit_range(&range, &mut |item| {
        shown.push(item);
        if shown.len() < half {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    });
    assert!(stopped.is_break());
    assert_eq!(shown, expected[..half]);
}
