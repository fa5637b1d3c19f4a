//! Messages as a table that is as wide as the terminal, written page by page.
//!
//! Nothing is known of the rows to come, so columns are as wide as the terminal allows from the
//! start. Where there is no terminal, everything is shown whole, and columns widen as they must.

use comfy_table::{CellAlignment, ColumnConstraint, Table, Width};
use store_adapter::Record;
use store_adapter::limits::TOPIC_BYTES;
use store_adapter::sharding::Shard;
use store_adapter::store::Found;
use unicode_width::UnicodeWidthStr;

use super::limits::PAYLOAD_SHOWN;
use super::text::{ascii, fitted, time_to};
use crate::commands::ruled_table;
use crate::sync::report::size;

/// The most of a text that is shown where there is no terminal: the longest topic that nodes take.
const WIDEST: usize = TOPIC_BYTES;

/// Columns of a hash in hex, with 0x in front.
const HASH: usize = 66;

/// What stands in a column.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Field {
    /// Without the year.
    ShortTime,
    /// With so many digits of a second.
    Time(u8),
    /// Enough of it to tell it from others.
    ShortHash,
    Hash,
    /// The cluster and shard of a pubsub topic.
    Shard,
    PubsubTopic,
    /// The size of the payload in the unit that suits it.
    Size,
    /// The same in bytes.
    Bytes,
    ContentTopic,
    /// The start of the payload as ASCII.
    Payload,
}

/// A column, and how wide it is: at most on a terminal, else so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Column {
    field: Field,
    width: usize,
}

/// A table of which one page is written after the other.
pub(super) struct PagedTable {
    columns: Vec<Column>,
    /// Whether there is a terminal, in which columns stay as they are.
    fixed: bool,
    headed: bool,
}

impl PagedTable {
    /// A table for the terminal that is standard output, if it is one; of hashes alone unless there
    /// are data.
    pub(super) fn new(data: bool) -> Self {
        Self::of_width(Table::new().width().map(usize::from), data)
    }

    fn of_width(terminal: Option<usize>, data: bool) -> Self {
        let columns = match (terminal, data) {
            (Some(width), true) => columns_in(width),
            (Some(width), false) => vec![Column {
                field: Field::Hash,
                width: width.min(HASH),
            }],
            (None, true) => whole([
                Field::Time(9),
                Field::Hash,
                Field::Bytes,
                Field::PubsubTopic,
                Field::ContentTopic,
            ]),
            (None, false) => whole([Field::Hash]),
        };
        Self {
            columns,
            fixed: terminal.is_some(),
            headed: false,
        }
    }

    /// The next page as text; with the names of the columns above the first one.
    pub(super) fn page(&mut self, found: &[Found]) -> String {
        let mut table = ruled_table();
        let rows: Vec<Vec<String>> = found.iter().map(|found| self.cells(found)).collect();
        self.widen(&rows);
        if !self.headed {
            let names = self.columns.iter();
            table.set_header(names.map(|column| fitted(column.field.name(), column.width)));
            self.headed = true;
        }
        table.add_rows(rows);
        for (shown, column) in table.column_iter_mut().zip(&self.columns) {
            let width = u16::try_from(column.width).unwrap_or(u16::MAX);
            shown.set_constraint(ColumnConstraint::Absolute(Width::Fixed(width)));
            // The line below the names has a junction between columns, which is a space elsewhere.
            shown.set_padding((0, 0));
            if matches!(column.field, Field::Size | Field::Bytes) {
                shown.set_cell_alignment(CellAlignment::Right);
            }
        }
        table.trim_fmt()
    }

    fn cells(&self, found: &Found) -> Vec<String> {
        let cell = |column: &Column| {
            let most = if self.fixed { column.width } else { WIDEST };
            fitted(&column.field.of(found), most)
        };
        self.columns.iter().map(cell).collect()
    }

    fn widen(&mut self, rows: &[Vec<String>]) {
        if self.fixed {
            return;
        }
        for row in rows {
            for (column, cell) in self.columns.iter_mut().zip(row) {
                column.width = column.width.max(cell.width());
            }
        }
    }
}

/// Columns as wide as their names.
fn whole<const N: usize>(fields: [Field; N]) -> Vec<Column> {
    let columns = fields.into_iter().map(|field| Column {
        field,
        width: field.name().width(),
    });
    columns.collect()
}

/// As much as fits into a terminal of this width: time, hash and content topic, and what else
/// leaves enough of that.
fn columns_in(terminal: usize) -> Vec<Column> {
    let column = |field, width| Column { field, width };
    let mut time = column(Field::Time(0), 20);
    let mut hash = column(Field::ShortHash, 13);
    if terminal < 47 {
        time = column(Field::ShortTime, 14);
    }
    let mut rest = terminal.saturating_sub(time.width + hash.width + 2);
    let mut take = |wanted: usize, leaving: usize| {
        let taken = rest >= wanted + leaving;
        if taken {
            rest -= wanted;
        }
        taken
    };
    let bytes = take(8 + 1, 16).then_some(column(Field::Size, 8));
    let shard = take(10 + 1, 20).then_some(column(Field::Shard, 10));
    if take(4, 24) {
        time = column(Field::Time(3), 24);
    }
    if take(HASH - hash.width, 24) {
        hash = column(Field::Hash, HASH);
    }
    let payload = take(PAYLOAD_SHOWN + 1, 24).then_some(column(Field::Payload, PAYLOAD_SHOWN));
    let content_topic = column(Field::ContentTopic, rest.max(8));
    [
        Some(time),
        Some(hash),
        shard,
        bytes,
        Some(content_topic),
        payload,
    ]
    .into_iter()
    .flatten()
    .collect()
}

