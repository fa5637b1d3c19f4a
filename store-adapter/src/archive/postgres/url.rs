//! Where a PostgreSQL database is, as users write it; the password is never shown.

use std::fmt;
use std::str::FromStr;

use tokio_postgres::Config;

use super::fault::with_causes;
use crate::archive::ArchiveUrlError;
use crate::limits::{ARCHIVE_CONNECT_TIMEOUT, ARCHIVE_KEEPALIVE_IDLE, ARCHIVE_UNANSWERED_TIMEOUT};
use crate::tls::Tls;

/// What stands in place of a password.
const HIDDEN: &str = "***";

/// The address of a PostgreSQL database: `postgres://USER:PASSWORD@HOST:PORT/DATABASE?PARAMETERS`.
///
/// Shown, by `Display` and by `Debug`, with `***` in place of the password.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl {
    config: Config,
    tls: Tls,
    shown: String,
}

impl PostgresUrl {
    /// Parses a URL as libpq has it. Hosts that begin with a slash, written `%2F`, are directories of
    /// sockets.
    ///
    /// # Errors
    /// When it isn't one, or asks for TLS in a way that isn't known.
    pub fn parse(url: &str) -> Result<Self, ArchiveUrlError> {
        let shown = hide_password(url);
        let (url, tls) = Tls::take_from(url).map_err(ArchiveUrlError::PostgresTls)?;
        let mut config = Config::from_str(&url).map_err(|error| ArchiveUrlError::PostgresForm {
            url: shown.clone(),
            reason: with_causes(&error),
        })?;
        if config.get_hosts().is_empty() {
            return Err(ArchiveUrlError::PostgresForm {
                url: shown,
                reason: "it names no host".into(),
            });
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(ARCHIVE_CONNECT_TIMEOUT);
        }
        if config.get_application_name().is_none() {
            config.application_name("wakustore");
        }
        tls.apply_to(&mut config);
        config.tcp_user_timeout(ARCHIVE_UNANSWERED_TIMEOUT);
        config.keepalives_idle(ARCHIVE_KEEPALIVE_IDLE);
        Ok(Self { config, tls, shown })
    }

    pub(super) const fn config(&self) -> &Config {
        &self.config
    }

    pub(super) const fn tls(&self) -> &Tls {
        &self.tls
    }
}

impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.shown, f)
    }
}

/// The URL with its password replaced, wherever it stands.
///
/// Passwords may hold characters that their writers forgot to escape, so of two readings the one counts
/// that hides more.
pub(in crate::archive) fn hide_password(url: &str) -> String {
    let shown = match url.split_once('?') {
        Some((address, query)) => format!("{address}?{}", hide_in_query(query)),
        None => url.to_owned(),
    };
    match shown.split_once("://") {
        Some((scheme, rest)) => format!("{scheme}://{}", hide_in_authority(rest)),
        None => hide_in_authority(&shown),
    }
}

fn hide_in_query(query: &str) -> String {
    let parameters = query
        .split('&')
        .map(|parameter| match parameter.split_once('=') {
            // A name may be written in percents.
            Some((name, _)) if name.contains("pass") || name.contains('%') => {
                format!("{name}={HIDDEN}")
            }
            _ => parameter.to_owned(),
        });
    parameters.collect::<Vec<_>>().join("&")
}

fn hide_in_authority(rest: &str) -> String {
    // The last at sign there is: a password may hold one, and question marks and slashes too.
    match rest.rsplit_once('@') {
        Some((credentials, host)) => match credentials.split_once(':') {
            Some((user, _)) => format!("{user}:{HIDDEN}@{host}"),
            None => rest.to_owned(),
        },
        None => rest.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_never_shown() {
        let cases = [
            ("postgres://me:secret@host/db", "postgres://me:***@host/db"),
            (
                "postgresql://me:sec@ret@host:5433/db?connect_timeout=3",
                "postgresql://me:***@host:5433/db?connect_timeout=3",
            ),
            (
                "postgres://me@host/db?password=secret",
                "postgres://me@host/db?password=***",
            ),
            ("postgres://me@%2Ftmp/db", "postgres://me@%2Ftmp/db"),
            ("postgres://me:sec?ret@host/db", "postgres://me:***@host/db"),
            (
                "postgres://me:sec/?ret&x=1@host/db",
                "postgres://me:***@host/db",
            ),
            (
                "postgres://me:sec@host/db?application_name=a@b",
                "postgres://me:***@b",
            ),
            (
                "postgres://me@host/db?p%61ssword=secret",
                "postgres://me@host/db?p%61ssword=***",
            ),
        ];
        for (url, shown) in cases {
            let parsed = PostgresUrl::parse(url).unwrap();
            assert_eq!(parsed.to_string(), shown);
            assert!(!format!("{parsed:?}").contains("sec"));
        }
    }

    #[test]
    fn what_cannot_be_used_is_refused_without_the_password() {
        let cases = [
            ("postgres://me:secret@host:port/db", "port"),
            ("postgres://me:secret@host/db?nonsense=1", "nonsense"),
            ("postgres://", "names no host"),
            ("postgres:me:secret@host", "expected postgres://"),
            ("postgres://me:secret@host/db?sslmode=always", "always"),
            ("postgres://me:secret@host/db?sslcert=x", "sslcert"),
            ("postgres://me:secret@host/db?sslrootcert=x", "verify-full"),
        ];
        for (url, word) in cases {
            let error = PostgresUrl::parse(url).unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(shown.contains(word), "{url}: {shown}");
            assert!(!shown.contains("secret"), "{shown}");
        }
    }
}
