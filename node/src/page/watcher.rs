//! Looks on at sessions, and notes what is drawn of them.

use std::sync::Arc;

use sync_core::SessionLimits;
use sync_core::waku::HeaderForm;
use sync_net::reconcile::Direction;
use sync_net::{Observer, Outcome, ReconcileError, SessionInfo, SessionObserver};

use super::history::History;
use super::limits::FRAMES_DRAWN;
use super::row::Reading;

/// Looks on at all sessions.
#[derive(Debug)]
pub(super) struct Watcher(pub(super) Arc<History>);

impl Observer for Watcher {
    fn begins(
        &self,
        session: &SessionInfo,
        limits: &SessionLimits,
        form: HeaderForm,
    ) -> Option<Box<dyn SessionObserver>> {
        let watched = self.0.begins(session);
        watched.then(|| -> Box<dyn SessionObserver> {
            Box::new(Watched {
                session: session.id,
                reading: Reading {
                    dialect: session.dialect,
                    form,
                    limits: limits.clone(),
                },
                history: Arc::clone(&self.0),
                frames_read: 0,
                over: false,
            })
        })
    }
}

/// Looks on at one session.
struct Watched {
    session: u64,
    reading: Reading,
    history: Arc<History>,
    /// Never more than are drawn.
    frames_read: usize,
    over: bool,
}

impl SessionObserver for Watched {
    fn frame(&mut self, direction: Direction, frame: &[u8]) {
        // Reading takes of the session's time, so it isn't done for what isn't drawn.
        let read = (self.frames_read < FRAMES_DRAWN).then(|| {
            self.frames_read += 1;
            self.reading.read(frame)
        });
        self.history
            .frame(self.session, direction, frame.len(), read);
    }

    fn ends(&mut self, outcome: &Result<Outcome, ReconcileError>) {
        self.over = true;
        self.history.ends(self.session, outcome);
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if !self.over {
            self.history.dropped(self.session);
        }
    }
}

/// Two that look on: one that was there before, and another.
#[derive(Debug)]
pub(super) struct Both(pub(super) Arc<dyn Observer>, pub(super) Arc<dyn Observer>);

impl Observer for Both {
    fn begins(
        &self,
        session: &SessionInfo,
        limits: &SessionLimits,
        form: HeaderForm,
    ) -> Option<Box<dyn SessionObserver>> {
        let [one, other] = [&self.0, &self.1].map(|each| each.begins(session, limits, form));
        match (one, other) {
            (Some(one), Some(other)) => Some(Box::new(BothOfOne(one, other))),
            (one, other) => one.or(other),
        }
    }
}

/// Two that look on at one session.
struct BothOfOne(Box<dyn SessionObserver>, Box<dyn SessionObserver>);

impl SessionObserver for BothOfOne {
    fn frame(&mut self, direction: Direction, frame: &[u8]) {
        self.0.frame(direction, frame);
        self.1.frame(direction, frame);
    }

    fn ends(&mut self, outcome: &Result<Outcome, ReconcileError>) {
        self.0.ends(outcome);
        self.1.ends(outcome);
    }
}

#[cfg(test)]
mod tests {
    use libp2p::PeerId;
    use sync_core::{Dialect, Range, Scope};
    use sync_net::Role;

    use super::*;
    use crate::page::session::SessionRounds;

    #[test]
    fn frames_beyond_those_that_are_drawn_are_counted_without_being_read() {
        let history = Arc::<History>::default();
        let watcher = Watcher(Arc::clone(&history));
        let session = SessionInfo {
            id: 3,
            peer: PeerId::random(),
            dialect: Dialect::Negentropy,
            role: Role::Initiator,
            scope: Scope::of_window(Range::ALL),
        };
        let begun = watcher.begins(&session, &SessionLimits::default(), HeaderForm::Topics);
        let mut watched = begun.unwrap();
        for _ in 0..FRAMES_DRAWN + 7 {
            watched.frame(Direction::Received, &[0xff; 9]);
        }
        let rounds = history.one(3, SessionRounds::of).unwrap();
        assert_eq!(
            (rounds.frames.len(), rounds.frames_beyond),
            (FRAMES_DRAWN, 7)
        );
        assert_eq!(rounds.session.bytes_received, 9 * (FRAMES_DRAWN as u64 + 7));
    }
}
