//! Brings sessions, archive and network together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use libp2p::PeerId;
use parking_lot::{Mutex, RwLock};
use store_adapter::Record;
use sync_core::{Bound, Id, ItemSet, Range, Scope, Source};
use sync_net::{
    Control, DialectChoice, Outcome, ReconcileError, Reconciler, Role, SessionInfo, Storage,
    Warnings, warn_of_peer,
};
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::task::JoinSet;

use super::asked::Asked;
use super::budgets::Budgets;
use super::job::{Job, JobReport};
use super::limits::{FINISHED_QUEUE, FUTURE_TOLERANCE, SyncLimits};
use super::pulling::Pulling;
use super::standing::{PeerStanding, Standing};
use super::{fetch, hand_over};
use crate::cli::DialectArg;
use crate::cli::time::now;
use crate::counters::NodeCounters;
use crate::net::PeerTable;
use crate::resume::{KnowingSource, Ledger, vouched};
use crate::store::Store;

/// Why a sync came to nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SyncError {
    /// The session failed.
    #[error(transparent)]
    Session(#[from] ReconcileError),
    /// Too much is being fetched already.
    #[error("too many sessions are being worked on; try again later")]
    Full,
}

impl SyncError {
    /// Whether trying again later helps.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Session(error) => error.is_yielded() || error.is_busy(),
            Self::Full => true,
        }
    }

    /// Whether this side has a session with the peer already: trying again after it helps.
    #[must_use]
    pub fn is_running(&self) -> bool {
        matches!(self, Self::Session(ReconcileError::AlreadyRunning))
    }

    /// Whether the session that the peer started does the work.
    #[must_use]
    pub fn is_yielded(&self) -> bool {
        matches!(self, Self::Session(error) if error.is_yielded())
    }
}

/// A sync that came to its end.
#[derive(Clone, Debug)]
pub struct Synced {
    /// How the session went.
    pub session: Outcome,
    /// What was fetched and delivered after it.
    pub job: JobReport,
}

/// Runs the work of every session, whoever started it.
pub struct Syncer {
    pub(crate) store: Arc<Store>,
    pub(crate) control: Control,
    /// For what peers make this node ask.
    pub(super) control_for_peers: Control,
    pub(crate) peers: Arc<PeerTable>,
    pub(super) limits: SyncLimits,
    served: Scope,
    reconciler: RwLock<Option<Reconciler>>,
    jobs: Mutex<BTreeMap<u64, Arc<Job>>>,
    finished: broadcast::Sender<JobReport>,
    tasks: Mutex<JoinSet<()>>,
    counters: NodeCounters,
    pub(crate) warnings: Arc<Warnings>,
    budgets: Budgets,
    /// What is asked of peers, in all sessions.
    pub(super) asked: Asked,
    /// Who asks the store for what sessions have found.
    pulling: Pulling,
    /// How far behind peers this node is.
    standing: Standing,
    /// What the node knows of its gaps, if it keeps that.
    ledger: OnceLock<Arc<Ledger>>,
}

impl Syncer {
    /// A syncer over `store`; peers may reconcile what lies in `served`.
    #[must_use]
    pub fn new(
        store: Arc<Store>,
        control: Control,
        peers: Arc<PeerTable>,
        served: Scope,
        limits: SyncLimits,
    ) -> Arc<Self> {
        Arc::new(Self {
            warnings: control.warnings(),
            budgets: Budgets::new(&limits),
            asked: Asked::new(limits.overlap),
            pulling: Pulling::new(),
            standing: Standing::default(),
            ledger: OnceLock::new(),
            store,
            control_for_peers: control.apart().for_bulk(),
            control: control.for_bulk(),
            peers,
            limits,
            served,
            reconciler: RwLock::new(None),
            jobs: Mutex::default(),
            finished: broadcast::channel(FINISHED_QUEUE).0,
            tasks: Mutex::default(),
            counters: NodeCounters::default(),
        })
    }

    /// Gives it the reconciler to start sessions with.
    pub(crate) fn set_reconciler(&self, reconciler: Reconciler) {
        *self.reconciler.write() = Some(reconciler);
    }

    /// Gives it what the node knows of its gaps, to tell it to peers.
    pub(crate) fn set_ledger(&self, ledger: Arc<Ledger>) {
        // Only the first one counts, and there is no other.
        let _ = self.ledger.set(ledger);
    }

