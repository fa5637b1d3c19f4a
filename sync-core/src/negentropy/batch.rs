//! Ranges of a message, some at a time, with what the own set holds in them.

use alloc::vec::Vec;

use super::wire::{Decoder, FINGERPRINT_BYTES, Mode, PrefixBound};
use crate::cut::{Cut, Part};
use crate::item::Bound;
use crate::session::SessionError;
use crate::set::ItemSet;
use crate::summary::Fingerprints;

/// Most ranges at a time: enough to share most of the way to them.
const BATCH: usize = 128;

/// The same where the answer may be full before the message ends: few enough that little is looked up in vain.
const BATCH_FRAMED: usize = 32;

/// What a range is described by.
#[derive(Clone, Copy, Debug)]
pub(super) enum Payload<'a> {
    Skip,
    Fingerprint(&'a [u8]),
    Ids(&'a [[u8; 32]]),
}

/// What the peer tells about a range.
#[derive(Clone, Debug)]
pub(super) struct Told<'a> {
    pub(super) upper: PrefixBound,
    pub(super) payload: Payload<'a>,
    /// The own fingerprint, where the peer's is given.
    pub(super) ours: [u8; FINGERPRINT_BYTES],
}

impl Told<'_> {
    /// Whether the peer's fingerprint is another than the own one.
    pub(super) fn differs(&self) -> bool {
        matches!(self.payload, Payload::Fingerprint(theirs) if self.ours != *theirs)
    }
}

/// Some ranges that follow each other.
#[derive(Debug)]
pub(super) struct Batch<'a> {
    /// How many at the most.
    most: usize,
    told: Vec<Told<'a>>,
    /// The lower bound of the first range.
    lower: Bound,
    /// What the own set holds in each range.
    parts: Vec<Part>,
    /// What the set is asked, and what it answers.
    cuts: Vec<Cut>,
    cut: Vec<Part>,
    /// What is wrong with the message behind the ranges that could be read.
    fault: Option<SessionError>,
}

impl<'a> Batch<'a> {
    /// Of a message whose answer is `framed` or may be as long as it comes.
    pub(super) fn new(framed: bool) -> Self {
        let most = if framed { BATCH_FRAMED } else { BATCH };
        Self {
            most,
            told: Vec::with_capacity(BATCH_FRAMED),
            lower: Bound::MIN,
            parts: Vec::with_capacity(BATCH_FRAMED),
            cuts: Vec::with_capacity(BATCH_FRAMED + 1),
            cut: Vec::with_capacity(BATCH_FRAMED + 1),
            fault: None,
        }
    }

    /// Reads the next ranges, of which the first begins at `lower`; whether there were any.
    pub(super) fn read(&mut self, message: &mut Decoder<'a>, lower: &PrefixBound) -> bool {
        self.told.clear();
        self.lower = lower.bound();
        while self.told.len() < self.most && self.fault.is_none() {
            match next(message) {
                Ok(Some(told)) => self.told.push(told),
                Ok(None) => break,
                Err(fault) => self.fault = Some(fault),
            }
        }
        !self.told.is_empty()
    }

    /// Has `set` say what it holds in the ranges; gives the rank at which the first one starts. Where ranges end
    /// that are skipped, or listed unless `lists_ranked`, is only looked up if the next one begins there.
    pub(super) fn look_up(&mut self, set: &impl ItemSet, lists_ranked: bool) -> usize {
        let is_ranked = |told: &Told<'_>| match told.payload {
            Payload::Skip => false,
            Payload::Fingerprint(_) => true,
            Payload::Ids(_) => lists_ranked,
        };
        self.cuts.clear();
        self.cuts.push(Cut {
            at: self.lower,
            summed: false,
        });
        let is_cut = |index| {
            let here = index..self.told.len().min(index + 2);
            self.told[here].iter().any(is_ranked)
        };
        for (index, told) in self.told.iter().enumerate() {
            if is_cut(index) {
                self.cuts.push(Cut {
                    at: told.upper.bound(),
                    summed: matches!(told.payload, Payload::Fingerprint(_)),
                });
            }
        }
        self.cut.clear();
        self.cut.resize(self.cuts.len(), Part::default());
        set.cut(&self.cuts, &mut self.cut);
        let mut cut = self.cut.iter();
        let start = cut.next().map_or(0, |part| part.end);
        let mut end = start;
        self.parts.clear();
        for index in 0..self.told.len() {
            let part = if is_cut(index) {
                cut.next().copied().unwrap_or_default()
            } else {
                Part {
                    end,
                    ..Part::default()
                }
            };
            end = part.end;
            self.parts.push(part);
        }
        let mut fingerprints = Fingerprints::<BATCH>::new();
        for (told, part) in self.told.iter().zip(&self.parts) {
            if matches!(told.payload, Payload::Fingerprint(_)) {
                fingerprints.push(&part.tally);
            }
        }
        let mut ours = fingerprints.finish().into_iter();
        for told in &mut self.told {
            if matches!(told.payload, Payload::Fingerprint(_)) {
                told.ours = ours.next().unwrap_or_default();
            }
        }
        start
    }

    /// The ranges, with the own part of each; where one ends that wasn't looked up it's taken to be empty.
    pub(super) fn ranges(&self) -> impl Iterator<Item = (&Told<'a>, &Part)> {
        self.told.iter().zip(&self.parts)
    }

    /// What is wrong with the message, once all ranges before that have been read.
    pub(super) fn fault(self) -> Option<SessionError> {
        self.fault
    }
}

fn next<'a>(message: &mut Decoder<'a>) -> Result<Option<Told<'a>>, SessionError> {
    let Some(head) = message.next_range()? else {
        return Ok(None);
    };
    let payload = match head.mode {
        Mode::Skip => Payload::Skip,
        Mode::Fingerprint => Payload::Fingerprint(message.fingerprint()?),
        Mode::IdList => Payload::Ids(message.raw_ids()?),
    };
    Ok(Some(Told {
        upper: head.upper,
        payload,
        ours: [0; FINGERPRINT_BYTES],
    }))
}
