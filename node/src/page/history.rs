//! Sessions of now and of late, as far as they are kept to be shown.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use parking_lot::Mutex;
use sync_core::{Bound, Range};
use sync_net::reconcile::Direction;
use sync_net::{Outcome, ReconcileError, SessionInfo};
use tokio::time::Instant;

use super::limits::{FRAMES_DRAWN, SESSIONS_KEPT, SESSIONS_WATCHED};
use super::row::{Read, Row, kept};
use crate::cli::time::now;
use crate::sync::JobReport;

/// How far a session has come.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    /// Frames go to and fro.
    Reconciling,
    /// What it found is being filled.
    Filling,
    /// All is over.
    Done,
    /// It was given up for a session that the peer had started.
    Yielded,
    /// It came to no good end, for this reason.
    Failed(String),
}

/// A session, as far as it is known.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) session: SessionInfo,
    /// Nanoseconds since 1970.
    pub(super) started: u64,
    began: Instant,
    /// How long it took until it was over and everything filled.
    took: Option<Duration>,
    /// How long frames were exchanged, if they no longer are.
    pub(super) reconciled: Option<Duration>,
    pub(super) phase: Phase,
    pub(super) rounds: u64,
    pub(super) bytes_sent: u64,
    pub(super) bytes_received: u64,
    pub(super) have: u64,
    pub(super) need: u64,
    /// What was fetched, if anything was found.
    pub(super) filled: Option<JobReport>,
    /// The times that it is about.
    pub(super) window: Range,
    pub(super) rows: Vec<Row>,
    /// Frames beyond those that are kept.
    pub(super) rows_beyond: u64,
    changed: bool,
}

impl Entry {
    fn new(session: SessionInfo) -> Self {
        Self {
            window: session.scope.window,
            session,
            started: now(),
            began: Instant::now(),
            took: None,
            reconciled: None,
            phase: Phase::Reconciling,
            rounds: 0,
            bytes_sent: 0,
            bytes_received: 0,
            have: 0,
            need: 0,
            filled: None,
            rows: Vec::new(),
            rows_beyond: 0,
            changed: true,
        }
    }

    /// How long it took, or takes already.
    pub(super) fn elapsed(&self) -> Duration {
        self.took.unwrap_or_else(|| self.began.elapsed())
    }

    fn frame(&mut self, direction: Direction, bytes: usize, read: Option<Read>) {
        match direction {
            Direction::Sent => self.bytes_sent += bytes as u64,
            Direction::Received => {
                self.bytes_received += bytes as u64;
                self.rounds += 1;
            }
        }
        match read.filter(|_| self.rows.len() < FRAMES_DRAWN) {
            Some(read) => {
                if let Some(window) = read.window {
                    self.window = self.window.intersect(&window);
                }
                let after = self.began.elapsed();
                self.rows.push(Row {
                    direction,
                    after,
                    bytes,
                    says: read.says,
                });
            }
            None => self.rows_beyond += 1,
        }
        self.changed = true;
    }

    fn ends(&mut self, outcome: &Result<Outcome, ReconcileError>) {
        self.phase = match outcome {
            Ok(outcome) => {
                self.rounds = outcome.rounds;
                self.bytes_sent = outcome.bytes_sent;
                self.bytes_received = outcome.bytes_received;
                self.have = outcome.have;
                self.need = outcome.need;
                self.reconciled = Some(outcome.duration);
                Phase::Filling
            }
            Err(error) if error.is_yielded() => Phase::Yielded,
            Err(error) => Phase::Failed(kept(&error.to_string())),
        };
        self.changed = true;
    }

    fn fill(&mut self, report: &JobReport) {
        // Of what the session has found some may have come meanwhile: the work is about the rest.
        self.have = report.have;
        self.need = report.need();
        if self.filled.as_ref() != Some(report) {
            self.filled = Some(report.clone());
            self.changed = true;
        }
    }

    fn is_over(&self) -> bool {
        !matches!(self.phase, Phase::Reconciling | Phase::Filling)
    }

    /// The times that are drawn, nanoseconds since 1970: those that it is about, or where these have no
    /// bound, those that its frames tell.
    pub(super) fn axis(&self) -> (u64, u64) {
        let bounds = || self.rows.iter().flat_map(Row::bounds);
        let since = match self.window.lower.timestamp() {
            0 => bounds().min().unwrap_or_default(),
            since => since,
        };
        let until = match self.window.upper {
            Bound::Before(item) => item.timestamp,
            Bound::Infinity => bounds().max().unwrap_or(since),
        };
        (since, until.max(since))
    }
}

/// The sessions that are kept: those at work, and the last ones that are over.
#[derive(Debug, Default)]
pub(crate) struct History(Mutex<Sessions>);

