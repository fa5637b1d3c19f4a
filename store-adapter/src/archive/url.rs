//! Where an archive is, as users write it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use super::postgres::PostgresUrl;
use super::postgres::url::hide_password;
use crate::tls::TlsError;

/// Where an archive is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ArchiveUrl {
    /// `redb://PATH`: a directory of files.
    Redb(PathBuf),
    /// `postgres://...`: a PostgreSQL database.
    Postgres(Box<PostgresUrl>),
    /// `memory:`: nowhere; gone when the process ends.
    Memory,
}

impl ArchiveUrl {
    /// Parses `redb://PATH` (absolute if the path begins with a slash: `redb:///var/...`),
    /// `postgres://USER:PASSWORD@HOST:PORT/DATABASE` or `memory:`.
    ///
    /// # Errors
    /// When it is none of them; the message shows what is taken.
    pub fn parse(url: &str) -> Result<Self, ArchiveUrlError> {
        match url.split_once(':') {
            Some(("redb", rest)) => match rest.strip_prefix("//") {
                Some(path) if !path.is_empty() => Ok(Self::Redb(PathBuf::from(path))),
                _ => Err(ArchiveUrlError::NoPath(url.into())),
            },
            Some(("memory", "" | "//")) => Ok(Self::Memory),
            Some(("postgres" | "postgresql", _)) => {
                Ok(Self::Postgres(Box::new(PostgresUrl::parse(url)?)))
            }
            Some(("sqlite", _)) => Err(ArchiveUrlError::Sqlite(url.into())),
            _ => Err(ArchiveUrlError::Unknown(hide_password(url))),
        }
    }
}

impl FromStr for ArchiveUrl {
    type Err = ArchiveUrlError;

    fn from_str(url: &str) -> Result<Self, Self::Err> {
        Self::parse(url)
    }
}

impl fmt::Display for ArchiveUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Redb(path) => write!(f, "redb://{}", path.display()),
            Self::Postgres(url) => fmt::Display::fmt(url, f),
            Self::Memory => f.write_str("memory:"),
        }
    }
}

/// Why a text isn't the address of an archive.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveUrlError {
    /// `postgres:` and then something that isn't the address of a database.
    #[error("expected postgres://USER:PASSWORD@HOST:PORT/DATABASE, got {url:?}: {reason}")]
    PostgresForm {
        /// What was given, without the password.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// What is said of TLS to PostgreSQL can't be met.
    #[error("{0}")]
    PostgresTls(#[source] TlsError),
    /// `redb:` without a path.
    #[error("expected a path behind redb://, as in redb://wakustore.redb, got {0:?}")]
    NoPath(String),
    /// A database of nwaku's.
    #[error(
        "expected redb://PATH, postgres://USER:PASSWORD@HOST/DATABASE or memory:, got {0:?}, which is \
         nwaku's; `wakustore import --from {0}` moves its messages to redb://wakustore.redb"
    )]
    Sqlite(String),
    /// Another scheme, or none.
    #[error(
        "expected redb://PATH, postgres://USER:PASSWORD@HOST/DATABASE or memory:, for example \
         redb://wakustore.redb or redb:///var/lib/wakustore/archive.redb, got {0:?}"
    )]
    Unknown(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_relative_or_absolute() {
        let cases = [
            ("redb://a/b.redb", "a/b.redb"),
            ("redb:///var/b c:d.redb", "/var/b c:d.redb"),
        ];
        for (url, path) in cases {
            let parsed = ArchiveUrl::parse(url).unwrap();
            assert_eq!(parsed, ArchiveUrl::Redb(path.into()));
            assert_eq!(parsed.to_string(), url);
        }
        assert_eq!(ArchiveUrl::parse("memory:"), Ok(ArchiveUrl::Memory));
        assert_eq!("memory://".parse(), Ok(ArchiveUrl::Memory));
    }

    #[test]
    fn other_forms_are_refused_with_an_example() {
        for url in ["", "x.redb", "/x.redb", "memory:x", "REDB://x"] {
            let error = ArchiveUrl::parse(url).unwrap_err();
            assert_eq!(error, ArchiveUrlError::Unknown(url.into()));
            assert!(error.to_string().contains("redb://wakustore.redb"));
        }
        for url in ["redb:", "redb://", "redb:x"] {
            let error = ArchiveUrl::parse(url).unwrap_err();
            assert_eq!(error, ArchiveUrlError::NoPath(url.into()));
        }
        let error = ArchiveUrl::parse("sqlite://x.db").unwrap_err().to_string();
        assert!(error.contains("import --from sqlite://x.db"), "{error}");
        let url = "postgresql://me:secret@host/db";
        let parsed = ArchiveUrl::parse(url).unwrap();
        assert_eq!(parsed.to_string(), "postgresql://me:***@host/db");
        let error = ArchiveUrl::parse("postgres:me:secret@host/db").unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
