//! Messages that peers push, one frame each.

use std::sync::Arc;

use libp2p::PeerId;
use store_adapter::Record;
use store_adapter::transfer::WakuMessageAndTopic;
use sync_net::{FramedStream, Inbound};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use crate::sync::Syncer;

/// Streams read at a time.
const AT_ONCE: usize = 256;

/// Pushed messages that wait while earlier ones are stored: then the peer waits too.
const WAITING: usize = 256;

/// Reads what peers push, until the queue closes.
pub(crate) async fn serve(mut inbound: mpsc::Receiver<Inbound>, syncer: Arc<Syncer>) {
    let permits = Arc::new(Semaphore::new(AT_ONCE));
    let mut streams = JoinSet::new();
    while let Ok(permit) = Arc::clone(&permits).acquire_owned().await {
        let Some(Inbound { peer, stream, .. }) = inbound.recv().await else {
            return;
        };
        while streams.try_join_next().is_some() {}
        let syncer = Arc::clone(&syncer);
        streams.spawn(async move {
            let _permit = permit;
            take(peer, stream, &syncer).await;
        });
    }
}

/// Reads one stream and stores what is owed, many messages in a batch where they come fast.
async fn take(peer: PeerId, mut stream: FramedStream, syncer: &Syncer) {
    let (queue, mut waiting) = mpsc::channel(WAITING);
    let reading = async {
        let result = read(&peer, &mut stream, &queue, syncer).await;
        drop(queue);
        result
    };
    let storing = async {
        let mut batch = Vec::with_capacity(WAITING);
        while waiting.recv_many(&mut batch, WAITING).await > 0 {
            syncer.pushed(peer, std::mem::take(&mut batch)).await;
        }
    };
    let (result, ()) = tokio::join!(reading, storing);
    // Closed when everything is dealt with: a peer that waits for it knows.
    let closed = async {
        result?;
        Ok::<_, anyhow::Error>(stream.close().await?)
    };
    if let Err(error) = closed.await {
        tracing::warn!(%peer, %error, "a stream of pushed messages ended early");
    }
    syncer.pushes_over(&peer);
}

async fn read(
    peer: &PeerId,
    stream: &mut FramedStream,
    queue: &mpsc::Sender<Record>,
    syncer: &Syncer,
) -> anyhow::Result<()> {
    while let Some(frame) = stream.receive().await? {
        syncer.count_received(peer, frame.len());
        let decoded = WakuMessageAndTopic::decode_frame(&frame)
            .inspect_err(|_| syncer.counters().malformed_pushes.increment())?;
        match Record::new(decoded.pubsub_topic, decoded.message) {
            Ok(record) => queue.send(record).await?,
            Err(error) => tracing::debug!(%peer, %error, "a pushed message was refused"),
        }
    }
    Ok(())
}
