//! Where a database of nwaku is.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use tokio_postgres::Config;
use tokio_postgres::config::Host;

use super::NwakuError;
use crate::tls::Tls;

/// Where a database of nwaku is, as nwaku's `--store-message-db-url` has it.
#[derive(Clone, PartialEq, Eq)]
pub enum NwakuUrl {
    /// `sqlite://PATH`: a file.
    Sqlite(PathBuf),
    /// `postgres://...`: a server, and how to log in.
    Postgres(Box<NwakuServer>),
}

/// A PostgreSQL server of nwaku's, and how to log in.
#[derive(Clone, PartialEq, Eq)]
pub struct NwakuServer {
    pub(super) config: Config,
    pub(super) tls: Tls,
}

impl NwakuUrl {
    /// Parses `sqlite://PATH` (absolute if the path begins with a slash) or `postgres://...`.
    ///
    /// # Errors
    /// When it is neither.
    pub fn parse(url: &str) -> Result<Self, NwakuError> {
        match url.split_once("://") {
            Some(("sqlite", path)) if !path.is_empty() => Ok(Self::Sqlite(path.into())),
            Some(("postgres" | "postgresql", _)) => {
                let (url, tls) = Tls::take_from(url)?;
                let mut config: Config = url.parse().map_err(NwakuError::PostgresAddress)?;
                tls.apply_to(&mut config);
                Ok(Self::Postgres(Box::new(NwakuServer { config, tls })))
            }
            _ => Err(NwakuError::Address),
        }
    }
}

impl FromStr for NwakuUrl {
    type Err = NwakuError;

    fn from_str(url: &str) -> Result<Self, Self::Err> {
        Self::parse(url)
    }
}

impl fmt::Display for NwakuUrl {
    /// Without user and password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite://{}", path.display()),
            Self::Postgres(server) => {
                let config = &server.config;
                let hosts = config.get_hosts().iter().map(|host| match host {
                    Host::Tcp(name) => name.clone(),
                    #[cfg(unix)]
                    Host::Unix(path) => path.display().to_string(),
                });
                let hosts: Vec<String> = hosts.collect();
                let database = config.get_dbname().unwrap_or_default();
                write!(f, "postgres://{}/{database}", hosts.join(","))
            }
        }
    }
}

impl fmt::Debug for NwakuUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read_and_passwords_never_shown() {
        let file = NwakuUrl::parse("sqlite:///var/lib/nwaku/store.sqlite3").unwrap();
        assert_eq!(file.to_string(), "sqlite:///var/lib/nwaku/store.sqlite3");
        let relative = NwakuUrl::parse("sqlite://store.sqlite3").unwrap();
        assert_eq!(relative, NwakuUrl::Sqlite("store.sqlite3".into()));
        let server = NwakuUrl::parse("postgres://me:secret@db.example:5433/waku").unwrap();
        assert_eq!(server.to_string(), "postgres://db.example/waku");
        assert!(!format!("{server:?}").contains("secret"));
    }

    #[test]
    fn other_forms_are_refused_without_repeating_them() {
        for url in [
            "",
            "store.sqlite3",
            "sqlite://",
            "mysql://me:secret@host/db",
        ] {
            let error = NwakuUrl::parse(url).unwrap_err().to_string();
            assert!(error.contains("sqlite://PATH") && !error.contains("secret"));
        }
        let error = NwakuUrl::parse("postgres://me:secret@host:secret/db").unwrap_err();
        let told = format!("{error} {error:?}");
        assert!(!told.contains("secret"), "{told}");
    }
}
