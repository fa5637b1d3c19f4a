//! What both roles do with a message: answer range by range, split what differs.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::ops::{ControlFlow, Range};

use super::wire::{Decoder, Encoder, Mode, PrefixBound};
use crate::item::Id;
use crate::limits::SessionLimits;
use crate::session::{Differences, SessionError, at_most};
use crate::set::ItemSet;

/// The smallest frame limit that the format allows, in bytes.
pub const MIN_FRAME_BYTES: usize = 4_096;

/// A range that differs is split into so many parts, or listed if it has fewer than twice as many
/// items. The format leaves both open; these are the reference implementations'.
const BUCKETS: usize = 16;

/// Room that the last ranges of a framed message may take beyond the check, as in the reference.
const FRAME_MARGIN: usize = 200;

/// Which side a message is answered as.
#[derive(Debug)]
pub(crate) enum Role<'a> {
    /// Id lists are compared and settle their range.
    Initiator(&'a mut Differences),
    /// Id lists are answered by the own ids.
    Responder,
}

/// A set and the limits under which messages about it are written and read.
#[derive(Clone, Debug)]
pub(crate) struct Engine<S> {
    set: S,
    frame_bytes: usize,
    ranges_per_frame: usize,
    items_per_frame: usize,
}

/// The state while one message is answered.
struct Answer {
    out: Encoder,
    /// Where the range at hand starts.
    lower: usize,
    lower_bound: PrefixBound,
    /// Whether ranges before `lower` are settled and not yet written as a skip.
    skipping: bool,
    /// The rank up to which `out` speaks.
    written: usize,
}

impl<S: ItemSet> Engine<S> {
    /// Frames of at most `frame_bytes`; 0 is no limit, and under [`MIN_FRAME_BYTES`] isn't possible.
    pub(crate) fn new(
        set: S,
        frame_bytes: usize,
        limits: &SessionLimits,
    ) -> Result<Self, SessionError> {
        if frame_bytes != 0 && frame_bytes < MIN_FRAME_BYTES {
            return Err(SessionError::Protocol("a frame limit under 4096 bytes"));
        }
        Ok(Self {
            set,
            frame_bytes,
            ranges_per_frame: limits.ranges_per_frame,
            items_per_frame: limits.items_per_frame,
        })
    }

    /// The first message.
    pub(crate) fn initiate(&self) -> Vec<u8> {
        let mut out = Encoder::new();
        self.split(&mut out, 0..self.set.len(), &PrefixBound::INFINITY);
        out.finish()
    }

    /// The answer to a message's ranges; the version byte alone if there is nothing to say.
    pub(crate) fn answer(
        &self,
        mut message: Decoder<'_>,
        mut role: Role<'_>,
    ) -> Result<Vec<u8>, SessionError> {
        let mut answer = Answer {
            out: Encoder::new(),
            lower: 0,
            lower_bound: PrefixBound::MIN,
            skipping: false,
            written: 0,
        };
        let (mut ranges, mut items) = (0, 0);
        while let Some(head) = message.next_range()? {
            ranges += 1;
            at_most("ranges_per_frame", ranges, self.ranges_per_frame)?;
            let start = answer.out.len();
            let mut upper = self.set.rank(&head.upper.bound()).max(answer.lower);
            match head.mode {
                Mode::Skip => answer.skipping = true,
                Mode::Fingerprint => {
                    self.compare(&mut answer, message.fingerprint()?, upper, &head.upper);
                }
                Mode::IdList => {
                    let theirs = message.ids()?;
                    items += theirs.len();
                    at_most("items_per_frame", items, self.items_per_frame)?;
                    match &mut role {
                        Role::Initiator(found) => {
                            self.diff(answer.lower..upper, theirs, found)?;
                            answer.skipping = true;
                        }
                        Role::Responder => upper = self.list(&mut answer, upper, &head.upper),
                    }
                }
            }
            if self.is_full(answer.out.len()) {
                self.cut(&mut answer, start, head.mode);
                return Ok(answer.out.finish());
            }
            if answer.out.len() > start {
                answer.written = upper;
            }
            answer.lower = upper;
            answer.lower_bound = head.upper;
        }
        Ok(answer.out.finish())
    }

