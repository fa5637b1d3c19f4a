//! One session's work: what it found missing is fetched here, and known to have reached the peer.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use libp2p::PeerId;
use parking_lot::Mutex;
use store_adapter::fetch::{FetchPlan, FetchReport};
use store_adapter::Record;
use sync_core::{Dialect, Id, Range};
use sync_net::SessionInfo;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::limits::SyncLimits;

/// The work of one session, shared by the tasks that do it.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) session: u64,
    pub(crate) peer: PeerId,
    pub(crate) dialect: Dialect,
    pub(crate) window: Range,
    limits: SyncLimits,
    started: Instant,
    state: Mutex<State>,
    /// Something has changed: look again.
    pub(crate) wake: Notify,
    sent: AtomicU64,
    received: AtomicU64,
}

#[derive(Debug)]
struct State {
    plan: FetchPlan<PeerId>,
    /// What the peer lacks and isn't known to have got.
    outgoing: BTreeSet<Id>,
    have: u64,
    need: u64,
    /// Set when the session is over.
    ended: Option<Instant>,
    /// Pushed before the session could name it.
    held: Vec<Record>,
    held_bytes: usize,
    unsolicited: u64,
    /// When anything last arrived or left for this job.
    progress: Instant,
    /// The peer will push no more.
    pushes_over: bool,
    pushed: bool,
}

/// What became of a message that a peer pushed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Pushed {
    /// It is owed: ingest it.
    Owed,
    /// The session may still name it: it is kept until then.
    Held,
    /// Nobody asked for it.
    Unsolicited,
}

/// How a job went.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JobReport {
    /// The session's id.
    pub session: u64,
    /// The other side.
    pub peer: PeerId,
    /// Messages that the peer lacked.
    pub have: u64,
    /// Messages that this side lacked.
    pub need: u64,
    /// Of those, how many aren't known to have reached the peer.
    pub have_owed: u64,
    /// What became of those that this side lacked.
    pub fetch: FetchReport,
    /// Pushed by the peer without having been asked for.
    pub unsolicited: u64,
    /// Bytes sent to fill differences.
    pub sent: u64,
    /// Bytes received to fill differences.
    pub received: u64,
}

impl Job {
    pub(crate) fn new(session: &SessionInfo, limits: &SyncLimits) -> Self {
        let now = Instant::now();
        let window = session.scope.window;
        Self {
            session: session.id,
            peer: session.peer,
            dialect: session.dialect,
            window,
            started: now,
            state: Mutex::new(State {
                plan: FetchPlan::new(window, limits.fetch.clone()),
                outgoing: BTreeSet::new(),
                have: 0,
                need: 0,
                ended: None,
                held: Vec::new(),
                held_bytes: 0,
                unsolicited: 0,
                progress: now,
                pushes_over: false,
                pushed: false,
            }),
            limits: limits.clone(),
            wake: Notify::new(),
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
        }
    }

    /// Time since the job began: the clock of its fetch plan.
    pub(crate) fn clock(&self) -> Duration {
        self.started.elapsed()
    }

    /// Takes what a round has found; gives messages that were held and turn out to be owed.
    pub(crate) fn found(&self, have: &[Id], need: &[Id]) -> Vec<Record> {
        let now = self.clock();
        let mut state = self.state.lock();
        state.have += have.len() as u64;
        state.need += need.len() as u64;
        state.outgoing.extend(have);
        state.plan.announce(self.peer, need, now);
        let State { held, plan, .. } = &mut *state;
        let (owed, rest) = held.drain(..).partition(|record| plan.owes(&record.hash));
        *held = rest;
        state.held_bytes = state.held.iter().map(Record::encoded_len).sum();
        drop(state);
        self.wake.notify_one();
        owed
    }

    /// The session is over: what is held and wasn't named is dropped.
    pub(crate) fn session_ended(&self) {
        let mut state = self.state.lock();
        state.ended = Some(Instant::now());
        state.progress = Instant::now();
        state.unsolicited += state.held.len() as u64;
        state.held = Vec::new();
        state.held_bytes = 0;
        drop(state);
        self.wake.notify_one();
    }

