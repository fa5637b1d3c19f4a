//! A payload of Waku's reconciliation 1.0.0.

use serde::Serialize;
use sync_core::waku::{Content, Header, HeaderForm, Payload, PayloadPart, PayloadRange};
use sync_core::{Bound, SessionError, SessionLimits};

use super::ranges::{ItemParts, RangeContent, RangeParts, list};
use super::rows::Rows;
use super::text::{counted, quoted, time};

/// A payload.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ReconciliationParts {
    /// Topics and start; none in a payload without ranges.
    #[serde(flatten)]
    pub head: Option<Head>,
    /// The ranges; none ends the session.
    pub ranges: Vec<RangeParts>,
    /// Bytes that mean nothing: one behind the last range, or all of a payload without ranges.
    pub ignored_bytes: usize,
}

/// What stands before the ranges.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Head {
    /// The topics.
    #[serde(flatten)]
    pub topics: Topics,
    /// The time of the first lower bound, nanoseconds since 1970.
    pub start: Placed<u64>,
}

/// The topics of a payload, in one of the two forms. An empty list stands for all.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(tag = "form", rename_all = "snake_case")]
pub enum Topics {
    /// By name.
    Topics {
        /// Pubsub topics.
        pubsub_topics: Placed<Vec<String>>,
        /// Content topics.
        content_topics: Placed<Vec<String>>,
    },
    /// By cluster and shards.
    Cluster {
        /// The cluster.
        cluster: Placed<u16>,
        /// The shards.
        shards: Placed<Vec<u16>>,
        /// Content topics.
        content_topics: Placed<Vec<String>>,
    },
}

/// A part of a frame, and where it stands.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Placed<T> {
    /// Where it starts.
    pub offset: usize,
    /// How long it is.
    pub bytes: usize,
    /// What it says.
    pub value: T,
}

impl ReconciliationParts {
    /// Reads a payload; gives also why a session would refuse it, if it would.
    pub(super) fn decode(
        form: HeaderForm,
        frame: &[u8],
        limits: &SessionLimits,
    ) -> Result<(Self, Option<SessionError>), SessionError> {
        let (mut places, mut offset) = (Vec::new(), 0);
        let payload = Payload::decode_parts(form, frame, limits, |part, end| {
            places.push((part, offset, end - offset));
            offset = end;
        })?;
        let refused = payload.ranges.iter().find_map(PayloadRange::refusal);
        let parts = if payload.ranges.is_empty() {
            Self {
                head: None,
                ranges: Vec::new(),
                ignored_bytes: frame.len().saturating_sub(1),
            }
        } else {
            Self {
                head: Some(Head::new(payload.header, payload.start.timestamp, &places)),
                ranges: range_parts(payload.ranges, &places),
                ignored_bytes: frame.len() - offset,
            }
        };
        Ok((parts, refused))
    }

    pub(super) fn rows(&self, frame_bytes: usize, rows: &mut Rows) {
        let Some(head) = &self.head else {
            let text = "no ranges: the sender has nothing more to say";
            rows.part(0, 0, frame_bytes, text.into());
            if self.ignored_bytes > 0 {
                rows.remark(
                    0,
                    "topics and start are ignored where no range follows".into(),
                );
            }
            return;
        };
        head.rows(rows);
        let from = head.start.offset + head.start.bytes;
        let bytes = frame_bytes - from - self.ignored_bytes;
        rows.part(0, from, bytes, counted(self.ranges.len(), "range"));
        for range in &self.ranges {
            range.rows(1, rows);
        }
        if self.ignored_bytes > 0 {
            let at = frame_bytes - self.ignored_bytes;
            let text = "ignored: one byte may follow the last range";
            rows.part(0, at, self.ignored_bytes, text.into());
        }
    }
}

/// A part, where it starts and how long it is.
type Place = (PayloadPart, usize, usize);

impl<T> Placed<T> {
    fn new(value: T, part: PayloadPart, places: &[Place]) -> Self {
        let place = places.iter().find(|place| place.0 == part);
        let (offset, bytes) = place.map_or((0, 0), |place| (place.1, place.2));
        Self {
            offset,
            bytes,
            value,
        }
    }
}

impl Head {
    fn new(header: Header, start: u64, places: &[Place]) -> Self {
        let topics = match header {
            Header::Topics { pubsub, content } => Topics::Topics {
                pubsub_topics: Placed::new(pubsub, PayloadPart::PubsubTopics, places),
                content_topics: Placed::new(content, PayloadPart::ContentTopics, places),
            },
            Header::Cluster {
                cluster,
                shards,
                content,
            } => Topics::Cluster {
                cluster: Placed::new(cluster, PayloadPart::Cluster, places),
                shards: Placed::new(shards, PayloadPart::Shards, places),
                content_topics: Placed::new(content, PayloadPart::ContentTopics, places),
            },
        };
        Self {
            topics,
            start: Placed::new(start, PayloadPart::Start, places),
        }
    }

    fn rows(&self, rows: &mut Rows) {
        let content_topics = match &self.topics {
            Topics::Topics {
                pubsub_topics,
                content_topics,
            } => {
                pubsub_topics.list(rows, "pubsub topic", |topic| quoted(topic));
                content_topics
            }
            Topics::Cluster {
                cluster,
                shards,
                content_topics,
            } => {
                let text = format!("cluster {}", cluster.value);
                rows.part(0, cluster.offset, cluster.bytes, text);
                shards.list(rows, "shard", ToString::to_string);
                content_topics
            }
        };
        content_topics.list(rows, "content topic", |topic| quoted(topic));
        let text = format!("from {}", time(self.start.value));
        rows.part(0, self.start.offset, self.start.bytes, text);
    }
}

impl<T> Placed<Vec<T>> {
    fn list(&self, rows: &mut Rows, noun: &str, text: impl Fn(&T) -> String) {
        let count = match self.value.len() {
            0 => format!("all {noun}s"),
            count => counted(count, noun),
        };
        rows.part(0, self.offset, self.bytes, count);
        list(1, &self.value, rows, text);
    }
}

fn range_parts(ranges: Vec<PayloadRange>, places: &[Place]) -> Vec<RangeParts> {
    let of = |part| places.iter().filter(move |place| place.0 == part);
    let places = of(PayloadPart::RangeHead).zip(of(PayloadPart::RangeContent));
    let parts = ranges.into_iter().zip(places);
    parts
        .map(|(range, (head, content))| RangeParts {
            offset: head.1,
            head_bytes: head.2,
            content_bytes: content.2,
            // How many zeros at the end of the id were written isn't kept.
            upper: (&Bound::Before(range.upper)).into(),
            content: content_parts(range.content),
        })
        .collect()
}

fn content_parts(content: Content) -> RangeContent {
    match content {
        Content::Skip => RangeContent::Skip,
        Content::Fingerprint(fingerprint) => RangeContent::Fingerprint {
            fingerprint: hex::encode(fingerprint),
        },
        Content::Items { items, reconciled } => RangeContent::Items {
            items: items
                .iter()
                .map(|item| ItemParts {
                    timestamp: item.timestamp,
                    id: item.id.to_string(),
                })
                .collect(),
            reconciled,
        },
    }
}