    /// Ends a message that is full: one fingerprint stands for all that it doesn't reach. An id
    /// list has been shortened to fit; the parts of a split, begun at `start`, have not.
    fn cut(&self, answer: &mut Answer, start: usize, mode: Mode) {
        if mode != Mode::IdList {
            answer.out.truncate(start);
        }
        let rest = self.set.summary(answer.written..self.set.len());
        answer
            .out
            .fingerprint(&PrefixBound::INFINITY, &rest.negentropy_fingerprint());
    }

    fn compare(&self, answer: &mut Answer, theirs: &[u8], upper: usize, upper_bound: &PrefixBound) {
        let ours = self
            .set
            .summary(answer.lower..upper)
            .negentropy_fingerprint();
        if ours == *theirs {
            answer.skipping = true;
        } else {
            answer.write_skip();
            self.split(&mut answer.out, answer.lower..upper, upper_bound);
        }
    }

    fn diff(
        &self,
        ranks: Range<usize>,
        theirs: impl Iterator<Item = Id>,
        found: &mut Differences,
    ) -> Result<(), SessionError> {
        let mut theirs: BTreeSet<Id> = theirs.collect();
        let mut result = Ok(());
        let _ = self.set.visit(ranks, &mut |item| {
            if !theirs.remove(&item.id) {
                result = found.have(item.id);
            }
            if result.is_ok() {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        });
        result?;
        theirs.into_iter().try_for_each(|id| found.need(id))
    }

    /// Answers an id list by the own one, shortened if the frame is full; gives the rank at which
    /// the list ends.
    fn list(&self, answer: &mut Answer, upper: usize, upper_bound: &PrefixBound) -> usize {
        let start = answer.out.len();
        answer.write_skip();
        // The reference counts the list alone here, without the skip and head before it.
        let mut len = start;
        let mut ids = Vec::new();
        let mut end_bound = *upper_bound;
        let _ = self.set.visit(answer.lower..upper, &mut |item| {
            if self.is_full(len) {
                end_bound = PrefixBound::before(&item);
                return ControlFlow::Break(());
            }
            len += 32;
            ids.push(item.id);
            ControlFlow::Continue(())
        });
        answer.out.id_list(&end_bound, &ids);
        answer.written = (answer.lower + ids.len()).min(upper);
        answer.written
    }

    fn split(&self, out: &mut Encoder, ranks: Range<usize>, upper: &PrefixBound) {
        let count = ranks.len();
        if count < 2 * BUCKETS {
            let mut ids = Vec::with_capacity(count);
            let _ = self.set.visit(ranks, &mut |item| {
                ids.push(item.id);
                ControlFlow::Continue(())
            });
            out.id_list(upper, &ids);
            return;
        }
        let (each, extra) = (count / BUCKETS, count % BUCKETS);
        let mut start = ranks.start;
        for bucket in 0..BUCKETS {
            let end = start + each + usize::from(bucket < extra);
            let fingerprint = self.set.summary(start..end).negentropy_fingerprint();
            let bound = if end == ranks.end {
                *upper
            } else {
                self.bound_at(end)
            };
            out.fingerprint(&bound, &fingerprint);
            start = end;
        }
    }

    /// The shortest bound between the items of `rank - 1` and `rank`.
    fn bound_at(&self, rank: usize) -> PrefixBound {
        let mut neighbours = [None; 2];
        let mut slots = neighbours.iter_mut();
        let _ = self.set.visit(
            rank.saturating_sub(1)..rank + 1,
            &mut |item| match slots.next() {
                Some(slot) => {
                    *slot = Some(item);
                    ControlFlow::Continue(())
                }
                None => ControlFlow::Break(()),
            },
        );
        match neighbours {
            [Some(left), Some(right)] => PrefixBound::between(&left, &right),
            _ => PrefixBound::INFINITY,
        }
    }

    fn is_full(&self, len: usize) -> bool {
        self.frame_bytes != 0 && len > self.frame_bytes - FRAME_MARGIN
    }
}

impl Answer {
    fn write_skip(&mut self) {
        if self.skipping {
            self.skipping = false;
            self.out.skip(&self.lower_bound);
        }
    }
}
