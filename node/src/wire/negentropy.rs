//! A negentropy V1 message.

use serde::Serialize;
use sync_core::negentropy::{Decoder, Mode, PROTOCOL_VERSION};
use sync_core::{Bound, SessionLimits};

use super::fault::Fault;
use super::ranges::{Position, RangeContent, RangeParts};
use super::rows::Rows;
use super::text::counted;

/// A message. What follows its last range is an implicit skip.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct NegentropyParts {
    /// The version byte, in whose low bits the version stands. The rest of a message of another
    /// version than 0x61 isn't read.
    pub version: u8,
    /// The ranges.
    pub ranges: Vec<RangeParts>,
}

impl NegentropyParts {
    pub(super) fn decode(frame: &[u8], limits: &SessionLimits) -> Result<Self, Fault> {
        let (version, mut decoder) = Decoder::new(frame)?;
        let mut ranges = Vec::new();
        if version != PROTOCOL_VERSION {
            return Ok(Self { version, ranges });
        }
        let (mut offset, mut items) = (decoder.offset(), 0);
        while let Some(head) = decoder.next_range()? {
            let content_at = decoder.offset();
            let content = match head.mode {
                Mode::Skip => RangeContent::Skip,
                Mode::Fingerprint => RangeContent::Fingerprint {
                    fingerprint: hex::encode(decoder.fingerprint()?),
                },
                Mode::IdList => {
                    let ids = decoder.ids()?;
                    items += ids.len();
                    Fault::at_most("items_per_frame", items, limits.items_per_frame)?;
                    RangeContent::Ids {
                        ids: ids.map(|id| id.to_string()).collect(),
                    }
                }
            };
            let ranges_now = ranges.len() + 1;
            Fault::at_most("ranges_per_frame", ranges_now, limits.ranges_per_frame)?;
            ranges.push(RangeParts {
                offset,
                head_bytes: content_at - offset,
                content_bytes: decoder.offset() - content_at,
                upper: Position {
                    timestamp: match head.upper.bound() {
                        Bound::Before(item) => Some(item.timestamp),
                        Bound::Infinity => None,
                    },
                    id_prefix: hex::encode(head.upper.prefix()),
                },
                content,
            });
            offset = decoder.offset();
        }
        Ok(Self { version, ranges })
    }

    pub(super) fn rows(&self, frame_bytes: usize, rows: &mut Rows) {
        rows.part(0, 0, 1, format!("version {:#04x}", self.version));
        if self.version != PROTOCOL_VERSION {
            let text = "not read: a responder answers another version by 61, the one it knows";
            rows.remark(0, text.into());
            return;
        }
        let count = counted(self.ranges.len(), "range");
        rows.part(0, 1, frame_bytes.saturating_sub(1), count);
        for range in &self.ranges {
            range.rows(1, rows);
        }
        let last = self.ranges.last();
        if last.is_none_or(|range| range.upper.timestamp.is_some()) {
            rows.remark(1, "to infinity: skip, as nothing more is said".into());
        }
    }
}
