//! Why a session didn't come to its end.

use std::time::Duration;

use sync_core::{SessionError, own};

use super::stop::Stop;
use crate::control::OpenError;
use crate::frame::FrameError;

/// Why a session didn't come to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReconcileError {
    /// The stream couldn't be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The stream failed.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// A frame was malformed, broke a limit or the protocol, or the peer refused by word.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The peer closed the stream where a frame was due. In the waku dialect, which has no words for
    /// it, that is also how it says that it is busy, or can't read the frame.
    #[error(
        "the peer closed the stream after {rounds} frames, before the session was over{}",
        hint(*rounds)
    )]
    Closed {
        /// Frames that it had sent.
        rounds: u64,
    },
    /// The session that the peer started with us goes on instead, over the peer's scope. Nothing is
    /// wrong; start again after it if its scope isn't enough.
    #[error("given up for the session that the peer started with us")]
    Yielded,
    /// This side has started a session with that peer already.
    #[error("a session with this peer is running already: wait for its end")]
    AlreadyRunning,
    /// Whoever waited for the session gave it up.
    #[error("the session was cancelled")]
    Cancelled,
    /// Others wanted the place of a session in which nothing came from the peer for as long as
    /// [`ReconcileLimits::displaced_after`](crate::ReconcileLimits::displaced_after).
    #[error("the peer kept silent, and another one was served in its place")]
    Displaced,
    /// The session took longer than
    /// [`ReconcileLimits::session`](crate::ReconcileLimits::session).
    #[error("the session wasn't over after {0:?}")]
    Deadline(Duration),
    /// The engine or the storage panicked; a fault of this program.
    #[error("internal fault: {0}")]
    Internal(String),
}

impl ReconcileError {
    /// Whether the peer said that it has no room for the session now: trying again later helps.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        matches!(
            self,
            Self::Session(SessionError::Refused {
                code: own::BUSY,
                ..
            })
        )
    }

    /// Whether another session with the peer does the work.
    #[must_use]
    pub fn is_yielded(&self) -> bool {
        matches!(self, Self::Yielded)
    }

    /// Whether the peer's bytes were at fault.
    #[must_use]
    pub fn is_malformed(&self) -> bool {
        use FrameError::{Prefix, TooLong};
        use SessionError::{Malformed, Protocol};
        matches!(
            self,
            Self::Frame(TooLong { .. } | Prefix)
                | Self::Session(Malformed { .. } | SessionError::Limit { .. } | Protocol(_))
        )
    }
}

/// What a peer may mean that closes the stream without a word.
fn hint(rounds: u64) -> &'static str {
    if rounds > 0 {
        return "";
    }
    ": it may be busy, or, in Waku's reconciliation, speak the other form of headers (topics or \
     cluster)"
}

impl From<Stop> for ReconcileError {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Yield => Self::Yielded,
            Stop::Cancel => Self::Cancelled,
            Stop::Displace => Self::Displaced,
        }
    }
}
