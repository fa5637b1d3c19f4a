//! What the door can't remove for now, since somebody reads it for long.

use std::time::{Duration, Instant};

use sync_core::Bound;

use crate::limits::RETENTION_HELD_MILLISECONDS;

/// How long what is in the way is left in peace.
const PAUSE: Duration = Duration::from_millis(RETENTION_HELD_MILLISECONDS);

/// What the door can't remove for now. Each trial makes others wait for a moment, so they aren't many.
#[derive(Debug)]
pub(super) struct Held {
    /// Up to here everything was given up, and some of it is there still.
    end: Bound,
    /// When that is to be tried again.
    retry: Option<Instant>,
    /// Until when there is nothing at all that could go.
    blocked: Option<Instant>,
}

impl Default for Held {
    fn default() -> Self {
        Self {
            end: Bound::MIN,
            retry: None,
            blocked: None,
        }
    }
}

impl Held {
    /// Takes note that something before `end` couldn't be removed.
    pub(super) fn give_up(&mut self, end: Bound) {
        self.end = self.end.max(end);
        self.retry = Some(Instant::now() + PAUSE);
    }

    /// Takes note that nothing can be removed.
    pub(super) fn block(&mut self) {
        self.blocked = Some(Instant::now() + PAUSE);
    }

    /// Where that begins which hasn't been given up.
    pub(super) const fn end(&self) -> Bound {
        self.end
    }

    /// Whether something was given up that is there still.
    pub(super) fn is_some(&self) -> bool {
        self.end > Bound::MIN
    }

    /// Up to where to try again now, if it is time to.
    pub(super) fn due(&self) -> Option<Bound> {
        let due = self.retry.is_none_or(|retry| retry <= Instant::now());
        (self.is_some() && due).then_some(self.end)
    }

    /// Whether there is no use in trying to remove anything now.
    pub(super) fn is_blocked(&self) -> bool {
        self.blocked.is_some_and(|until| Instant::now() < until)
    }
}

/// What can go to make room.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Droppable {
    /// The units up to here.
    UpTo(Bound),
    /// Nothing, since somebody reads it.
    Held,
    /// Nothing, since there is but one unit.
    Nothing,
}

/// What became of a removal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Removed {
    /// How many messages were removed.
    pub(super) messages: u64,
    /// Whether nothing is left.
    pub(super) whole: bool,
}

/// Whether messages wait for a removal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Hurry {
    /// They do.
    AtTheDoor,
    /// They don't.
    Without,
}