    /// Decides about a message that `from` pushed.
    pub(crate) fn pushed(&self, from: &PeerId, record: &Record) -> Pushed {
        let mut state = self.state.lock();
        if state.plan.owes(&record.hash) {
            state.progress = Instant::now();
            return Pushed::Owed;
        }
        let size = record.encoded_len();
        let room = state.held.len() < self.limits.held_messages
            && state.held_bytes + size <= self.limits.held_bytes;
        if *from == self.peer && state.ended.is_none() && self.dialect == Dialect::Waku && room {
            state.held.push(record.clone());
            state.held_bytes += size;
            return Pushed::Held;
        }
        Pushed::Unsolicited
    }

    /// Counts a push of the job's peer that nobody asked for.
    pub(crate) fn count_unsolicited(&self) {
        self.state.lock().unsolicited += 1;
    }

    /// The peer has closed its stream of pushes.
    pub(crate) fn pushes_over(&self) {
        self.state.lock().pushes_over = true;
        self.wake.notify_one();
    }

    /// Works on the fetch plan.
    pub(crate) fn with_plan<T>(&self, act: impl FnOnce(&mut FetchPlan<PeerId>, Duration) -> T) -> T {
        let now = self.clock();
        let result = act(&mut self.state.lock().plan, now);
        self.wake.notify_one();
        result
    }

    /// Something arrived or left: patience starts anew.
    pub(crate) fn progressed(&self) {
        self.state.lock().progress = Instant::now();
        self.wake.notify_one();
    }

    /// These messages have reached the peer.
    pub(crate) fn delivered(&self, hashes: &[Id]) {
        let mut state = self.state.lock();
        let before = state.outgoing.len();
        hashes.iter().for_each(|hash| drop(state.outgoing.remove(hash)));
        if state.outgoing.len() < before {
            state.progress = Instant::now();
        }
        drop(state);
        self.wake.notify_one();
    }

    /// What the peer lacks and isn't known to have got.
    pub(crate) fn outgoing(&self) -> Vec<Id> {
        self.state.lock().outgoing.iter().copied().collect()
    }

    /// All pushes are sent, and it is known which of them arrived.
    pub(crate) fn pushing_done(&self) {
        self.state.lock().pushed = true;
        self.wake.notify_one();
    }

    /// Whether missing messages should be pulled now. In the waku dialect the peer pushes them,
    /// so pulling waits until it has stopped.
    pub(crate) fn pulls(&self) -> bool {
        let state = self.state.lock();
        match self.dialect {
            Dialect::Negentropy => true,
            Dialect::Waku => state.ended.is_some_and(|ended| {
                let quiet = state.progress.max(ended).elapsed();
                state.pushes_over || quiet >= self.limits.push_patience
            }),
        }
    }

    /// Whether nothing is left to be done or waited for.
    pub(crate) fn is_done(&self) -> bool {
        let state = self.state.lock();
        let delivered = match self.dialect {
            Dialect::Waku => state.pushed,
            // The peer pulls in its own time; one that doesn't come is not waited for longer.
            Dialect::Negentropy => {
                state.outgoing.is_empty() || state.progress.elapsed() >= self.limits.pull_patience
            }
        };
        state.ended.is_some() && state.plan.is_done() && delivered
    }

    /// Counts bytes that went over the wire for this job.
    pub(crate) fn count_bytes(&self, sent: u64, received: u64) {
        self.sent.fetch_add(sent, Ordering::Relaxed);
        self.received.fetch_add(received, Ordering::Relaxed);
    }

    /// How it went so far.
    pub(crate) fn report(&self) -> JobReport {
        let state = self.state.lock();
        JobReport {
            session: self.session,
            peer: self.peer,
            have: state.have,
            need: state.need,
            have_owed: state.outgoing.len() as u64,
            fetch: state.plan.report(),
            unsolicited: state.unsolicited,
            sent: self.sent.load(Ordering::Relaxed),
            received: self.received.load(Ordering::Relaxed),
        }
    }
}
