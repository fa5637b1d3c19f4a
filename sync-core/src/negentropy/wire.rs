//! The bytes of negentropy V1: bounds, modes and payloads of ranges.

use alloc::vec::Vec;

use crate::item::{Bound, Id, Item};
use crate::session::SessionError;
use crate::varint;

/// The version byte that starts every message.
pub const PROTOCOL_VERSION: u8 = 0x61;

/// Length of a fingerprint on the wire, in bytes.
pub const FINGERPRINT_BYTES: usize = 16;

/// How a range is described.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// Nothing to say about it.
    Skip,
    /// By the fingerprint of its items: 16 bytes.
    Fingerprint,
    /// By the ids of its items: a count and 32 bytes each.
    IdList,
}

/// A bound as written: a timestamp and the first bytes of an id, the rest being zero.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PrefixBound {
    item: Item,
    len: u8,
}

impl PrefixBound {
    /// Before every item.
    pub const MIN: Self = Self {
        item: Item::new(0, Id::ZERO),
        len: 0,
    };

    /// Past every item; its timestamp is `u64::MAX`.
    pub const INFINITY: Self = Self {
        item: Item::new(u64::MAX, Id::ZERO),
        len: 0,
    };

    /// Just before `item`, with its whole id.
    #[must_use]
    pub fn before(item: &Item) -> Self {
        Self {
            item: *item,
            len: 32,
        }
    }

    /// The shortest bound that lies behind `left` and not behind `right`, two neighbours.
    #[must_use]
    pub fn between(left: &Item, right: &Item) -> Self {
        Self::shortest(&Bound::between(left, right))
    }

    /// The position `bound`, with no more of the id than its zeros at the end leave.
    ///
    /// Of a [`Bound::between`] that is all that there is to write: its last byte differs from that of
    /// a smaller id, and so from zero.
    #[must_use]
    pub fn shortest(bound: &Bound) -> Self {
        match bound {
            Bound::Infinity => Self::INFINITY,
            Bound::Before(item) => {
                let last = item.id.0.iter().rposition(|byte| *byte != 0);
                let len = last.map_or(0, |last| last as u8 + 1);
                Self { item: *item, len }
            }
        }
    }

    /// The position it stands for.
    #[must_use]
    pub fn bound(&self) -> Bound {
        if self.item.timestamp == u64::MAX {
            Bound::Infinity
        } else {
            Bound::Before(self.item)
        }
    }

    /// The bytes of the id that are written.
    #[must_use]
    pub fn prefix(&self) -> &[u8] {
        &self.item.id.0[..usize::from(self.len)]
    }
}

/// Bound and mode of a range; the payload follows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RangeHead {
    /// Where the range ends; it starts where the one before ended.
    pub upper: PrefixBound,
    /// What follows.
    pub mode: Mode,
}

/// Reads a message range by range, without copying it.
#[derive(Clone, Debug)]
pub struct Decoder<'a> {
    frame: &'a [u8],
    offset: usize,
    last: PrefixBound,
}

impl<'a> Decoder<'a> {
    /// A reader of `frame` that has taken the version byte.
    ///
    /// # Errors
    /// When the frame is empty or starts with a byte that is no version (0x60 to 0x6f).
    pub fn new(frame: &'a [u8]) -> Result<(u8, Self), SessionError> {
        match frame.first() {
            Some(version @ 0x60..=0x6f) => Ok((
                *version,
                Self {
                    frame,
                    offset: 1,
                    last: PrefixBound::MIN,
                },
            )),
            _ => Err(SessionError::Malformed {
                offset: 0,
                expected: "a version byte, 0x60 to 0x6f",
            }),
        }
    }

    /// The next range's head; `None` at the end of the message.
    ///
    /// # Errors
    /// When the bytes are no head, or its bound lies before the last one.
    pub fn next_range(&mut self) -> Result<Option<RangeHead>, SessionError> {
        if self.offset == self.frame.len() {
            return Ok(None);
        }
        let upper = self.bound()?;
        let at = self.offset;
        let mode = match self.varint("a mode: 0, 1 or 2")? {
            0 => Mode::Skip,
            1 => Mode::Fingerprint,
            2 => Mode::IdList,
            _ => {
                return Err(SessionError::Malformed {
                    offset: at,
                    expected: "a mode: 0, 1 or 2",
                });
            }
        };
        Ok(Some(RangeHead { upper, mode }))
    }

