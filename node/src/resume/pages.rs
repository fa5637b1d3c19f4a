//! Filling a part of a gap by Store pages, from a peer that speaks nothing better.
//!
//! Pages go forward in time. With data, a page brings the messages themselves; without, hashes, of
//! which those that aren't held are looked up. Either way a message is taken by the one door, and
//! only if it is of the times and topics asked for and of the hash that was stated for it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use libp2p::PeerId;
use store_adapter::limits::StoreClientLimits;
use store_adapter::store::{ContentCriteria, Found, Notice, StoreCriteria, Trouble};
use store_adapter::{ArchiveError, Arrival, Ingested, Origin, Record, Refusal, Span};
use sync_core::{Id, Item, Range, Scope};
use sync_net::Control;

use super::ResumeCounters;
use crate::net::{StoreEvent, StoreReader};
use crate::store::Store;

/// Why a peer's pages came to no good end.
#[derive(Debug, thiserror::Error)]
pub(super) enum PageError {
    /// It gave no page.
    #[error("the peer gives no page: {0}")]
    NoPage(Trouble),
    /// It names messages and doesn't give them.
    #[error("the peer names messages that it doesn't deliver, {0} at least")]
    Undelivered(usize),
    /// What it said isn't true.
    #[error("the peer is not to be believed: {0}")]
    Lie(String),
    /// The own archive can't be used.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}

/// How pages are asked for.
pub(super) struct Pages<'a> {
    pub(super) control: &'a Control,
    pub(super) peer: PeerId,
    /// How long a query may take.
    pub(super) deadline: Duration,
    pub(super) store: &'a Store,
    pub(super) counters: &'a ResumeCounters,
    /// Which messages are taken.
    pub(super) scope: Arc<Scope>,
    /// Whether pages are asked for with data.
    pub(super) with_data: bool,
}

/// How far a walk over the pages of a span has come.
pub(super) struct Walk {
    reader: StoreReader,
    position: Option<Item>,
}

