//! What all sessions have in common: frames in, frames and differences out, bounded.

mod differences;
mod intake;
mod pool;
mod reported;

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

pub(crate) use differences::Differences;
pub(crate) use intake::{Intake, at_most};
pub use pool::Pool;

use crate::item::{Bound, Id, Range};
use crate::scope::{Scope, SourceError};

/// A codec and splitting policy for reconciliation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Dialect {
    /// Negentropy V1: splits by count, ids in bounds; the initiator learns the differences.
    Negentropy,
    /// Waku's reconciliation 1.0.0 as deployed: bounds at timestamps; both sides learn them.
    Waku,
}

/// One side of a reconciliation: a frame from the peer goes in by [`Session::receive`], what
/// follows comes out as its [`Step`]. An initiator's constructor gives its first frame. After an
/// error or a step that is `done` the session takes no more frames.
pub trait Session: Send {
    /// Takes the peer's next frame (without the stream's length prefix).
    ///
    /// # Errors
    /// When the frame is malformed, breaks a limit or the protocol, or the items can't be read.
    fn receive(&mut self, frame: &[u8]) -> Result<Step, SessionError>;

    /// What the peer has said of itself so far, in dialects in which it does.
    fn peer(&self) -> Option<&PeerState> {
        None
    }

    /// What both sides have agreed that the session is about, in dialects in which they do.
    fn scope(&self) -> Option<&Scope> {
        None
    }
}

/// What a peer says of its archive.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PeerState {
    /// How many items it holds in the scope of the session.
    pub items: u64,
    /// The timestamp of the oldest item it holds at all, in nanoseconds.
    pub oldest: Option<u64>,
    /// The position before which it neither offers nor takes anything, if it has one.
    pub floor: Option<Bound>,
    /// Spans in which it knows its archive to be incomplete.
    pub gaps: Vec<Range>,
}

/// What a received frame led to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Step {
    /// The frame to send, if any.
    pub reply: Option<Vec<u8>>,
    /// Ids that this side holds and the peer lacks, each reported once in a session.
    pub have: Vec<Id>,
    /// Ids that the peer holds and this side lacks, each reported once in a session.
    pub need: Vec<Id>,
    /// Whether the session is over once `reply` is sent.
    pub done: bool,
}

/// Why a session ended early.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum SessionError {
    /// The frame isn't of the format.
    Malformed {
        /// Offset in the frame at which the fault was seen, in bytes.
        offset: usize,
        /// What should have stood there.
        expected: &'static str,
    },
    /// The session went past a limit.
    Limit {
        /// The name of the field in [`SessionLimits`](crate::SessionLimits).
        name: &'static str,
        /// Its value.
        max: u64,
    },
    /// The peer speaks another version of the format.
    Version {
        /// The highest version it knows, as it said.
        theirs: u8,
    },
    /// The frame is well formed and out of place.
    Protocol(&'static str),
    /// The peer declined the session.
    Refused {
        /// Why, as a code of the protocol.
        code: u32,
        /// Why, in the peer's words.
        reason: String,
    },
    /// The scope that this side was to start a session about can't be one.
    Scope(&'static str),
    /// A setting of this side's [`SessionLimits`](crate::SessionLimits) can't be used.
    Setting {
        /// The name of the field.
        name: &'static str,
        /// Its value.
        value: u64,
        /// What it should be.
        expected: &'static str,
    },
    /// The items of the scope can't be read.
    Source(SourceError),
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed { offset, expected } => {
                write!(f, "malformed frame: expected {expected} at byte {offset}")
            }
            Self::Limit { name, max } => write!(f, "limit {name} of {max} exceeded"),
            Self::Version { theirs } => {
                write!(f, "the peer knows versions up to {theirs:#04x} only")
            }
            Self::Protocol(what) => write!(f, "protocol violation: {what}"),
            Self::Refused { code, reason } => write!(f, "refused by the peer ({code}): {reason}"),
            Self::Scope(why) => write!(f, "no session can be about this scope: {why}"),
            Self::Setting {
                name,
                value,
                expected,
            } => write!(
                f,
                "the session limit {name} is set to {value}: expected {expected}"
            ),
            Self::Source(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for SessionError {}

impl From<SourceError> for SessionError {
    fn from(error: SourceError) -> Self {
        Self::Source(error)
    }
}
