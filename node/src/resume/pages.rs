//! Filling a part of a gap by Store pages, from a peer that speaks nothing better.
//!
//! Pages go forward in time. With data, a page brings the messages themselves; without, hashes, of
//! which those that aren't held are looked up. Either way a message is taken by the one door, and
//! only if it is of the times and topics asked for and of the hash that was stated for it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use store_adapter::limits::STORE_PAGE_MAX;
use store_adapter::store::{StoreAnswer, StoreEntry, StoreQueryRequest};
use store_adapter::{ArchiveError, Arrival, Ingested, Origin, Record, Refusal, Span};
use sync_core::{Id, Item, Range, Scope};

use super::ResumeCounters;
use super::limits::{EMPTY_PAGES, HASHES_AT_ONCE, LOOKUPS};
use crate::store::Store;
use crate::sync::{QueryError, request_id};

/// Where pages come from.
#[async_trait]
pub(super) trait StorePeer: Send + Sync {
    /// The answer to a query, with at most `messages` messages.
    async fn ask(
        &self,
        request: &StoreQueryRequest,
        messages: usize,
    ) -> Result<StoreAnswer, QueryError>;
}

/// Why a peer's pages came to no good end.
#[derive(Debug, thiserror::Error)]
pub(super) enum PageError {
    /// It gave no page.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// It names messages and doesn't give them.
    #[error("the peer names {0} messages that it doesn't deliver")]
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
    pub(super) peer: &'a dyn StorePeer,
    pub(super) store: &'a Store,
    pub(super) counters: &'a ResumeCounters,
    /// Which messages are taken.
    pub(super) scope: Arc<Scope>,
    /// Whether pages are asked for with data.
    pub(super) with_data: bool,
}

/// How far a walk over the pages of a span has come.
pub(super) struct Walk<'a> {
    span: Span,
    topic: Option<&'a str>,
    cursor: Option<Id>,
    position: Option<Item>,
    /// Pages without messages, in a row.
    empty: usize,
}

impl<'a> Walk<'a> {
    /// From the start of `span`, over messages of `topic` or of all.
    pub(super) fn new(span: Span, topic: Option<&'a str>) -> Self {
        Self {
            span,
            topic,
            cursor: None,
            position: None,
            empty: 0,
        }
    }

    fn request(&self, with_data: bool) -> StoreQueryRequest {
        let time = |time: u64| i64::try_from(time).unwrap_or(i64::MAX);
        let (start, end) = (time(self.span.since), time(self.span.until));
        let request = StoreQueryRequest {
            pubsub_topic: self.topic.map(Into::into),
            ..StoreQueryRequest::by_times(request_id(), start, end, with_data)
        };
        match self.cursor {
            Some(cursor) => request.behind(cursor),
            None => request,
        }
    }
}

impl Pages<'_> {
    /// Asks for the next page, and takes what is missing of it. Gives the time before which
    /// everything has been taken then; `None` after the last page.
    pub(super) async fn next(&self, walk: &mut Walk<'_>) -> Result<Option<u64>, PageError> {
        let request = walk.request(self.with_data);
        let answer = self.peer.ask(&request, STORE_PAGE_MAX).await?;
        self.counters.pages.increment();
        let last = self.take(answer.entries).await?;
        let Some(cursor) = answer.cursor else {
            return Ok(None);
        };
        let Some(item) = last else {
            return self.go_on_searching(walk, cursor).map(Some);
        };
        // Each page ends behind the one before it, or pages may go on for ever.
        if last <= walk.position {
            return Err(self.lie("its pages don't go on in time".into()));
        }
        (walk.cursor, walk.position, walk.empty) = (Some(cursor), last, 0);
        Ok(Some(item.timestamp))
    }

    /// The peer has ended a long search without a match, and says where it is to go on.
    fn go_on_searching(&self, walk: &mut Walk<'_>, cursor: Id) -> Result<u64, PageError> {
        walk.empty += 1;
        if walk.cursor == Some(cursor) || walk.empty > EMPTY_PAGES {
            return Err(self.lie("its pages are empty, and yet none is the last".into()));
        }
        walk.cursor = Some(cursor);
        Ok(walk.position.map_or(walk.span.since, |item| item.timestamp))
    }

    /// Takes what a page brings and names; gives its last item.
    async fn take(&self, entries: Vec<StoreEntry>) -> Result<Option<Item>, PageError> {
        let mut items: BTreeMap<Id, Item> = BTreeMap::new();
        let last = entries.last().map(|entry| entry.hash);
        let named: Vec<Id> = entries.iter().map(|entry| entry.hash).collect();
        self.admit(entries, &mut items).await?;
        let bare: Vec<Id> = named
            .into_iter()
            .filter(|hash| !items.contains_key(hash))
            .collect();
        for hashes in bare.chunks(HASHES_AT_ONCE) {
            self.look_up(hashes, &mut items).await?;
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
        let mut missing: BTreeSet<Id> = hashes.iter().copied().collect();
        for _ in 0..LOOKUPS {
            missing.retain(|hash| !items.contains_key(hash));
            if missing.is_empty() {
                return Ok(());
            }
            let asked: Vec<Id> = missing.iter().copied().collect();
            let request = StoreQueryRequest::by_hashes(request_id(), &asked, true);
            let mut answer = self.peer.ask(&request, asked.len()).await?;
            answer.entries.retain(|entry| missing.contains(&entry.hash));
            let before = items.len();
            self.admit(answer.entries, items).await?;
            if items.len() == before {
                break;
            }
        }
        Err(PageError::Undelivered(missing.len()))
    }

    /// Brings messages to the door, each with the hash that was stated for it, and notes their
    /// items.
    async fn admit(
        &self,
        entries: Vec<StoreEntry>,
        items: &mut BTreeMap<Id, Item>,
    ) -> Result<(), PageError> {
        let (mut arrivals, mut arriving) = (Vec::new(), Vec::new());
        for entry in entries {
            let Some((topic, message)) = entry.content else {
                continue;
            };
            let record =
                Record::new(topic, message).map_err(|error| self.lie(error.to_string()))?;
            arriving.push(Item::new(record.item().timestamp, entry.hash));
            let mut arrival = Arrival::from(record);
            arrival.expected = Some(entry.hash);
            arrivals.push(arrival);
        }
        let scope = Arc::clone(&self.scope);
        let report = self
            .store
            .ingest(Origin::Synced { scope }, arrivals)
            .await?;
        self.counters.messages.add(report.new as u64);
        for (item, outcome) in arriving.into_iter().zip(report.outcomes) {
            match outcome {
                Ingested::Refused(
                    refusal @ (Refusal::WrongHash { .. } | Refusal::OutsideWindow { .. }),
                ) => return Err(self.lie(refusal.to_string())),
                Ingested::Refused(refusal) => {
                    tracing::debug!(hash = %item.id, %refusal, "not taken from a page");
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

/// The scope of which messages are taken: that of `served` within `span`. The end is included, for
/// servers differ in whether they include it.
pub(super) fn scope_of(served: &Scope, span: Span) -> Arc<Scope> {
    Arc::new(Scope {
        window: Range::of_times(span.since, span.until.saturating_add(1)),
        ..served.clone()
    })
}
