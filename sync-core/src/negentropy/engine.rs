//! What both roles do with a message: answer range by range, split what differs.

use super::batch::{Batch, Payload, Told};
use super::compare::compare;
use super::division::Division;
use super::lists::Lists;
use super::splits::Splits;
use super::wire::{Decoder, Encoder, PrefixBound};
use crate::cut::{Part, Section, Share};
use crate::item::{Id, Range};
use crate::limits::SessionLimits;
use crate::session::{Differences, SessionError, at_most};
use crate::set::ItemSet;
use crate::summary::Fingerprints;
use alloc::vec;
use alloc::vec::Vec;
use core::ops::ControlFlow;

/// The smallest frame limit that the format allows, in bytes.
pub const MIN_FRAME_BYTES: usize = 4_096;

/// Room that the last ranges of a framed message may take beyond the check, as in the reference.
const FRAME_MARGIN: usize = 200;

/// So many fingerprints are made together.
const HASHED: usize = 8;

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
    division: Division,
    frame_bytes: usize,
    ranges_per_frame: usize,
    items_per_frame: usize,
    /// Whether an answer didn't fit its frame yet.
    crowded: bool,
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
    /// How many ranges and listed items there have been.
    ranges: usize,
    items: usize,
    /// What the ranges of the batch at hand are split into.
    splits: Splits,
    /// What is listed of it.
    lists: Lists,
}

impl<S: ItemSet> Engine<S> {
    /// Frames of at most `frame_bytes`; 0 is no limit, and under [`MIN_FRAME_BYTES`] isn't possible.
    pub(crate) fn new(
        set: S,
        division: Division,
        frame_bytes: usize,
        limits: &SessionLimits,
    ) -> Result<Self, SessionError> {
        if frame_bytes != 0 && frame_bytes < MIN_FRAME_BYTES {
            return Err(SessionError::Setting {
                name: "frame_bytes_sent",
                value: frame_bytes as u64,
                expected: "0 for no bound, or at least 4096 bytes",
            });
        }
        Ok(Self {
            set,
            division,
            frame_bytes,
            ranges_per_frame: limits.ranges_per_frame,
            items_per_frame: limits.items_per_frame,
            crowded: false,
        })
    }

    /// The set that it reads.
    pub(crate) const fn set(&self) -> &S {
        &self.set
    }

    /// The first message.
    pub(crate) fn initiate(&self) -> Vec<u8> {
        let mut out = Encoder::new();
        let all = Section {
            range: Range::ALL,
            ranks: 0..self.set.len(),
        };
        self.split(&mut out, &all, &PrefixBound::INFINITY, None);
        out.finish()
    }

    /// The answer to a message's ranges; the version byte alone if there is nothing to say.
    ///
    /// Ranges are taken in batches, so that the set is asked for many positions at once.
    pub(crate) fn answer(
        &mut self,
        mut message: Decoder<'_>,
        mut role: Role<'_>,
    ) -> Result<Vec<u8>, SessionError> {
        let mut answer = Answer::new();
        let mut batch = Batch::new(self.frame_bytes != 0);
        while batch.read(&mut message, &answer.lower_bound) {
            let lists_ranked = matches!(role, Role::Responder);
            answer.lower = batch.look_up(&self.set, lists_ranked);
            self.read_ahead(&mut answer, &batch);
            self.divide_ahead(&mut answer, &batch);
            for (told, part) in batch.ranges() {
                self.count(&mut answer, told)?;
                if self.answer_range(&mut answer, told, part, &mut role)? {
                    return Ok(answer.out.finish());
                }
            }
        }
        batch.fault().map_or(Ok(answer.out.finish()), Err)
    }

    fn count(&self, answer: &mut Answer, told: &Told<'_>) -> Result<(), SessionError> {
        answer.ranges += 1;
        at_most("ranges_per_frame", answer.ranges, self.ranges_per_frame)?;
        if let Payload::Ids(ids) = told.payload {
            answer.items += ids.len();
            at_most("items_per_frame", answer.items, self.items_per_frame)?;
        }
        Ok(())
    }

