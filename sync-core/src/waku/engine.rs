//! The answer to one frame, range by range.

use super::compare::{compare, within};
use super::payload::Content;
use super::reply::Reply;
use super::splitting::{Span, Splitting};
use crate::item::{Item, Range};
use crate::session::{Differences, SessionError};
use crate::set::ItemSet;

/// What a range is answered from, and where the answer goes.
pub(super) struct Engine<'a> {
    /// The items of the scope, none of them outside `window`.
    pub(super) set: &'a dyn ItemSet,
    /// What is neither offered nor asked for lies outside.
    pub(super) window: Range,
    /// The times of `window`, rounded outwards.
    pub(super) times: Span,
    pub(super) splitting: &'a Splitting,
    /// Whether the peer lists items of other topics, and so holds none in the scope.
    pub(super) nothing_theirs: bool,
    pub(super) differences: &'a mut Differences,
    pub(super) reply: Reply<'a>,
}

impl Engine<'_> {
    /// Answers what the peer says about `span`.
    pub(super) fn answer(&mut self, span: Span, content: &Content) -> Result<(), SessionError> {
        match content {
            Content::Skip => {}
            Content::Fingerprint(fingerprint) => {
                let ours = self.set.summary_of(&span.range()).xor_fingerprint();
                if ours != *fingerprint {
                    self.ask(span)?;
                }
            }
            Content::Items { items, reconciled } => self.settle(span, items, *reconciled)?,
        }
        self.reply.skip_to(span.upper);
        Ok(())
    }

    /// Asks the peer for what it has in `span`: by fingerprints of its parts, or by a list.
    pub(super) fn ask(&mut self, span: Span) -> Result<(), SessionError> {
        let span = span.intersect(&self.times);
        if span.is_empty() {
            return Ok(());
        }
        self.reply.skip_to(span.lower);
        let cuts = self.splitting.cuts(self.set, span);
        if cuts.is_empty() {
            return self.reply.items_to(span.upper, false);
        }
        let mut lower = span.lower;
        for upper in cuts.into_iter().chain([span.upper]) {
            let held = Span::new(lower, upper).ranks(self.set).len();
            if held <= self.splitting.listed_at_most {
                self.reply.items_to(upper, false)?;
            } else {
                self.reply.fingerprint_to(upper)?;
            }
            lower = upper;
        }
        Ok(())
    }

    /// Learns the differences in `span` from the peer's list, and tells the peer, unless it knows
    /// them, by listing the times at which there are some.
    fn settle(
        &mut self,
        span: Span,
        theirs: &[Item],
        reconciled: bool,
    ) -> Result<(), SessionError> {
        let span = span.intersect(&self.times);
        if span.is_empty() {
            return Ok(());
        }
        let theirs = if self.nothing_theirs {
            &[]
        } else {
            within(theirs, &span, &self.window)
        };
        for differing in compare(self.set, span, theirs, self.differences)? {
            if !reconciled {
                self.reply.skip_to(differing.lower);
                self.reply.items_to(differing.upper, true)?;
            }
        }
        Ok(())
    }
}
