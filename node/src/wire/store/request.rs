//! A Store query.

use serde::Serialize;
use store_adapter::limits::StoreLimits;
use store_adapter::store::{Selection, StoreQuery};

use crate::wire::fault::Fault;
use crate::wire::protobuf::{Fields, STORE_REQUEST, walk};
use crate::wire::ranges::Position;
use crate::wire::rows::Rows;
use crate::wire::summary::Summary;
use crate::wire::text::{counted, range, short, topics};

/// A request: its fields, and what it is understood as.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct StoreRequestParts {
    /// The fields.
    #[serde(flatten)]
    pub fields: Fields,
    /// What a node answers; none if it refuses the request.
    pub query: Option<QueryParts>,
    #[serde(skip)]
    taken: Option<StoreQuery>,
}

/// A query as a node of this kind takes it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct QueryParts {
    /// How many messages are asked for by hash; none if they are asked for by time and topics.
    pub hashes: Option<usize>,
    /// From this time on; none if messages are asked for by hash.
    pub since: Option<Position>,
    /// Up to this time, excluded.
    pub until: Option<Position>,
    /// Most messages in the page.
    pub limit: usize,
    /// Whether pages go from the oldest to the newest message.
    pub forward: bool,
    /// Whether messages are asked for, and not their hashes alone.
    pub include_data: bool,
    /// The hash behind which the page begins.
    pub cursor: Option<String>,
}

impl StoreRequestParts {
    /// Reads a request; gives also why a node would refuse it, if it would.
    pub(in crate::wire) fn decode(frame: &[u8]) -> Result<(Self, Option<String>), Fault> {
        let limits = StoreLimits::default();
        Fault::at_most("request_bytes", frame.len(), limits.request_bytes)?;
        let fields = walk(&STORE_REQUEST, frame, 0)?;
        let (taken, refused) = match StoreQuery::parse(frame, &limits) {
            Ok(query) => (Some(query), None),
            Err(bad) if bad.request_id.is_some() => (None, Some(bad.reason)),
            Err(bad) => return Err(Fault::undecodable(0, bad)),
        };
        let parts = Self {
            fields,
            query: taken.as_ref().map(Into::into),
            taken,
        };
        Ok((parts, refused))
    }

    pub(in crate::wire) fn rows(&self, rows: &mut Rows) {
        self.fields.rows(rows);
    }

    pub(in crate::wire) fn summary(&self, summary: &mut Summary) {
        let Some(query) = &self.taken else {
            return;
        };
        let most = counted(query.limit, "message");
        let order = if query.forward { "oldest" } else { "newest" };
        let data = if query.include_data {
            ""
        } else {
            ", hashes only"
        };
        let text = format!("at most {most}, the {order} first{data}");
        summary.line("asks for", text);
        match &query.selection {
            Selection::Hashes {
                hashes,
                pubsub_topics,
            } => {
                summary.line(
                    "",
                    format!("of {} named by hash", counted(hashes.len(), "message")),
                );
                summary.line("", topics(pubsub_topics, "pubsub topic"));
            }
            Selection::Content {
                range: times,
                pubsub_topics,
                content_topics,
            } => {
                summary.line("", range(times));
                summary.line("", topics(pubsub_topics, "pubsub topic"));
                summary.line("", topics(content_topics, "content topic"));
            }
        }
        if let Some(cursor) = &query.cursor {
            summary.line("behind", short(&cursor.to_string()));
        }
    }
}

impl From<&StoreQuery> for QueryParts {
    fn from(query: &StoreQuery) -> Self {
        let (hashes, range) = match &query.selection {
            Selection::Hashes { hashes, .. } => (Some(hashes.len()), None),
            Selection::Content { range, .. } => (None, Some(range)),
        };
        Self {
            hashes,
            since: range.map(|range| (&range.lower).into()),
            until: range.map(|range| (&range.upper).into()),
            limit: query.limit,
            forward: query.forward,
            include_data: query.include_data,
            cursor: query.cursor.map(|cursor| cursor.to_string()),
        }
    }
}
