//! The one door: every message that is stored comes through here, wherever it came from.
//!
//! A message is checked by the rules of its origin, hashed, committed to the archive, and only
//! then put into the index. Listeners hear of every hash that the archive holds from then on.

mod counters;
mod held;
mod pruning;
mod refusal;

use std::sync::Arc;
use std::time::Instant;

use sync_core::{Bound, Id, Item, Scope};
use tokio::sync::{Mutex, broadcast};

pub use counters::{IngestCounters, TopicTotal};
pub use refusal::Refusal;

use self::counters::Counters;
use self::held::Held;
use self::pruning::{Pruning, ROOM_PATIENCE, ROOM_PAUSE};
use crate::archive::{Archive, ArchiveError};
use crate::floor;
use crate::index::Index;
use crate::limits::{FLOOR_ROUNDS, IngestLimits};
use crate::message::WakuMessage;
use crate::record::Record;
use crate::retention::{Growth, RetentionCounters, RetentionPolicy};

/// Where messages come from, which decides the rules.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Origin {
    /// Relay or REST: just published.
    Live {
        /// The time of now, in nanoseconds since 1970.
        now: u64,
    },
    /// A peer's archive: by reconciliation, transfer, or pages of a Store query.
    Synced {
        /// The times and topics that were asked for.
        scope: Arc<Scope>,
    },
    /// A file or another database, given by the operator.
    Imported,
}

/// A message at the door.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Arrival {
    content: Content,
    /// The hash that was promised for it, if one was; it is refused if it has another.
    pub expected: Option<Id>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Content {
    Raw(Arc<str>, WakuMessage),
    Hashed(Record),
}

impl Arrival {
    /// A message as it was published on `pubsub_topic`, of which no hash was promised.
    pub fn new(pubsub_topic: impl Into<Arc<str>>, message: WakuMessage) -> Self {
        Self {
            content: Content::Raw(pubsub_topic.into(), message),
            expected: None,
        }
    }

    fn parts(&self) -> (&str, &WakuMessage) {
        match &self.content {
            Content::Raw(topic, message) => (topic, message),
            Content::Hashed(record) => (record.pubsub_topic(), record.message()),
        }
    }
}

impl From<Record> for Arrival {
    /// A message that has been hashed already; it isn't hashed again.
    fn from(record: Record) -> Self {
        Self {
            content: Content::Hashed(record),
            expected: None,
        }
    }
}

/// What became of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ingested {
    /// It is stored.
    New(Item),
    /// It was stored before, or earlier in the same batch.
    Duplicate(Item),
    /// It isn't stored.
    Refused(Refusal),
}

/// What became of a batch.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct IngestReport {
    /// What became of each message, in the order given.
    pub outcomes: Vec<Ingested>,
    /// How many were new.
    pub new: usize,
    /// How many were stored before.
    pub duplicates: usize,
    /// How many were refused.
    pub refused: usize,
}

/// The door to an archive and its index.
#[derive(Clone, Debug)]
pub struct Ingest {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    archive: Arc<dyn Archive>,
    index: Arc<Index>,
    limits: IngestLimits,
    counters: Counters,
    settled: broadcast::Sender<Arc<[Id]>>,
    pruning: Pruning,
    /// Held from the commit to the insertion into the index.
    door: Mutex<Door>,
}

#[derive(Debug, Default)]
struct Door {
    /// Hashes of a batch whose commit failed: the archive may hold it nevertheless, which is
    /// looked up before anything else is let in.
    uncertain: Vec<Id>,
    /// How the archive grows by what comes in.
    growth: Growth,
    /// Bytes of rows that were removed to make room, less what came in since.
    displaced: u64,
    /// What couldn't be removed for now.
    held: Held,
}

impl Ingest {
    /// The door to `archive`, of which `index` is the index. Nothing is ever pruned to make room.
    #[must_use]
    pub fn new(archive: Arc<dyn Archive>, index: Arc<Index>, limits: IngestLimits) -> Self {
        Self::with_retention(archive, index, limits, RetentionPolicy::NONE)
    }

