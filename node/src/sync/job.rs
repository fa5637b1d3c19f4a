//! One session's work: what it found missing is fetched here, and known to have reached the peer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use libp2p::PeerId;
use parking_lot::Mutex;
use store_adapter::fetch::{FetchPlan, FetchReport};
use store_adapter::{Record, Refusal};
use sync_core::{Dialect, Id, Scope};
use sync_net::{Role, SessionInfo};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::budgets::Budgets;
use super::held::HeldPushes;
use super::limits::SyncLimits;
use crate::budget::{Budget, Taken};
use crate::cli::time::nanoseconds;

/// The work of one session, shared by the tasks that do it.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) session: u64,
    pub(crate) peer: PeerId,
    /// This side's part in the session.
    pub(crate) role: Role,
    pub(crate) dialect: Dialect,
    /// What the session was to be about when it began.
    pub(crate) scope: Arc<Scope>,
    limits: SyncLimits,
    budgets: Budgets,
    started: Instant,
    state: Mutex<State>,
    phase: watch::Sender<Phase>,
    /// Something has changed for fetching.
    wake: Notify,
    /// Something was given to the peer.
    given: Notify,
    sent: AtomicU64,
    received: AtomicU64,
}

#[derive(Debug)]
struct State {
    plan: FetchPlan<PeerId>,
    /// What the peer lacks and isn't known to have got.
    outgoing: BTreeMap<Id, Handing>,
    /// What the peer lacks beyond what may be brought to it.
    beyond: u64,
    have: u64,
    /// Pushed before the session could name it.
    held: HeldPushes,
    /// Its parts of the bounds of all jobs.
    shares: Vec<Taken>,
    unsolicited: u64,
    /// When anything last arrived or left for this job.
    progress: Instant,
    /// The peer has closed its stream of pushes.
    pushes_over: bool,
    /// Everything is given to the peer that will be, and it is known what arrived.
    handed_over: bool,
}

/// How far a message that the peer lacks has come.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Handing {
    /// It is to be given to the peer.
    Due,
    /// It can't be pushed; the peer may pull it all the same.
    Unpushable,
    /// It was given to the peer; whether it has arrived isn't known.
    Given,
}

/// How far a job has come.
#[derive(Clone, Debug)]
enum Phase {
    /// The session goes on.
    Session,
    /// The session is over; differences are being filled.
    Filling { failed: bool },
    /// Nothing is left to be done or waited for.
    Done(Box<JobReport>),
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
    /// Of those, how many aren't known to have reached the peer.
    pub undelivered: u64,
    /// Of the undelivered ones, how many are too long to be pushed.
    pub unpushable: u64,
    /// What became of the messages that this side lacked.
    pub fetch: FetchReport,
    /// Pushed by the peer without having been asked for.
    pub unsolicited: u64,
    /// Bytes sent to fill differences.
    pub sent: u64,
    /// Bytes received to fill differences.
    pub received: u64,
}

impl JobReport {
    /// Messages that this side lacked.
    #[must_use]
    pub fn need(&self) -> u64 {
        self.fetch.announced
    }
}

impl State {
    /// How far the message has come that has come least far.
    fn least_handed(&self) -> Option<Handing> {
        self.outgoing.values().min().copied()
    }

    fn count(&self, handing: Handing) -> u64 {
        let of_it = self.outgoing.values().filter(|other| **other == handing);
        of_it.count() as u64
    }
}

impl Job {
    pub(crate) fn new(session: &SessionInfo, limits: &SyncLimits, budgets: &Budgets) -> Self {
        let now = Instant::now();
        Self {
            session: session.id,
            peer: session.peer,
            role: session.role,
            dialect: session.dialect,
            scope: Arc::new(session.scope.clone()),
            started: now,
            state: Mutex::new(State {
                plan: FetchPlan::new(session.scope.clone(), limits.fetch.clone()),
                outgoing: BTreeMap::new(),
                beyond: 0,
                shares: Vec::new(),
                have: 0,
                held: HeldPushes::new(limits, Arc::clone(&budgets.held)),
                unsolicited: 0,
                progress: now,
                pushes_over: false,
                handed_over: false,
            }),
            limits: limits.clone(),
            budgets: budgets.clone(),
            phase: watch::Sender::new(Phase::Session),
            wake: Notify::new(),
            given: Notify::new(),
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
        }
    }

    /// As many of the hashes as the job may owe, and how many it has to decline.
    pub(crate) fn what_it_may_owe(&self, mut need: Vec<Id>) -> (Vec<Id>, u64) {
        let mut state = self.state.lock();
        let may = self
            .taken_on(&need, &self.budgets.owed, &mut state.shares)
            .len();
        let declined = (need.len() - may) as u64;
        need.truncate(may);
        (need, declined)
    }

