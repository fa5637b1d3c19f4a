//! The task that fills gaps: one part at a time, from one peer at a time.

use std::sync::Arc;

use libp2p::PeerId;
use rand::seq::SliceRandom;
use store_adapter::Span;
use store_adapter::store::Trouble;
use sync_core::{Range, Scope, TopicFilter};
use sync_net::warn_of_peer;
use tokio::time::{Instant, MissedTickBehavior, timeout};

use super::limits::TICK;
use super::pages::{PageError, Pages, scope_of};
use super::plan::{Candidate, Plan, Task};
use super::progress::Progress;
use super::{Resume, vouched};
use crate::cli::DialectArg;
use crate::cli::time::nanoseconds;
use crate::net::protocols;
use crate::sync::SyncError;

/// Why a task came to no good end.
enum Failure {
    /// The peer has no room now.
    Busy,
    /// It didn't work.
    Failed,
    /// What the peer said isn't true.
    Lied,
}

impl Resume {
    /// Fills gaps, until it is dropped.
    pub(crate) async fn fill(self: Arc<Self>) {
        let limits = &self.config.limits;
        let slice = nanoseconds(limits.slice);
        let mut plan = Plan::new(limits, slice, Instant::now());
        let mut progress = Progress::new(limits.report);
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            while let Some(task) = self.next_task(&mut plan, &mut progress) {
                self.work(&mut plan, &task).await;
            }
        }
    }

    fn next_task(&self, plan: &mut Plan, progress: &mut Progress) -> Option<Task> {
        // What retention has given up is missed by nobody.
        let floor = self.syncer.store.index().floor().timestamp();
        let (to_fill, to_confirm) = self.ledger.with(|absences| {
            absences.forget(Span::new(0, floor));
            (absences.to_fill(), absences.to_confirm())
        });
        let idle = to_fill.is_empty() && to_confirm.is_empty();
        let candidates = if idle { Vec::new() } else { self.candidates() };
        let now = Instant::now();
        plan.keep(&candidates, now);
        let task = plan.next(&to_fill, &to_confirm, &candidates, now);
        progress.note(&to_fill, task.is_none(), &self.counters);
        if task.is_none() {
            plan.nothing_to_ask(&to_fill, now);
        }
        task
    }

    /// The connected peers that may fill gaps, those that reconcile first.
    fn candidates(&self) -> Vec<Candidate> {
        let peers = &self.syncer.peers;
        let mut found = peers.that_speak(&[protocols::RECONCILE, protocols::STORE]);
        found.shuffle(&mut rand::rng());
        let mut candidates: Vec<Candidate> = found
            .into_iter()
            .map(|peer| Candidate {
                peer,
                reconciles: peers.speaks(&peer, protocols::RECONCILE),
                lacks: peers.lacks(&peer, self.config.limits.claims),
            })
            .collect();
        candidates.sort_by_key(|candidate| !candidate.reconciles);
        candidates
    }

    async fn work(&self, plan: &mut Plan, task: &Task) {
        tracing::debug!(peer = %task.peer, reconciles = task.reconciles, span = ?task.span, "resuming from a peer");
        let asking = async {
            if task.reconciles {
                self.reconcile(plan, task).await
            } else {
                self.fetch_pages(plan, task).await
            }
        };
        // A peer that is slow doesn't keep others from being asked.
        let done = timeout(self.config.limits.task, asking).await;
        let done = done.unwrap_or_else(|_| {
            let warnings = &self.syncer.warnings;
            warn_of_peer!(
                warnings,
                &task.peer,
                "resuming from this peer takes too long"
            );
            self.counters.failures.increment();
            Err(Failure::Failed)
        });
        let now = Instant::now();
        match done {
            Ok(()) => plan.succeeded(&task.peer),
            Err(Failure::Busy) => plan.busy(task.peer, now),
            Err(Failure::Failed) => plan.failed(task.peer, now),
            Err(Failure::Lied) => plan.lied(task.peer, now),
        }
    }

    /// A session about the task's span.
    async fn reconcile(&self, plan: &mut Plan, task: &Task) -> Result<(), Failure> {
        let window = Range::of_times(task.span.since, task.span.until);
        let syncing = self.syncer.sync(task.peer, window, DialectArg::Auto).await;
        let synced = match syncing {
            Ok(synced) => synced,
            Err(error) => return Err(self.session_failed(task.peer, &error)),
        };
        let fetch = &synced.job.fetch;
        self.counters.sessions.increment();
        self.counters.messages.add(fetch.fetched);
        self.counters.refused.add(fetch.refused());
        let vouched = vouched(&synced, self.syncer.served_topics());
        self.advance(task, &vouched).await;
        if fetch.owed() == 0 {
            plan.asked(task.peer, task.span);
            return Ok(());
        }
        tracing::debug!(session = synced.job.session, peer = %task.peer, owed = fetch.owed(), "a part of a gap isn't filled");
        self.counters.failures.increment();
        // What was beyond the bound of one session is named again by the next one.
        if fetch.over_limit == fetch.owed() && fetch.fetched > 0 {
            Ok(())
        } else {
            Err(Failure::Failed)
        }
    }

    fn session_failed(&self, peer: PeerId, error: &SyncError) -> Failure {
        if error.is_passing() || error.is_running() {
            return Failure::Busy;
        }
        warn_of_peer!(self.syncer.warnings, &peer, %error, "a session to resume failed");
        self.counters.failures.increment();
        Failure::Failed
    }

    /// Store pages about the task's span, of each topic that this node keeps.
    async fn fetch_pages(&self, plan: &mut Plan, task: &Task) -> Result<(), Failure> {
        let served = self.syncer.served_topics();
        let pages = Pages {
            control: &self.syncer.control,
            peer: task.peer,
            deadline: self.config.limits.query,
            store: &self.syncer.store,
            counters: &self.counters,
            scope: scope_of(served, task.span),
            // What another peer has given already need not be sent again.
            with_data: !task.confirms,
        };
        let topics = topics(served);
        for topic in &topics {
            let mut walk = pages.walk(task.span, topic.as_deref());
            loop {
                let reached = pages.next(&mut walk).await;
                let reached = reached.map_err(|error| self.pages_failed(task.peer, &error))?;
                let Some(reached) = reached else {
                    break;
                };
                // What is before that time is complete only once all topics have come that far.
                if topics.len() == 1 {
                    self.reach(plan, task, reached).await;
                }
            }
        }
        self.reach(plan, task, task.span.until).await;
        Ok(())
    }

    /// The task's peer has given everything of the task's span that is before `time`.
    async fn reach(&self, plan: &mut Plan, task: &Task, time: u64) {
        let done = Span::new(task.span.since, time);
        plan.asked(task.peer, done);
        self.advance(task, &[done]).await;
    }

    fn pages_failed(&self, peer: PeerId, error: &PageError) -> Failure {
        match error {
            PageError::NoPage(Trouble::Answer(answer)) if answer.is_rate_limit() => {
                tracing::debug!(%peer, "a peer wants to be asked less often");
                self.counters.rate_limited.increment();
                Failure::Failed
            }
            PageError::Lie(_) => {
                warn_of_peer!(self.syncer.warnings, &peer, %error, "resuming from other peers");
                Failure::Lied
            }
            _ => {
                warn_of_peer!(self.syncer.warnings, &peer, %error, "pages to resume failed");
                self.counters.failures.increment();
                Failure::Failed
            }
        }
    }

    /// The task's peer has given everything that it holds in `spans`.
    async fn advance(&self, task: &Task, spans: &[Span]) {
        self.ledger.with(|absences| {
            if task.confirms {
                absences.confirmed(spans);
            } else {
                absences.filled(spans);
            }
        });
        self.ledger.save_every(self.config.limits.progress).await;
    }
}

/// The topics to ask for one by one; a single `None` for all at once.
fn topics(served: &Scope) -> Vec<Option<String>> {
    match &served.pubsub_topics {
        TopicFilter::All => vec![None],
        TopicFilter::Only(topics) => topics.iter().cloned().map(Some).collect(),
    }
}