    /// As [`Ingest::new`], and what comes in never makes the archive larger than `policy` allows: the
    /// oldest messages go first. Use a [`Keeper`](crate::retention::Keeper) beside it, which holds to
    /// the policy as time goes by, and before anything is let in.
    #[must_use]
    pub fn with_retention(
        archive: Arc<dyn Archive>,
        index: Arc<Index>,
        limits: IngestLimits,
        policy: RetentionPolicy,
    ) -> Self {
        let (settled, _) = broadcast::channel(limits.settled_queue.max(1));
        Self {
            inner: Arc::new(Inner {
                archive,
                index,
                limits,
                counters: Counters::default(),
                settled,
                pruning: Pruning::new(policy),
                door: Mutex::default(),
            }),
        }
    }

    /// Stores what the rules of `origin` let through, in one commit. What was accepted is durable
    /// and in the index when this returns. Once begun, the commit and the insertion happen even if
    /// the caller stops waiting.
    ///
    /// Under a cap on the disk there is room before anything is stored: the oldest messages of the
    /// archive are removed until there is, and what of the batch lies below the floor that results is
    /// refused. A batch that is large against the cap is stored in several commits, the newest
    /// messages first.
    ///
    /// # Errors
    /// When the archive can't be written, or no room can be made. Nothing is acknowledged then, and
    /// the batch may be given again.
    pub async fn ingest(
        &self,
        origin: Origin,
        arrivals: Vec<Arrival>,
    ) -> Result<IngestReport, ArchiveError> {
        let floor = self.inner.index.floor();
        let checked: Vec<_> = arrivals
            .into_iter()
            .map(|arrival| self.inner.check(&origin, &floor, arrival))
            .collect();
        if checked.iter().all(Result::is_err) {
            return Ok(self.inner.report(checked, &[]));
        }
        self.detached(move |inner| async move { inner.admit(checked).await })
            .await
    }

    /// Hashes that the archive holds from now on, or held before, as they come through the door.
    /// A listener that falls behind loses the oldest announcements and is told so.
    #[must_use]
    pub fn settled(&self) -> broadcast::Receiver<Arc<[Id]>> {
        self.inner.settled.subscribe()
    }

    /// How much came through so far, and what was refused why.
    #[must_use]
    pub fn counters(&self) -> IngestCounters {
        self.inner.counters.read()
    }

    /// What was pruned so far, and why.
    #[must_use]
    pub fn pruned(&self) -> RetentionCounters {
        self.inner.pruning.counters.read()
    }

    /// Bounds of what it lets in.
    #[must_use]
    pub fn limits(&self) -> &IngestLimits {
        &self.inner.limits
    }

    /// The archive behind the door.
    #[must_use]
    pub fn archive(&self) -> &Arc<dyn Archive> {
        &self.inner.archive
    }

    /// The index behind the door.
    #[must_use]
    pub fn index(&self) -> &Arc<Index> {
        &self.inner.index
    }

    /// Runs something that mustn't stop half-way in a task of its own.
    async fn detached<T, F>(&self, act: impl FnOnce(Arc<Inner>) -> F) -> Result<T, ArchiveError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, ArchiveError>> + Send + 'static,
    {
        let task = tokio::spawn(act(Arc::clone(&self.inner)));
        task.await.unwrap_or(Err(ArchiveError::Ending))
    }
}

impl Inner {
    fn check(&self, origin: &Origin, floor: &Bound, arrival: Arrival) -> Result<Record, Refusal> {
        // What is cheap to see comes before the hashing.
        let (pubsub_topic, message) = arrival.parts();
        check_fields(pubsub_topic, message, &self.limits)?;
        check_scope(origin, pubsub_topic, message)?;
        let mut record = match arrival.content {
            Content::Hashed(record) => record,
            Content::Raw(topic, message) => {
                Record::new(topic, message).map_err(|error| Refusal::NegativeTimestamp(error.0))?
            }
        };
        let actual = record.hash();
        match arrival.expected {
            Some(expected) if actual != expected => {
                return Err(Refusal::WrongHash { expected, actual });
            }
            _ => check_time(origin, floor, &self.limits, &record.item())?,
        }
        if record.drop_unreadable_proof() {
            self.counters.count_dropped_proof();
        }
        Ok(record)
    }

    async fn admit(
        &self,
        mut checked: Vec<Result<Record, Refusal>>,
    ) -> Result<IngestReport, ArchiveError> {
        let mut fresh = vec![false; checked.len()];
        let mut door = self.door.lock().await;
        self.settle_uncertain(&mut door).await?;
        for part in self.pruning.parts_of(&checked) {
            self.let_in(&mut door, &mut checked, &part, &mut fresh)
                .await?;
        }
        drop(door);
        self.keep_capacity_at_the_door().await;
        Ok(self.report(checked, &fresh))
    }

