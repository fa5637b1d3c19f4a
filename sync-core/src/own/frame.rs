//! The frames of the protocol: a first byte that tells the kind, and what follows it.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use prost::Message;

use super::hello::Hello;
use super::items::{self, position};
use crate::item::{Id, Item};
use crate::limits::SessionLimits;
use crate::negentropy::PROTOCOL_VERSION;
use crate::session::{SessionError, at_most};
use crate::varint;

const HELLO: u8 = 1;
const HAVE: u8 = 2;
const NOTED: u8 = 3;
const REFUSAL: u8 = 4;
const LIST: u8 = 5;
const ITEMS: u8 = 6;

/// Bytes of a have frame before its ids.
const HAVE_HEAD: usize = 2;

/// A frame, decoded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Frame<'a> {
    /// Opens the session.
    Hello(Hello),
    /// A negentropy V1 message, version byte included.
    Reconcile(&'a [u8]),
    /// Ids that the initiator holds and the responder lacks.
    Have {
        /// No more of them follow.
        last: bool,
        /// The ids.
        ids: Vec<Id>,
    },
    /// The responder has noted so many ids.
    Noted(u64),
    /// The session won't go on.
    Refusal(Refusal),
    /// The initiator asks for items of the scope, those behind this one, or the first ones.
    List(Option<Item>),
    /// Items of the responder's, in order.
    Items {
        /// No more of them follow.
        last: bool,
        /// The items.
        items: Vec<Item>,
    },
}

/// Why a session won't go on (protobuf).
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Refusal {
    /// One of the codes in [`own`](crate::own).
    #[prost(uint32, tag = "1")]
    pub code: u32,
    /// For people, at most 256 bytes.
    #[prost(string, tag = "2")]
    pub reason: String,
}

/// The frame that declines a session.
#[must_use]
pub fn refusal(code: u32, reason: &str) -> Vec<u8> {
    Frame::Refusal(Refusal {
        code,
        reason: reason.to_string(),
    })
    .encode()
}

impl<'a> Frame<'a> {
    /// Reads a frame (without the stream's length prefix).
    ///
    /// # Errors
    /// When it isn't of the format, or breaks a limit.
    pub fn decode(frame: &'a [u8], limits: &SessionLimits) -> Result<Self, SessionError> {
        let malformed_at = |offset, expected| SessionError::Malformed { offset, expected };
        let malformed = |expected| malformed_at(1, expected);
        let (kind, body) = frame.split_first().ok_or(SessionError::Malformed {
            offset: 0,
            expected: "a frame of at least one byte",
        })?;
        match *kind {
            HELLO => {
                at_most("hello_bytes", body.len(), limits.hello_bytes)?;
                let hello = Hello::decode(body).map_err(|_| malformed("a hello in protobuf"))?;
                Ok(Self::Hello(hello))
            }
            PROTOCOL_VERSION => Ok(Self::Reconcile(frame)),
            HAVE => {
                let (last, ids) = match body.split_first() {
                    Some((last @ (0 | 1), ids)) => (*last == 1, ids),
                    _ => return Err(malformed("0 or 1: whether it is the last of its kind")),
                };
                if !ids.len().is_multiple_of(32) {
                    let whole = HAVE_HEAD + ids.len() / 32 * 32;
                    return Err(malformed_at(whole, "an id of 32 bytes"));
                }
                at_most("items_per_frame", ids.len() / 32, limits.items_per_frame)?;
                let ids = ids.chunks_exact(32).map(|bytes| {
                    let mut id = Id::ZERO;
                    id.0.copy_from_slice(bytes);
                    id
                });
                Ok(Self::Have {
                    last,
                    ids: ids.collect(),
                })
            }
            NOTED => match varint::read_leb128(body) {
                Some((count, len)) if len == body.len() => Ok(Self::Noted(count)),
                Some((_, len)) => Err(malformed_at(1 + len, "the end of the frame")),
                None => Err(malformed("a count in LEB128")),
            },
            REFUSAL => {
                at_most("hello_bytes", body.len(), limits.hello_bytes)?;
                let mut refusal =
                    Refusal::decode(body).map_err(|_| malformed("a refusal in protobuf"))?;
                refusal.reason = refusal.reason.chars().take(256).collect();
                Ok(Self::Refusal(refusal))
            }
            LIST => position(body).map(Self::List),
            ITEMS => {
                let (last, items) = items::decode(body, limits)?;
                Ok(Self::Items { last, items })
            }
            _ => Err(SessionError::Malformed {
                offset: 0,
                expected: "a kind of frame: 0x01 to 0x06, or 0x61",
            }),
        }
    }

    /// Writes the frame.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Hello(hello) => with_kind(HELLO, &hello.encode_to_vec()),
            Self::Reconcile(message) => message.to_vec(),
            Self::Have { last, ids } => have(ids, *last),
            Self::Noted(count) => {
                let mut out = alloc::vec![NOTED];
                varint::write_leb128(&mut out, *count);
                out
            }
            Self::Refusal(refusal) => with_kind(REFUSAL, &refusal.encode_to_vec()),
            Self::List(after) => {
                let mut out = alloc::vec![LIST];
                if let Some(item) = after {
                    varint::write_leb128(&mut out, item.timestamp);
                    out.extend_from_slice(&item.id.0);
                }
                out
            }
            Self::Items { last, items } => {
                let mut out = items::Writer::new(ITEMS, usize::MAX, items.len());
                items.iter().for_each(|item| {
                    out.push(item);
                });
                out.finish(*last)
            }
        }
    }
}

/// A have frame of these ids.
pub(super) fn have(ids: &[Id], last: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(HAVE_HEAD + 32 * ids.len());
    out.extend_from_slice(&[HAVE, u8::from(last)]);
    ids.iter().for_each(|id| out.extend_from_slice(&id.0));
    out
}

/// How many ids fit a have frame of `frame_bytes` bytes and the limit on items.
pub(super) fn ids_per_frame(frame_bytes: usize, limits: &SessionLimits) -> usize {
    (frame_bytes.saturating_sub(HAVE_HEAD) / 32)
        .min(limits.items_per_frame)
        .max(1)
}

/// An items frame of what `fill` writes, of at most `frame_bytes` bytes unless that is 0, and within the limit on
/// items; `fill` tells whether that is all there is.
pub(super) fn items_frame(
    frame_bytes: usize,
    limits: &SessionLimits,
    fill: impl FnOnce(&mut items::Writer) -> bool,
) -> Vec<u8> {
    let most = if frame_bytes == 0 {
        usize::MAX
    } else {
        frame_bytes
    };
    let mut out = items::Writer::new(ITEMS, most, limits.items_per_frame);
    let last = fill(&mut out);
    out.finish(last)
}

fn with_kind(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(1 + body.len());
    out.push(kind);
    out.extend_from_slice(body);
    out
}
