//! Sessions of this project's protocol that only look.

use std::time::Duration;

use libp2p::{PeerId, StreamProtocol};
use sync_core::own::{self, BUSY, Initiator, Lister, NOTHING_IN_COMMON};
use sync_core::{
    Id, Item, ItemSet, PeerState, RangeTree, Scope, Session, SessionError, SessionLimits, Slice,
    Source, SourceError,
};
use sync_net::{Control, FrameError, FrameLimits, FramedStream, OpenError};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::census::limits::{SESSION_DEADLINE, SESSION_PAUSE, SESSION_TRIES};
use crate::census::roll::TooMany;
use crate::net::protocols::RECONCILE;

/// Why a node wasn't counted by a session.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// More messages than are held.
    #[error(transparent)]
    TooMany(#[from] TooMany),
    /// No stream.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A frame failed.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The peer left in the midst of it.
    #[error("the peer closed the stream")]
    Closed,
    /// A frame said something else than it may.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// It went on for too long.
    #[error("it wasn't over after {0:?}")]
    Deadline(Duration),
    /// A fault of this program.
    #[error("the session broke off: {0}")]
    Internal(String),
}

/// What a node holds.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub(super) items: Vec<Item>,
    pub(super) state: PeerState,
    /// Whether the node says that it has nothing to do with what was asked for.
    pub(super) apart: bool,
}

/// What a node holds else than this side.
#[derive(Debug, Default)]
pub(super) struct Differences {
    /// What it lacks.
    pub(super) have: Vec<Id>,
    /// What it holds and isn't known.
    pub(super) need: Vec<Id>,
    /// What the session was about; `None` if the node has nothing to do with what was asked for.
    pub(super) agreed: Option<Scope>,
    pub(super) state: PeerState,
}

/// What is known so far, of any topic.
struct Known(RangeTree);

impl Source for Known {
    fn open(&self, scope: &Scope) -> Result<Box<dyn ItemSet + Send>, SourceError> {
        Ok(Box::new(Slice::new(self.0.snapshot(), scope.window)))
    }
}

/// Lists what the peer holds in `scope`, `most` items at most.
pub(super) async fn list(
    control: &Control,
    peer: PeerId,
    scope: &Scope,
    most: usize,
) -> Result<Listing, Trouble> {
    timed(patiently(|| list_once(control, peer, scope, most)))
        .await
        .map_err(|trouble| match trouble {
            Trouble::Session(SessionError::Limit { name: "items", .. }) => {
                Trouble::TooMany(TooMany(most))
            }
            trouble => trouble,
        })
}

/// Compares what the peer holds in `scope` with what is known, and tells it nothing.
pub(super) async fn compare(
    control: &Control,
    peer: PeerId,
    scope: &Scope,
    known: &RangeTree,
) -> Result<Differences, Trouble> {
    timed(patiently(|| compare_once(control, peer, scope, known))).await
}

async fn list_once(
    control: &Control,
    peer: PeerId,
    scope: &Scope,
    most: usize,
) -> Result<Listing, Trouble> {
    let limits = SessionLimits::default();
    let (mut lister, first) = Lister::start(scope.clone(), most, limits.clone())?;
    let mut stream = open(control, peer, &limits).await?;
    stream.send(&first).await?;
    let mut items = Vec::new();
    loop {
        let frame = stream.receive().await?.ok_or(Trouble::Closed)?;
        let step = match lister.receive(&frame) {
            Err(error) if is_nothing_in_common(&error) => {
                return Ok(Listing {
                    apart: true,
                    ..Listing::default()
                });
            }
            Err(error) => return Err(object(&mut stream, error).await),
            Ok(step) => step,
        };
        // What is taken is bounded by `most`.
        items.extend(step.items);
        match step.reply {
            Some(reply) => stream.send(&reply).await?,
            None => break,
        }
    }
    end(stream).await;
    let state = lister.peer().cloned().unwrap_or_default();
    Ok(Listing {
        items,
        state,
        apart: false,
    })
}

