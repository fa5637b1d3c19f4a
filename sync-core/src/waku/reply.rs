//! The frame that is being written in answer to another.

use alloc::vec::Vec;
use core::ops::{self, ControlFlow};

use super::TIME_END;
use super::header::Header;
use super::splitting::{MIN_FINGERPRINT_SPAN, Span};
use super::wire::{self, Encoder, INTEGER_BYTES};
use crate::item::{Bound, Id, Item};
use crate::session::SessionError;
use crate::set::ItemSet;

/// The most bytes of a range without its content: the difference to its bound, and its type.
const RANGE_BYTES: usize = INTEGER_BYTES + 1;

/// The most bytes of an item.
const ITEM_BYTES: usize = INTEGER_BYTES + 32;

/// The most bytes of an item set besides its items: the count, and whether it is reconciled.
const LIST_BYTES: usize = INTEGER_BYTES + 1;

/// What is kept free for the end of a frame: a skip, and a fingerprint over all that had no room.
const REMAINDER_BYTES: usize = 2 * RANGE_BYTES + 32;

/// Ranges in order, each from where the one before ended; skips in a row become one.
///
/// When the frame is full, the rest becomes a single fingerprint over all that remains, which the
/// peer answers like any other. That makes progress, since whatever came before it is settled or
/// divided further.
pub(super) struct Reply<'a> {
    set: &'a dyn ItemSet,
    encoder: Encoder,
    /// Where the next range begins.
    at: u64,
    /// Where the last range that was written ended; a skip from there to `at` is due.
    written: u64,
    /// Most bytes of the frame, if bounded.
    most: Option<usize>,
    /// Where the frame was full.
    full_at: Option<u64>,
    /// Whether there was anything but skips.
    says_something: bool,
    /// The span that the peer has to answer.
    asked: Option<Span>,
}

impl<'a> Reply<'a> {
    /// A frame about `set` that begins at `start`; of at most `most` bytes, unless that is 0.
    pub(super) fn new(set: &'a dyn ItemSet, header: &Header, start: u64, most: usize) -> Self {
        Self {
            set,
            encoder: Encoder::new(header, Item::new(start, Id::ZERO)),
            at: start,
            written: start,
            most: (most > 0).then_some(most),
            full_at: None,
            says_something: false,
            asked: None,
        }
    }

    /// Nothing more to say up to `upper`.
    pub(super) fn skip_to(&mut self, upper: u64) {
        self.at = self.at.max(upper);
    }

    /// The fingerprint of everything up to `upper`; the peer has to answer.
    pub(super) fn fingerprint_to(&mut self, upper: u64) -> Result<(), SessionError> {
        let span = self.span_to(upper);
        if span.is_empty() {
            return Ok(());
        }
        if self.room().is_some_and(|room| room < RANGE_BYTES + 32) {
            self.stop(span.lower)?;
        }
        if self.full_at.is_none() {
            self.write_fingerprint(span);
        }
        self.at = upper;
        Ok(())
    }

    /// The items up to `upper`. The peer has to answer unless they are `reconciled`.
    pub(super) fn items_to(&mut self, upper: u64, reconciled: bool) -> Result<(), SessionError> {
        let span = self.span_to(upper);
        if span.is_empty() {
            return Ok(());
        }
        if self.full_at.is_none() {
            let ranks = span.ranks(self.set);
            let fitting = self.fitting(span, ranks.clone());
            if fitting.upper > fitting.lower {
                self.write_items(fitting, reconciled);
            }
            if fitting.upper < span.upper {
                self.stop(fitting.upper)?;
            }
        }
        self.at = upper;
        Ok(())
    }

    /// The frame, and the span that the peer has to answer.
    pub(super) fn finish(mut self) -> (Vec<u8>, Option<Span>) {
        if let Some(full_at) = self.full_at {
            let upper = self.at.max(full_at.saturating_add(MIN_FINGERPRINT_SPAN));
            self.at = full_at;
            self.write_fingerprint(Span::new(full_at, upper.min(TIME_END)));
        } else if self.says_something {
            self.write_skip();
        } else {
            return (wire::EMPTY.into(), None);
        }
        (self.encoder.into_readable_bytes(), self.asked)
    }

    fn span_to(&self, upper: u64) -> Span {
        Span::new(self.at, upper)
    }

    /// How many bytes are left for one more range.
    fn room(&self) -> Option<usize> {
        let taken = self.encoder.len() + RANGE_BYTES + REMAINDER_BYTES;
        self.most.map(|most| most.saturating_sub(taken))
    }

    /// The head of `span` whose items, of these ranks, fit into the frame. Items of one timestamp
    /// stay together.
    fn fitting(&self, span: Span, ranks: ops::Range<usize>) -> Span {
        let Some(room) = self.room() else {
            return span;
        };
        let nothing = Span::new(span.lower, span.lower);
        let Some(room) = room.checked_sub(RANGE_BYTES + LIST_BYTES) else {
            return nothing;
        };
        let count = room / ITEM_BYTES;
        if ranks.len() <= count {
            return span;
        }
        let first_out = self.set.select(ranks.start + count);
        first_out.map_or(nothing, |item| Span::new(span.lower, item.timestamp))
    }

    fn stop(&mut self, at: u64) -> Result<(), SessionError> {
        if !self.says_something {
            return Err(SessionError::Limit {
                name: "frame_bytes_sent",
                max: self.most.unwrap_or_default() as u64,
            });
        }
        self.full_at.get_or_insert(at);
        Ok(())
    }

    fn write_skip(&mut self) {
        if self.written < self.at {
            self.encoder.skip(Item::new(self.at, Id::ZERO));
            self.written = self.at;
        }
    }

    fn write_fingerprint(&mut self, span: Span) {
        self.write_skip();
        let fingerprint = self.set.summary_of(&span.range()).xor_fingerprint();
        let upper = Item::new(span.upper, Id::ZERO);
        self.encoder.fingerprint(upper, &fingerprint);
        self.wrote(span, true);
    }

    fn write_items(&mut self, span: Span, reconciled: bool) {
        self.write_skip();
        let ranks = span.ranks(self.set);
        let upper = Item::new(span.upper, Id::ZERO);
        let mut list = self.encoder.items(upper, ranks.len());
        let visited = self.set.visit(ranks, &mut |item| {
            list.push(&item);
            ControlFlow::Continue(())
        });
        debug_assert!(visited.is_continue());
        list.end(reconciled);
        self.wrote(span, !reconciled);
    }

    fn wrote(&mut self, span: Span, wants_answer: bool) {
        self.says_something = true;
        self.at = span.upper;
        self.written = span.upper;
        if wants_answer {
            self.asked = Some(self.asked.map_or(span, |asked| asked.hull(&span)));
        }
    }
}

/// Whether `item` is in `set`.
pub(super) fn contains(set: &dyn ItemSet, item: &Item) -> bool {
    set.select(set.rank(&Bound::Before(*item))) == Some(*item)
}