    /// What peers may reconcile, at whatever time.
    pub(crate) fn served_topics(&self) -> &Scope {
        &self.served
    }

    /// The connected peers.
    #[must_use]
    pub fn peers(&self) -> &PeerTable {
        &self.peers
    }

    /// What was counted so far.
    #[must_use]
    pub fn counters(&self) -> &NodeCounters {
        &self.counters
    }

    /// Reports of jobs as they finish, of sessions in both roles.
    #[must_use]
    pub fn finished(&self) -> broadcast::Receiver<JobReport> {
        self.finished.subscribe()
    }

    /// Reports of the jobs that are at work.
    #[must_use]
    pub fn at_work(&self) -> Vec<JobReport> {
        self.jobs.lock().values().map(|job| job.report()).collect()
    }

    /// How this node stands to the peers that it has had sessions with, the latest ones first.
    #[must_use]
    pub fn standing(&self) -> Vec<(PeerId, PeerStanding)> {
        self.standing.all()
    }

    /// How many items of the served topics the store holds in `window`.
    #[must_use]
    pub fn count(&self, window: Range) -> u64 {
        let scope = Scope {
            window,
            ..self.served.clone()
        };
        self.store
            .index()
            .snapshot()
            .open(&scope)
            .map_or(0, |set| set.len() as u64)
    }

    /// Ends all work; what isn't fetched is found missing again by the next session.
    pub(crate) async fn stop(&self) {
        *self.reconciler.write() = None;
        let mut tasks = std::mem::take(&mut *self.tasks.lock());
        tasks.shutdown().await;
        self.jobs.lock().clear();
    }

    /// Ends all work without waiting for the end: jobs would keep the syncer, and the syncer them.
    pub(crate) fn abandon(&self) {
        *self.reconciler.write() = None;
        self.tasks.lock().abort_all();
    }

    /// One session with a connected peer about `window`, and what follows from it until both sides
    /// are done.
    ///
    /// # Errors
    /// When the session fails.
    pub async fn sync(
        &self,
        peer: PeerId,
        window: Range,
        dialect: DialectArg,
    ) -> Result<Synced, SyncError> {
        let reconciler = self.reconciler.read().clone().ok_or(SyncError::Full)?;
        let scope = Scope {
            window,
            ..self.served.clone()
        };
        let choice = match dialect {
            DialectArg::Auto => DialectChoice::Auto,
            DialectArg::Waku => DialectChoice::Waku,
        };
        let session = reconciler.reconcile(peer, scope, choice).await?;
        let collected = Collected {
            syncer: self,
            session: session.session.id,
        };
        let job = self
            .jobs
            .lock()
            .get(&collected.session)
            .cloned()
            .ok_or(SyncError::Full)?;
        let job = job.finished().await;
        Ok(Synced { session, job })
    }

    /// A sync of the schedule may have filled a gap.
    pub(crate) async fn note_filled(&self, synced: &Synced) {
        let filled = vouched(synced, &self.served);
        if let Some(ledger) = self.ledger.get()
            && ledger.fill(&filled)
        {
            ledger.save().await;
        }
    }

    /// Takes messages that `from` pushed: what a job owes is archived, what a running session may
    /// still name is held, and the rest refused.
    pub(crate) async fn pushed(&self, from: PeerId, records: Vec<Record>) {
        let jobs = self.all_jobs();
        let mut owed: Vec<Vec<Record>> = vec![Vec::new(); jobs.len()];
        for record in records {
            if let Some(place) = jobs.iter().position(|job| job.accept_push(&record)) {
                owed[place].push(record);
            } else if !jobs.iter().any(|job| job.peer == from && job.hold(&record)) {
                self.counters.unsolicited_pushes.increment();
                let job = jobs.iter().find(|job| job.peer == from);
                let session = job.map(|job| job.session);
                tracing::debug!(peer = %from, session, hash = %record.hash(), "unsolicited push refused");
                if let Some(job) = job {
                    job.count_unsolicited();
                }
            }
        }
        for (job, records) in jobs.iter().zip(owed) {
            self.take(job, from, records).await;
        }
    }

    /// The peer has closed a stream of pushes.
    pub(crate) fn pushes_over(&self, from: &PeerId) {
        let jobs = self.jobs.lock();
        jobs.values()
            .filter(|job| job.peer == *from)
            .for_each(|job| job.pushes_over());
    }