    /// Takes what a round of a session about `scope` has found, and that so many hashes were
    /// `declined`; gives messages that were held and turn out to be owed.
    pub(crate) fn found(
        &self,
        scope: &Scope,
        have: &[Id],
        need: &[Id],
        declined: u64,
    ) -> Vec<Record> {
        self.change(|state| {
            state.plan.narrow(scope);
            state.have += have.len() as u64;
            let brought = self.taken_on(have, &self.budgets.outgoing, &mut state.shares);
            state.beyond += (have.len() - brought.len()) as u64;
            let due = brought.iter().map(|id| (*id, Handing::Due));
            state.outgoing.extend(due);
            state.plan.announce(self.peer, need);
            state.plan.decline(declined);
            let State { held, plan, .. } = state;
            let mut owed = held.take(|hash| plan.owes(hash));
            owed.retain(|record| plan.accept_push(record));
            owed
        })
    }

    /// As many of the ids as the job may take on. What peers start is bounded together, so that what
    /// they claim takes no more memory than is meant for that.
    fn taken_on<'a>(
        &self,
        ids: &'a [Id],
        budget: &Arc<Budget>,
        shares: &mut Vec<Taken>,
    ) -> &'a [Id] {
        if self.role == Role::Initiator || ids.is_empty() {
            return ids;
        }
        let share = budget.take_up_to(ids.len());
        let taken_on = &ids[..share.amount()];
        shares.push(share);
        taken_on
    }

    /// The session is over: what is held and wasn't named is dropped.
    pub(crate) fn session_ended(&self, failed: bool) {
        self.change(|state| {
            state.progress = Instant::now();
            state.unsolicited += state.held.clear() as u64;
        });
        self.phase.send_replace(Phase::Filling { failed });
    }

    /// Whether the session came to no good end.
    pub(crate) fn session_failed(&self) -> bool {
        matches!(*self.phase.borrow(), Phase::Filling { failed: true })
    }

    /// Waits for the session's end.
    pub(crate) async fn until_session_ended(&self) {
        let mut phase = self.phase.subscribe();
        let over = phase
            .wait_for(|phase| !matches!(phase, Phase::Session))
            .await;
        debug_assert!(over.is_ok(), "the sender lives as long as the job");
    }

    /// Waits until the job is done, and gives its report.
    pub(crate) async fn finished(&self) -> JobReport {
        let mut phase = self.phase.subscribe();
        let done = phase
            .wait_for(|phase| matches!(phase, Phase::Done(_)))
            .await;
        match done.as_deref() {
            Ok(Phase::Done(report)) => (**report).clone(),
            _ => self.report(),
        }
    }

    /// Marks the job as done.
    pub(crate) fn finish(&self) -> JobReport {
        let report = self.report();
        self.phase
            .send_replace(Phase::Done(Box::new(report.clone())));
        report
    }

    /// Whether a message that was pushed is owed and acceptable: then it is to be archived.
    pub(crate) fn accept_push(&self, record: &Record) -> bool {
        self.change(|state| {
            let accepted = state.plan.accept_push(record);
            if accepted {
                state.progress = Instant::now();
            }
            accepted
        })
    }

    /// Keeps a message that the job's peer pushed, if the session may still name it and there is
    /// room for it, among all sessions' too.
    pub(crate) fn hold(&self, record: &Record) -> bool {
        let running = matches!(*self.phase.borrow(), Phase::Session);
        let topics = (record.pubsub_topic(), &*record.message().content_topic);
        running
            && self.dialect == Dialect::Waku
            && self.scope.window.contains(&record.item())
            && self.scope.allows_topics(topics.0, topics.1)
            && self.state.lock().held.hold(record)
    }

    /// Counts a push of the job's peer that nobody asked for.
    pub(crate) fn count_unsolicited(&self) {
        self.state.lock().unsolicited += 1;
    }

    /// The peer has closed its stream of pushes.
    pub(crate) fn pushes_over(&self) {
        self.change(|state| state.pushes_over = true);
    }

    /// What to ask `peer` for next, of what is `free`.
    pub(crate) fn next_batch(
        &self,
        peer: &PeerId,
        free: impl FnMut(&Id) -> bool,
    ) -> Option<Vec<Id>> {
        let now = self.clock();
        let overlap = nanoseconds(self.limits.overlap);
        let mut state = self.state.lock();
        state.plan.next_batch_of(*peer, now, overlap, free)
    }

    /// Takes what `peer` delivered for a batch; gives what is to be archived.
    pub(crate) fn answered(
        &self,
        peer: &PeerId,
        asked: &[Id],
        delivered: Vec<Record>,
    ) -> Vec<Record> {
        let now = self.clock();
        self.change(|state| state.plan.answered(*peer, asked, delivered, now))
    }

    /// `peer` gave no answer to a batch.
    pub(crate) fn failed(&self, peer: &PeerId, asked: &[Id]) {
        let now = self.clock();
        self.change(|state| state.plan.failed(*peer, asked, now));
    }

    /// These messages are in the archive, by whichever door.
    pub(crate) fn settled(&self, hashes: &[Id]) {
        self.change(|state| {
            if hashes.iter().any(|hash| state.plan.owes(hash)) {
                state.progress = Instant::now();
            }
            hashes.iter().for_each(|hash| state.plan.settled(hash));
        });
    }

    /// The archive's door refused what `from` delivered.
    pub(crate) fn refused(&self, from: PeerId, refused: &[(Id, Refusal)]) {
        let now = self.clock();
        self.change(|state| {
            for (hash, refusal) in refused {
                tracing::debug!(session = self.session, peer = %from, %hash, %refusal, "refused at the door");
                state.plan.refused_at_the_door(Some(from), hash, now);
            }
        });
    }

    /// What `from` delivered couldn't be archived.
    pub(crate) fn not_archived(&self, from: PeerId, hashes: &[Id]) {
        let now = self.clock();
        self.change(|state| {
            hashes
                .iter()
                .for_each(|hash| state.plan.not_archived(Some(from), hash, now));
        });
    }

    /// Time has passed.
    pub(crate) fn pass_time(&self) {
        let now = self.clock();
        self.state.lock().plan.expire(now);
    }

    /// Waits until something has changed.
    pub(crate) async fn changed(&self) {
        self.wake.notified().await;
    }

    /// These messages were given to the peer, as an answer or by a push. Whether they have arrived
    /// isn't known yet.
    pub(crate) fn given(&self, hashes: &[Id]) {
        let mut state = self.state.lock();
        for hash in hashes {
            if let Some(given) = state.outgoing.get_mut(hash) {
                *given = Handing::Given;
                state.progress = Instant::now();
            }
        }
        drop(state);
        self.given.notify_one();
    }

    /// This message can't be pushed to the peer.
    pub(crate) fn cannot_be_pushed(&self, hash: &Id) {
        if let Some(handing @ Handing::Due) = self.state.lock().outgoing.get_mut(hash) {
            *handing = Handing::Unpushable;
        }
    }

    /// Waits until all that the peer lacks is given to it, or it has stopped asking for more;
    /// `false` when nothing was given for as long as `quiet`, and it may be waited further. For
    /// what can't be pushed it waits no longer than `quiet`: most peers that take pushes pull
    /// nothing.
    pub(crate) async fn until_given(&self, quiet: Duration) -> bool {
        loop {
            let wait = {
                let state = self.state.lock();
                let patience = match state.least_handed() {
                    None | Some(Handing::Given) => return true,
                    Some(Handing::Unpushable) => self.limits.pull_patience.min(quiet),
                    Some(Handing::Due) => self.limits.pull_patience,
                };
                match patience.checked_sub(state.progress.elapsed()) {
                    Some(left) => left,
                    None => return true,
                }
            };
            let given = tokio::time::timeout(wait.min(quiet), self.given.notified()).await;
            if given.is_err() && quiet < wait {
                return false;
            }
        }
    }

    /// What was given to the peer and isn't known to have arrived.
    pub(crate) fn unconfirmed(&self) -> Vec<Id> {
        let state = self.state.lock();
        state
            .outgoing
            .iter()
            .filter(|(_, handing)| **handing == Handing::Given)
            .map(|(hash, _)| *hash)
            .collect()
    }

    /// The peer holds these messages.
    pub(crate) fn delivered(&self, hashes: &[Id]) {
        self.change(|state| {
            for hash in hashes {
                state.outgoing.remove(hash);
            }
        });
    }

    /// What the peer lacks and isn't known to have got.
    pub(crate) fn outgoing(&self) -> Vec<Id> {
        self.state.lock().outgoing.keys().copied().collect()
    }

    /// Everything is given to the peer that will be, and it is known what arrived.
    pub(crate) fn handing_over_done(&self) {
        self.change(|state| state.handed_over = true);
    }

    /// Whether missing messages should be pulled now. In the waku dialect the peer pushes them, so
    /// pulling waits until it has stopped.
    pub(crate) fn pulls(&self) -> bool {
        if self.dialect == Dialect::Negentropy {
            return true;
        }
        let running = matches!(*self.phase.borrow(), Phase::Session);
        let state = self.state.lock();
        !running && (state.pushes_over || state.progress.elapsed() >= self.limits.push_patience)
    }

    /// Whether nothing is left to be done or waited for.
    pub(crate) fn is_done(&self) -> bool {
        let running = matches!(*self.phase.borrow(), Phase::Session);
        let state = self.state.lock();
        !running && state.plan.is_done() && state.handed_over
    }

    /// Counts bytes that went over the wire for this job.
    pub(crate) fn count_bytes(&self, sent: usize, received: usize) {
        self.sent.fetch_add(sent as u64, Ordering::Relaxed);
        self.received.fetch_add(received as u64, Ordering::Relaxed);
    }

    /// How it went so far.
    pub(crate) fn report(&self) -> JobReport {
        let state = self.state.lock();
        JobReport {
            session: self.session,
            peer: self.peer,
            have: state.have,
            undelivered: state.outgoing.len() as u64 + state.beyond,
            unpushable: state.count(Handing::Unpushable),
            fetch: state.plan.report(),
            unsolicited: state.unsolicited,
            sent: self.sent.load(Ordering::Relaxed),
            received: self.received.load(Ordering::Relaxed),
        }
    }

    fn change<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        let result = act(&mut self.state.lock());
        self.wake.notify_one();
        result
    }

    /// The clock of the fetch plan: nanoseconds since the job began.
    fn clock(&self) -> u64 {
        nanoseconds(self.started.elapsed())
    }
}
