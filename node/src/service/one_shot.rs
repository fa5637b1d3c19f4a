//! One request, one response: the shape of Store queries and metadata.

use std::future::Future;
use std::sync::Arc;

use libp2p::PeerId;
use sync_net::{FrameError, FramedStream, Inbound};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use super::limits::ServiceLimits;
use super::turns::Turns;
use super::waiting::{Waited, WaitingRoom};
use crate::budget::Taken;

/// What is answered.
pub(super) struct Answer {
    /// The response.
    pub(super) frame: Vec<u8>,
    /// What it takes of a budget until it is sent.
    pub(super) taken: Option<Taken>,
}

/// The order in which requests are read and answered.
struct Desk {
    waiting: Arc<WaitingRoom>,
    turns: Arc<Turns>,
    answering: Semaphore,
    refusal: Option<Vec<u8>>,
}

/// Answers each inbound stream's first frame by `answer`. With no answer the stream is closed
/// without one; what goes beyond a peer's share is answered by `refusal`, if there is one.
pub(super) async fn serve<F, A>(
    mut inbound: mpsc::Receiver<Inbound>,
    limits: &ServiceLimits,
    refusal: Option<Vec<u8>>,
    answer: F,
) where
    F: Fn(PeerId, Vec<u8>) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Option<Answer>> + Send + 'static,
{
    let desk = Arc::new(Desk {
        waiting: WaitingRoom::new(limits.requests_awaited),
        turns: Turns::new(limits.requests_per_peer, limits.requests_queued_per_peer),
        answering: Semaphore::new(limits.answers.max(1)),
        refusal,
    });
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
        let Some(_turn) = self.turns.of(peer).await else {
            tracing::debug!(%peer, "a request was refused: too many of this peer wait");
            return match &self.refusal {
                Some(refusal) => {
                    stream.send(refusal).await?;
                    stream.close().await
                }
                None => Ok(()),
            };
        };
        if let Some(request) = stream.receive().await? {
            let answer = {
                // Never closed: the semaphore lives as long as its tasks.
                let _answering = self.answering.acquire().await.ok();
                answer(peer, request).await
            };
            if let Some(Answer { frame, taken }) = answer {
                stream.send(&frame).await?;
                drop(taken);
            }
        }
        stream.close().await
    }
}