    /// The payload of a range in mode fingerprint.
    ///
    /// # Errors
    /// When the message ends within it.
    pub fn fingerprint(&mut self) -> Result<&'a [u8], SessionError> {
        self.take(FINGERPRINT_BYTES, "a fingerprint of 16 bytes")
    }

    /// The payload of a range in mode id list.
    ///
    /// # Errors
    /// When the message ends within it.
    pub fn ids(&mut self) -> Result<impl ExactSizeIterator<Item = Id> + use<'a>, SessionError> {
        Ok(self.raw_ids()?.iter().copied().map(Id))
    }

    /// As [`Decoder::ids`], left where they are.
    pub(super) fn raw_ids(&mut self) -> Result<&'a [[u8; 32]], SessionError> {
        let expected = "as many ids of 32 bytes as counted";
        let count = self.varint("the number of ids")?;
        let len = usize::try_from(count)
            .ok()
            .and_then(|count| count.checked_mul(32));
        let bytes = self.take(len.unwrap_or(usize::MAX), expected)?;
        Ok(bytes.as_chunks().0)
    }

    /// How many bytes have been read.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.offset
    }

    #[inline]
    fn bound(&mut self) -> Result<PrefixBound, SessionError> {
        let at = self.offset;
        let timestamp = match self.varint("the timestamp of a bound")? {
            0 => u64::MAX,
            delta => self.last.item.timestamp.saturating_add(delta - 1),
        };
        let (id, len) = self.id_prefix()?;
        let last = self.last.item;
        // No timestamp is less than the last one; infinity has no id.
        if timestamp == last.timestamp && timestamp != u64::MAX && id < last.id {
            let expected = "a bound that is not before the last one";
            return Err(SessionError::Malformed {
                offset: at,
                expected,
            });
        }
        self.last = PrefixBound {
            item: Item::new(timestamp, id),
            len,
        };
        Ok(self.last)
    }

    #[inline]
    fn id_prefix(&mut self) -> Result<(Id, u8), SessionError> {
        let at = self.offset;
        let len = self.varint("the length of an id prefix")?;
        let mut id = Id::ZERO;
        if len == 0 {
            return Ok((id, 0));
        }
        if len > 32 {
            let expected = "an id prefix of 0 to 32 bytes";
            return Err(SessionError::Malformed {
                offset: at,
                expected,
            });
        }
        let prefix = self.take(len as usize, "an id prefix of the length told")?;
        id.0[..prefix.len()].copy_from_slice(prefix);
        Ok((id, len as u8))
    }

    #[inline]
    fn varint(&mut self, expected: &'static str) -> Result<u64, SessionError> {
        let rest = &self.frame[self.offset..];
        let (value, len) = varint::read_big_endian(rest).ok_or(SessionError::Malformed {
            offset: self.offset,
            expected,
        })?;
        self.offset += len;
        Ok(value)
    }

    #[inline]
    fn take(&mut self, len: usize, expected: &'static str) -> Result<&'a [u8], SessionError> {
        let rest = &self.frame[self.offset..];
        let bytes = rest.get(..len).ok_or(SessionError::Malformed {
            offset: self.offset,
            expected,
        })?;
        self.offset += len;
        Ok(bytes)
    }
}

/// Room for the head of a range without an id prefix: timestamp, length and mode.
const HEAD_BYTES: usize = 16;

/// Writes a message range by range, each from where the one before ended.
///
/// Bounds mustn't descend, and nothing may follow an infinite one: no decoder takes what is written
/// then.
#[derive(Clone, Debug)]
pub struct Encoder {
    out: Vec<u8>,
    last_timestamp: u64,
}

impl Default for Encoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Encoder {
    /// A message of no ranges, which is the version byte.
    #[must_use]
    pub fn new() -> Self {
        Self {
            out: alloc::vec![PROTOCOL_VERSION],
            last_timestamp: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.out.len()
    }

    /// Takes back what was written past `len`; only an infinite bound may follow.
    pub(super) fn truncate(&mut self, len: usize) {
        self.out.truncate(len);
    }

    /// The message.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.out
    }

    /// A range about which nothing is said.
    pub fn skip(&mut self, upper: &PrefixBound) {
        self.head(upper, 0);
    }

    /// A range with the fingerprint of its items.
    pub fn fingerprint(&mut self, upper: &PrefixBound, fingerprint: &[u8; FINGERPRINT_BYTES]) {
        self.head(upper, 1);
        self.out.extend_from_slice(fingerprint);
    }

    /// A range with the ids of its items, `count` of them, which must follow by [`Encoder::id`].
    pub fn id_list(&mut self, upper: &PrefixBound, count: usize) {
        self.head(upper, 2);
        varint::write_big_endian(&mut self.out, count as u64);
        self.out.reserve(32 * count);
    }

    /// The next id of a list.
    #[inline]
    pub fn id(&mut self, id: &Id) {
        self.out.extend_from_slice(&id.0);
    }

    /// The head in one piece: piece by piece, each would be checked for room.
    #[inline]
    fn head(&mut self, upper: &PrefixBound, mode: u8) {
        let timestamp = upper.item.timestamp;
        let mut head = [0; HEAD_BYTES];
        let mut len = 1;
        if timestamp != u64::MAX {
            let delta = timestamp.saturating_sub(self.last_timestamp);
            let value = delta.saturating_add(1);
            if let Some(front) = head.first_chunk_mut() {
                len = varint::write_big_endian_to(front, value);
            }
        }
        self.last_timestamp = timestamp;
        head[len] = upper.len;
        len += 1;
        if upper.len > 0 {
            self.out.extend_from_slice(&head[..len]);
            self.out.extend_from_slice(upper.prefix());
            self.out.push(mode);
            return;
        }
        head[len] = mode;
        // A copy of fixed length, of which the end is taken back, costs less than one of any length.
        let end = self.out.len() + len + 1;
        self.out.extend_from_slice(&head);
        self.out.truncate(end);
    }
}
