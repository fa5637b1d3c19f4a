//! An archive with its index and its one door.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use store_adapter::archive::{self, ArchiveOptions, Scan};
use store_adapter::limits::{FOLLOW_MILLISECONDS, IngestLimits, StoreLimits};
use store_adapter::line::ImportLine;
use store_adapter::retention::{Keeper, RetentionError};
use store_adapter::store::{self, StoreQueryResponse};
use store_adapter::{
    Archive, ArchiveError, ArchiveUrl, Arrival, Follower, Index, IndexCounts, Ingest, IngestReport,
    Ingested, Origin, Record, Refusal, RetentionPolicy, WakuMessage,
};
use sync_core::{Id, Item, Range, Scope, SetDigest};
use tokio::sync::broadcast;
use tokio::time::Instant;

use crate::cli::time::now;
use crate::metrics::Observed;

/// Records read from the archive at a time, so that a page of the longest stays small.
const READ_AT_ONCE: usize = 100;

/// How many faults of an archive are described; the others are counted.
const FAULTS_SHOWN: usize = 20;

/// An archive with its index and its one door.
#[derive(Debug)]
pub struct Store {
    archive: Arc<dyn Archive>,
    index: Arc<Index>,
    ingest: Ingest,
    limits: StoreLimits,
    /// Who holds to the retention policy, until a node takes it to work.
    keeper: Mutex<Option<Keeper>>,
    /// Of an archive that other nodes may change too.
    follower: Option<tokio::sync::Mutex<Follower>>,
    /// When the index was last known to have what other nodes did to the archive; `None` if there are none.
    followed: Mutex<Option<std::time::Instant>>,
    policy: RetentionPolicy,
    observed: Arc<Observed>,
}

/// What became of synced messages.
#[derive(Debug, Default)]
pub(crate) struct Arrived {
    /// In the archive now, or before.
    pub(crate) settled: Vec<Id>,
    /// Refused at the door.
    pub(crate) refused: Vec<(Id, Refusal)>,
    /// Not stored, since the archive can't be written.
    pub(crate) unstored: Option<(Vec<Id>, ArchiveError)>,
}

/// What became of the lines of an import.
#[derive(Debug, Default)]
pub struct Imported {
    /// Stored.
    pub stored: u64,
    /// Stored before.
    pub duplicates: u64,
    /// Refused, with the number of the line.
    pub refused: Vec<(u64, Refusal)>,
}

/// What reading a whole archive has shown.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Verified {
    /// How many messages it holds.
    pub messages: u64,
    /// How many it holds besides that lie below the retention floor: their removal was interrupted, and
    /// is gone on with by the next run.
    pub given_up: u64,
    /// Digest of the items as their messages hash now.
    pub digest: [u8; 32],
    /// How many messages aren't what the archive says, or not where its indices say.
    pub faults: u64,
    /// The first of them, described.
    pub shown: Vec<String>,
}

impl Store {
    /// Opens the archive at `url`, creating it if nothing is there, and reads its index.
    ///
    /// # Errors
    /// When what is there isn't a sound archive, or is in use.
    pub async fn open(url: &ArchiveUrl) -> Result<Arc<Self>, ArchiveError> {
        Self::open_with(url, &ArchiveOptions::default()).await
    }

