//! Brings sessions, archive and network together.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use libp2p::PeerId;
use parking_lot::{Mutex, RwLock};
use store_adapter::Record;
use sync_core::{Dialect, Id, ItemSet, Range, Scope, Source};
use sync_net::{
    Control, DialectChoice, Outcome, ReconcileError, Reconciler, SessionInfo, Storage,
};
use tokio::sync::{broadcast, watch};

use super::job::{Job, JobReport, Pushed};
use super::limits::SyncLimits;
use super::{fetch, push};
use crate::cli::DialectArg;
use crate::net::PeerTable;
use crate::store::Store;

/// How many finished jobs a slow listener may fall behind.
const FINISHED_QUEUE: usize = 256;

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
    /// What was fetched and pushed after it.
    pub job: JobReport,
}

/// Runs the work of every session, whoever started it.
pub struct Syncer {
    pub(super) store: Arc<Store>,
    pub(super) control: Control,
    pub(super) peers: Arc<PeerTable>,
    pub(super) limits: SyncLimits,
    served: Scope,
    reconciler: RwLock<Option<Reconciler>>,
    jobs: Mutex<HashMap<u64, Running>>,
    finished: broadcast::Sender<JobReport>,
}

struct Running {
    job: Arc<Job>,
    report: watch::Receiver<Option<JobReport>>,
    task: tokio::task::AbortHandle,
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
            store,
            control,
            peers,
            limits,
            served,
            reconciler: RwLock::new(None),
            jobs: Mutex::default(),
            finished: broadcast::channel(FINISHED_QUEUE).0,
        })
    }

    /// Gives it the reconciler to start sessions with.
    pub fn set_reconciler(&self, reconciler: Reconciler) {
        *self.reconciler.write() = Some(reconciler);
    }

    /// The connected peers.
    #[must_use]
    pub fn peers(&self) -> &PeerTable {
        &self.peers
    }

    /// Reports of jobs as they finish, of sessions in both roles.
    #[must_use]
    pub fn finished(&self) -> broadcast::Receiver<JobReport> {
        self.finished.subscribe()
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
        let scope = Scope { window, ..self.served.clone() };
        let choice = match dialect {
            DialectArg::Auto => DialectChoice::Auto,
            DialectArg::Waku => DialectChoice::Waku,
        };
        let session = reconciler.reconcile(peer, scope, choice).await?;
        let id = session.session.id;
        let report = self.jobs.lock().get(&id).map(|running| running.report.clone());
        let job = match report {
            Some(mut report) => {
                let done = report.wait_for(Option::is_some).await;
                done.ok().and_then(|report| report.clone()).ok_or(SyncError::Full)?
            }
            None => return Err(SyncError::Full),
        };
        self.jobs.lock().remove(&id);
        Ok(Synced { session, job })
    }

    /// How many items the store holds in `window`.
    #[must_use]
    pub fn count(&self, window: Range) -> u64 {
        let scope = Scope { window, ..self.served.clone() };
        self.store.index.snapshot().open(&scope).map_or(0, |set| set.len() as u64)
    }
}

impl Syncer {
    /// The job of a session; begun when the session is first heard of. `None` when there are too
    /// many.
    fn job(self: &Arc<Self>, session: &SessionInfo) -> Option<Arc<Job>> {
        let mut jobs = self.jobs.lock();
        if let Some(running) = jobs.get(&session.id) {
            return Some(Arc::clone(&running.job));
        }
        jobs.retain(|_, running| running.report.borrow().is_none() || !running.collected());
        if jobs.len() >= self.limits.jobs {
            tracing::warn!(session = session.id, "too many sessions are being worked on");
            return None;
        }
        let job = Arc::new(Job::new(session, &self.limits));
        let (done, report) = watch::channel(None);
        let task = tokio::spawn(Arc::clone(self).work(Arc::clone(&job), done)).abort_handle();
        jobs.insert(session.id, Running { job: Arc::clone(&job), report, task });
        Some(job)
    }

    async fn work(self: Arc<Self>, job: Arc<Job>, done: watch::Sender<Option<JobReport>>) {
        tokio::join!(fetch::run(&self, &job), push::run(&self, &job));
        let report = job.report();
        tracing::info!(
            session = report.session, peer = %report.peer, have = report.have, need = report.need,
            fetched = report.fetch.fetched, owed = report.fetch.owed, "filled"
        );
        done.send_replace(Some(report.clone()));
        // Nobody may be listening.
        let _ = self.finished.send(report);
    }
}
