//! What each side says first: the scope, and what it holds.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::item::{Bound, Id, Item, Range};
use crate::limits::SessionLimits;
use crate::negentropy::MIN_FRAME_BYTES;
use crate::scope::{Scope, Source, TopicFilter};
use crate::session::{PeerState, SessionError, at_most};

/// The hello (protobuf). The initiator's scope is what it wants reconciled; the responder's is the
/// part of it that the session is about.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Hello {
    /// Start of the window, nanoseconds since 1970, included.
    #[prost(uint64, tag = "1")]
    pub since: u64,
    /// Where the window starts within that nanosecond: ids before these 32 bytes are outside.
    /// Empty for all of it.
    #[prost(bytes = "vec", tag = "2")]
    pub since_id: Vec<u8>,
    /// End of the window, nanoseconds since 1970, excluded; absent for no end.
    #[prost(uint64, optional, tag = "3")]
    pub until: Option<u64>,
    /// The pubsub topics; none for all.
    #[prost(string, repeated, tag = "4")]
    pub pubsub_topics: Vec<String>,
    /// The content topics; none for all.
    #[prost(string, repeated, tag = "5")]
    pub content_topics: Vec<String>,
    /// The longest frame that the sender takes, in bytes; at least 4096.
    #[prost(uint64, tag = "6")]
    pub frame_bytes: u64,
    /// How many items the sender holds in this scope.
    #[prost(uint64, tag = "7")]
    pub items: u64,
    /// The timestamp of the oldest item that the sender holds at all, in nanoseconds.
    #[prost(uint64, optional, tag = "8")]
    pub oldest: Option<u64>,
    /// Spans in which the sender knows its archive to be incomplete.
    #[prost(message, repeated, tag = "9")]
    pub gaps: Vec<Span>,
    /// The sender's retention floor, in nanoseconds: before it, it neither offers nor takes items.
    #[prost(uint64, optional, tag = "10")]
    pub floor: Option<u64>,
    /// The id at the floor, as `since_id`.
    #[prost(bytes = "vec", tag = "11")]
    pub floor_id: Vec<u8>,
    /// Features beyond this version that the sender speaks, a bit each: of a responder
    /// [`LISTS`](super::LISTS).
    #[prost(uint64, tag = "12")]
    pub features: u64,
}

/// A span of time (protobuf).
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct Span {
    /// Start in nanoseconds since 1970, included.
    #[prost(uint64, tag = "1")]
    pub since: u64,
    /// End in nanoseconds since 1970, excluded.
    #[prost(uint64, tag = "2")]
    pub until: u64,
}

impl Hello {
    /// The hello of a side that holds `items` items in `scope`.
    #[must_use]
    pub fn new(source: &dyn Source, scope: &Scope, items: u64, limits: &SessionLimits) -> Self {
        let (since, since_id) = position(&scope.window.lower);
        // The end of a window is a time: an id there would be of no use to anybody.
        let until = match scope.window.upper {
            Bound::Before(item) => Some(item.timestamp),
            Bound::Infinity => None,
        };
        let floor = source.floor();
        let (floor_time, floor_id) = position(&floor);
        let span = |gap: Range| Span {
            since: gap.lower.timestamp(),
            until: gap.upper.timestamp(),
        };
        Self {
            since,
            since_id,
            until,
            pubsub_topics: scope
                .pubsub_topics
                .iter()
                .map(ToString::to_string)
                .collect(),
            content_topics: scope
                .content_topics
                .iter()
                .map(ToString::to_string)
                .collect(),
            frame_bytes: limits.frame_bytes_received as u64,
            items,
            oldest: source.oldest(),
            gaps: source
                .gaps()
                .into_iter()
                .take(limits.gaps)
                .map(span)
                .collect(),
            floor: (floor > Bound::MIN).then_some(floor_time),
            floor_id,
            features: 0,
        }
    }

    /// The scope it names.
    ///
    /// # Errors
    /// When it breaks a limit, or an id in it isn't 32 bytes long.
    pub fn scope(&self, limits: &SessionLimits) -> Result<Scope, SessionError> {
        let topics = [&self.pubsub_topics, &self.content_topics];
        for topics in topics {
            at_most("topics", topics.len(), limits.topics)?;
            topics
                .iter()
                .try_for_each(|t| at_most("topic_bytes", t.len(), limits.topic_bytes))?;
        }
        let lower = bound(self.since, &self.since_id)?;
        let upper = self.until.map_or(Bound::Infinity, Bound::at_time);
        Ok(Scope {
            window: Range::new(lower, upper),
            pubsub_topics: TopicFilter::from_wire(self.pubsub_topics.iter().cloned()),
            content_topics: TopicFilter::from_wire(self.content_topics.iter().cloned()),
        })
    }

    /// What the sender says of its archive.
    ///
    /// # Errors
    /// As [`Hello::scope`].
    pub fn state(&self, limits: &SessionLimits) -> Result<PeerState, SessionError> {
        at_most("gaps", self.gaps.len(), limits.gaps)?;
        let floor = self
            .floor
            .map(|time| bound(time, &self.floor_id))
            .transpose()?;
        let gaps = self
            .gaps
            .iter()
            .map(|gap| Range::of_times(gap.since, gap.until))
            .collect();
        Ok(PeerState {
            items: self.items,
            oldest: self.oldest,
            floor,
            gaps,
        })
    }

    /// The longest frame to send to this peer, given the own limit (0 for none).
    ///
    /// # Errors
    /// When the peer wants frames shorter than the format allows.
    pub fn frame_limit(&self, own: usize) -> Result<usize, SessionError> {
        let theirs = usize::try_from(self.frame_bytes).unwrap_or(usize::MAX);
        if theirs < MIN_FRAME_BYTES {
            return Err(SessionError::Protocol(
                "a hello with a frame limit under 4096 bytes",
            ));
        }
        Ok(if own == 0 { theirs } else { theirs.min(own) })
    }
}

fn position(bound: &Bound) -> (u64, Vec<u8>) {
    match bound {
        Bound::Before(item) if item.id == Id::ZERO => (item.timestamp, Vec::new()),
        Bound::Before(item) => (item.timestamp, item.id.0.to_vec()),
        Bound::Infinity => (u64::MAX, Vec::new()),
    }
}

fn bound(timestamp: u64, id: &[u8]) -> Result<Bound, SessionError> {
    if id.is_empty() {
        return Ok(Bound::at_time(timestamp));
    }
    let id: [u8; 32] = id
        .try_into()
        .map_err(|_| SessionError::Protocol("an id in a hello of not 32 bytes"))?;
    Ok(Bound::Before(Item::new(timestamp, Id(id))))
}
