//! The ranges of a frame, in whichever dialect: where each ends and what is said about it.

use serde::Serialize;
use sync_core::{Bound, Item};

use super::limits::LIST_SHOWN;
use super::rows::Rows;
use super::text::{counted, short, time};

/// A range; it starts where the one before ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct RangeParts {
    /// Where its bytes start in the frame.
    pub offset: usize,
    /// Bytes of its upper bound and of the number that tells the kind of content.
    pub head_bytes: usize,
    /// Bytes of its content.
    pub content_bytes: usize,
    /// Where it ends, excluded.
    pub upper: Position,
    /// What is said about it.
    #[serde(flatten)]
    pub content: RangeContent,
}

/// A position between items.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Position {
    /// Nanoseconds since 1970; `None` for infinity.
    pub timestamp: Option<u64>,
    /// Hex of the first bytes of the id, the rest of which is zero.
    pub id_prefix: String,
}

/// What is said about a range. Ids and fingerprints are hex.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(tag = "content", rename_all = "snake_case")]
pub enum RangeContent {
    /// Nothing.
    Skip,
    /// A fingerprint of the items in it.
    Fingerprint {
        /// 16 bytes in negentropy, 32 in reconciliation.
        fingerprint: String,
    },
    /// The ids in it: negentropy.
    Ids {
        /// The ids.
        ids: Vec<String>,
    },
    /// The items in it: reconciliation.
    Items {
        /// The items.
        items: Vec<ItemParts>,
        /// Whether the sender has seen the receiver's items, and wants no answer.
        reconciled: bool,
    },
}

/// An item of a list.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ItemParts {
    /// Nanoseconds since 1970.
    pub timestamp: u64,
    /// Hex.
    pub id: String,
}

impl RangeParts {
    pub(super) fn rows(&self, depth: usize, rows: &mut Rows) {
        let mut head = format!("to {}", self.upper.text());
        if self.content == RangeContent::Skip {
            head.push_str(": skip");
        }
        rows.part(depth, self.offset, self.head_bytes, head);
        let offset = self.offset + self.head_bytes;
        let mut content = |text| rows.part(depth + 1, offset, self.content_bytes, text);
        match &self.content {
            RangeContent::Skip => {}
            RangeContent::Fingerprint { fingerprint } => {
                content(format!("fingerprint {}", short(fingerprint)));
            }
            RangeContent::Ids { ids } => {
                content(counted(ids.len(), "id"));
                id_rows(depth + 2, ids, rows);
            }
            RangeContent::Items { items, reconciled } => {
                let reconciled = if *reconciled { "" } else { "not " };
                let count = counted(items.len(), "item");
                content(format!("{count}, {reconciled}reconciled"));
                item_rows(depth + 2, items, rows);
            }
        }
    }
}

impl From<&Bound> for Position {
    fn from(bound: &Bound) -> Self {
        match bound {
            Bound::Infinity => Self {
                timestamp: None,
                id_prefix: String::new(),
            },
            Bound::Before(item) => Self {
                timestamp: Some(item.timestamp),
                id_prefix: hex::encode(without_zeros(&item.id.0)),
            },
        }
    }
}

/// `id` up to its last byte that isn't zero.
fn without_zeros(id: &[u8; 32]) -> &[u8] {
    let last = id.iter().rposition(|byte| *byte != 0);
    &id[..last.map_or(0, |last| last + 1)]
}

impl Position {
    fn text(&self) -> String {
        let mut text = match self.timestamp {
            None => "infinity".into(),
            Some(timestamp) => time(timestamp),
        };
        if !self.id_prefix.is_empty() {
            text = format!("{text}, id {}", short(&self.id_prefix));
        }
        text
    }
}

impl From<&Item> for ItemParts {
    fn from(item: &Item) -> Self {
        Self {
            timestamp: item.timestamp,
            id: item.id.to_string(),
        }
    }
}

impl ItemParts {
    pub(super) fn text(&self) -> String {
        format!("{}  {}", time(self.timestamp), short(&self.id))
    }
}

/// The first of some items.
pub(super) fn item_rows(depth: usize, items: &[ItemParts], rows: &mut Rows) {
    list(depth, items, rows, ItemParts::text);
}

/// The first of some ids.
pub(super) fn id_rows(depth: usize, ids: &[String], rows: &mut Rows) {
    list(depth, ids, rows, |id| short(id));
}

/// The first of a list, and how many more there are.
pub(super) fn list<T>(depth: usize, values: &[T], rows: &mut Rows, text: impl Fn(&T) -> String) {
    for value in values.iter().take(LIST_SHOWN) {
        rows.remark(depth, text(value));
    }
    if values.len() > LIST_SHOWN {
        let more = values.len() - LIST_SHOWN;
        rows.remark(depth, format!("and {more} more: --json lists all"));
    }
}
