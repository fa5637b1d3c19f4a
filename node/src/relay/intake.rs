//! The way of messages from the swarm's task into the archive: a bounded queue, and batches.

use std::sync::Arc;

use store_adapter::{Arrival, IngestReport, Ingested, Origin, WakuMessage};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::limits::{ATTEMPT_PAUSE, ATTEMPTS};
use super::shared::Shared;
use super::{RelayCounters, RelayLimits};
use crate::store::Store;

/// A live message that waits to be archived.
pub(super) struct Received {
    topic: Arc<str>,
    message: WakuMessage,
    /// When it came, by which it was live.
    at: u64,
    /// Its part of the bytes that may wait.
    _part: OwnedSemaphorePermit,
}

/// Where messages wait to be archived. Nobody ever waits to put one in.
pub(super) struct Intake {
    queue: mpsc::Sender<Received>,
    bytes: Arc<Semaphore>,
    most_bytes: usize,
}

impl Intake {
    /// A queue and its end.
    pub(super) fn new(limits: &RelayLimits) -> (Self, mpsc::Receiver<Received>) {
        let (queue, waiting) = mpsc::channel(limits.waiting.max(1));
        let most_bytes = limits.waiting_bytes.clamp(1, Semaphore::MAX_PERMITS);
        let intake = Self {
            queue,
            bytes: Arc::new(Semaphore::new(most_bytes)),
            most_bytes,
        };
        (intake, waiting)
    }

    /// Puts a message of so many bytes in that came at the time `at`; gives whether there is room.
    pub(super) fn offer(&self, topic: &str, message: WakuMessage, bytes: usize, at: u64) -> bool {
        // A bound below the longest message would let it in never.
        let bytes = u32::try_from(bytes.min(self.most_bytes)).unwrap_or(u32::MAX);
        let Ok(part) = Arc::clone(&self.bytes).try_acquire_many_owned(bytes) else {
            return false;
        };
        let received = Received {
            topic: topic.into(),
            message,
            at,
            _part: part,
        };
        self.queue.try_send(received).is_ok()
    }
}

/// Archives what waits, many messages in a commit where they come fast, until the queue closes and is
/// empty.
pub(super) async fn archive(
    mut waiting: mpsc::Receiver<Received>,
    store: Arc<Store>,
    shared: Arc<Shared>,
    batch: usize,
) {
    let mut received = Vec::new();
    while waiting.recv_many(&mut received, batch.max(1)).await > 0 {
        // Not the queue's: what is being stored counts as waiting until it is stored.
        let received: Vec<Received> = std::mem::take(&mut received);
        let kept = shared.wanted(received.iter().map(|one| (&one.topic, &one.message)));
        let (ephemeral, lasting): (Vec<_>, Vec<_>) = received
            .into_iter()
            .partition(|one| one.message.is_ephemeral());
        shared.counters.ephemeral.add(ephemeral.len() as u64);
        for (now, arrivals, _parts) in batches(lasting, store.door().limits().live_tolerance) {
            bring(&store, now, arrivals, &shared.counters).await;
        }
        shared.keep(kept);
    }
}

/// Messages that are live at one time, with that time and their parts of the waiting bytes.
type Batch = (u64, Vec<Arrival>, Vec<OwnedSemaphorePermit>);

/// Divides messages so that each is live at the time of its batch, as it was when it came: the archive
/// may be slow. There are hardly ever two batches.
fn batches(mut received: Vec<Received>, tolerance: u64) -> Vec<Batch> {
    let mut batches = Vec::new();
    while let Some(first) = received.first() {
        let now = first.at;
        let is_live = |one: &Received| {
            one.at == now
                || u64::try_from(one.message.timestamp())
                    .is_ok_and(|timestamp| timestamp.abs_diff(now) <= tolerance)
        };
        let (live, others): (Vec<_>, Vec<_>) = received.into_iter().partition(is_live);
        let (arrivals, parts) = live
            .into_iter()
            .map(|one| (Arrival::new(one.topic, one.message), one._part))
            .unzip();
        batches.push((now, arrivals, parts));
        received = others;
    }
    batches
}