    /// Messages with these hashes were given to `peer` as the answer to a query.
    pub(crate) fn served(&self, peer: &PeerId, hashes: &[Id], received: usize, sent: usize) {
        let jobs = self.jobs.lock();
        for job in jobs.values().filter(|job| job.peer == *peer) {
            job.count_bytes(sent, received);
            job.given(hashes);
        }
    }

    /// Whether what `peer` asks of the store now fills what a session with it has found.
    pub(crate) fn is_pulled_by(&self, peer: &PeerId) -> bool {
        self.pulling.asks(peer)
    }

    /// Counts bytes of pushes from `peer`.
    pub(crate) fn count_received(&self, peer: &PeerId, bytes: usize) {
        let jobs = self.jobs.lock();
        jobs.values()
            .filter(|job| job.peer == *peer)
            .for_each(|job| job.count_bytes(0, bytes));
    }

    /// Settles in every job what comes into the archive by any door, until the door is gone.
    pub(crate) async fn follow_the_door(self: Arc<Self>) {
        let mut settled = self.store.settled();
        loop {
            match settled.recv().await {
                Ok(hashes) => self.all_jobs().iter().for_each(|job| job.settled(&hashes)),
                // What was missed is fetched, and found to be there.
                Err(RecvError::Lagged(missed)) => tracing::debug!(missed, "settled unseen"),
                Err(RecvError::Closed) => return,
            }
        }
    }

    /// Those of the hashes that the archive doesn't hold; all of them if it can't tell.
    async fn not_held(&self, mut hashes: Vec<Id>) -> Vec<Id> {
        match self.store.archive().locate(&hashes).await {
            Ok(held) => {
                let held: BTreeSet<Id> = held.iter().map(|key| key.item.id).collect();
                hashes.retain(|hash| !held.contains(hash));
            }
            Err(error) => tracing::warn!(%error, "can't look up what is needed"),
        }
        hashes
    }

    /// Takes owed messages that `from` delivered into the store, and settles them in every job.
    pub(super) async fn take(&self, job: &Job, from: PeerId, records: Vec<Record>) {
        if records.is_empty() {
            return;
        }
        let arrived = self
            .store
            .take_synced(Arc::clone(&job.scope), records)
            .await;
        job.refused(from, &arrived.refused);
        if let Some((hashes, error)) = arrived.unstored {
            tracing::error!(session = job.session, peer = %from, %error, "synced messages can't be stored");
            job.not_archived(from, &hashes);
        }
        if !arrived.settled.is_empty() {
            self.all_jobs()
                .iter()
                .for_each(|job| job.settled(&arrived.settled));
        }
    }

    fn all_jobs(&self) -> Vec<Arc<Job>> {
        self.jobs.lock().values().cloned().collect()
    }

    /// The job of a session; begun when the session is first heard of. `None` when there are too
    /// many.
    fn job(self: &Arc<Self>, session: &SessionInfo) -> Option<Arc<Job>> {
        let mut jobs = self.jobs.lock();
        if let Some(job) = jobs.get(&session.id) {
            return Some(Arc::clone(job));
        }
        if !has_room(&jobs, session, &self.limits) {
            warn_of_peer!(
                self.warnings,
                &session.peer,
                session = session.id,
                "too many sessions are being worked on"
            );
            return None;
        }
        let job = Arc::new(Job::new(session, &self.limits, &self.budgets));
        jobs.insert(session.id, Arc::clone(&job));
        let mut tasks = self.tasks.lock();
        while tasks.try_join_next().is_some() {}
        tasks.spawn(Arc::clone(self).work(Arc::clone(&job)));
        Some(job)
    }

    async fn work(self: Arc<Self>, job: Arc<Job>) {
        let work = async { tokio::join!(fetch::run(&self, &job), hand_over::run(&self, &job)) };
        if tokio::time::timeout(self.limits.job, work).await.is_err() {
            let session = job.session;
            warn_of_peer!(
                self.warnings,
                &job.peer,
                session,
                "given up: it takes too long"
            );
        }
        let failed = job.session_failed();
        let report = job.finish();
        self.counters.count_job(&report);
        self.standing
            .filled(report.peer, report.fetch.owed(), report.undelivered);
        tracing::info!(
            session = report.session,
            peer = %report.peer,
            have = report.have,
            need = report.need(),
            fetched = report.fetch.fetched,
            owed = report.fetch.owed(),
            undelivered = report.undelivered,
            unpushable = report.unpushable,
            "filled"
        );
        // An initiator's job stays until its caller has read the report.
        if job.role == Role::Responder || failed {
            self.jobs.lock().remove(&job.session);
        }
        // Nobody may be listening.
        let _ = self.finished.send(report);
    }
}