    /// Makes room for what has passed of the messages at these places, and stores it.
    async fn let_in(
        &self,
        door: &mut Door,
        checked: &mut [Result<Record, Refusal>],
        part: &[usize],
        fresh: &mut [bool],
    ) -> Result<(), ArchiveError> {
        let begun = Instant::now();
        loop {
            self.refuse_below_floor(checked, part);
            self.make_room(door, checked, part).await?;
            match self.commit(door, checked, part, fresh).await {
                Err(ArchiveError::NoRoom { cap, disk_bytes }) if door.held.is_blocked() => {
                    return Err(ArchiveError::NoRoomYet { cap, disk_bytes });
                }
                // Other nodes have taken the room.
                Err(ArchiveError::NoRoom { .. }) if begun.elapsed() < ROOM_PATIENCE => {
                    tokio::time::sleep(ROOM_PAUSE).await;
                }
                committed => return committed,
            }
        }
    }

    /// Refuses what lies below the floor of now, which may have been raised since the batch was
    /// checked.
    fn refuse_below_floor(&self, checked: &mut [Result<Record, Refusal>], part: &[usize]) {
        let floor = self.index.floor();
        for &place in part {
            if let Ok(record) = &checked[place]
                && floor.is_after(&record.item())
            {
                let timestamp = record.item().timestamp;
                checked[place] = Err(Refusal::BelowFloor { timestamp });
            }
        }
    }

    /// Stores what has passed of the messages at these places, and notes which of them were new.
    async fn commit(
        &self,
        door: &mut Door,
        checked: &mut [Result<Record, Refusal>],
        part: &[usize],
        fresh: &mut [bool],
    ) -> Result<(), ArchiveError> {
        let mut rounds = 0;
        loop {
            // What is found above the floor is in the archive and the index before it is raised.
            let held = self.index.hold_floor().await;
            self.refuse_below_floor(checked, part);
            let stored = self.store(door, checked, part, fresh).await;
            drop(held);
            match stored {
                Err(ArchiveError::BelowFloor { .. }) if rounds < FLOOR_ROUNDS => rounds += 1,
                stored => return stored,
            }
            let floor = floor::load(&*self.archive).await?;
            self.index.raise(&floor).await;
        }
    }

    async fn store(
        &self,
        door: &mut Door,
        checked: &[Result<Record, Refusal>],
        part: &[usize],
        fresh: &mut [bool],
    ) -> Result<(), ArchiveError> {
        let passed = part.iter().filter(|&&place| checked[place].is_ok());
        let places: Vec<usize> = passed.copied().collect();
        let records: Vec<Record> = places
            .iter()
            .filter_map(|&place| checked[place].clone().ok())
            .collect();
        if records.is_empty() {
            return Ok(());
        }
        match self.append(door, records.clone()).await {
            Ok(stored) => {
                let new = records.iter().zip(&stored).filter(|(_, new)| **new);
                self.counters.count_stored(new.map(|(record, _)| record));
                let stored = places.iter().zip(stored);
                stored.for_each(|(&place, new)| fresh[place] = new);
            }
            // Nothing was stored.
            Err(error @ (ArchiveError::BelowFloor { .. } | ArchiveError::NoRoom { .. })) => {
                return Err(error);
            }
            Err(error) => {
                door.uncertain = records.iter().map(Record::hash).collect();
                return Err(error);
            }
        }
        // Duplicates too: a commit that seemed to fail may have left them out of the index.
        self.index.insert_counted(&records);
        self.announce(records.iter().map(Record::hash).collect());
        Ok(())
    }

    /// Puts into the index what a commit that seemed to fail has stored.
    async fn settle_uncertain(&self, door: &mut Door) -> Result<(), ArchiveError> {
        if door.uncertain.is_empty() {
            return Ok(());
        }
        let held = self.archive.locate(&door.uncertain).await?;
        self.index.insert_counted(&held);
        self.announce(held.iter().map(|key| key.item.id).collect());
        door.uncertain = Vec::new();
        Ok(())
    }