/// Brings messages to the door, several times if it can't be written.
async fn bring(store: &Store, now: u64, arrivals: Vec<Arrival>, counters: &RelayCounters) {
    let messages = arrivals.len() as u64;
    for attempt in 1..=ATTEMPTS {
        match store.ingest(Origin::Live { now }, arrivals.clone()).await {
            Ok(report) => return count(&report, counters),
            Err(error) if attempt == ATTEMPTS => {
                tracing::error!(%error, messages, "relayed messages aren't stored");
            }
            Err(error) => {
                tracing::warn!(%error, messages, "relayed messages can't be stored: trying again");
                tokio::time::sleep(ATTEMPT_PAUSE).await;
            }
        }
    }
    counters.unstored.add(messages);
}

/// Counts what became of messages at the door.
pub(super) fn count(report: &IngestReport, counters: &RelayCounters) {
    counters.archived.add(report.new as u64);
    counters.duplicates.add(report.duplicates as u64);
    for outcome in &report.outcomes {
        if let Ingested::Refused(refusal) = outcome {
            counters.refuse(refusal.kind());
        }
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;
    use crate::relay::subscriptions::Subscriptions;

    const NOW: u64 = 1_700_000_000_000_000_000;
    const SECOND: u64 = 1_000_000_000;
    const TOLERANCE: u64 = 20 * SECOND;

    fn message(timestamp: u64) -> WakuMessage {
        WakuMessage {
            content_topic: "/a/1/b/proto".into(),
            timestamp: i64::try_from(timestamp).ok(),
            ..WakuMessage::default()
        }
    }

    #[tokio::test]
    async fn the_queue_is_bounded_in_messages_and_bytes_and_never_waits() {
        let bytes = message(NOW).encoded_len();
        let limits = RelayLimits {
            waiting: 3,
            waiting_bytes: 2 * bytes,
            ..RelayLimits::default()
        };
        let (intake, mut waiting) = Intake::new(&limits);
        let offer = |bytes| intake.offer("/t", message(NOW), bytes, NOW);
        assert!(offer(bytes) && offer(bytes) && !offer(1));
        drop(waiting.recv().await);
        assert!(offer(bytes - 1) && offer(1), "what is taken out makes room");
        drop(waiting.recv().await);
        assert!(!offer(bytes + 1) && offer(1) && !offer(1), "three wait");
        while waiting.try_recv().is_ok() {}
        assert!(offer(usize::MAX), "alone, a longer one has room");
        drop(waiting);
        assert!(!offer(1));
    }

    #[test]
    fn every_message_is_live_at_the_time_of_its_batch() {
        let part = || Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
        let received = |came: u64, timestamp: u64| Received {
            topic: "/t".into(),
            message: message(timestamp),
            at: came,
            _part: part(),
        };
        let waited = vec![
            received(NOW, NOW - TOLERANCE),
            received(NOW + SECOND, NOW + SECOND),
            received(NOW + SECOND, NOW + SECOND + TOLERANCE),
            received(NOW + 30 * SECOND, NOW + 30 * SECOND),
            received(NOW + 2 * SECOND, NOW + TOLERANCE),
        ];
        let batches = batches(waited, TOLERANCE);
        let sizes: Vec<_> = batches
            .iter()
            .map(|(now, arrivals, parts)| {
                assert_eq!(arrivals.len(), parts.len());
                (*now - NOW, arrivals.len())
            })
            .collect();
        assert_eq!(sizes, [(0, 3), (SECOND, 1), (30 * SECOND, 1)]);
        assert!(super::batches(Vec::new(), TOLERANCE).is_empty());
    }

    #[tokio::test]
    async fn what_waited_in_the_queue_is_archived_by_the_time_it_came() {
        let store = Store::open(&store_adapter::ArchiveUrl::Memory)
            .await
            .unwrap();
        let limits = RelayLimits::default();
        let (intake, waiting) = Intake::new(&limits);
        let mut fleeting = message(NOW);
        fleeting.ephemeral = Some(true);
        assert!(intake.offer("/t", message(NOW), 9, NOW));
        assert!(intake.offer("/t", fleeting, 9, NOW));
        assert!(intake.offer("/t", message(NOW + 60 * SECOND), 9, NOW + 60 * SECOND));
        drop(intake);
        let shared = Arc::new(Shared::new(Subscriptions::default(), 9));
        archive(waiting, Arc::clone(&store), Arc::clone(&shared), 256).await;
        assert_eq!(store.len(), 2);
        let counters = &shared.counters;
        assert_eq!((counters.archived.get(), counters.ephemeral.get()), (2, 1));
        assert_eq!(counters.refused()["not_live"], 0);
    }
}
