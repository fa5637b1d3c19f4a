//! The handle by which a program starts and serves sessions.

use std::sync::Arc;
use std::time::Duration;

use libp2p::PeerId;
use sync_core::waku::HeaderForm;
use sync_core::{Dialect, Pool, Scope, SessionLimits, own};
use tokio::task::spawn_blocking;
use tokio::time::Instant;
use tracing::{debug, info};

use super::driver::{Driver, Tally, finish};
use super::engine::{self, DialectChoice, Opening};
use super::error::ReconcileError;
use super::inbound;
use super::observer::{Observer, SessionObserver};
use super::sessions::{Place, Sessions, Started};
use super::stop::{Stop, StopSignal, Stopper};
use super::storage::{Outcome, Role, SessionInfo, Storage};
use crate::behaviour::Behaviour;
use crate::control::Control;
use crate::counters::Counters;
use crate::frame::FramedStream;
use crate::limits::{FrameLimits, ReconcileLimits};
use crate::protocol::ProtocolConfig;
use crate::warn_of_peer;
use crate::warnings::Warnings;

/// How sessions are run.
#[derive(Clone, Debug, Default)]
pub struct ReconcileConfig {
    /// Bounds of every session.
    pub session: SessionLimits,
    /// Bounds of all sessions together, and their deadlines.
    pub limits: ReconcileLimits,
    /// How topics are written in the waku dialect: the same on both sides, or no session of it
    /// comes to its end.
    pub waku_form: HeaderForm,
    /// Who looks on, if anybody.
    pub observer: Option<Arc<dyn Observer>>,
}

/// Starts sessions, and serves those of peers. Cheap to clone.
///
/// Sessions run in tasks of their own; whoever drops the future of
/// [`reconcile`](Self::reconcile) or of [`mount`](Self::mount) cancels its sessions, and
/// [`Storage::ended`] is called all the same.
#[derive(Clone)]
pub struct Reconciler {
    pub(super) shared: Arc<Shared>,
}

/// What all sessions have in common.
pub(super) struct Shared {
    pub(super) control: Control,
    pub(super) storage: Arc<dyn Storage>,
    pub(super) config: ReconcileConfig,
    /// Bounds of the sessions that peers start.
    served: SessionLimits,
    pub(super) sessions: Arc<Sessions>,
    pub(super) counters: Arc<Counters>,
    warnings: Arc<Warnings>,
}

impl Reconciler {
    /// Registers both reconciliation protocols with `behaviour`, to be called before it goes into
    /// the swarm of `local`. The future serves the sessions of peers until the swarm is gone; spawn
    /// it, or drop it to serve nobody.
    pub fn mount(
        behaviour: &mut Behaviour,
        local: PeerId,
        storage: Arc<dyn Storage>,
        config: ReconcileConfig,
    ) -> (Self, impl Future<Output = ()> + Send + use<>) {
        let [own, waku] = protocols(&config).map(|protocol| behaviour.serve(protocol));
        let reconciler = Self::new(behaviour.control(), local, storage, config);
        let serving = inbound::serve(Arc::clone(&reconciler.shared), own, waku);
        (reconciler, serving)
    }

