//! What to ask the stores of peers for.

use std::collections::BTreeSet;

use sync_core::{Id, TopicFilter};

use super::course::Asking;
use crate::record::Record;
use crate::store::StoreQueryRequest;

/// How far outside the times asked for a message may lie that a server gives all the same, in
/// nanoseconds: some allow for clients that round. Such messages are left out.
const ROUNDING: u64 = 256;

/// Which messages to ask for, and how much of each.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoreCriteria {
    pub(super) wanted: Wanted,
    pub(super) pubsub_topic: Option<String>,
    pub(super) include_data: bool,
    pub(super) page: Option<usize>,
    pub(super) most: Option<u64>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Wanted {
    Hashes(BTreeSet<Id>),
    Content(ContentCriteria),
}

/// Messages by what they are about: all of them, unless narrowed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ContentCriteria {
    pub(super) content_topics: BTreeSet<String>,
    pub(super) since: Option<u64>,
    pub(super) until: Option<u64>,
    pub(super) behind: Option<Id>,
    pub(super) backward: bool,
}

impl StoreCriteria {
    /// The messages of these hashes.
    pub fn of_hashes(hashes: impl IntoIterator<Item = Id>) -> Self {
        Self::new(Wanted::Hashes(hashes.into_iter().collect()))
    }

    /// The messages of these topics and times.
    #[must_use]
    pub const fn of_content(content: ContentCriteria) -> Self {
        Self::new(Wanted::Content(content))
    }

    const fn new(wanted: Wanted) -> Self {
        Self {
            wanted,
            pubsub_topic: None,
            include_data: true,
            page: None,
            most: None,
        }
    }

    /// Only messages published on this topic.
    #[must_use]
    pub fn pubsub_topic(mut self, topic: impl Into<String>) -> Self {
        self.pubsub_topic = Some(topic.into());
        self
    }

    /// Only the hashes, not the messages: who holds what. Nothing of it can be verified.
    #[must_use]
    pub const fn hashes_only(mut self) -> Self {
        self.include_data = false;
        self
    }

    /// Asks for so many messages at a time; by default, and at most,
    /// [`StoreClientLimits::page`](crate::limits::StoreClientLimits::page).
    #[must_use]
    pub const fn page(mut self, messages: usize) -> Self {
        self.page = Some(messages);
        self
    }

    /// Ends after so many messages.
    #[must_use]
    pub const fn at_most(mut self, messages: u64) -> Self {
        self.most = Some(messages);
        self
    }

    pub(super) fn request(&self, id: String, asking: &Asking, limit: usize) -> StoreQueryRequest {
        let common = StoreQueryRequest {
            request_id: id,
            include_data: self.include_data,
            pubsub_topic: self.pubsub_topic.clone(),
            pagination_limit: Some(limit as u64),
            pagination_forward: true,
            ..StoreQueryRequest::default()
        };
        match (asking, &self.wanted) {
            (Asking::Hashes(hashes), _) => StoreQueryRequest {
                message_hashes: hashes.iter().map(|hash| hash.0.to_vec()).collect(),
                ..common
            },
            (Asking::Content(place), Wanted::Content(content)) => StoreQueryRequest {
                content_topics: content.content_topics.iter().cloned().collect(),
                time_start: content.since.max(place.since).map(time_of),
                time_end: earliest(content.until, place.until).map(time_of),
                pagination_cursor: place.cursor.map(|cursor| cursor.0.to_vec()),
                pagination_forward: !content.backward,
                ..common
            },
            (Asking::Content(_), Wanted::Hashes(_)) => common,
        }
    }

    /// Whether a message was asked for; `Err` if no honest server gives it.
    pub(super) fn admits(&self, record: &Record) -> Result<bool, ()> {
        let topic = self.pubsub_topic.as_deref();
        if topic.is_some_and(|topic| topic != &**record.pubsub_topic()) {
            return Err(());
        }
        let Wanted::Content(content) = &self.wanted else {
            return Ok(true);
        };
        let content_topics = TopicFilter::from_wire(content.content_topics.iter().cloned());
        let time = record.item().timestamp;
        let since = content.since.unwrap_or(0);
        let until = content.until.unwrap_or(u64::MAX);
        let nearly = since.saturating_sub(ROUNDING)..=until.saturating_add(ROUNDING);
        if !content_topics.allows(&record.message().content_topic) || !nearly.contains(&time) {
            return Err(());
        }
        Ok((since..=until).contains(&time))
    }
}

impl ContentCriteria {
    /// Every message.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// Messages of this content topic; of several, if called several times.
    #[must_use]
    pub fn content_topic(mut self, topic: impl Into<String>) -> Self {
        self.content_topics.insert(topic.into());
        self
    }

    /// Not before this time, in nanoseconds since 1970.
    #[must_use]
    pub const fn since(mut self, time: u64) -> Self {
        self.since = Some(time);
        self
    }

    /// Not after this time, in nanoseconds since 1970.
    #[must_use]
    pub const fn until(mut self, time: u64) -> Self {
        self.until = Some(time);
        self
    }

    /// From the newest to the oldest.
    #[must_use]
    pub const fn backward(mut self) -> Self {
        self.backward = true;
        self
    }

    /// Begins behind the message of this hash, in the direction of the walk. Peers that don't know it
    /// can't be read.
    #[must_use]
    pub const fn behind(mut self, hash: Id) -> Self {
        self.behind = Some(hash);
        self
    }
}

fn earliest(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    one.into_iter().chain(other).min()
}

/// A time as it stands on the wire, where none is later than the year 2262.
fn time_of(time: u64) -> i64 {
    i64::try_from(time).unwrap_or(i64::MAX)
}
