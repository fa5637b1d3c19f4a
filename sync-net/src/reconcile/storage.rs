//! What a program brings to reconcile, and what it is told.

use std::time::Duration;

use async_trait::async_trait;
use libp2p::PeerId;
use sync_core::{Dialect, Id, PeerState, Range, Scope, Source};

use super::error::ReconcileError;

/// A program's items, and what it does about differences. One trait for both roles.
#[async_trait]
pub trait Storage: Send + Sync + 'static {
    /// The items as they are now, for one session. Called on a thread where blocking is allowed;
    /// items that come later don't disturb the session.
    fn source(&self) -> Box<dyn Source>;

    /// What peers may reconcile; all of it unless told otherwise.
    fn served(&self) -> Scope {
        Scope::of_window(Range::ALL)
    }

    /// A session begins; called before any other call names it.
    async fn started(&self, _session: &SessionInfo) {}

    /// Differences, each told once in a session and at the round in which it becomes known: ids
    /// that the peer lacks (`have`) and ids that this side lacks (`need`).
    ///
    /// The session goes on only when this returns, so waiting here slows the peer down instead of
    /// filling memory; longer than the peer's patience (60 s for this project's nodes) ends the
    /// session.
    async fn found(&self, session: &SessionInfo, have: Vec<Id>, need: Vec<Id>);

    /// The session is over; called once for each session that began.
    async fn ended(&self, session: &SessionInfo, outcome: &Result<Outcome, ReconcileError>);
}

/// Which session it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SessionInfo {
    /// Unlike that of any other session of the same [`Reconciler`](super::Reconciler).
    pub id: u64,
    /// The other side.
    pub peer: PeerId,
    /// What is spoken.
    pub dialect: Dialect,
    /// This side's part.
    pub role: Role,
    /// What was asked for, as initiator; what is served, as responder. The session is about what
    /// lies in the scopes of both sides: in this project's own dialect, [`Storage::found`] is told
    /// that.
    pub scope: Scope,
}

/// A side's part in a session.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Role {
    /// Started it.
    Initiator,
    /// Answers.
    Responder,
}

/// How a session went that came to its end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// Which one.
    pub session: SessionInfo,
    /// What the peer said of its archive, in the dialect in which it does.
    pub peer: Option<PeerState>,
    /// What both sides agreed that the session is about, in the dialect in which they do.
    pub agreed: Option<Scope>,
    /// Frames received.
    pub rounds: u64,
    /// Bytes sent, length prefixes included.
    pub bytes_sent: u64,
    /// Bytes received, length prefixes included.
    pub bytes_received: u64,
    /// Ids that the peer lacks.
    pub have: u64,
    /// Ids that this side lacks.
    pub need: u64,
    /// From the first frame to the last.
    pub duration: Duration,
}
