//! TLS to PostgreSQL servers: what a URL asks for, and how a server's certificate is verified.
//!
//! The parameters are libpq's. `prefer`, which is the default, encrypts where the server offers it, and
//! `require` always, without verifying anything; `verify-ca` and `verify-full` verify the certificate
//! by those in `sslrootcert`, or else by Mozilla's.

mod roots;
mod verifier;

use std::path::PathBuf;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, ring};
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

use self::verifier::{AnyServer, Known, Names};

/// What a connection negotiates with servers that want to know at once.
const PROTOCOL: &[u8] = b"postgresql";

/// Parameters of libpq's that may be named in errors.
const PARAMETERS: [&str; 8] = [
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "sslpassword",
    "sslcrl",
    "sslcrldir",
    "sslcertmode",
];

/// What a URL asks for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Tls {
    mode: Option<Mode>,
    roots: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mode {
    Disable,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

impl Mode {
    fn parse(text: &str) -> Result<Self, TlsError> {
        match text {
            "disable" => Ok(Self::Disable),
            "prefer" => Ok(Self::Prefer),
            "require" => Ok(Self::Require),
            "verify-ca" => Ok(Self::VerifyCa),
            "verify-full" => Ok(Self::VerifyFull),
            other => {
                // What was cut off at a wrong place may be part of a password.
                let is_word =
                    |text: &str| text.bytes().all(|b| b.is_ascii_alphabetic() || b == b'-');
                let shown = if is_word(other) {
                    other
                } else {
                    "something else"
                };
                Err(TlsError::Mode(shown.into()))
            }
        }
    }

    const fn verifies(self) -> bool {
        matches!(self, Self::VerifyCa | Self::VerifyFull)
    }
}

/// Why a URL's wishes for TLS can't be met.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A mode that isn't known.
    #[error("expected sslmode=disable, prefer, require, verify-ca or verify-full, got {0}")]
    Mode(String),
    /// A parameter that isn't known, or stands where it would be overlooked.
    #[error(
        "{0} can't be used here: expected sslmode, sslrootcert or sslnegotiation, each once and behind \
         the database's name; write %40 and %3F for @ and ? in user, password and parameters"
    )]
    Parameter(String),
    /// Certificates that nothing would be verified by.
    #[error(
        "sslrootcert verifies nothing without sslmode=verify-ca or verify-full: name one of them"
    )]
    UselessRoots,
    /// Certificates that can't be read.
    #[error("the certificates in {path} can't be used: {reason}; expected PEM")]
    Roots {
        /// Where they are.
        path: PathBuf,
        /// What is wrong with them.
        reason: String,
    },
}

impl Tls {
    /// Takes what is said of TLS out of a URL; gives the URL without it.
    pub(crate) fn take_from(url: &str) -> Result<(String, Self), TlsError> {
        let mut tls = Self::default();
        // Behind the credentials, as the parser of the rest reads it.
        let address = url.find('@').map_or(0, |at| at + 1);
        let Some(query) = url[address..].find('?').map(|at| address + at + 1) else {
            no_more_of_it(url)?;
            return Ok((url.to_owned(), tls));
        };
        let mut others = Vec::new();
        for parameter in url[query..].split('&') {
            match parameter.split_once('=') {
                Some(("sslmode", mode)) if tls.mode.is_none() => {
                    tls.mode = Some(Mode::parse(mode)?);
                }
                Some(("sslrootcert", path)) if tls.roots.is_none() => {
                    tls.roots = Some(decoded(path)?.into());
                }
                _ => others.push(parameter),
            }
        }
        if tls.roots.is_some() && !tls.mode.is_some_and(Mode::verifies) {
            return Err(TlsError::UselessRoots);
        }
        let rest = match others.is_empty() {
            true => url[..query - 1].to_owned(),
            false => format!("{}{}", &url[..query], others.join("&")),
        };
        no_more_of_it(&rest)?;
        Ok((rest, tls))
    }

    /// Has connections made as the URL asks.
    pub(crate) fn apply_to(&self, config: &mut Config) {
        match self.mode {
            // What the parser may have found stands.
            None => config,
            Some(Mode::Disable) => config.ssl_mode(SslMode::Disable),
            Some(Mode::Prefer) => config.ssl_mode(SslMode::Prefer),
            Some(Mode::Require | Mode::VerifyCa | Mode::VerifyFull) => {
                config.ssl_mode(SslMode::Require)
            }
        };
    }