#[derive(Debug, Default)]
struct Sessions {
    open: BTreeMap<u64, Entry>,
    /// The newest last.
    past: VecDeque<Entry>,
}

impl History {
    /// A session begins; gives whether it is kept.
    pub(super) fn begins(&self, session: &SessionInfo) -> bool {
        let mut sessions = self.0.lock();
        let room = sessions.open.len() < SESSIONS_WATCHED;
        if room {
            let entry = Entry::new(session.clone());
            sessions.open.insert(session.id, entry);
        }
        room
    }

    /// A frame of a session was sent or received; one that wasn't read isn't drawn.
    pub(super) fn frame(
        &self,
        session: u64,
        direction: Direction,
        bytes: usize,
        read: impl Into<Option<Read>>,
    ) {
        if let Some(entry) = self.0.lock().open.get_mut(&session) {
            entry.frame(direction, bytes, read.into());
        }
    }

    /// Frames are no longer exchanged.
    pub(super) fn ends(&self, session: u64, outcome: &Result<Outcome, ReconcileError>) {
        self.change(session, |entry| entry.ends(outcome));
    }

    /// The session was dropped halfway.
    pub(super) fn dropped(&self, session: u64) {
        self.change(session, |entry| {
            entry.phase = Phase::Failed("the session was cancelled".into());
        });
    }

    /// What a session found is filled, as far as that goes.
    pub(super) fn filled(&self, report: &JobReport) {
        self.change(report.session, |entry| {
            entry.fill(report);
            if entry.phase == Phase::Filling {
                entry.phase = Phase::Done;
            }
            entry.changed = true;
        });
    }

    /// So far the work at what sessions found has come. A session whose work is neither at hand nor was told
    /// of had none.
    pub(super) fn at_work(&self, reports: &[JobReport]) {
        let mut sessions = self.0.lock();
        for report in reports {
            if let Some(entry) = sessions.open.get_mut(&report.session) {
                entry.fill(report);
            }
        }
        let without_work = |entry: &&Entry| {
            let id = entry.session.id;
            entry.phase == Phase::Filling && !reports.iter().any(|report| report.session == id)
        };
        let over: Vec<u64> = sessions
            .open
            .values()
            .filter(without_work)
            .map(|entry| entry.session.id)
            .collect();
        drop(sessions);
        for session in over {
            self.change(session, |entry| entry.phase = Phase::Done);
        }
    }

    /// Whether any session is at work.
    pub(super) fn is_at_work(&self) -> bool {
        !self.0.lock().open.is_empty()
    }

    /// Changes a session, and puts it where it belongs.
    fn change(&self, session: u64, change: impl FnOnce(&mut Entry)) {
        let mut sessions = self.0.lock();
        let Sessions { open, past } = &mut *sessions;
        let of_past = past.iter_mut().find(|entry| entry.session.id == session);
        let Some(entry) = open.get_mut(&session).or(of_past) else {
            return;
        };
        change(entry);
        entry.changed = true;
        if entry.is_over() && entry.took.is_none() {
            entry.took = Some(entry.began.elapsed());
            if let Some(entry) = open.remove(&session) {
                past.push_back(entry);
            }
            while past.len() > SESSIONS_KEPT {
                past.pop_front();
            }
        }
    }

    /// What `show` makes of the sessions that have changed since this was asked last.
    pub(super) fn changed<T>(&self, show: impl Fn(&Entry) -> T) -> Vec<T> {
        let mut sessions = self.0.lock();
        let Sessions { open, past } = &mut *sessions;
        let all = past.iter_mut().chain(open.values_mut());
        all.filter_map(|entry| std::mem::take(&mut entry.changed).then(|| show(entry)))
            .collect()
    }

    /// What `show` makes of all sessions, those first that began last.
    pub(super) fn all<T>(&self, show: impl Fn(&Entry) -> T) -> Vec<T> {
        let sessions = self.0.lock();
        let mut all: Vec<&Entry> = sessions.past.iter().chain(sessions.open.values()).collect();
        all.sort_by_key(|entry| std::cmp::Reverse(entry.session.id));
        all.into_iter().map(show).collect()
    }

    /// What `show` makes of one session.
    pub(super) fn one<T>(&self, session: u64, show: impl Fn(&Entry) -> T) -> Option<T> {
        let sessions = self.0.lock();
        let of_past = || {
            sessions
                .past
                .iter()
                .find(|entry| entry.session.id == session)
        };
        sessions.open.get(&session).or_else(of_past).map(show)
    }
}

#[cfg(test)]
#[path = "history_tests.rs"]
mod tests;