/// Whether a further job may be begun. Of the sessions that peers start, none takes all the room.
fn has_room(jobs: &BTreeMap<u64, Arc<Job>>, session: &SessionInfo, limits: &SyncLimits) -> bool {
    let of_peer = jobs
        .values()
        .filter(|job| job.peer == session.peer && job.role == Role::Responder);
    jobs.len() < limits.jobs
        && (session.role == Role::Initiator || of_peer.count() < limits.jobs_per_peer)
}

/// Takes an initiator's job off the table once its caller has its report, or has gone.
struct Collected<'a> {
    syncer: &'a Syncer,
    session: u64,
}

impl Drop for Collected<'_> {
    fn drop(&mut self) {
        self.syncer.jobs.lock().remove(&self.session);
    }
}

/// What `sync-net` sees of the node.
pub(crate) struct SessionStorage(pub(crate) Arc<Syncer>);

#[async_trait]
impl Storage for SessionStorage {
    fn source(&self) -> Box<dyn Source> {
        let gaps = self.0.ledger.get().map(|ledger| ledger.gaps());
        let snapshot = self.0.store.index().snapshot();
        Box::new(KnowingSource::new(snapshot, gaps.unwrap_or_default()))
    }

    fn served(&self) -> Scope {
        let until = Bound::at_time(now().saturating_add(FUTURE_TOLERANCE));
        Scope {
            window: Range::new(Bound::MIN, until),
            ..self.0.served.clone()
        }
    }

    async fn started(&self, session: &SessionInfo) {
        self.0.pulling.session(session.peer);
        self.0.job(session);
    }

    async fn found(&self, session: &SessionInfo, have: Vec<Id>, need: Vec<Id>) {
        let Some(job) = self.0.job(session) else {
            return;
        };
        // A peer may announce what is held here: a message that came since the session began.
        let (need, declined) = job.what_it_may_owe(need);
        let need = self.0.not_held(need).await;
        let owed = job.found(&session.scope, &have, &need, declined);
        self.0.take(&job, session.peer, owed).await;
    }

    async fn ended(&self, session: &SessionInfo, outcome: &Result<Outcome, ReconcileError>) {
        self.0.pulling.session(session.peer);
        if let Ok(outcome) = outcome {
            if let Some(state) = &outcome.peer {
                self.0.peers.told(&session.peer, state);
            }
            self.0.store.observed().session(outcome);
            self.0
                .standing
                .found(session.peer, outcome.need, outcome.have);
        }
        if let Some(job) = self.0.jobs.lock().get(&session.id).cloned() {
            job.session_ended(outcome.is_err());
        }
    }
}

#[cfg(test)]
mod tests {
    use sync_core::Dialect;

    use super::*;

    fn session(id: u64, peer: PeerId, role: Role) -> SessionInfo {
        SessionInfo {
            id,
            peer,
            dialect: Dialect::Negentropy,
            role,
            scope: Scope::of_window(Range::ALL),
        }
    }

    #[test]
    fn no_peer_takes_the_room_of_all_jobs() {
        let limits = SyncLimits {
            jobs: 4,
            jobs_per_peer: 2,
            ..SyncLimits::default()
        };
        let (greedy, other) = (PeerId::random(), PeerId::random());
        let mut jobs = BTreeMap::new();
        for id in 0..2 {
            let session = session(id, greedy, Role::Responder);
            assert!(has_room(&jobs, &session, &limits));
            jobs.insert(
                id,
                Arc::new(Job::new(&session, &limits, &Budgets::new(&limits))),
            );
        }
        let has_room =
            |jobs: &BTreeMap<_, _>, peer, role| has_room(jobs, &session(9, peer, role), &limits);
        assert!(!has_room(&jobs, greedy, Role::Responder));
        assert!(has_room(&jobs, greedy, Role::Initiator), "it is our own");
        assert!(has_room(&jobs, other, Role::Responder));
        for id in 2..4 {
            let session = session(id, other, Role::Responder);
            jobs.insert(
                id,
                Arc::new(Job::new(&session, &limits, &Budgets::new(&limits))),
            );
        }
        assert!(!has_room(&jobs, PeerId::random(), Role::Initiator));
    }
}