impl Pages<'_> {
    /// A walk from the start of `span`, over messages of `topic` or of all.
    pub(super) fn walk(&self, span: Span, topic: Option<&str>) -> Walk {
        let times = ContentCriteria::all().since(span.since).until(span.until);
        let mut criteria = StoreCriteria::of_content(times);
        if let Some(topic) = topic {
            criteria = criteria.pubsub_topic(topic);
        }
        if !self.with_data {
            criteria = criteria.hashes_only();
        }
        Walk {
            reader: self.reader(criteria),
            position: None,
        }
    }

    fn reader(&self, criteria: StoreCriteria) -> StoreReader {
        // The plan has pauses of its own, in which other peers have their turn.
        let limits = StoreClientLimits {
            attempts: 1,
            refusals: 1,
            messages: u64::MAX,
            ..StoreClientLimits::default()
        };
        let control = self.control.clone();
        StoreReader::new(control, criteria, vec![self.peer], limits).with_deadline(self.deadline)
    }

    /// Asks for the next page, and takes what is missing of it. Gives the time before which
    /// everything has been taken then; `None` at the end.
    pub(super) async fn next(&self, walk: &mut Walk) -> Result<Option<u64>, PageError> {
        let Some(page) = self.page(&mut walk.reader).await? else {
            return Ok(None);
        };
        self.counters.pages.increment();
        let last = self.take(page).await?;
        // Hashes alone tell no times, by which pages may go on for ever.
        if last <= walk.position {
            return Err(self.lie("its pages don't go on in time".into()));
        }
        walk.position = last;
        Ok(last.map(|item| item.timestamp))
    }

    /// The next page that brings something; `None` at the end.
    async fn page(&self, reader: &mut StoreReader) -> Result<Option<Vec<Found>>, PageError> {
        while let Some(event) = reader.next().await {
            match event {
                StoreEvent::Page(found) => return Ok(Some(found)),
                StoreEvent::Notice(Notice::Left { why, .. }) => return Err(self.left(why)),
                StoreEvent::Notice(_) | StoreEvent::Ended(_) => {}
            }
        }
        Ok(None)
    }

    fn left(&self, why: Trouble) -> PageError {
        match why {
            Trouble::NoAnswer(_)
            | Trouble::Unfit(_)
            | Trouble::Answer(_)
            | Trouble::UnknownCursor => PageError::NoPage(why),
            Trouble::NoData(_) => PageError::Undelivered(1),
            lie => self.lie(lie.to_string()),
        }
    }

    /// Takes what a page brings or names; gives its last item.
    async fn take(&self, page: Vec<Found>) -> Result<Option<Item>, PageError> {
        let mut items: BTreeMap<Id, Item> = BTreeMap::new();
        let last = page.last().map(|found| found.hash);
        let (records, bare) = parts_of(page);
        self.admit(records, &mut items).await?;
        if !bare.is_empty() {
            self.look_up(&bare, &mut items).await?;
        }
        // The own archive may hold what is named, at another time than was asked for.
        if items.values().any(|item| !self.scope.window.contains(item)) {
            return Err(self.lie("it names messages of times that weren't asked for".into()));
        }
        // A message that was refused has its place in time all the same.
        Ok(last.and_then(|hash| items.get(&hash).copied()))
    }

    /// Takes the messages that aren't held of those that the peer names.
    async fn look_up(
        &self,
        hashes: &[Id],
        items: &mut BTreeMap<Id, Item>,
    ) -> Result<(), PageError> {
        let held = self.store.archive().locate(hashes).await?;
        items.extend(held.iter().map(|key| (key.item.id, key.item)));
        let missing = hashes.iter().filter(|hash| !items.contains_key(hash));
        let mut reader = self.reader(StoreCriteria::of_hashes(missing.copied()));
        while let Some(page) = self.page(&mut reader).await? {
            self.admit(parts_of(page).0, items).await?;
        }
        match reader.walk().missing().len() {
            0 => Ok(()),
            undelivered => Err(PageError::Undelivered(undelivered)),
        }
    }

    /// Brings verified messages to the door, and notes their items.
    async fn admit(
        &self,
        records: Vec<Record>,
        items: &mut BTreeMap<Id, Item>,
    ) -> Result<(), PageError> {
        let arriving: Vec<Item> = records.iter().map(Record::item).collect();
        let arrivals = records.into_iter().map(Arrival::from).collect();
        let scope = Arc::clone(&self.scope);
        let report = self
            .store
            .ingest(Origin::Synced { scope }, arrivals)
            .await?;
        self.counters.messages.add(report.new as u64);
        for (item, outcome) in arriving.into_iter().zip(report.outcomes) {
            match outcome {
                Ingested::Refused(refusal @ Refusal::OutsideWindow { .. }) => {
                    return Err(self.lie(refusal.to_string()));
                }
                Ingested::Refused(refusal) => {
                    tracing::debug!(peer = %self.peer, hash = %item.id, %refusal, "not taken from a page");
                }
                Ingested::New(_) | Ingested::Duplicate(_) => {}
            }
            items.insert(item.id, item);
        }
        Ok(())
    }

    fn lie(&self, what: String) -> PageError {
        self.counters.refused.increment();
        PageError::Lie(what)
    }
}

/// The messages of a page, and the hashes that came without theirs.
fn parts_of(page: Vec<Found>) -> (Vec<Record>, Vec<Id>) {
    let (mut records, mut bare) = (Vec::new(), Vec::new());
    for found in page {
        match found.record {
            Some(record) => records.push(record),
            None => bare.push(found.hash),
        }
    }
    (records, bare)
}

/// The scope of which messages are taken: that of `served` within `span`. The end is included, for
/// servers differ in whether they include it.
pub(super) fn scope_of(served: &Scope, span: Span) -> Arc<Scope> {
    Arc::new(Scope {
        window: Range::of_times(span.since, span.until.saturating_add(1)),
        ..served.clone()
    })
}
