//! Which items a session is about, and where it gets them from.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::item::{Bound, Range};
use crate::set::ItemSet;

/// Topics to restrict a scope to. On the wire an empty list means "all".
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum TopicFilter {
    /// No restriction.
    #[default]
    All,
    /// These only; an empty set lets nothing through.
    Only(BTreeSet<String>),
}

impl TopicFilter {
    /// A filter of the topics listed on the wire: none listed is no restriction.
    pub fn from_wire<T: Into<String>>(topics: impl IntoIterator<Item = T>) -> Self {
        let topics: BTreeSet<String> = topics.into_iter().map(Into::into).collect();
        if topics.is_empty() {
            Self::All
        } else {
            Self::Only(topics)
        }
    }

    /// Whether `topic` passes.
    #[must_use]
    pub fn allows(&self, topic: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(topics) => topics.contains(topic),
        }
    }

    /// Whether no topic at all passes.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        matches!(self, Self::Only(topics) if topics.is_empty())
    }

    /// What passes both filters.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::All, filter) | (filter, Self::All) => filter.clone(),
            (Self::Only(left), Self::Only(right)) => {
                Self::Only(left.intersection(right).cloned().collect())
            }
        }
    }

    /// The topics in order; none for [`TopicFilter::All`].
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let topics = match self {
            Self::All => None,
            Self::Only(topics) => Some(topics),
        };
        topics.into_iter().flatten().map(String::as_str)
    }
}

/// Which items a session is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Scope {
    /// The times.
    pub window: Range,
    /// The pubsub topics (in Waku a shard each).
    pub pubsub_topics: TopicFilter,
    /// The content topics.
    pub content_topics: TopicFilter,
}

impl Scope {
    /// Every topic in `window`.
    #[must_use]
    pub const fn of_window(window: Range) -> Self {
        Self {
            window,
            pubsub_topics: TopicFilter::All,
            content_topics: TopicFilter::All,
        }
    }

    /// What lies in both scopes.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        Self {
            window: self.window.intersect(&other.window),
            pubsub_topics: self.pubsub_topics.intersect(&other.pubsub_topics),
            content_topics: self.content_topics.intersect(&other.content_topics),
        }
    }

    /// Whether its topics include both topics of a message.
    #[must_use]
    pub fn allows_topics(&self, pubsub_topic: &str, content_topic: &str) -> bool {
        self.pubsub_topics.allows(pubsub_topic) && self.content_topics.allows(content_topic)
    }

    /// Whether no item can be in it.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.window.is_empty()
            || self.pubsub_topics.is_nothing()
            || self.content_topics.is_nothing()
    }
}

/// Why a source gave no set.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SourceError(pub String);

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the items of the scope can't be read: {}", self.0)
    }
}

impl core::error::Error for SourceError {}

/// Gives the set that a scope stands for.
///
/// A session asks once the peer's first frame has told the scope, and again when the scope
/// changes. The answer may take a while (a scope of content topics may be read from the archive),
/// so drivers run sessions where blocking is allowed. All sets of one source show one state of
/// the archive: make a source from a snapshot for each session.
pub trait Source: Send {
    /// The items in `scope`, and nothing outside it.
    ///
    /// # Errors
    /// When the items can't be read; the session then ends.
    fn open(&self, scope: &Scope) -> Result<Box<dyn ItemSet + Send>, SourceError>;

    /// The position before which nothing is offered or asked for (the retention floor).
    fn floor(&self) -> Bound {
        Bound::MIN
    }

    /// The timestamp of the oldest item held at all, in nanoseconds, if known; told to the peer.
    fn oldest(&self) -> Option<u64> {
        None
    }

    /// Spans in which items are known to be missing, because the node was offline; told to the
    /// peer.
    fn gaps(&self) -> Vec<Range> {
        Vec::new()
    }
}