    fn announce(&self, hashes: Arc<[Id]>) {
        if !hashes.is_empty() {
            // An error only says that nobody listens.
            let _ = self.settled.send(hashes);
        }
    }

    fn report(&self, checked: Vec<Result<Record, Refusal>>, fresh: &[bool]) -> IngestReport {
        let mut report = IngestReport::default();
        for (place, checked) in checked.into_iter().enumerate() {
            let outcome = match checked {
                Err(refusal) => Ingested::Refused(refusal),
                Ok(record) if fresh.get(place) == Some(&true) => Ingested::New(record.item()),
                Ok(record) => Ingested::Duplicate(record.item()),
            };
            match outcome {
                Ingested::New(_) => report.new += 1,
                Ingested::Duplicate(_) => report.duplicates += 1,
                Ingested::Refused(_) => report.refused += 1,
            }
            self.counters.count(&outcome);
            report.outcomes.push(outcome);
        }
        report
    }
}

/// What is asked of a message that was just published, for it to be passed on to others. It may be
/// ephemeral, which no door lets in. `now` is in nanoseconds since 1970.
///
/// # Errors
/// When it isn't to be passed on.
pub fn check_live(
    pubsub_topic: &str,
    message: &WakuMessage,
    limits: &IngestLimits,
    now: u64,
) -> Result<(), Refusal> {
    check_topics([pubsub_topic, &message.content_topic], limits)?;
    check_sizes(message, limits)?;
    let timestamp = u64::try_from(message.timestamp())
        .map_err(|_| Refusal::NegativeTimestamp(message.timestamp()))?;
    check_is_now(timestamp, now, limits)
}

/// What [`Ingest`] asks of a message whatever its origin, apart from its time.
///
/// # Errors
/// When no door lets it in.
pub fn check_fields(
    pubsub_topic: &str,
    message: &WakuMessage,
    limits: &IngestLimits,
) -> Result<(), Refusal> {
    check_topics([pubsub_topic, &message.content_topic], limits)?;
    if message.is_ephemeral() {
        return Err(Refusal::Ephemeral);
    }
    check_sizes(message, limits)
}

fn check_topics(topics: [&str; 2], limits: &IngestLimits) -> Result<(), Refusal> {
    if topics.iter().any(|topic| topic.is_empty()) {
        return Err(Refusal::EmptyTopic);
    }
    match topics.iter().find(|topic| topic.len() > limits.topic_bytes) {
        Some(topic) => Err(Refusal::TopicTooLong { bytes: topic.len() }),
        None => Ok(()),
    }
}

fn check_sizes(message: &WakuMessage, limits: &IngestLimits) -> Result<(), Refusal> {
    let meta_bytes = message.meta.as_ref().map_or(0, Vec::len);
    if meta_bytes > limits.meta_bytes {
        return Err(Refusal::MetaTooLong { bytes: meta_bytes });
    }
    let bytes = prost::Message::encoded_len(message);
    if bytes > limits.message_bytes {
        return Err(Refusal::MessageTooLong { bytes });
    }
    Ok(())
}

fn check_scope(origin: &Origin, pubsub_topic: &str, message: &WakuMessage) -> Result<(), Refusal> {
    match origin {
        Origin::Synced { scope } if !scope.allows_topics(pubsub_topic, &message.content_topic) => {
            Err(Refusal::OutsideTopics)
        }
        Origin::Live { .. } | Origin::Synced { .. } | Origin::Imported => Ok(()),
    }
}

fn check_time(
    origin: &Origin,
    floor: &Bound,
    limits: &IngestLimits,
    item: &Item,
) -> Result<(), Refusal> {
    match origin {
        Origin::Live { now } => check_is_now(item.timestamp, *now, limits)?,
        Origin::Synced { scope } if !scope.window.contains(item) => {
            return Err(Refusal::OutsideWindow {
                timestamp: item.timestamp,
            });
        }
        Origin::Synced { .. } | Origin::Imported => {}
    }
    if floor.is_after(item) {
        return Err(Refusal::BelowFloor {
            timestamp: item.timestamp,
        });
    }
    Ok(())
}

fn check_is_now(timestamp: u64, now: u64, limits: &IngestLimits) -> Result<(), Refusal> {
    if timestamp.abs_diff(now) > limits.live_tolerance {
        return Err(Refusal::NotLive { timestamp });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
