//! The tables of an archive's files, and how their keys and rows are laid out.

use redb::TableDefinition;
use sync_core::{Bound, Id, Item, Range};

use super::fault::Fault;

/// The format that this program writes and reads.
pub(super) const FORMAT_VERSION: u64 = 2;
/// The format that had everything in one file, which is moved into the present one.
pub(super) const ONE_FILE_VERSION: u64 = 1;
/// The key of the format's version in [`FORMAT`].
pub(super) const VERSION_KEY: &str = "version";
/// The key in [`FORMAT`] of the number that all files of one archive share.
pub(super) const ARCHIVE_KEY: &str = "archive";
/// The key in [`FORMAT`] of a unit's number.
pub(super) const UNIT_KEY: &str = "unit";
/// The key in [`SUMS`] of the sum over [`ROWS`].
pub(super) const ROWS_KEY: &str = "rows";
/// The key in [`SUMS`] of the sum over [`TIMESTAMPS`].
pub(super) const TIMESTAMPS_KEY: &str = "timestamps";

/// Timestamp, 8 bytes big-endian, and hash: sorts as items do.
pub(super) type ItemKey = [u8; 40];
/// Pubsub topic, content topic, length of the encoded message; 4 bytes little-endian each.
pub(super) type Row = [u8; 12];

/// What the file is, so that files of other programs are told apart.
pub(super) const FORMAT: TableDefinition<'_, &str, u64> = TableDefinition::new("wakustore.format");
/// What is to know of a message without its content.
pub(super) const ROWS: TableDefinition<'_, &ItemKey, &Row> = TableDefinition::new("rows");
/// The encoded messages.
pub(super) const MESSAGES: TableDefinition<'_, &ItemKey, &[u8]> = TableDefinition::new("messages");
/// Where the message of a hash is: its timestamp.
pub(super) const TIMESTAMPS: TableDefinition<'_, &[u8; 32], u64> =
    TableDefinition::new("timestamps");
/// Topics, pubsub and content topics alike, by number.
pub(super) const TOPIC_NAMES: TableDefinition<'_, u32, &str> = TableDefinition::new("topic_names");
/// The numbers of topics. Topics are never removed, so that a number stays what it is.
pub(super) const TOPIC_NUMBERS: TableDefinition<'_, &str, u32> =
    TableDefinition::new("topic_numbers");
/// Sums over all entries of a table, by which entries that a damaged page hides are missed.
pub(super) const SUMS: TableDefinition<'_, &str, u64> = TableDefinition::new("sums");

/// In the catalogue: the units by number, and the first position of each.
pub(super) const UNITS: TableDefinition<'_, u64, &ItemKey> = TableDefinition::new("units");
/// In the catalogue: the journal that is to be applied, if there is one: its name, and the SHA-256 of
/// its content.
pub(super) const JOURNAL: TableDefinition<'_, &str, &[u8; 32]> = TableDefinition::new("journal");
/// In the catalogue: named values beside the messages.
pub(super) const STATES: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("states");

pub(super) fn key_of(item: &Item) -> ItemKey {
    let mut key = [0; 40];
    key[..8].copy_from_slice(&item.timestamp.to_be_bytes());
    key[8..].copy_from_slice(&item.id.0);
    key
}

pub(super) fn item_of(key: &ItemKey) -> Item {
    let (mut timestamp, mut id) = ([0; 8], [0; 32]);
    timestamp.copy_from_slice(&key[..8]);
    id.copy_from_slice(&key[8..]);
    Item::new(u64::from_be_bytes(timestamp), Id(id))
}

/// The keys of a range, from the first included to the second excluded (`None`: to the end), or
/// `None` for a range of nothing.
pub(super) fn keys_of(range: &Range) -> Option<(ItemKey, Option<ItemKey>)> {
    if range.is_empty() {
        return None;
    }
    let Bound::Before(lower) = range.lower else {
        return None;
    };
    let upper = match range.upper {
        Bound::Before(item) => Some(key_of(&item)),
        Bound::Infinity => None,
    };
    Some((key_of(&lower), upper))
}

/// What [`ROWS`] says of a message.
#[derive(Clone, Copy)]
pub(super) struct RowFields {
    pub(super) pubsub_topic: u32,
    pub(super) content_topic: u32,
    pub(super) message_bytes: u32,
}

impl RowFields {
    pub(super) fn encode(self) -> Row {
        let mut row = [0; 12];
        let fields = [self.pubsub_topic, self.content_topic, self.message_bytes];
        for (bytes, field) in row.chunks_exact_mut(4).zip(fields) {
            bytes.copy_from_slice(&field.to_le_bytes());
        }
        row
    }

    pub(super) fn decode(row: &Row) -> Self {
        let field =
            |at: usize| u32::from_le_bytes([row[at], row[at + 1], row[at + 2], row[at + 3]]);
        Self {
            pubsub_topic: field(0),
            content_topic: field(4),
            message_bytes: field(8),
        }
    }
}

/// Makes every table of a new unit.
pub(super) fn create_unit(
    transaction: &redb::WriteTransaction,
    archive: u64,
    unit: u64,
) -> Result<(), Fault> {
    let mut format = transaction.open_table(FORMAT)?;
    format.insert(VERSION_KEY, FORMAT_VERSION)?;
    format.insert(ARCHIVE_KEY, archive)?;
    format.insert(UNIT_KEY, unit)?;
    transaction.open_table(ROWS)?;
    transaction.open_table(MESSAGES)?;
    transaction.open_table(TIMESTAMPS)?;
    transaction.open_table(TOPIC_NAMES)?;
    transaction.open_table(TOPIC_NUMBERS)?;
    let mut sums = transaction.open_table(SUMS)?;
    sums.insert(ROWS_KEY, 0)?;
    sums.insert(TIMESTAMPS_KEY, 0)?;
    Ok(())
}

/// Makes every table of a new catalogue.
pub(super) fn create_catalogue(
    transaction: &redb::WriteTransaction,
    archive: u64,
) -> Result<(), Fault> {
    let mut format = transaction.open_table(FORMAT)?;
    format.insert(VERSION_KEY, FORMAT_VERSION)?;
    format.insert(ARCHIVE_KEY, archive)?;
    transaction.open_table(UNITS)?;
    transaction.open_table(JOURNAL)?;
    transaction.open_table(STATES)?;
    Ok(())
}
