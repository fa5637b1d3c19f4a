//! Ranges of a message, some at a time, with what the own set holds in them.

use alloc::vec::Vec;

use super::wire::{Decoder, FINGERPRINT_BYTES, Mode, PrefixBound};
use crate::cut::{Cut, Part};
use crate::session::SessionError;
use crate::set::ItemSet;
use crate::summary::Fingerprints;

/// Most ranges at a time: enough to share most of the way to them, and few enough that little is
/// looked up in vain when the answer is full before the message ends.
const BATCH: usize = 32;

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

/// Up to [`BATCH`] ranges that follow each other.
#[derive(Debug)]
pub(super) struct Batch<'a> {
    told: Vec<Told<'a>>,
    /// The lower bound of the first range, and the upper ones of all.
    cuts: Vec<Cut>,
    parts: Vec<Part>,
    /// What is wrong with the message behind the ranges that could be read.
    fault: Option<SessionError>,
}

impl<'a> Batch<'a> {
    pub(super) fn new() -> Self {
        Self {
            told: Vec::with_capacity(BATCH),
            cuts: Vec::with_capacity(BATCH + 1),
            parts: Vec::with_capacity(BATCH + 1),
            fault: None,
        }
    }

    /// Reads the next ranges, of which the first begins at `lower`; whether there were any.
    pub(super) fn read(&mut self, message: &mut Decoder<'a>, lower: &PrefixBound) -> bool {
        self.told.clear();
        self.cuts.clear();
        self.cuts.push(Cut {
            at: lower.bound(),
            summed: false,
        });
        while self.told.len() < BATCH && self.fault.is_none() {
            match next(message) {
                Ok(Some(told)) => {
                    self.cuts.push(Cut {
                        at: told.upper.bound(),
                        summed: matches!(told.payload, Payload::Fingerprint(_)),
                    });
                    self.told.push(told);
                }
                Ok(None) => break,
                Err(fault) => self.fault = Some(fault),
            }
        }
        !self.told.is_empty()
    }

    /// Has `set` say what it holds in the ranges.
    pub(super) fn look_up(&mut self, set: &impl ItemSet) {
        self.parts.clear();
        self.parts.resize(self.cuts.len(), Part::default());
        set.cut(&self.cuts, &mut self.parts);
        let mut fingerprints = Fingerprints::<BATCH>::new();
        for (told, part) in self.told.iter().zip(&self.parts[1..]) {
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
    }

    /// The ranges, with the own part of each.
    pub(super) fn ranges(&self) -> impl Iterator<Item = (&Told<'a>, &Part)> {
        self.told.iter().zip(&self.parts[1..])
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