async fn compare_once(
    control: &Control,
    peer: PeerId,
    scope: &Scope,
    known: &RangeTree,
) -> Result<Differences, Trouble> {
    let limits = SessionLimits::default();
    let source = Box::new(Known(known.snapshot()));
    let (session, first) = Initiator::start(source, scope.clone(), limits.clone())?;
    let mut session = session.telling_nothing();
    let mut stream = open(control, peer, &limits).await?;
    stream.send(&first).await?;
    let mut found = Differences::default();
    loop {
        let frame = stream.receive().await?.ok_or(Trouble::Closed)?;
        let stepped = spawn_blocking(move || {
            let step = session.receive(&frame);
            (session, step)
        });
        let step;
        (session, step) = stepped
            .await
            .map_err(|panic| Trouble::Internal(panic.to_string()))?;
        let step = match step {
            Err(error) if is_nothing_in_common(&error) => return Ok(Differences::default()),
            Err(error) => return Err(object(&mut stream, error).await),
            Ok(step) => step,
        };
        // Both are bounded by `limits.differences`.
        found.have.extend(step.have);
        found.need.extend(step.need);
        match step.reply {
            Some(reply) => stream.send(&reply).await?,
            None => break,
        }
    }
    end(stream).await;
    found.agreed = session.scope().cloned();
    found.state = session.peer().cloned().unwrap_or_default();
    Ok(found)
}

async fn open(
    control: &Control,
    peer: PeerId,
    limits: &SessionLimits,
) -> Result<FramedStream, Trouble> {
    let mut stream = control.open(peer, StreamProtocol::new(RECONCILE)).await?;
    stream.set_limits(FrameLimits {
        max_bytes: limits.frame_bytes_received,
        ..FrameLimits::default()
    });
    Ok(stream)
}

/// Tells the peer what was wrong with its frame, unless it was a refusal.
async fn object(stream: &mut FramedStream, error: SessionError) -> Trouble {
    if !matches!(error, SessionError::Refused { .. }) {
        let refusal = own::refusal(own::BAD_FRAME, &error.to_string());
        // The session has failed already, whether it listens or not.
        let _ = stream.send(&refusal).await;
    }
    error.into()
}

/// Ends a stream whose session is over; what is wrong with it now changes nothing.
async fn end(mut stream: FramedStream) {
    let _ = stream.close().await;
}

async fn timed<T>(session: impl Future<Output = Result<T, Trouble>>) -> Result<T, Trouble> {
    timeout(SESSION_DEADLINE, session)
        .await
        .unwrap_or(Err(Trouble::Deadline(SESSION_DEADLINE)))
}

/// Tries again while the peer is busy with others.
async fn patiently<T, F>(mut session: impl FnMut() -> F) -> Result<T, Trouble>
where
    F: Future<Output = Result<T, Trouble>>,
{
    let mut tries = 1;
    loop {
        match session().await {
            Err(Trouble::Session(SessionError::Refused { code: BUSY, .. }))
                if tries < SESSION_TRIES =>
            {
                tries += 1;
                tokio::time::sleep(SESSION_PAUSE).await;
            }
            done => return done,
        }
    }
}

fn is_nothing_in_common(error: &SessionError) -> bool {
    matches!(
        error,
        SessionError::Refused {
            code: NOTHING_IN_COMMON,
            ..
        }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_node_that_is_slow_to_say_that_it_is_busy_has_one_deadline_for_all_tries() {
        let started = tokio::time::Instant::now();
        let tried = timed(patiently(|| async {
            tokio::time::sleep(SESSION_DEADLINE - Duration::from_secs(10)).await;
            let busy = SessionError::Refused {
                code: BUSY,
                reason: String::new(),
            };
            Err::<(), _>(Trouble::Session(busy))
        }));
        let trouble = tried.await.unwrap_err();
        assert!(
            matches!(trouble, Trouble::Deadline(SESSION_DEADLINE)),
            "{trouble}"
        );
        assert_eq!(started.elapsed(), SESSION_DEADLINE);
    }
}
