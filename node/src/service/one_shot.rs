//! One request, one response: the shape of Store queries and metadata.

use std::future::Future;
use std::sync::Arc;

use libp2p::PeerId;
use sync_net::{FrameError, Inbound};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

/// Streams held open at a time, most of them waiting for their request: clients open streams long
/// before they use them. Further ones wait in the protocol's queue, which refuses what goes
/// beyond it.
const STREAMS: usize = 1_024;

/// Answers each inbound stream's first frame by `answer`, `at_once` of them at a time. With no
/// answer the stream is closed without one.
pub(super) async fn serve<F, A>(mut inbound: mpsc::Receiver<Inbound>, at_once: usize, answer: F)
where
    F: Fn(PeerId, Vec<u8>) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Option<Vec<u8>>> + Send + 'static,
{
    let streams = Arc::new(Semaphore::new(STREAMS));
    let answering = Arc::new(Semaphore::new(at_once.max(1)));
    // Answers under way end with this task.
    let mut tasks = JoinSet::new();
    while let Ok(place) = Arc::clone(&streams).acquire_owned().await {
        let Some(stream) = inbound.recv().await else {
            return;
        };
        while tasks.try_join_next().is_some() {}
        let (answer, answering) = (answer.clone(), Arc::clone(&answering));
        tasks.spawn(async move {
            let _place = place;
            let (peer, protocol) = (stream.peer, stream.protocol.clone());
            if let Err(error) = exchange(stream, &answering, answer).await {
                tracing::debug!(%peer, %protocol, %error, "a request was not answered");
            }
        });
    }
}

async fn exchange<A>(
    inbound: Inbound,
    answering: &Semaphore,
    answer: impl Fn(PeerId, Vec<u8>) -> A,
) -> Result<(), FrameError>
where
    A: Future<Output = Option<Vec<u8>>>,
{
    let Inbound {
        peer, mut stream, ..
    } = inbound;
    if let Some(request) = stream.receive().await? {
        let response = {
            // Never closed: the semaphore lives as long as its tasks.
            let _turn = answering.acquire().await.ok();
            answer(peer, request).await
        };
        if let Some(response) = response {
            stream.send(&response).await?;
        }
    }
    stream.close().await
}
