//! Who looks on while sessions run: what an observer is told, and nothing that it could change.

use std::fmt;

use sync_core::SessionLimits;
use sync_core::waku::HeaderForm;

use super::error::ReconcileError;
use super::storage::{Outcome, SessionInfo};

/// Looks on at sessions, to record or to count them.
///
/// Every call is made in the midst of a session, which waits for it to return: it should neither
/// block nor take long.
pub trait Observer: fmt::Debug + Send + Sync + 'static {
    /// A session begins, with these limits, and in the waku dialect with this form of headers. What
    /// is given back is told the rest; `None` leaves the session alone.
    fn begins(
        &self,
        _session: &SessionInfo,
        _limits: &SessionLimits,
        _form: HeaderForm,
    ) -> Option<Box<dyn SessionObserver>> {
        None
    }
}

/// Looks on at one session. A session that is dropped halfway, since the program ends, is told no
/// end.
pub trait SessionObserver: Send {
    /// A frame (without the stream's length prefix) has been received, or is given to the stream.
    fn frame(&mut self, _direction: Direction, _frame: &[u8]) {}

    /// The session is over.
    fn ends(&mut self, _outcome: &Result<Outcome, ReconcileError>) {}
}

/// Which way a frame goes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Direction {
    /// To the peer.
    Sent,
    /// From the peer.
    Received,
}

/// Looks away.
impl Observer for () {}

/// Looks away.
impl SessionObserver for () {}