    /// What makes connections encrypted, where [`Tls::apply_to`] has it.
    pub(crate) fn connector(&self) -> Result<MakeRustlsConnect, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let verifier = self.verifier(&provider)?;
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider has ciphers for them")
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        Ok(MakeRustlsConnect::new(config))
    }

    fn verifier(
        &self,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Arc<dyn ServerCertVerifier>, TlsError> {
        let names = match self.mode {
            Some(Mode::VerifyFull) => Names::Verified,
            Some(Mode::VerifyCa) => Names::Any,
            None | Some(Mode::Disable | Mode::Prefer | Mode::Require) => {
                return Ok(Arc::new(AnyServer::new(provider)));
            }
        };
        let certificates = self.roots.as_deref().map(roots::read).transpose()?;
        let known = Known::new(certificates.unwrap_or_default(), names, provider);
        let path = || self.roots.clone().unwrap_or_default();
        let known = known.map_err(|reason| TlsError::Roots {
            path: path(),
            reason,
        })?;
        Ok(Arc::new(known))
    }
}

/// That nothing is said of TLS which would be overlooked, in whichever way a URL is read.
fn no_more_of_it(url: &str) -> Result<(), TlsError> {
    for part in url.split(['?', '&']).skip(1) {
        let name = part.split_once('=').map_or(part, |(name, _)| name);
        if name.starts_with("ssl") && name != "sslnegotiation" {
            // Of anything else it isn't known that it is no part of a password.
            let known = PARAMETERS.iter().find(|known| **known == name);
            let shown = known.unwrap_or(&"a parameter that begins with `ssl`");
            return Err(TlsError::Parameter((*shown).into()));
        }
    }
    Ok(())
}

/// A parameter's value, of which bytes may be written in percents.
fn decoded(value: &str) -> Result<String, TlsError> {
    let wrong = || TlsError::Parameter(format!("sslrootcert={value}"));
    let (mut bytes, mut rest) = (Vec::new(), value.as_bytes());
    while let [first, behind @ ..] = rest {
        rest = behind;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, behind) = rest.split_at_checked(2).ok_or_else(wrong)?;
        bytes.extend(hex::decode(digits).map_err(|_| wrong())?);
        rest = behind;
    }
    String::from_utf8(bytes).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(query: &str) -> Result<(String, Tls), TlsError> {
        Tls::take_from(&format!("postgres://me:secret@host/db{query}"))
    }

    #[test]
    fn what_is_said_of_tls_is_taken_out_and_the_rest_stays() {
        let cases = [
            ("", "", None, None),
            ("?connect_timeout=3", "?connect_timeout=3", None, None),
            ("?sslmode=disable", "", Some(Mode::Disable), None),
            (
                "?a=1&sslmode=require&b=2",
                "?a=1&b=2",
                Some(Mode::Require),
                None,
            ),
            (
                "?sslmode=verify-full&sslrootcert=%2Fetc/my%20ca.pem",
                "",
                Some(Mode::VerifyFull),
                Some("/etc/my ca.pem"),
            ),
        ];
        for (query, rest, mode, roots) in cases {
            let expected = Tls {
                mode,
                roots: roots.map(PathBuf::from),
            };
            let (url, tls) = taken(query).unwrap();
            assert_eq!(url, format!("postgres://me:secret@host/db{rest}"));
            assert_eq!(tls, expected);
        }
    }

    #[test]
    fn what_would_be_overlooked_or_is_not_there_is_refused() {
        let cases = [
            "postgres://me:secret@host/db?sslmode=always",
            "postgres://me:secret@host/db?sslmode=REQUIRE",
            "postgres://me:secret@host/db?sslmode=require&sslmode=disable",
            "postgres://me:secret@host/db?sslcert=x",
            "postgres://me:secret@host/db?sslkey=x&sslmode=require",
            "postgres://me:secret@host/db?sslrootcert=x",
            "postgres://me:secret@host/db?sslmode=require&sslrootcert=x",
            "postgres://me:secret@host/db?sslmode=verify-ca&sslrootcert=%zz",
            "postgres://me:secret@host/db?sslmode",
            "postgres://host/db?sslmode=require&application_name=a@b",
            "postgres://me:sec?sslmode=require&ret@host/db",
            "postgres://me:x?sslsecret@host/db",
            "postgres://me:x@y?sslmode=secret@host/db",
        ];
        for url in cases {
            let error = Tls::take_from(url).unwrap_err().to_string();
            assert!(!error.contains("sec"), "{url}: {error}");
        }
    }

    #[test]
    fn asking_for_tls_is_never_answered_without_it() {
        for mode in ["require", "verify-ca", "verify-full"] {
            let (rest, tls) = taken(&format!("?sslmode={mode}")).unwrap();
            let mut config: Config = rest.parse().unwrap();
            tls.apply_to(&mut config);
            assert_eq!(config.get_ssl_mode(), SslMode::Require, "{mode}");
        }
        // Written so that only the parser of the rest sees it.
        let (rest, tls) = taken("?%73slmode=require").unwrap();
        let mut config: Config = rest.parse().unwrap();
        tls.apply_to(&mut config);
        assert_eq!(config.get_ssl_mode(), SslMode::Require);
    }
}