    /// Reads those ranges of the batch that will be listed, or that the peer has listed, all at once, where that
    /// is faster.
    fn read_ahead(&self, answer: &mut Answer, batch: &Batch<'_>) {
        if !self.set.reads_together() {
            return;
        }
        answer.lists.clear();
        let (mut lower, mut start) = (answer.lower_bound, answer.lower);
        for (told, part) in batch.ranges() {
            let few = part.end - start < self.division.list_below();
            if few && (told.differs() || matches!(told.payload, Payload::Ids(_))) {
                let range = Range::new(lower.bound(), told.upper.bound());
                answer.lists.add(range);
            }
            (lower, start) = (told.upper, part.end);
        }
        answer.lists.read(&self.set);
    }

    /// Divides those ranges of the batch that differ, all at once. What is split otherwise than most, or might not
    /// fit into the frame, is left to [`Engine::split`].
    fn divide_ahead(&self, answer: &mut Answer, batch: &Batch<'_>) {
        let parts = self.division.parts(self.crowded, false);
        answer.splits.clear(parts);
        let room = match self.frame_bytes {
            0 => usize::MAX,
            most => most.saturating_sub(answer.out.len()),
        };
        let (mut lower, mut start) = (answer.lower_bound, answer.lower);
        for (told, part) in batch.ranges() {
            let section = Section {
                range: Range::new(lower.bound(), told.upper.bound()),
                ranks: start..part.end,
            };
            (lower, start) = (told.upper, part.end);
            let rest = told.upper == PrefixBound::INFINITY;
            if !told.differs()
                || section.ranks.len() < self.division.list_below()
                || self.division.parts(self.crowded, rest) != parts
            {
                continue;
            }
            if !answer.splits.add(section, room) {
                break;
            }
        }
        answer.splits.divide(&self.set);
    }

    /// Answers one range, `part` of the own set; whether the message was full and has been ended.
    fn answer_range(
        &mut self,
        answer: &mut Answer,
        told: &Told<'_>,
        part: &Part,
        role: &mut Role<'_>,
    ) -> Result<bool, SessionError> {
        let start = answer.out.len();
        let mut upper = part.end;
        let section = answer.section(upper, &told.upper);
        match (told.payload, role) {
            (Payload::Fingerprint(_), _) if told.differs() => {
                answer.write_skip();
                match answer.splits.take(&section) {
                    Some(shares) => write_shares(&mut answer.out, shares, &told.upper),
                    None => {
                        let ours = answer.lists.take(&section.range);
                        self.split(&mut answer.out, &section, &told.upper, ours);
                    }
                }
            }
            (Payload::Skip | Payload::Fingerprint(_), _) => answer.skipping = true,
            (Payload::Ids(theirs), Role::Initiator(found)) => {
                let ours = answer.lists.take(&section.range);
                compare(&self.set, &section, ours, theirs, found)?;
                answer.skipping = true;
            }
            (Payload::Ids(_), Role::Responder) => upper = self.list(answer, upper, &told.upper),
        }
        if self.is_full(answer.out.len()) {
            if !matches!(told.payload, Payload::Ids(_)) {
                // An id list has been shortened to fit; the parts of a split have not.
                answer.out.truncate(start);
            }
            self.cut_short(answer);
            return Ok(true);
        }
        if answer.out.len() > start {
            answer.written = upper;
        }
        answer.lower = upper;
        answer.lower_bound = told.upper;
        Ok(false)
    }

    /// Ends a message that is full: one fingerprint stands for all that it doesn't reach.
    fn cut_short(&mut self, answer: &mut Answer) {
        self.crowded = true;
        let rest = self.set.summary(answer.written..self.set.len());
        answer
            .out
            .fingerprint(&PrefixBound::INFINITY, &rest.negentropy_fingerprint());
    }