impl Field {
    const fn name(self) -> &'static str {
        match self {
            Self::ShortTime | Self::Time(_) => "time",
            Self::ShortHash | Self::Hash => "hash",
            Self::Shard => "shard",
            Self::PubsubTopic => "pubsub topic",
            Self::Size => "size",
            Self::Bytes => "bytes",
            Self::ContentTopic => "content topic",
            Self::Payload => "payload",
        }
    }

    /// What it says of a message, not escaped yet; nothing where the message isn't there.
    fn of(self, found: &Found) -> String {
        match (self, &found.record) {
            (Self::Hash, _) => format!("0x{}", found.hash),
            (Self::ShortHash, _) => {
                let hash = found.hash.to_string();
                format!("{}…{}", &hash[..8], &hash[60..])
            }
            (_, None) => String::new(),
            (field, Some(record)) => field.of_record(record),
        }
    }

    fn of_record(self, record: &Record) -> String {
        let (time, message) = (record.item().timestamp, record.message());
        match self {
            // The month to the second of what is written in full.
            Self::ShortTime => {
                let whole = time_to(time, 0);
                whole.get(5..19).unwrap_or(&whole).replace('T', " ")
            }
            Self::Time(digits) => time_to(time, digits),
            Self::ShortHash | Self::Hash => record.hash().to_string(),
            Self::Shard => shard(record.pubsub_topic()),
            Self::PubsubTopic => record.pubsub_topic().to_string(),
            Self::Size => size(message.payload.len() as u64),
            Self::Bytes => message.payload.len().to_string(),
            Self::ContentTopic => message.content_topic.clone(),
            Self::Payload => {
                let shown = message.payload.len().min(PAYLOAD_SHOWN + 1);
                ascii(&message.payload[..shown])
            }
        }
    }
}

/// `1/0` for a shard's topic, else the topic.
fn shard(topic: &str) -> String {
    topic.parse::<Shard>().map_or_else(
        |_| topic.to_owned(),
        |Shard { cluster_id, index }| format!("{cluster_id}/{index}"),
    )
}

#[cfg(test)]
mod tests {
    use store_adapter::WakuMessage;

    use super::*;

    fn found(pubsub_topic: &str, content_topic: &str, payload: usize) -> Found {
        let message = WakuMessage {
            payload: vec![b'a'; payload],
            content_topic: content_topic.into(),
            timestamp: Some(1_700_000_000_123_456_789),
            ..WakuMessage::default()
        };
        let record = Record::new(pubsub_topic, message).unwrap();
        Found {
            hash: record.hash(),
            record: Some(record),
        }
    }

    #[test]
    fn a_table_fits_every_terminal_and_keeps_its_columns() {
        let long = "/an-application-of-a-long-name/1/世界\u{1b}[2J/proto/".repeat(5);
        let pages = [
            vec![found("/waku/2/rs/1/0", "/app/1/chat/proto", 3)],
            vec![found(&long, &long, 150_000), found("/t", "", 0)],
        ];
        for width in 37..260 {
            let mut table = PagedTable::of_width(Some(width), true);
            let texts: Vec<String> = pages.iter().map(|page| table.page(page)).collect();
            let lines: Vec<&str> = texts.iter().flat_map(|text| text.lines()).collect();
            assert_eq!(lines.len(), 5, "one line a message: {texts:?}");
            for line in &lines {
                assert!(line.width() <= width, "{} in {width}: {line}", line.width());
                assert!(!line.contains('\u{1b}'));
            }
            assert_eq!(lines[1].width(), width, "the whole terminal is used");
        }
    }

    #[test]
    fn a_wider_terminal_shows_more() {
        let fields = |width| {
            let columns = columns_in(width).into_iter();
            columns.map(|column| column.field).collect::<Vec<_>>()
        };
        use Field::*;
        assert_eq!(fields(40), [ShortTime, ShortHash, ContentTopic]);
        assert_eq!(fields(80), [Time(0), ShortHash, Shard, Size, ContentTopic]);
        assert_eq!(
            fields(120),
            [Time(3), ShortHash, Shard, Size, ContentTopic, Payload]
        );
        assert_eq!(
            fields(200),
            [Time(3), Hash, Shard, Size, ContentTopic, Payload]
        );
    }

    #[test]
    fn without_a_terminal_nothing_is_cut_off() {
        let mut table = PagedTable::of_width(None, true);
        let long = "/x".repeat(200);
        let first = found("/waku/2/rs/1/0", &long, 1_500);
        let page = table.page(std::slice::from_ref(&first));
        let row: Vec<&str> = page.lines().last().unwrap().split_whitespace().collect();
        let hash = format!("0x{}", first.hash);
        assert_eq!(
            row,
            [
                "2023-11-14T22:13:20.123456789Z",
                &hash,
                "1500",
                "/waku/2/rs/1/0",
                &long
            ]
        );
        assert_eq!(page.lines().count(), 3);
        assert_eq!(table.page(&[first]).lines().count(), 1, "named once");
    }

    #[test]
    fn hashes_alone_are_a_column() {
        let bare = Found {
            record: None,
            ..found("/t", "", 0)
        };
        let mut table = PagedTable::of_width(Some(80), false);
        let page = table.page(std::slice::from_ref(&bare));
        assert_eq!(
            page.lines().last(),
            Some(format!("0x{}", bare.hash).as_str())
        );
    }
}