    /// As [`Store::open`], with these options.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn open_with(
        url: &ArchiveUrl,
        options: &ArchiveOptions,
    ) -> Result<Arc<Self>, ArchiveError> {
        Self::over(archive::open(url, options).await?).await
    }

    /// As [`Store::open`], of an archive that has to be there.
    ///
    /// # Errors
    /// As [`Store::open`], and when nothing is there.
    pub async fn open_existing(url: &ArchiveUrl) -> Result<Arc<Self>, ArchiveError> {
        Self::over(archive::open_existing(url, &ArchiveOptions::default()).await?).await
    }

    /// A store over an archive that is open.
    ///
    /// # Errors
    /// When the archive can't be read.
    pub async fn over(archive: Arc<dyn Archive>) -> Result<Arc<Self>, ArchiveError> {
        let limits = IngestLimits::default();
        let store = Self::with_policy(archive, RetentionPolicy::NONE, limits).await?;
        Ok(Arc::new(store))
    }

    /// As [`Store::over`], and the archive is held to `policy`: it is when this returns, nothing that
    /// comes in makes it exceed a cap, and a node over this store sees to the rest.
    ///
    /// # Errors
    /// When the archive can't be kept to the policy, or can't be read or written.
    pub async fn kept(
        archive: Arc<dyn Archive>,
        policy: RetentionPolicy,
    ) -> Result<Arc<Self>, RetentionError> {
        Self::kept_with(archive, policy, IngestLimits::default()).await
    }

    /// As [`Store::kept`], with these bounds of what is let in.
    ///
    /// # Errors
    /// As [`Store::kept`].
    pub async fn kept_with(
        archive: Arc<dyn Archive>,
        policy: RetentionPolicy,
        limits: IngestLimits,
    ) -> Result<Arc<Self>, RetentionError> {
        let mut store = Self::with_policy(archive, policy, limits).await?;
        let keeper = Keeper::start(store.ingest.clone(), now()).await?;
        store.keeper = Mutex::new((!policy.is_none()).then_some(keeper));
        Ok(Arc::new(store))
    }

    async fn with_policy(
        archive: Arc<dyn Archive>,
        policy: RetentionPolicy,
        limits: IngestLimits,
    ) -> Result<Self, ArchiveError> {
        let begun = std::time::Instant::now();
        let index = Arc::new(Index::rebuild(Arc::clone(&archive)).await?);
        let ingest =
            Ingest::with_retention(Arc::clone(&archive), Arc::clone(&index), limits, policy);
        let follower = Follower::of(Arc::clone(&index)).map(tokio::sync::Mutex::new);
        Ok(Self {
            archive,
            index,
            ingest,
            limits: StoreLimits::default(),
            keeper: Mutex::new(None),
            followed: Mutex::new(follower.is_some().then_some(begun)),
            follower,
            policy,
            observed: Arc::default(),
        })
    }

    /// Takes the keeper of the retention policy, if there is one that nobody has taken.
    pub(crate) fn take_keeper(&self) -> Option<Keeper> {
        self.keeper.lock().take()
    }

    /// The door that messages come in by.
    #[must_use]
    pub fn door(&self) -> &Ingest {
        &self.ingest
    }

    /// What the archive is held to.
    #[must_use]
    pub fn policy(&self) -> RetentionPolicy {
        self.policy
    }

    /// What was measured of the work on the archive.
    pub(crate) fn observed(&self) -> &Arc<Observed> {
        &self.observed
    }

    /// Answers a Store query within these limits.
    pub(crate) async fn answer(&self, limits: &StoreLimits, request: &[u8]) -> StoreQueryResponse {
        let begun = Instant::now();
        let answer = store::answer(&*self.archive, limits, request).await;
        self.observed.query(answer.status_code, begun.elapsed());
        answer
    }

    /// The archive.
    #[must_use]
    pub fn archive(&self) -> &Arc<dyn Archive> {
        &self.archive
    }

    /// The index.
    #[must_use]
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// Bounds of Store queries.
    #[must_use]
    pub fn store_limits(&self) -> &StoreLimits {
        &self.limits
    }

    /// How many messages it holds.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.index.len() as u64
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// What it holds by hour, shard and content topic, and when that was right. Waits for nothing that
    /// takes long.
    #[must_use]
    pub fn counts(&self) -> IndexCounts {
        let mut counts = self.index.counts();
        if let Some(followed) = *self.followed.lock() {
            counts.as_of = counts.as_of.min(followed);
        }
        counts
    }

    /// Digest of all items, by the index.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        self.index.digest()
    }

    /// Stores messages that the operator brings.
    ///
    /// # Errors
    /// When the archive can't be written; nothing of the batch is stored then.
    pub async fn put(&self, messages: Vec<(String, WakuMessage)>) -> Result<(), ArchiveError> {
        let arrivals = messages
            .into_iter()
            .map(|(topic, message)| Arrival::new(topic, message));
        self.ingest(Origin::Imported, arrivals.collect())
            .await
            .map(drop)
    }

    /// As [`Store::put`], and tells what became of each message.
    ///
    /// # Errors
    /// When the archive can't be written; nothing of the batch is stored then.
    pub async fn bring(&self, arrivals: Vec<Arrival>) -> Result<IngestReport, ArchiveError> {
        self.ingest(Origin::Imported, arrivals).await
    }

    /// Stores lines of an import, each with its number.
    ///
    /// # Errors
    /// When the archive can't be written; nothing of the batch is stored then.
    pub async fn import(&self, lines: Vec<(u64, ImportLine)>) -> Result<Imported, ArchiveError> {
        let (numbers, arrivals): (Vec<u64>, Vec<Arrival>) = lines
            .into_iter()
            .map(|(number, line)| {
                let mut arrival = Arrival::new(line.pubsub_topic, line.message);
                arrival.expected = line.message_hash;
                (number, arrival)
            })
            .unzip();
        let report = self.ingest(Origin::Imported, arrivals).await?;
        let outcomes = numbers.into_iter().zip(report.outcomes);
        let refused = outcomes.filter_map(|(number, outcome)| match outcome {
            Ingested::Refused(refusal) => Some((number, refusal)),
            Ingested::New(_) | Ingested::Duplicate(_) => None,
        });
        Ok(Imported {
            stored: report.new as u64,
            duplicates: report.duplicates as u64,
            refused: refused.collect(),
        })
    }

    /// Stores messages of a peer's archive, of a session about `scope`.
    pub(crate) async fn take_synced(&self, scope: Arc<Scope>, records: Vec<Record>) -> Arrived {
        let hashes: Vec<Id> = records.iter().map(Record::hash).collect();
        let arrivals = records.into_iter().map(Arrival::from).collect();
        let mut arrived = Arrived::default();
        match self.ingest(Origin::Synced { scope }, arrivals).await {
            Err(error) => arrived.unstored = Some((hashes, error)),
            Ok(report) => {
                for (hash, outcome) in hashes.into_iter().zip(report.outcomes) {
                    match outcome {
                        Ingested::New(_) | Ingested::Duplicate(_) => arrived.settled.push(hash),
                        Ingested::Refused(refusal) => arrived.refused.push((hash, refusal)),
                    }
                }
            }
        }
        arrived
    }

    /// Brings messages to the door.
    ///
    /// # Errors
    /// When the archive can't be written; nothing of the batch is stored then.
    pub(crate) async fn ingest(
        &self,
        origin: Origin,
        arrivals: Vec<Arrival>,
    ) -> Result<IngestReport, ArchiveError> {
        let begun = Instant::now();
        let report = self.ingest.ingest(origin, arrivals).await;
        self.observed.insert(report.is_ok(), begun.elapsed());
        report
    }

    /// Hashes that the archive holds from now on, by whichever door they came.
    pub(crate) fn settled(&self) -> broadcast::Receiver<Arc<[Id]>> {
        self.ingest.settled()
    }

    /// Takes into the index what other nodes did to a shared archive.
    ///
    /// # Errors
    /// When the archive can't be read.
    pub async fn catch_up(&self) -> Result<(), ArchiveError> {
        let Some(follower) = &self.follower else {
            return Ok(());
        };
        let mut follower = follower.lock().await;
        let begun = std::time::Instant::now();
        follower.catch_up().await?;
        *self.followed.lock() = Some(begun);
        Ok(())
    }

    /// Catches up for ever, if other nodes may change the archive.
    pub(crate) async fn follow(self: Arc<Self>) {
        while self.follower.is_some() {
            tokio::time::sleep(Duration::from_millis(FOLLOW_MILLISECONDS)).await;
            if let Err(error) = self.catch_up().await {
                tracing::warn!(%error, "what other nodes did to the archive isn't known");
            }
        }
    }

    /// Reads all messages in order.
    #[must_use]
    pub fn pages(&self) -> Pages<'_> {
        Pages {
            store: self,
            rest: Some(Range::ALL),
            keys: Vec::new(),
            missing: 0,
        }
    }

    /// Reads every message, hashes it again, and compares it with what the archive and the index
    /// say of it.
    ///
    /// # Errors
    /// When the archive can't be read.
    pub async fn verify(&self) -> Result<Verified, ArchiveError> {
        let mut verified = Verified::default();
        let mut digest = SetDigest::default();
        let mut pages = self.pages();
        while let Some((keys, records)) = pages.next_with_keys().await? {
            // Others may store into a shared archive while it is read.
            if keys.iter().any(|key| !self.index.contains(key)) {
                self.catch_up().await?;
            }
            let mut records = records.into_iter().peekable();
            for key in keys {
                if self.index.floor().is_after(&key) {
                    verified.given_up += 1;
                    let _ = records.next_if(|record| record.item() == key);
                    continue;
                }
                verified.messages += 1;
                match records.next_if(|record| record.item() == key) {
                    None => verified.fault(&key, "its message isn't found by its hash"),
                    Some(record) if !record.is_intact() => {
                        verified.fault(&key, "its fields hash to something else");
                    }
                    Some(record) => digest.push(&record.item()),
                }
                if !self.index.contains(&key) {
                    verified.fault(&key, "it isn't in the index");
                }
            }
        }
        self.catch_up().await?;
        let counted = self.archive.stats().await?.messages;
        let found = verified.messages + verified.given_up;
        if counted != found || self.len() != verified.messages {
            verified.faults += 1;
            verified.shown.push(format!(
                "the archive counts {counted} messages and the index {}, but there are {found}, {} of \
                 them below the retention floor",
                self.len(),
                verified.given_up
            ));
        }
        verified.digest = digest.finish();
        Ok(verified)
    }
}

