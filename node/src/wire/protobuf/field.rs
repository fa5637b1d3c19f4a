//! A field as it stands in a frame.

use serde::Serialize;

use crate::sync::report::grouped;
use crate::wire::limits::LIST_SHOWN;
use crate::wire::rows::Rows;
use crate::wire::text::{counted, quoted, short, time};

/// The fields of a message.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Fields {
    /// In the order of the frame.
    pub fields: Vec<Field>,
    /// How many more there are, here and in nested messages, that were looked at and aren't listed,
    /// since there are so many.
    #[serde(skip_serializing_if = "is_zero")]
    pub unlisted_fields: usize,
}

/// A field, its key included.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Field {
    /// Its number.
    pub number: u32,
    /// Its name; none if the message type has no field of this number.
    pub name: Option<&'static str>,
    /// Where it starts in the frame.
    pub offset: usize,
    /// How long it is.
    pub bytes: usize,
    /// Whether a later one takes its place, as protobuf asks.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub replaced: bool,
    /// What it says.
    pub value: FieldValue,
}

/// What a field says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(untagged)]
pub enum FieldValue {
    /// A number.
    Number(u64),
    /// Nanoseconds since 1970, in a field that can't be negative.
    Time(u64),
    /// Nanoseconds since 1970.
    SignedTime(i64),
    /// Yes or no.
    Flag(bool),
    /// A text.
    Text(String),
    /// Bytes, of which the first are shown.
    Bytes {
        /// How many there are.
        bytes: usize,
        /// Hex of the first.
        start: String,
    },
    /// Numbers of a packed field.
    Numbers(Vec<u32>),
    /// The fields of a nested message.
    Fields(Vec<Field>),
}

impl FieldValue {
    /// Bytes, of which no more than `shown` are shown.
    pub(super) fn bytes(bytes: &[u8], shown: usize) -> Self {
        Self::Bytes {
            bytes: bytes.len(),
            start: hex::encode(&bytes[..bytes.len().min(shown)]),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Number(number) => grouped(*number),
            Self::Time(nanoseconds) => time(*nanoseconds),
            Self::SignedTime(nanoseconds) => time(*nanoseconds),
            Self::Flag(flag) => flag.to_string(),
            Self::Text(text) => quoted(text),
            Self::Bytes { bytes: 0, .. } => "empty".into(),
            Self::Bytes { bytes, start } if start.len() < 2 * bytes => {
                format!("{}: {}…", counted(*bytes, "byte"), &start[..16])
            }
            Self::Bytes { bytes, start } => {
                format!("{}: {}", counted(*bytes, "byte"), short(start))
            }
            Self::Numbers(numbers) => {
                let shown = numbers.iter().take(LIST_SHOWN).map(ToString::to_string);
                let shown = shown.collect::<Vec<_>>().join(", ");
                let more = if numbers.len() > LIST_SHOWN {
                    ", …"
                } else {
                    ""
                };
                format!("{}: {shown}{more}", counted(numbers.len(), "number"))
            }
            Self::Fields(fields) => counted(fields.len(), "field"),
        }
    }
}

impl Fields {
    /// The fields as a tree.
    pub(in crate::wire) fn rows(&self, rows: &mut Rows) {
        self.rows_with(rows, |_, _| {});
    }

    /// The same; `behind` may add lines behind each of the outermost.
    pub(in crate::wire) fn rows_with(
        &self,
        rows: &mut Rows,
        mut behind: impl FnMut(&Field, &mut Rows),
    ) {
        tree(0, &self.fields, rows, &mut behind);
        if self.unlisted_fields > 0 {
            let count = counted(self.unlisted_fields, "field");
            rows.remark(0, format!("and {count} more, looked at and not listed"));
        }
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde asks for a reference"
)]
const fn is_zero(count: &usize) -> bool {
    *count == 0
}

fn tree(
    depth: usize,
    fields: &[Field],
    rows: &mut Rows,
    behind: &mut dyn FnMut(&Field, &mut Rows),
) {
    // How many in a row have this number, and where those start that aren't shown.
    let (mut number, mut run, mut hidden_at) = (0, 0, 0);
    for (index, field) in fields.iter().enumerate() {
        let nested = matches!(field.value, FieldValue::Fields(_));
        run = if field.number == number && !nested {
            run + 1
        } else {
            1
        };
        number = field.number;
        if run > LIST_SHOWN {
            if run == LIST_SHOWN + 1 {
                hidden_at = field.offset;
            }
            if fields
                .get(index + 1)
                .is_none_or(|next| next.number != number)
            {
                let bytes = field.offset + field.bytes - hidden_at;
                let more = grouped((run - LIST_SHOWN) as u64);
                let text = format!("{number} and {more} more: --json lists all");
                rows.part(depth, hidden_at, bytes, text);
            }
            continue;
        }
        let name = field.name.unwrap_or("(unknown)");
        let replaced = if field.replaced {
            " (replaced below)"
        } else {
            ""
        };
        let text = format!("{} {name}: {}{replaced}", field.number, field.value.text());
        rows.part(depth, field.offset, field.bytes, text);
        if let FieldValue::Fields(nested) = &field.value {
            tree(depth + 1, nested, rows, &mut |_, _| {});
        }
        behind(field, rows);
    }
}