    /// A reconciler for the node `local` that starts sessions and serves none.
    #[must_use]
    pub fn new(
        control: Control,
        local: PeerId,
        storage: Arc<dyn Storage>,
        config: ReconcileConfig,
    ) -> Self {
        let limits = &config.limits;
        let sessions = Sessions::new(local, limits);
        let served = SessionLimits {
            differences_pool: Some(Pool::new(limits.served_differences)),
            ..config.session.clone()
        };
        let (counters, warnings) = (control.counters(), control.warnings());
        let shared = Shared {
            control,
            storage,
            config,
            served,
            sessions,
            counters,
            warnings,
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Runs one session with a connected peer about `scope`.
    ///
    /// # Errors
    /// When the session doesn't come to its end. [`ReconcileError::Yielded`] is none to worry
    /// about.
    pub async fn reconcile(
        &self,
        peer: PeerId,
        scope: Scope,
        choice: DialectChoice,
    ) -> Result<Outcome, ReconcileError> {
        let (stopper, signal) = Stopper::new();
        let started = self.shared.sessions.start(peer, stopper.clone())?;
        let _cancelled_with_us = stopper.on_drop();
        let shared = Arc::clone(&self.shared);
        let task = tokio::spawn(shared.initiate(started, scope, choice, signal));
        task.await
            .unwrap_or_else(|panic| Err(ReconcileError::Internal(panic.to_string())))
    }
}

impl Shared {
    async fn initiate(
        self: Arc<Self>,
        started: Started,
        scope: Scope,
        choice: DialectChoice,
        mut stop: StopSignal,
    ) -> Result<Outcome, ReconcileError> {
        let opening = self.control.open_any(started.peer(), choice.protocols());
        let (protocol, stream) = stop.run(opening).await??;
        let info = SessionInfo {
            id: self.sessions.next_id(),
            peer: started.peer(),
            dialect: engine::dialect(&protocol),
            role: Role::Initiator,
            scope,
        };
        self.run(info, stream, stop, started).await
    }

    /// Runs a session in either role, and tells storage, log and counters how it ended.
    pub(super) async fn run(
        &self,
        info: SessionInfo,
        mut stream: FramedStream,
        stop: StopSignal,
        place: impl Place,
    ) -> Result<Outcome, ReconcileError> {
        let clock = Instant::now();
        stream.set_limits(frame_limits(&self.config));
        self.counters.sessions_started.increment();
        self.storage.started(&info).await;
        let mut observer = self.observer(&info);
        let mut tally = Tally::default();
        let driver = Driver {
            stream: &mut stream,
            stop: stop.clone(),
            info: &info,
            storage: &*self.storage,
            observer: &mut *observer,
            place: &place,
            until: self.until(),
        };
        let result = match self.drive(driver, &mut tally).await {
            Err(error) if self.has_yielded(&info, &tally, &error, &stop).await => {
                Err(ReconcileError::Yielded)
            }
            result => result,
        };
        // The place is free before the stream has ended: the peer may start the next session.
        drop(place);
        let duration = clock.elapsed();
        if matches!(result, Ok(()) | Err(ReconcileError::Session(_))) {
            // There is a last word to be taken; whether it is changes nothing.
            let _ = finish(&mut stream, self.config.limits.linger).await;
        }
        let outcome = result.map(|()| Outcome {
            session: info.clone(),
            peer: tally.peer,
            agreed: tally.agreed,
            rounds: tally.rounds,
            bytes_sent: stream.bytes_sent(),
            bytes_received: stream.bytes_received(),
            have: tally.have,
            need: tally.need,
            duration,
        });
        observer.ends(&outcome);
        self.note(&info, &outcome);
        self.storage.ended(&info, &outcome).await;
        outcome
    }

    async fn drive(&self, mut driver: Driver<'_>, tally: &mut Tally) -> Result<(), ReconcileError> {
        let Opening { session, first } = self.open(driver.info).await?;
        driver.run(session, first, tally).await
    }

    /// When a session that begins now has to be over.
    fn until(&self) -> (Instant, Duration) {
        let allowed = self.config.limits.session;
        (Instant::now() + allowed, allowed)
    }

    fn observer(&self, info: &SessionInfo) -> Box<dyn SessionObserver> {
        let config = &self.config;
        let observer = config.observer.as_ref();
        observer
            .and_then(|observer| observer.begins(info, &config.session, config.waku_form))
            .unwrap_or_else(|| Box::new(()))
    }

    /// Makes the session where reading the items may take its time.
    async fn open(&self, info: &SessionInfo) -> Result<Opening, ReconcileError> {
        let storage = Arc::clone(&self.storage);
        let form = self.config.waku_form;
        let limits = match info.role {
            Role::Initiator => self.config.session.clone(),
            Role::Responder => self.served.clone(),
        };
        let info = info.clone();
        let opening = spawn_blocking(move || engine::open(&info, storage.source(), &limits, form));
        let opened = opening.await;
        Ok(opened.map_err(|panic| ReconcileError::Internal(panic.to_string()))??)
    }

    /// A peer that turned our session down at once may have done so for its own, which is on its
    /// way to us: then ours has yielded, and not failed.
    async fn has_yielded(
        &self,
        info: &SessionInfo,
        tally: &Tally,
        error: &ReconcileError,
        stop: &StopSignal,
    ) -> bool {
        if info.role == Role::Responder
            || !turned_down(error, tally)
            || self.sessions.goes_first(&info.peer)
        {
            return false;
        }
        let grace = self.config.limits.yield_grace;
        // The peer's session may be over as soon as it was there; it has left its word then.
        self.sessions.served_within(&info.peer, grace).await || stop.said() == Some(Stop::Yield)
    }

    fn note(&self, session: &SessionInfo, outcome: &Result<Outcome, ReconcileError>) {
        let SessionInfo { id, peer, role, .. } = session;
        let counters = &self.counters;
        match outcome {
            Ok(Outcome {
                rounds, have, need, ..
            }) => {
                counters.sessions_done.increment();
                info!(session = id, %peer, ?role, rounds, have, need, "reconciled");
            }
            Err(ReconcileError::Yielded) => {
                counters.sessions_yielded.increment();
                debug!(session = id, %peer, "session yielded to the one that the peer started");
            }
            Err(error) => {
                counters.sessions_failed.increment();
                if error.is_malformed() {
                    counters.sessions_malformed.increment();
                }
                warn_of_peer!(self.warnings, peer, session = id, ?role, %error, "session failed");
            }
        }
    }
}

/// Whether the peer wouldn't begin: it said "busy", or closed the stream instead of a first frame.
fn turned_down(error: &ReconcileError, tally: &Tally) -> bool {
    use crate::frame::FrameError::Reset;
    error.is_busy()
        || tally.rounds == 0
            && matches!(
                error,
                ReconcileError::Closed { .. } | ReconcileError::Frame(Reset(_))
            )
}

/// Both protocols as they are served, this project's own first.
fn protocols(config: &ReconcileConfig) -> [ProtocolConfig; 2] {
    [Dialect::Negentropy, Dialect::Waku].map(|dialect| ProtocolConfig {
        id: engine::protocol(dialect),
        inbound_queue: config.limits.inbound_queue,
        inbound_per_peer: config.limits.inbound_per_peer,
        refusal: engine::refusal(dialect, own::BUSY, "too many sessions wait"),
        frame: frame_limits(config),
    })
}

fn frame_limits(config: &ReconcileConfig) -> FrameLimits {
    FrameLimits {
        max_bytes: config.session.frame_bytes_received,
        deadlines: config.limits.deadlines,
    }
}
