//! Items in frames: where to go on listing, and what was listed.

use alloc::vec::Vec;

use crate::item::{Id, Item};
use crate::limits::SessionLimits;
use crate::session::{SessionError, at_most};
use crate::varint;

/// Bytes of an items frame before its items.
const HEAD: usize = 2;

/// Writes an items frame item by item, as many as fit.
pub(super) struct Writer {
    out: Vec<u8>,
    most_bytes: usize,
    room: usize,
    previous: u64,
}

impl Writer {
    pub(super) fn new(kind: u8, most_bytes: usize, most_items: usize) -> Self {
        Self {
            out: alloc::vec![kind, 0],
            most_bytes,
            room: most_items,
            previous: 0,
        }
    }

    /// Writes one more, no earlier than those before it; `false` if it doesn't fit.
    pub(super) fn push(&mut self, item: &Item) -> bool {
        let longest = varint::MAX_LEN + item.id.0.len();
        if self.room == 0 || self.out.len() + longest > self.most_bytes {
            return false;
        }
        self.room -= 1;
        let later = item.timestamp.wrapping_sub(self.previous);
        varint::write_leb128(&mut self.out, later);
        self.out.extend_from_slice(&item.id.0);
        self.previous = item.timestamp;
        true
    }

    pub(super) fn finish(mut self, last: bool) -> Vec<u8> {
        self.out[HEAD - 1] = u8::from(last);
        self.out
    }
}

/// What stands behind the kind of an items frame: whether it is the last, and the items, which ascend.
pub(super) fn decode(
    body: &[u8],
    limits: &SessionLimits,
) -> Result<(bool, Vec<Item>), SessionError> {
    let (last, mut rest) = match body.split_first() {
        Some((last @ (0 | 1), rest)) => (*last == 1, rest),
        _ => return Err(malformed(1, "0 or 1: whether it is the last of its kind")),
    };
    let mut items: Vec<Item> = Vec::new();
    while !rest.is_empty() {
        let offset = 1 + body.len() - rest.len();
        at_most("items_per_frame", items.len() + 1, limits.items_per_frame)?;
        let previous = items.last();
        let (item, taken) = read_item(rest, previous.map_or(0, |item| item.timestamp))
            .map_err(|(at, expected)| malformed(offset + at, expected))?;
        if previous.is_some_and(|previous| *previous >= item) {
            return Err(malformed(offset, "an item behind the one before"));
        }
        items.push(item);
        rest = &rest[taken..];
    }
    Ok((last, items))
}

/// What stands behind the kind of a list frame.
pub(super) fn position(body: &[u8]) -> Result<Option<Item>, SessionError> {
    if body.is_empty() {
        return Ok(None);
    }
    let (item, taken) = read_item(body, 0).map_err(|(at, expected)| malformed(1 + at, expected))?;
    if taken < body.len() {
        return Err(malformed(1 + taken, "the end of the frame"));
    }
    Ok(Some(item))
}

/// The item in front, whose time is so much later than `previous`, and how many bytes it took.
fn read_item(bytes: &[u8], previous: u64) -> Result<(Item, usize), (usize, &'static str)> {
    let time = varint::read_leb128(bytes)
        .and_then(|(later, len)| Some((previous.checked_add(later)?, len)));
    let (timestamp, len) = time.ok_or((0, "a time in LEB128, of at most 64 bits in all"))?;
    let id = bytes[len..].first_chunk::<32>();
    let id = id.ok_or((len, "an id of 32 bytes"))?;
    Ok((Item::new(timestamp, Id(*id)), len + id.len()))
}

fn malformed(offset: usize, expected: &'static str) -> SessionError {
    SessionError::Malformed { offset, expected }
}