    /// Answers an id list by the own one, shortened if the frame is full; gives the rank at which
    /// the list ends.
    fn list(&self, answer: &mut Answer, upper: usize, upper_bound: &PrefixBound) -> usize {
        // The reference counts the list alone here, without the skip and head before it.
        let most = self.ids_from(answer.out.len());
        answer.write_skip();
        let end = upper.min(answer.lower.saturating_add(most));
        let first_out = if end < upper {
            self.set.select(end)
        } else {
            None
        };
        let end_bound = first_out.map_or(*upper_bound, |item| PrefixBound::before(&item));
        let section = answer.section(end, &end_bound);
        let ours = answer.lists.take(&section.range);
        self.write_ids(&mut answer.out, &section, &end_bound, ours);
        answer.written = end;
        end
    }

    /// How many ids are listed until a frame is full that has `len` bytes.
    fn ids_from(&self, len: usize) -> usize {
        if self.frame_bytes == 0 {
            return usize::MAX;
        }
        let most = self.frame_bytes - FRAME_MARGIN;
        most.checked_sub(len).map_or(0, |room| room / 32 + 1)
    }

    /// Writes the list of the ids in a section: `ours`, or what the set says.
    fn write_ids(
        &self,
        out: &mut Encoder,
        section: &Section,
        upper: &PrefixBound,
        ours: Option<&[Id]>,
    ) {
        out.id_list(upper, section.ranks.len());
        if let Some(ours) = ours {
            ours.iter().for_each(|id| out.id(id));
            return;
        }
        let every = self.set.visit_columns(&section.range, &mut |_, ids| {
            ids.iter().for_each(|id| out.id(id));
            ControlFlow::Continue(())
        });
        debug_assert!(every.is_continue(), "nothing above breaks");
    }

    fn split(
        &self,
        out: &mut Encoder,
        section: &Section,
        upper: &PrefixBound,
        ours: Option<&[Id]>,
    ) {
        if section.ranks.len() < self.division.list_below() {
            self.write_ids(out, section, upper, ours);
            return;
        }
        let rest = *upper == PrefixBound::INFINITY;
        let mut shares = vec![Share::default(); self.division.parts(self.crowded, rest)];
        self.set.divide(section, &mut shares);
        write_shares(out, &shares, upper);
    }

    fn is_full(&self, len: usize) -> bool {
        self.frame_bytes != 0 && len > self.frame_bytes - FRAME_MARGIN
    }
}

/// Writes the fingerprints of the parts of a range, which ends at `upper`.
fn write_shares(out: &mut Encoder, shares: &[Share], upper: &PrefixBound) {
    for shares in shares.chunks(HASHED) {
        let mut fingerprints = Fingerprints::<HASHED>::new();
        shares
            .iter()
            .for_each(|share| fingerprints.push(&share.tally));
        for (fingerprint, share) in fingerprints.finish().iter().zip(shares) {
            let inner = share.upper.as_ref().map(PrefixBound::shortest);
            out.fingerprint(&inner.unwrap_or(*upper), fingerprint);
        }
    }
}

impl Answer {
    fn new() -> Self {
        Self {
            out: Encoder::new(),
            lower: 0,
            lower_bound: PrefixBound::MIN,
            skipping: false,
            written: 0,
            ranges: 0,
            items: 0,
            splits: Splits::default(),
            lists: Lists::default(),
        }
    }

    /// From the start of the range at hand on up to a rank and its bound.
    fn section(&self, end: usize, upper: &PrefixBound) -> Section {
        Section {
            range: Range::new(self.lower_bound.bound(), upper.bound()),
            ranks: self.lower..end,
        }
    }

    fn write_skip(&mut self) {
        if self.skipping {
            self.skipping = false;
            self.out.skip(&self.lower_bound);
        }
    }
}
