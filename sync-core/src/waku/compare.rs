//! A peer's list of items against the set.

use alloc::vec::Vec;
use core::iter::Peekable;
use core::ops::ControlFlow;
use core::slice;

use super::splitting::Span;
use crate::item::{Item, Range};
use crate::session::{Differences, SessionError};
use crate::set::ItemSet;

/// Puts into order what a peer listed, each item once.
pub(super) fn in_order(items: &mut Vec<Item>) {
    if !items.is_sorted_by(|left, right| left < right) {
        items.sort_unstable();
        items.dedup();
    }
}

/// The part of `items`, which are in order, that lies in the span and the range.
pub(super) fn within<'a>(items: &'a [Item], span: &Span, window: &Range) -> &'a [Item] {
    let range = window.intersect(&span.range());
    let start = items.partition_point(|item| range.lower.is_after(item));
    let end = items.partition_point(|item| range.upper.is_after(item));
    &items[start.min(end)..end]
}

/// Compares the items of `set` in `span` with the peer's, which are in order. Gives the smallest
/// spans that together hold all differences; such as have no item in common between them are one.
pub(super) fn compare(
    set: &dyn ItemSet,
    span: Span,
    theirs: &[Item],
    differences: &mut Differences,
) -> Result<Vec<Span>, SessionError> {
    let mut comparison = Comparison {
        theirs: theirs.iter().peekable(),
        differences,
        spans: Vec::new(),
        adjoins: false,
        fault: None,
    };
    let visited = set.visit(
        span.ranks(set),
        &mut |ours| match comparison.take_ours(&ours) {
            Ok(()) => ControlFlow::Continue(()),
            Err(fault) => {
                comparison.fault = Some(fault);
                ControlFlow::Break(())
            }
        },
    );
    if visited.is_break() {
        return Err(comparison.fault.unwrap_or(SessionError::Protocol(
            "the comparison of items was broken off",
        )));
    }
    comparison.take_rest()
}

struct Comparison<'a> {
    theirs: Peekable<slice::Iter<'a, Item>>,
    differences: &'a mut Differences,
    spans: Vec<Span>,
    /// Whether no common item came since the last difference.
    adjoins: bool,
    fault: Option<SessionError>,
}

impl Comparison<'_> {
    fn take_ours(&mut self, ours: &Item) -> Result<(), SessionError> {
        while let Some(item) = self.theirs.next_if(|item| *item < ours) {
            self.need(item)?;
        }
        if self.theirs.next_if_eq(&ours).is_some() {
            self.adjoins = false;
            return Ok(());
        }
        self.differences.have(ours.id)?;
        self.differs_at(ours.timestamp);
        Ok(())
    }

    fn take_rest(mut self) -> Result<Vec<Span>, SessionError> {
        while let Some(item) = self.theirs.next() {
            self.need(item)?;
        }
        Ok(self.spans)
    }

    fn need(&mut self, item: &Item) -> Result<(), SessionError> {
        self.differences.need(item.id)?;
        self.differs_at(item.timestamp);
        Ok(())
    }

    fn differs_at(&mut self, time: u64) {
        match self.spans.last_mut() {
            Some(last) if self.adjoins || time < last.upper => last.upper = time + 1,
            _ => self.spans.push(Span::new(time, time + 1)),
        }
        self.adjoins = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::Id;
    use crate::sorted::SortedItems;

    fn items(list: &[(u64, u8)]) -> Vec<Item> {
        list.iter()
            .map(|(time, id)| Item::new(*time, Id([*id; 32])))
            .collect()
    }

    #[test]
    fn the_spans_hold_every_difference_once_and_few_common_items() {
        let ours: SortedItems = items(&[(1, 1), (3, 1), (3, 2), (3, 3), (5, 1), (7, 1), (7, 9)])
            .into_iter()
            .collect();
        // Differs at 2 (theirs), twice at 3 around a common item, at 5 and 6; common are 1 and 7.
        let theirs = items(&[(1, 1), (2, 1), (3, 2), (6, 1), (7, 1), (7, 9)]);
        let mut differences = Differences::up_to(10);
        let spans = compare(&ours, Span::new(0, 10), &theirs, &mut differences).unwrap();
        assert_eq!(spans, [Span::new(2, 7)]);
        let theirs = items(&[(1, 1), (3, 1), (3, 2), (3, 4), (5, 1), (7, 1)]);
        let spans = compare(&ours, Span::new(0, 10), &theirs, &mut differences).unwrap();
        assert_eq!(spans, [Span::new(3, 4), Span::new(7, 8)]);
    }

    #[test]
    fn differences_of_one_time_around_a_common_item_are_one_span() {
        let ours: SortedItems = items(&[(3, 1), (3, 2), (3, 3)]).into_iter().collect();
        let theirs = items(&[(3, 2)]);
        let mut differences = Differences::up_to(10);
        let spans = compare(&ours, Span::new(0, 10), &theirs, &mut differences).unwrap();
        assert_eq!(spans, [Span::new(3, 4)]);
        assert_eq!(differences.take().0.len(), 2);
    }
}
