//! Why a database can't be read.

use std::path::PathBuf;
use std::time::Duration;

use crate::tls::TlsError;

/// Why a database of nwaku can't be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NwakuError {
    /// The address is of no form that is known; it isn't repeated, since it may hold a password.
    #[error(
        "expected sqlite://PATH or postgres://USER@HOST/DATABASE, as in sqlite://store.sqlite3, got \
         an address that is neither"
    )]
    Address,
    /// The address of a PostgreSQL server can't be understood.
    #[error("the address of the PostgreSQL server can't be understood: {0}")]
    PostgresAddress(#[source] tokio_postgres::Error),
    /// What the address says of TLS can't be met.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// There is no such file.
    #[error("there is no file {0:?}: name nwaku's database, by default store.sqlite3")]
    NotFound(PathBuf),
    /// SQLite can't read the file.
    #[error("the SQLite database {path:?} can't be read: {source}")]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: rusqlite::Error,
    },
    /// PostgreSQL can't be read.
    #[error("the PostgreSQL database can't be read: {}", told(.0))]
    Postgres(#[source] tokio_postgres::Error),
    /// No server answers.
    #[error(
        "the PostgreSQL server hasn't answered within {} s: check host and port, or give it longer by \
         connect_timeout=SECONDS in the address",
        .0.as_secs()
    )]
    Unanswered(Duration),
    /// There is no table of messages.
    #[error(
        "this is no database of nwaku: expected a table `{expected}`, found {found}; name the database \
         that nwaku's --store-message-db-url names"
    )]
    Table {
        /// The table that should be there.
        expected: &'static str,
        /// The tables that are there.
        found: String,
    },
    /// The table of messages lacks columns.
    #[error(
        "the table `{table}` lacks the columns {missing}; found {found}. nwaku 0.26 and later have \
         them: start such a node on this database once, so that it migrates it"
    )]
    Columns {
        /// The table.
        table: String,
        /// What it lacks.
        missing: String,
        /// What it has.
        found: String,
    },
    /// The schema is newer than those known.
    #[error(
        "the schema of this database has the version {found}; expected {expected}, those of nwaku up to \
         0.38"
    )]
    Version {
        /// The versions that are known.
        expected: &'static str,
        /// That of the database.
        found: String,
    },
    /// The program is ending.
    #[error("the program is ending, so the database isn't read any more")]
    Ending,
}

/// An error of the server in its words; of other errors the cause too, which their own words lack.
fn told(error: &tokio_postgres::Error) -> String {
    match (error.as_db_error(), std::error::Error::source(error)) {
        (Some(error), _) => error.message().to_owned(),
        (None, Some(cause)) => format!("{error}: {cause}"),
        (None, None) => error.to_string(),
    }
}
