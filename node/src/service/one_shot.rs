//! One request, one response: the shape of Store queries and metadata.

use std::future::Future;
use std::sync::Arc;

use libp2p::PeerId;
use sync_net::{FrameError, FramedStream, Inbound};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::answering::Answering;
use super::limits::{REFUSED_BYTES, ServiceLimits};
use super::turns::Turns;
use super::waiting::{Waited, WaitingRoom};
use crate::budget::Taken;
use crate::cli::time::nanoseconds;
use crate::rates::{Limiter, Service};

/// What is answered.
pub(super) struct Answer {
    /// The response.
    pub(super) frame: Vec<u8>,
    /// What it takes of a budget until it is sent.
    pub(super) taken: Option<Taken>,
    /// Whether it is part of history that fills what a session found missing.
    pub(super) bulk: bool,
}

/// The order in which requests of one service are admitted, read and answered.
#[derive(Debug)]
pub(crate) struct Desk {
    service: Service,
    limiter: Arc<Limiter>,
    waiting: Arc<WaitingRoom>,
    turns: Arc<Turns>,
    answering: Arc<Answering>,
    refusal: Option<Vec<u8>>,
}

/// Answers each inbound stream's first frame by `answer`. With no answer the stream is closed
/// without one; what goes beyond a peer's share or its rate is answered by the desk's refusal, if there is
/// one.
pub(super) async fn serve<F, A>(mut inbound: mpsc::Receiver<Inbound>, desk: Arc<Desk>, answer: F)
where
    F: Fn(PeerId, Vec<u8>) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Option<Answer>> + Send + 'static,
{
    // Answers under way end with this task.
    let mut tasks = JoinSet::new();
    while let Some(stream) = inbound.recv().await {
        while tasks.try_join_next().is_some() {}
        let (answer, desk) = (answer.clone(), Arc::clone(&desk));
        tasks.spawn(async move {
            let (peer, protocol) = (stream.peer, stream.protocol.clone());
            if let Err(error) = desk.exchange(peer, stream.stream, answer).await {
                tracing::debug!(%peer, %protocol, %error, "a request was not answered");
            }
        });
    }
}

impl Desk {
    /// Nobody waits yet. Who is turned away gets `refusal`, if there is one.
    pub(crate) fn new(
        service: Service,
        limiter: Arc<Limiter>,
        limits: &ServiceLimits,
        refusal: Option<Vec<u8>>,
    ) -> Arc<Self> {
        Arc::new(Self {
            service,
            limiter,
            waiting: WaitingRoom::new(limits.requests_awaited),
            turns: Turns::new(limits.requests_per_peer, limits.requests_queued_per_peer),
            answering: Answering::new(limits),
            refusal,
        })
    }

    async fn exchange<A>(
        &self,
        peer: PeerId,
        mut stream: FramedStream,
        answer: impl Fn(PeerId, Vec<u8>) -> A,
    ) -> Result<(), FrameError>
    where
        A: Future<Output = Option<Answer>>,
    {
        match self.waiting.wait(peer, &mut stream).await? {
            Waited::Frame => {}
            Waited::End => return stream.close().await,
            Waited::TurnedOut => {
                tracing::debug!(%peer, "a stream that brought no request made room for another");
                return Ok(());
            }
        }
        if let Err(refused) = self.limiter.admit(self.service, &peer) {
            tracing::debug!(%peer, %refused, "a request was refused");
            return self.refuse(&mut stream).await;
        }
        let Some(_turn) = self.turns.of(peer).await else {
            self.limiter.no_place(self.service);
            tracing::debug!(%peer, "a request was refused: too many of this peer wait");
            return self.refuse(&mut stream).await;
        };
        let admitted = Instant::now();
        if let Some(request) = stream.receive().await? {
            let place = self.answering.place(peer).await;
            let answer = answer(peer, request).await;
            if let Some(answer) = &answer {
                self.answering.given(peer, answer.frame.len());
            }
            // Others' answers don't wait for how this peer takes its own, or the end of its stream.
            drop(place);
            if let Some(Answer { frame, taken, bulk }) = answer {
                stream.set_bulk(bulk);
                let made = Instant::now();
                stream.send(&frame).await?;
                drop(taken);
                let counters = self.limiter.counters(self.service);
                counters
                    .sending_nanoseconds
                    .add(nanoseconds(made.elapsed()));
                counters.handling.observe(admitted.elapsed().as_secs_f64());
            }
        }
        stream.close().await
    }

    /// Turns the peer away without having read what it wants.
    async fn refuse(&self, stream: &mut FramedStream) -> Result<(), FrameError> {
        let refusal = self.refusal.as_deref();
        stream.refuse(refusal, REFUSED_BYTES).await
    }
}
