//! One frame of the dialect as a value.

use alloc::vec::Vec;

use super::header::{Header, HeaderForm};
use super::wire;
use crate::item::{Id, Item};
use crate::limits::SessionLimits;
use crate::session::SessionError;

/// What one frame says: adjoining ranges, and the topics they are about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Payload {
    /// The topics; neither written nor read when there are no ranges.
    pub header: Header,
    /// The lower bound of the first range. Its id isn't written and reads as zero, but decides how
    /// much of the hashes of upper bounds is.
    pub start: Item,
    /// The ranges, each from the upper bound of the one before.
    pub ranges: Vec<PayloadRange>,
}

/// One range of a [`Payload`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PayloadRange {
    /// The upper bound, excluded. Its id is written only if its timestamp is the previous bound's.
    pub upper: Item,
    /// What is said about the range.
    pub content: Content,
}

/// What is said about a range.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Content {
    /// Nothing more to say.
    Skip,
    /// The xor of the ids in it.
    Fingerprint([u8; 32]),
    /// All items in it.
    Items {
        /// The items; in order if the sender keeps to the format.
        items: Vec<Item>,
        /// Whether the sender has seen the receiver's items of the range, and wants no answer.
        reconciled: bool,
    },
}

/// A part of a frame, as [`Payload::decode_parts`] tells of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PayloadPart {
    /// The list of pubsub topics, in [`HeaderForm::Topics`].
    PubsubTopics,
    /// The number of the cluster, in [`HeaderForm::Cluster`].
    Cluster,
    /// The list of shards, in [`HeaderForm::Cluster`].
    Shards,
    /// The list of content topics.
    ContentTopics,
    /// The time of the first lower bound.
    Start,
    /// Upper bound and type of a range.
    RangeHead,
    /// What is said about the range; no bytes for a skip.
    RangeContent,
}

impl PayloadRange {
    /// What sessions refuse about it though it is of the format: in this dialect bounds lie at
    /// timestamps.
    #[must_use]
    pub fn refusal(&self) -> Option<SessionError> {
        (self.upper.id != Id::ZERO && self.content != Content::Skip).then_some(
            SessionError::Protocol("a bound with a hash: in this dialect bounds lie at timestamps"),
        )
    }
}

impl Payload {
    /// A payload without ranges, which ends a session.
    #[must_use]
    pub const fn empty(form: HeaderForm) -> Self {
        Self {
            header: Header::all(form),
            start: Item::new(0, Id::ZERO),
            ranges: Vec::new(),
        }
    }

    /// Reads a frame (without the stream's length prefix).
    ///
    /// The verdict is nwaku's: a frame of at most one byte has no ranges, one byte behind the last
    /// range is ignored, and where nwaku needs nine bytes to be left (before counts and lengths of
    /// topics, the first time and the times of items) so does this. Stricter than nwaku it is in
    /// refusing integers that end within the frame or go on past nine bytes, a bound's hash that is
    /// cut short, times past 2^63 - 1 and topics that aren't UTF-8, all of which nwaku reads as
    /// something else or can't survive.
    ///
    /// # Errors
    /// [`SessionError::Malformed`] with the offset, or [`SessionError::Limit`] when there are more
    /// ranges, items or topics, or longer topics, than `limits` allow. Nothing is allocated by a
    /// length that the frame claims.
    pub fn decode(
        form: HeaderForm,
        frame: &[u8],
        limits: &SessionLimits,
    ) -> Result<Self, SessionError> {
        wire::decode(form, frame, limits, |_, _| {})
    }

    /// As [`Payload::decode`], and tells `ended` of each part of the frame in turn, with the offset
    /// at which it ended; it began where the one before ended, the first at 0.
    ///
    /// Told is what was read before an error too. A frame of at most one byte has no parts, and of a
    /// frame without ranges the parts are told that its payload leaves out.
    ///
    /// # Errors
    /// As [`Payload::decode`].
    pub fn decode_parts(
        form: HeaderForm,
        frame: &[u8],
        limits: &SessionLimits,
        ended: impl FnMut(PayloadPart, usize),
    ) -> Result<Self, SessionError> {
        wire::decode(form, frame, limits, ended)
    }

    /// The frame for this payload (without the stream's length prefix), as nwaku writes it.
    ///
    /// Of a bound's hash it has no more than the bytes up to the first that differs from the hash
    /// of [`start`](Self::start). Lists must be in order of time, and bounds mustn't descend: the
    /// differences are written all the same, and no decoder takes them.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        if self.ranges.is_empty() {
            return wire::EMPTY.into();
        }
        let mut encoder = wire::Encoder::new(&self.header, self.start);
        for PayloadRange { upper, content } in &self.ranges {
            match content {
                Content::Skip => encoder.skip(*upper),
                Content::Fingerprint(fingerprint) => encoder.fingerprint(*upper, fingerprint),
                Content::Items { items, reconciled } => {
                    let mut list = encoder.items(*upper, items.len());
                    items.iter().for_each(|item| list.push(item));
                    list.end(*reconciled);
                }
            }
        }
        encoder.into_bytes()
    }

    /// Whether the payload ends the session: it has nothing but skips.
    #[must_use]
    pub fn is_end(&self) -> bool {
        self.ranges
            .iter()
            .all(|range| range.content == Content::Skip)
    }

    /// Where the last range ends.
    #[must_use]
    pub fn end(&self) -> Item {
        self.ranges.last().map_or(self.start, |range| range.upper)
    }
}
