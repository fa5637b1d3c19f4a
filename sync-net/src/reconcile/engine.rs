//! The choice of a dialect, and the sessions that speak it.

use std::fmt;

use libp2p::StreamProtocol;
use sync_core::waku::HeaderForm;
use sync_core::{Dialect, Session, SessionError, SessionLimits, Source, own, waku};

use super::storage::{Role, SessionInfo};
use super::{OWN_PROTOCOL_ID, WAKU_PROTOCOL_ID};

/// Which dialect an initiator speaks.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum DialectChoice {
    /// This project's own protocol with peers that have it, Waku's with others.
    #[default]
    Auto,
    /// This project's own protocol or nothing.
    Own,
    /// Waku's reconciliation or nothing.
    Waku,
}

impl DialectChoice {
    /// The protocols to negotiate, the preferred one first.
    pub(crate) fn protocols(self) -> Vec<StreamProtocol> {
        match self {
            Self::Auto => vec![protocol(Dialect::Negentropy), protocol(Dialect::Waku)],
            Self::Own => vec![protocol(Dialect::Negentropy)],
            Self::Waku => vec![protocol(Dialect::Waku)],
        }
    }
}

/// The protocol by which a dialect is spoken.
pub(crate) fn protocol(dialect: Dialect) -> StreamProtocol {
    StreamProtocol::new(match dialect {
        Dialect::Negentropy => OWN_PROTOCOL_ID,
        Dialect::Waku => WAKU_PROTOCOL_ID,
    })
}

/// The dialect that is spoken by a protocol.
pub(crate) fn dialect(protocol: &StreamProtocol) -> Dialect {
    if *protocol == OWN_PROTOCOL_ID {
        Dialect::Negentropy
    } else {
        Dialect::Waku
    }
}

/// The frame by which a session is declined; the waku dialect has none.
pub(crate) fn refusal(dialect: Dialect, code: u32, reason: &str) -> Option<Vec<u8>> {
    match dialect {
        Dialect::Negentropy => Some(own::refusal(code, reason)),
        Dialect::Waku => None,
    }
}

/// The frame by which the peer is told what was wrong with its last one, where the dialect has words
/// for it. A peer that refused, and one whose frame isn't at fault, is told nothing.
#[must_use]
pub fn objection(dialect: Dialect, error: &SessionError) -> Option<Vec<u8>> {
    match error {
        SessionError::Refused { .. } | SessionError::Setting { .. } | SessionError::Source(_) => {
            None
        }
        error => refusal(dialect, own::BAD_FRAME, &error.to_string()),
    }
}

/// A session that hasn't received anything yet.
pub struct Opening {
    /// The session.
    pub session: Box<dyn Session>,
    /// An initiator's first frame.
    pub first: Option<Vec<u8>>,
}

impl fmt::Debug for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.first.as_ref().map(Vec::len);
        f.debug_struct("Opening")
            .field("first", &first)
            .finish_non_exhaustive()
    }
}

/// Makes the session of `info` as a [`Reconciler`](super::Reconciler) does, over the items of
/// `source`. Reading these may block.
///
/// # Errors
/// When the items can't be read, or no session can be about the scope.
pub fn open(
    info: &SessionInfo,
    source: Box<dyn Source>,
    limits: &SessionLimits,
    form: HeaderForm,
) -> Result<Opening, SessionError> {
    let (scope, limits) = (info.scope.clone(), limits.clone());
    match (info.dialect, info.role) {
        (Dialect::Negentropy, Role::Initiator) => {
            own::Initiator::start(source, scope, limits).map(Opening::starting)
        }
        (Dialect::Negentropy, Role::Responder) => Ok(Opening::answering(own::Responder::new(
            source, scope, limits,
        ))),
        (Dialect::Waku, Role::Initiator) => {
            waku::Initiator::start(source, scope, form, limits).map(Opening::starting)
        }
        (Dialect::Waku, Role::Responder) => {
            let session = waku::Responder::new(source, scope, form, limits);
            Ok(Opening::answering(session))
        }
    }
}

impl Opening {
    fn starting<S: Session + 'static>((session, first): (S, Vec<u8>)) -> Self {
        Self {
            session: Box::new(session),
            first: Some(first),
        }
    }

    fn answering(session: impl Session + 'static) -> Self {
        Self {
            session: Box::new(session),
            first: None,
        }
    }
}
