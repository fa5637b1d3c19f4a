//! Serving the sessions that peers start.

use std::sync::Arc;

use sync_core::own;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::timeout;
use tracing::debug;

use super::engine;
use super::reconciler::Shared;
use super::stop::{StopSignal, Stopper};
use super::storage::{Role, SessionInfo};
use crate::limits::REFUSED_BYTES;
use crate::protocol::Inbound;

/// Answers the streams of both queues until these end. Sessions run in tasks of their own, at most
/// as many as may be served, and are cancelled when this future is dropped.
pub(super) async fn serve(
    shared: Arc<Shared>,
    mut own: mpsc::Receiver<Inbound>,
    mut waku: mpsc::Receiver<Inbound>,
) {
    let (stopper, stop) = Stopper::new();
    let _cancelled_with_us = stopper.on_drop();
    let busy = Arc::new(Semaphore::new(shared.config.limits.inbound_queue));
    loop {
        let inbound = tokio::select! {
            Some(inbound) = own.recv() => inbound,
            Some(inbound) = waku.recv() => inbound,
            else => return,
        };
        admit(&shared, inbound, &stop, &busy);
    }
}

/// Starts a session's task if there is a place for it, or one that says "busy". Those are bounded
/// too: beyond the bound the stream is reset.
fn admit(shared: &Arc<Shared>, inbound: Inbound, stop: &StopSignal, busy: &Arc<Semaphore>) {
    match shared.sessions.admit(inbound.peer) {
        Ok(admitted) => {
            let info = SessionInfo {
                id: shared.sessions.next_id(),
                peer: inbound.peer,
                dialect: engine::dialect(&inbound.protocol),
                role: Role::Responder,
                scope: shared.storage.served(),
            };
            let (shared, stop) = (Arc::clone(shared), stop.clone());
            tokio::spawn(async move {
                // Storage, log and counters have been told how it ended.
                let _ = shared.run(info, inbound.stream, stop, admitted).await;
            });
        }
        Err(reason) => {
            shared.counters.sessions_busy.increment();
            debug!(peer = %inbound.peer, reason, "session refused");
            if let Ok(permit) = Arc::clone(busy).try_acquire_owned() {
                let shared = Arc::clone(shared);
                tokio::spawn(async move { shared.refuse(inbound, reason, permit).await });
            }
        }
    }
}

impl Shared {
    async fn refuse(&self, mut inbound: Inbound, reason: &str, _permit: OwnedSemaphorePermit) {
        let dialect = engine::dialect(&inbound.protocol);
        let frame = engine::refusal(dialect, own::BUSY, reason);
        let refusing = inbound.stream.refuse(frame.as_deref(), REFUSED_BYTES);
        let refused = timeout(self.config.limits.linger, refusing).await;
        if !matches!(refused, Ok(Ok(()))) {
            self.counters.refusals_failed.increment();
        }
    }
}
