//! Items with the retention floor that a session was recorded with, which has gone up since.

use sync_core::own::Frame;
use sync_core::{Bound, ItemSet, Range, Scope, Source, SourceError};

use super::line::Direction;
use super::reader::Recorded;

/// Items with the floor that the recorded side told the peer.
pub(super) struct Floored {
    inner: Box<dyn Source>,
    floor: Bound,
}

impl Floored {
    /// As `inner`, whose own floor counts where none was told: Waku's dialect has no place for it.
    pub(super) fn new(inner: Box<dyn Source>, recorded: &Recorded) -> Self {
        let floor = told(recorded).unwrap_or_else(|| inner.floor());
        Self { inner, floor }
    }
}

/// The floor in the hello that was sent, if one was sent.
fn told(recorded: &Recorded) -> Option<Bound> {
    let mut sent = recorded
        .frames
        .iter()
        .filter(|(direction, _)| *direction == Direction::Sent);
    let (_, first) = sent.next()?;
    match Frame::decode(first, &recorded.limits) {
        Ok(Frame::Hello(hello)) => {
            let told = hello.state(&recorded.limits).ok()?;
            Some(told.floor.unwrap_or(Bound::MIN))
        }
        _ => None,
    }
}

impl Source for Floored {
    fn open(&self, scope: &Scope) -> Result<Box<dyn ItemSet + Send>, SourceError> {
        let above = Scope::of_window(Range::new(self.floor, Bound::Infinity));
        self.inner.open(&scope.intersect(&above))
    }

    fn floor(&self) -> Bound {
        self.floor
    }
}
