//! One session on one stream: an async function that carries frames between the two.

use std::time::Duration;

use sync_core::{PeerState, Scope, Session, SessionError, Step};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout, timeout_at};

use super::engine;
use super::error::ReconcileError;
use super::observer::{Direction, SessionObserver};
use super::sessions::Place;
use super::stop::StopSignal;
use super::storage::{SessionInfo, Storage};
use crate::frame::{FrameError, FramedStream};
use crate::limits::LEFTOVER_BYTES;

/// A session's surroundings.
pub(crate) struct Driver<'a> {
    pub(crate) stream: &'a mut FramedStream,
    pub(crate) stop: StopSignal,
    pub(crate) info: &'a SessionInfo,
    pub(crate) storage: &'a dyn Storage,
    pub(crate) observer: &'a mut dyn SessionObserver,
    pub(crate) place: &'a dyn Place,
    /// When the session has to be over, and how long it then had.
    pub(crate) until: (Instant, Duration),
}

/// What was achieved so far; read when the session is over, however it ended.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) rounds: u64,
    pub(crate) have: u64,
    pub(crate) need: u64,
    pub(crate) peer: Option<PeerState>,
    pub(crate) agreed: Option<Scope>,
}

impl Driver<'_> {
    /// Runs `session` to its end. An initiator has a `first` frame to send.
    pub(crate) async fn run(
        &mut self,
        session: Box<dyn Session>,
        first: Option<Vec<u8>>,
        tally: &mut Tally,
    ) -> Result<(), ReconcileError> {
        let result = self.exchange(session, first, tally).await;
        if let Err(ReconcileError::Session(error)) = &result {
            self.object(error).await;
        }
        // A word from outside explains whatever failure it led to.
        match (result, self.stop.said()) {
            (Err(_), Some(stop)) => Err(stop.into()),
            (result, _) => result,
        }
    }

    async fn exchange(
        &mut self,
        mut session: Box<dyn Session>,
        first: Option<Vec<u8>>,
        tally: &mut Tally,
    ) -> Result<(), ReconcileError> {
        if let Some(frame) = first {
            self.send(&frame).await?;
        }
        loop {
            let frame = self.receive().await?;
            let rounds = tally.rounds;
            let frame = frame.ok_or(ReconcileError::Closed { rounds })?;
            self.observer.frame(Direction::Received, &frame);
            tally.rounds += 1;
            if rounds == 0 {
                self.place.begun();
            }
            let (given_back, step) = advance(session, frame).await?;
            session = given_back;
            let step = step?;
            let done = step.done;
            let agreed = session.scope().map(|scope| SessionInfo {
                scope: scope.clone(),
                ..self.info.clone()
            });
            self.follow(agreed.as_ref(), step, tally).await?;
            if tally.peer.is_none() {
                tally.peer = session.peer().cloned();
                tally.agreed = session.scope().cloned();
            }
            if done {
                return Ok(());
            }
        }
    }

    /// Sends the reply first, so that the peer works while the differences are dealt with here;
    /// and deals with them even if it can't be sent, for they are true.
    async fn follow(
        &mut self,
        agreed: Option<&SessionInfo>,
        step: Step,
        tally: &mut Tally,
    ) -> Result<(), ReconcileError> {
        let sent = match &step.reply {
            Some(reply) => self.send(reply).await,
            None => Ok(()),
        };
        if !step.have.is_empty() || !step.need.is_empty() {
            tally.have += step.have.len() as u64;
            tally.need += step.need.len() as u64;
            let info = agreed.unwrap_or(self.info);
            self.storage.found(info, step.have, step.need).await;
        }
        sent
    }

    async fn send(&mut self, frame: &[u8]) -> Result<(), ReconcileError> {
        self.observer.frame(Direction::Sent, frame);
        let sending = self.stream.send(frame);
        in_time(self.place, &mut self.stop, self.until, sending).await
    }

    async fn receive(&mut self) -> Result<Option<Vec<u8>>, ReconcileError> {
        let receiving = self.stream.receive();
        in_time(self.place, &mut self.stop, self.until, receiving).await
    }

    /// Tells the peer what was wrong with its frame, where the dialect has words for it.
    async fn object(&mut self, error: &SessionError) {
        if let Some(frame) = engine::objection(self.info.dialect, error) {
            // The session has failed already; a peer that doesn't listen changes nothing.
            let _ = self.send(&frame).await;
        }
    }
}

/// Runs one step where computing for long and blocking are allowed.
async fn advance(
    mut session: Box<dyn Session>,
    frame: Vec<u8>,
) -> Result<(Box<dyn Session>, Result<Step, SessionError>), ReconcileError> {
    let step = spawn_blocking(move || {
        let step = session.receive(&frame);
        (session, step)
    });
    step.await
        .map_err(|panic| ReconcileError::Internal(panic.to_string()))
}

/// Waits for the peer, unless and until the session is to end.
async fn in_time<T>(
    place: &dyn Place,
    stop: &mut StopSignal,
    (until, allowed): (Instant, Duration),
    exchange: impl Future<Output = Result<T, FrameError>>,
) -> Result<T, ReconcileError> {
    place.awaits_peer(true);
    let exchange = timeout_at(until, exchange);
    let exchanged = match place.displaced() {
        Some(mut displaced) => displaced.run(stop.run(exchange)).await,
        None => Ok(stop.run(exchange).await),
    };
    place.awaits_peer(false);
    Ok(exchanged??.map_err(|_| ReconcileError::Deadline(allowed))??)
}

/// Ends a stream so that the peer gets the last frame: some muxers throw away what wasn't read
/// yet when a stream is dropped, so this side waits, at most `linger`, for the peer's end.
pub(crate) async fn finish(stream: &mut FramedStream, linger: Duration) -> Result<(), FrameError> {
    let finishing = async {
        stream.close().await?;
        stream.drain(LEFTOVER_BYTES).await
    };
    match timeout(linger, finishing).await {
        Ok(ended) => ended.map(|_| ()),
        Err(_) => Ok(()),
    }
}

#[cfg(test)]
#[path = "driver_tests.rs"]
mod tests;
