//! Items with what the recorded side said of its archive, which has changed since.

use sync_core::own::Frame;
use sync_core::{Bound, ItemSet, PeerState, Range, Scope, Source, SourceError};

use super::line::Direction;
use super::reader::Recorded;

/// Items with the retention floor, the oldest time and the gaps that the recorded side told the peer.
pub(super) struct AsTold {
    inner: Box<dyn Source>,
    told: PeerState,
}

impl AsTold {
    /// As `inner`, whose own state counts where none was told: Waku's dialect has no place for it.
    pub(super) fn new(inner: Box<dyn Source>, recorded: &Recorded) -> Self {
        let told = told(recorded).unwrap_or_else(|| PeerState {
            floor: Some(inner.floor()),
            oldest: inner.oldest(),
            gaps: inner.gaps(),
            ..PeerState::default()
        });
        Self { inner, told }
    }
}

/// The state in the hello that was sent, if one was sent.
fn told(recorded: &Recorded) -> Option<PeerState> {
    let mut sent = recorded
        .frames
        .iter()
        .filter(|(direction, _)| *direction == Direction::Sent);
    let (_, first) = sent.next()?;
    match Frame::decode(first, &recorded.limits) {
        Ok(Frame::Hello(hello)) => hello.state(&recorded.limits).ok(),
        _ => None,
    }
}

impl Source for AsTold {
    fn open(&self, scope: &Scope) -> Result<Box<dyn ItemSet + Send>, SourceError> {
        let above = Scope::of_window(Range::new(self.floor(), Bound::Infinity));
        self.inner.open(&scope.intersect(&above))
    }

    fn floor(&self) -> Bound {
        self.told.floor.unwrap_or(Bound::MIN)
    }

    fn oldest(&self) -> Option<u64> {
        self.told.oldest
    }

    fn gaps(&self) -> Vec<Range> {
        self.told.gaps.clone()
    }
}
