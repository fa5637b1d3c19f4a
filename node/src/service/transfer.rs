//! Messages that peers push, one frame each.

use std::sync::Arc;

use libp2p::PeerId;
use store_adapter::Record;
use store_adapter::transfer::WakuMessageAndTopic;
use sync_net::{FramedStream, Inbound, warn_of_peer};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;

use super::ServiceLimits;
use super::limits::PUSHES_WAITING;
use super::turns::Turns;
use super::waiting::{Waited, WaitingRoom};
use crate::rates::{Limiter, Service};
use crate::sync::Syncer;

/// Reads what peers push, until the queue closes.
pub(crate) async fn serve(
    mut inbound: mpsc::Receiver<Inbound>,
    syncer: Arc<Syncer>,
    limiter: Arc<Limiter>,
    limits: ServiceLimits,
) {
    let reader = Arc::new(Reader {
        syncer,
        limiter,
        waiting: WaitingRoom::new(limits.pushes_awaited),
        turns: Turns::new(1, limits.push_streams_per_peer),
        bytes: Arc::new(Semaphore::new(limits.push_bytes)),
        most_bytes: limits.push_bytes,
    });
    let mut streams = JoinSet::new();
    while let Some(Inbound { peer, stream, .. }) = inbound.recv().await {
        while streams.try_join_next().is_some() {}
        let reader = Arc::clone(&reader);
        streams.spawn(async move { reader.take(peer, stream).await });
    }
}

/// A message, and its part of the bytes that may wait.
struct Pushed {
    record: Record,
    part: Option<OwnedSemaphorePermit>,
}

struct Reader {
    syncer: Arc<Syncer>,
    limiter: Arc<Limiter>,
    waiting: Arc<WaitingRoom>,
    /// A peer pushes one message at a time, on whichever of its streams.
    turns: Arc<Turns>,
    bytes: Arc<Semaphore>,
    most_bytes: usize,
}

impl Reader {
    /// Reads one stream and stores what is owed, many messages in a batch where they come fast.
    async fn take(&self, peer: PeerId, mut stream: FramedStream) {
        let (queue, mut waiting) = mpsc::channel(PUSHES_WAITING);
        let reading = async {
            let result = self.read(peer, &mut stream, &queue).await;
            drop(queue);
            result
        };
        let storing = async {
            let mut batch: Vec<Pushed> = Vec::new();
            while waiting.recv_many(&mut batch, PUSHES_WAITING).await > 0 {
                let (records, parts): (Vec<_>, Vec<_>) = std::mem::take(&mut batch)
                    .into_iter()
                    .map(|pushed| (pushed.record, pushed.part))
                    .unzip();
                self.syncer.pushed(peer, records).await;
                drop(parts);
            }
        };
        let (result, ()) = tokio::join!(reading, storing);
        // Closed when everything is dealt with: a peer that waits for it knows.
        let closed = async {
            result?;
            Ok::<_, anyhow::Error>(stream.close().await?)
        };
        if let Err(error) = closed.await {
            warn_of_peer!(
                self.syncer.warnings,
                &peer,
                %error,
                "a stream of pushed messages ended early"
            );
        }
        self.syncer.pushes_over(&peer);
    }

    async fn read(
        &self,
        peer: PeerId,
        stream: &mut FramedStream,
        queue: &mpsc::Sender<Pushed>,
    ) -> anyhow::Result<()> {
        loop {
            match self.waiting.wait(peer, stream).await? {
                Waited::Frame => {}
                Waited::End => return Ok(()),
                Waited::TurnedOut => anyhow::bail!("it brought nothing and made room for another"),
            }
            // There is room for as many as the peer may have streams.
            let turn = self.turns.of(peer).await;
            // A message that is refused would have to be asked for later: it waits instead, and the
            // peer with it.
            self.limiter.turn(Service::Transfer, &peer).await;
            let Some(frame) = stream.receive().await? else {
                return Ok(());
            };
            let part = self.part_of(frame.len()).await;
            drop(turn);
            self.syncer.count_received(&peer, frame.len());
            let decoded = WakuMessageAndTopic::decode_frame(&frame)
                .inspect_err(|_| self.syncer.counters().malformed_pushes.increment())?;
            self.syncer.counters().pushes_received.increment();
            match Record::new(decoded.pubsub_topic, decoded.message) {
                Ok(record) => {
                    let pushed = Pushed { record, part };
                    queue.send(pushed).await?;
                }
                Err(error) => tracing::debug!(%peer, %error, "a pushed message was refused"),
            }
        }
    }

    /// Waits until so many bytes may wait.
    async fn part_of(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        // A bound below the longest frame would wait for ever.
        let bytes = u32::try_from(bytes.min(self.most_bytes)).unwrap_or(u32::MAX);
        Arc::clone(&self.bytes).acquire_many_owned(bytes).await.ok()
    }
}