impl Verified {
    fn fault(&mut self, item: &Item, what: &str) {
        self.faults += 1;
        if self.shown.len() < FAULTS_SHOWN {
            self.shown
                .push(format!("0x{} of {} ns: {what}", item.id, item.timestamp));
        }
    }
}

/// Reads an archive in order, some messages at a time.
#[derive(Debug)]
pub struct Pages<'a> {
    store: &'a Store,
    rest: Option<Range>,
    /// Read and not yet given, the next one last.
    keys: Vec<Item>,
    missing: u64,
}

impl Pages<'_> {
    /// The next messages; `None` at the end.
    ///
    /// # Errors
    /// When the archive can't be read.
    pub async fn next(&mut self) -> Result<Option<Vec<Record>>, ArchiveError> {
        Ok(self.next_with_keys().await?.map(|(_, records)| records))
    }

    /// How many messages so far weren't found by the hash that the archive has of them.
    #[must_use]
    pub fn missing(&self) -> u64 {
        self.missing
    }

    async fn next_with_keys(&mut self) -> Result<Option<(Vec<Item>, Vec<Record>)>, ArchiveError> {
        while self.keys.is_empty() {
            let Some(range) = self.rest else {
                return Ok(None);
            };
            let page = self.store.archive.scan(&Scan::of_range(range)).await?;
            self.keys = page.keys.into_iter().rev().map(|key| key.item).collect();
            self.rest = page.rest;
        }
        let start = self.keys.len().saturating_sub(READ_AT_ONCE);
        let items: Vec<Item> = self.keys.drain(start..).rev().collect();
        let hashes: Vec<Id> = items.iter().map(|item| item.id).collect();
        let records = self.store.archive.lookup(&hashes).await?;
        self.missing += items.len().saturating_sub(records.len()) as u64;
        Ok(Some((items, records)))
    }
}
