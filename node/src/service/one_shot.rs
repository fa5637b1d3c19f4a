//! One request, one response: the shape of Store queries and metadata.

use std::future::Future;
use std::sync::Arc;

use libp2p::PeerId;
use sync_net::Inbound;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

/// Answers each inbound stream's first frame by `answer`, `at_once` of them at a time; the others
/// wait in the protocol's queue, which refuses what goes beyond it. With no answer the stream is
/// closed without one.
pub(super) async fn serve<F, A>(mut inbound: mpsc::Receiver<Inbound>, at_once: usize, answer: F)
where
    F: Fn(PeerId, Vec<u8>) -> A,
    A: Future<Output = Option<Vec<u8>>> + Send + 'static,
    F: Clone + Send + Sync + 'static,
{
    let permits = Arc::new(Semaphore::new(at_once.max(1)));
    // Answers under way end with this task.
    let mut answers = JoinSet::new();
    while let Ok(permit) = Arc::clone(&permits).acquire_owned().await {
        let Some(Inbound {
            peer,
            protocol,
            mut stream,
        }) = inbound.recv().await
        else {
            return;
        };
        let answer = answer.clone();
        while answers.try_join_next().is_some() {}
        answers.spawn(async move {
            let _permit = permit;
            let served = async {
                if let Some(request) = stream.receive().await?
                    && let Some(response) = answer(peer, request).await
                {
                    stream.send(&response).await?;
                }
                stream.close().await
            };
            if let Err(error) = served.await {
                tracing::debug!(%peer, %protocol, %error, "a request was not answered");
            }
        });
    }
}
