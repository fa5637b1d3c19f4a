//! What a session is about, and its limits, as lines have them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sync_core::{Bound, Id, Item, Range, Scope, SessionLimits, TopicFilter};

/// A scope.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ScopeText {
    /// Start of the window, nanoseconds since 1970, included.
    since: u64,
    /// Where it starts within that nanosecond, in hex; absent for all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since_id: Option<String>,
    /// End of the window, nanoseconds since 1970, excluded; absent for no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<u64>,
    /// The id before which it ends in that nanosecond, in hex; absent if it ends before all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until_id: Option<String>,
    /// The pubsub topics; absent for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pubsub_topics: Option<BTreeSet<String>>,
    /// The content topics; absent for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    content_topics: Option<BTreeSet<String>>,
}

/// The limits of a session: the fields of [`SessionLimits`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LimitsText {
    frame_bytes_received: usize,
    frame_bytes_sent: usize,
    ranges_per_frame: usize,
    items_per_frame: usize,
    rounds: usize,
    session_bytes: u64,
    /// Absent for no bound.
    #[serde(default = "unbounded")]
    session_bytes_sent: u64,
    differences: usize,
    topics: usize,
    topic_bytes: usize,
    hello_bytes: usize,
    gaps: usize,
}

impl From<&Scope> for ScopeText {
    fn from(scope: &Scope) -> Self {
        // A window that starts past every item is written as one that starts in the last nanosecond.
        let since = scope.window.lower.timestamp();
        let until = match scope.window.upper {
            Bound::Before(item) => Some(item.timestamp),
            Bound::Infinity => None,
        };
        Self {
            since,
            since_id: id_of(&scope.window.lower),
            until,
            until_id: id_of(&scope.window.upper),
            pubsub_topics: topics_of(&scope.pubsub_topics),
            content_topics: topics_of(&scope.content_topics),
        }
    }
}

impl ScopeText {
    /// The scope.
    ///
    /// # Errors
    /// When an id isn't one; says what was expected.
    pub(super) fn scope(&self) -> Result<Scope, String> {
        let lower = bound(self.since, self.since_id.as_deref())?;
        let upper = match self.until {
            Some(until) => bound(until, self.until_id.as_deref())?,
            None => Bound::Infinity,
        };
        let filter = |topics: &Option<BTreeSet<String>>| match topics {
            Some(topics) => TopicFilter::Only(topics.clone()),
            None => TopicFilter::All,
        };
        Ok(Scope {
            window: Range::new(lower, upper),
            pubsub_topics: filter(&self.pubsub_topics),
            content_topics: filter(&self.content_topics),
        })
    }
}

fn id_of(bound: &Bound) -> Option<String> {
    match bound {
        Bound::Before(item) if item.id != Id::ZERO => Some(item.id.to_string()),
        Bound::Before(_) | Bound::Infinity => None,
    }
}

fn topics_of(filter: &TopicFilter) -> Option<BTreeSet<String>> {
    match filter {
        TopicFilter::All => None,
        TopicFilter::Only(topics) => Some(topics.clone()),
    }
}

fn bound(timestamp: u64, id: Option<&str>) -> Result<Bound, String> {
    let Some(digits) = id else {
        return Ok(Bound::at_time(timestamp));
    };
    let mut id = Id::ZERO;
    hex::decode_to_slice(digits, &mut id.0)
        .map_err(|_| format!("`{digits}` in a scope: expected an id of 64 hex digits"))?;
    Ok(Bound::Before(Item::new(timestamp, id)))
}

fn unbounded() -> u64 {
    u64::MAX
}

impl From<&SessionLimits> for LimitsText {
    fn from(limits: &SessionLimits) -> Self {
        Self {
            frame_bytes_received: limits.frame_bytes_received,
            frame_bytes_sent: limits.frame_bytes_sent,
            ranges_per_frame: limits.ranges_per_frame,
            items_per_frame: limits.items_per_frame,
            rounds: limits.rounds,
            session_bytes: limits.session_bytes,
            session_bytes_sent: limits.session_bytes_sent,
            differences: limits.differences,
            topics: limits.topics,
            topic_bytes: limits.topic_bytes,
            hello_bytes: limits.hello_bytes,
            gaps: limits.gaps,
        }
    }
}

impl From<&LimitsText> for SessionLimits {
    fn from(limits: &LimitsText) -> Self {
        Self {
            frame_bytes_received: limits.frame_bytes_received,
            frame_bytes_sent: limits.frame_bytes_sent,
            ranges_per_frame: limits.ranges_per_frame,
            items_per_frame: limits.items_per_frame,
            rounds: limits.rounds,
            session_bytes: limits.session_bytes,
            session_bytes_sent: limits.session_bytes_sent,
            differences: limits.differences,
            // A session that is run again shares nothing with others.
            differences_pool: None,
            topics: limits.topics,
            topic_bytes: limits.topic_bytes,
            hello_bytes: limits.hello_bytes,
            gaps: limits.gaps,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_comes_back_from_its_line() {
        let some = TopicFilter::from_wire(["/waku/2/rs/99/0"]);
        let lower = Bound::Before(Item::new(5, Id([7; 32])));
        let scopes = [
            Scope::of_window(Range::ALL),
            Scope::of_window(Range::of_times(3, u64::MAX)),
            Scope {
                window: Range::new(lower, Bound::Before(Item::new(9, Id([8; 32])))),
                pubsub_topics: some,
                content_topics: TopicFilter::Only(BTreeSet::new()),
            },
        ];
        for scope in scopes {
            let text = serde_json::to_string(&ScopeText::from(&scope)).unwrap();
            let read: ScopeText = serde_json::from_str(&text).unwrap();
            assert_eq!(read.scope(), Ok(scope), "{text}");
        }
    }

    #[test]
    fn an_id_that_is_none_is_named() {
        let read: ScopeText = serde_json::from_str(r#"{"since":1,"since_id":"zz"}"#).unwrap();
        let error = read.scope().unwrap_err();
        assert!(
            error.contains("`zz`") && error.contains("64 hex"),
            "{error}"
        );
    }

    #[test]
    fn limits_come_back_from_their_line() {
        let limits = SessionLimits {
            frame_bytes_sent: 0,
            session_bytes: u64::MAX,
            session_bytes_sent: 5,
            ..SessionLimits::default()
        };
        let text = serde_json::to_string(&LimitsText::from(&limits)).unwrap();
        let read: LimitsText = serde_json::from_str(&text).unwrap();
        assert_eq!(SessionLimits::from(&read), limits);
    }
}
