//! The recorded vectors as values.

use serde::Deserialize;
use sync_core::waku::{Content, Header, Payload, PayloadRange};
use sync_core::{Id, Item};

use super::archive::{Archive, Stored};

#[derive(Deserialize)]
pub(crate) struct Reconciliation {
    pub(crate) encode: Vec<Encoding>,
    pub(crate) malformed: Vec<Malformed>,
}

#[derive(Deserialize)]
pub(crate) struct Encoding {
    pub(crate) name: String,
    pub(crate) value: Ranges,
    pub(crate) wire: String,
    pub(crate) decoded: Verdict,
}

#[derive(Deserialize)]
pub(crate) struct Malformed {
    pub(crate) name: String,
    pub(crate) wire: String,
    pub(crate) result: Verdict,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    Ok(Ranges),
    Err(serde::de::IgnoredAny),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Recorded {
    pub(crate) name: String,
    pub(crate) lower_time: u64,
    pub(crate) upper_time: u64,
    pub(crate) pubsub_topics: Vec<String>,
    pub(crate) content_topics: Vec<String>,
    a: Vec<(u64, String, String, String)>,
    b: Vec<(u64, String, String, String)>,
    pub(crate) messages: Vec<Message>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Message {
    pub(crate) from: String,
    pub(crate) wire: String,
    pub(crate) value: Ranges,
    pub(crate) hash_to_send: Option<Vec<String>>,
    pub(crate) hash_to_recv: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Ranges {
    pubsub_topics: Vec<String>,
    content_topics: Vec<String>,
    ranges: Vec<RangeValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RangeValue {
    lower: Position,
    upper: Position,
    #[serde(rename = "type")]
    kind: String,
    fingerprint: Option<String>,
    item_set: Option<ItemSetValue>,
}

#[derive(Deserialize)]
struct ItemSetValue {
    elements: Vec<Position>,
    reconciled: bool,
}

#[derive(Deserialize)]
struct Position {
    time: i64,
    hash: String,
}

impl Reconciliation {
    pub(crate) fn read() -> Self {
        let json = include_str!("../../../spec/vectors/reconciliation.json");
        serde_json::from_str(json).unwrap()
    }
}

impl Recorded {
    pub(crate) fn read_all() -> Vec<Self> {
        let json = include_str!("../../../spec/vectors/session.json");
        serde_json::from_str(json).unwrap()
    }

    pub(crate) fn archives(&self) -> [Archive; 2] {
        [&self.a, &self.b].map(|items| {
            Archive::new(items.iter().map(|(time, hash, pubsub, content)| Stored {
                item: Item::new(*time, id(hash)),
                pubsub: pubsub.clone(),
                content: content.clone(),
            }))
        })
    }
}

impl Ranges {
    pub(crate) fn payload(&self) -> Payload {
        let start = self.ranges.first().map(|range| range.lower.item());
        Payload {
            header: Header::Topics {
                pubsub: self.pubsub_topics.clone(),
                content: self.content_topics.clone(),
            },
            start: start.unwrap_or_default(),
            ranges: self.ranges.iter().map(RangeValue::range).collect(),
        }
    }
}

impl RangeValue {
    fn range(&self) -> PayloadRange {
        let content = match self.kind.as_str() {
            "skip" => Content::Skip,
            "fingerprint" => Content::Fingerprint(id(self.fingerprint.as_ref().unwrap()).0),
            "itemset" => {
                let set = self.item_set.as_ref().unwrap();
                Content::Items {
                    items: set.elements.iter().map(Position::item).collect(),
                    reconciled: set.reconciled,
                }
            }
            other => panic!("a range of type {other}"),
        };
        PayloadRange {
            upper: self.upper.item(),
            content,
        }
    }
}

impl Position {
    /// Negative times only occur in what can't be decoded.
    fn item(&self) -> Item {
        Item::new(self.time as u64, id(&self.hash))
    }
}

pub(crate) fn id(hex: &str) -> Id {
    Id(bytes(hex).try_into().unwrap())
}

pub(crate) fn bytes(hex: &str) -> Vec<u8> {
    hex::decode(hex).unwrap()
}
