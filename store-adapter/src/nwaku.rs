//! Reads the databases of nwaku, to move in: SQLite files and PostgreSQL.
//!
//! Nothing is written, and a node may go on writing meanwhile. Messages come in the order of time
//! where the database can give them so, and without the hash that it has of them, which is random in
//! old SQLite files: [`Ingest`](crate::Ingest) hashes them. nwaku keeps no rate limit proofs.

mod error;
mod postgres;
mod row;
mod sqlite;
mod url;

pub use error::NwakuError;
pub use row::{NwakuRow, RowFault};
pub use url::{NwakuServer, NwakuUrl};

use self::postgres::PostgresReader;
use self::sqlite::SqliteReader;

/// The columns that are read.
const COLUMNS: [&str; 7] = [
    "pubsubTopic",
    "contentTopic",
    "payload",
    "version",
    "timestamp",
    "meta",
    "messageHash",
];

/// An open database of nwaku, read once from its first message to its last.
#[derive(Debug)]
pub struct NwakuDatabase {
    shape: Shape,
    reader: Reader,
}

#[derive(Debug)]
enum Reader {
    Sqlite(SqliteReader),
    Postgres(PostgresReader),
}

/// What was found when a database was opened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shape {
    /// The name of its table of messages.
    pub table: String,
    /// The number of its schema.
    pub version: i64,
    /// The times of its first and last message, in nanoseconds since 1970; `None` if it is empty.
    pub span: Option<(i64, i64)>,
}

impl NwakuDatabase {
    /// Opens the database at `url`.
    ///
    /// # Errors
    /// When it can't be read, or isn't of a shape that nwaku gives its databases.
    pub async fn open(url: &NwakuUrl) -> Result<Self, NwakuError> {
        let (shape, reader) = match url {
            NwakuUrl::Sqlite(path) => {
                let (shape, reader) = SqliteReader::open(path.clone()).await?;
                (shape, Reader::Sqlite(reader))
            }
            NwakuUrl::Postgres(server) => {
                let (shape, reader) = PostgresReader::open(server).await?;
                (shape, Reader::Postgres(reader))
            }
        };
        Ok(Self { shape, reader })
    }

    /// What was found when it was opened.
    #[must_use]
    pub const fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The next messages, at most [`NWAKU_ROWS`](crate::limits::NWAKU_ROWS); none at the end.
    ///
    /// # Errors
    /// When the database can't be read further.
    pub async fn next(&mut self) -> Result<Vec<NwakuRow>, NwakuError> {
        match &mut self.reader {
            Reader::Sqlite(reader) => reader.next().await,
            Reader::Postgres(reader) => reader.next().await,
        }
    }
}

/// Whether all columns that are read are among `found`, whose names may be in any case.
fn check_columns(table: &str, found: &[String]) -> Result<(), NwakuError> {
    let has = |column: &&&str| found.iter().any(|name| name.eq_ignore_ascii_case(column));
    let missing: Vec<&str> = COLUMNS
        .iter()
        .filter(|column| !has(column))
        .copied()
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(NwakuError::Columns {
        table: table.into(),
        missing: missing.join(", "),
        found: found.join(", "),
    })
}

/// The names of tables that were found, for people.
fn list(names: &[String]) -> String {
    if names.is_empty() {
        "no tables".into()
    } else {
        format!("the tables {}", names.join(", "))
    }
}
