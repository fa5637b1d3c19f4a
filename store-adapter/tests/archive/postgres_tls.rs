//! TLS to a database server whose certificate is made by the test.

use std::net::TcpListener;
use std::path::PathBuf;

use postgres_server::{PASSWORD, Server, ServerError, USER};
use rcgen::{BasicConstraints, CertificateParams, CertifiedKey, IsCa, KeyPair};
use store_adapter::archive::{Archive, ArchiveError, PostgresArchive, PostgresUrl};
use store_adapter::nwaku::{NwakuDatabase, NwakuError, NwakuUrl};
use tempfile::TempDir;

use crate::postgres::few_connections;
use crate::suite::record;

/// A server on a port of this machine.
struct Tcp {
    server: Server,
    port: u16,
}

impl Tcp {
    /// With these settings, and the files that they name.
    fn start(settings: &[(&str, &str)], files: &[(&str, &str)]) -> Self {
        let attempt = || -> Result<Self, ServerError> {
            let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
            let number = port.to_string();
            let own = [("listen_addresses", "127.0.0.1"), ("port", &*number)];
            let settings = [&own[..], settings].concat();
            let server = Server::start_with(&settings, files)?;
            Ok(Self { server, port })
        };
        // Somebody else may have taken the port in between.
        attempt().or_else(|_| attempt()).unwrap()
    }

    fn with_tls(certificate: &CertifiedKey) -> Self {
        let settings = [
            ("ssl", "on"),
            ("ssl_cert_file", "../server.crt"),
            ("ssl_key_file", "../server.key"),
        ];
        let files = [
            ("server.crt", &*certificate.cert.pem()),
            ("server.key", &*certificate.key_pair.serialize_pem()),
        ];
        Self::start(&settings, &files)
    }

    fn url(&self, host: &str, name: &str, parameters: &str) -> String {
        let port = self.port;
        format!("postgres://{USER}:{PASSWORD}@{host}:{port}/{name}?{parameters}")
    }

    /// Opens an archive and uses it; tells whether its connections are encrypted.
    async fn is_encrypted(&self, host: &str, parameters: &str) -> Result<bool, ArchiveError> {
        let database = self.server.database();
        let name = self.server.name_in(&database);
        let url = PostgresUrl::parse(&self.url(host, name, parameters)).unwrap();
        let archive = PostgresArchive::open_or_create(&url, &few_connections()).await?;
        assert_eq!(archive.append(vec![record(1, b"x")]).await?, [true]);
        let sql = format!(
            "SELECT bool_and(ssl), bool_or(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
             WHERE datname = '{name}'"
        );
        let encrypted = self.server.sql("postgres", &sql);
        match &*encrypted.unwrap() {
            "t|t" => Ok(true),
            "f|f" => Ok(false),
            other => panic!("{other}"),
        }
    }

    async fn refusal(&self, host: &str, parameters: &str) -> String {
        let error = self.is_encrypted(host, parameters).await.unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains(PASSWORD), "{shown}");
        shown
    }
}

/// A certificate of this machine's name that nobody vouches for.
fn self_signed(name: &str) -> CertifiedKey {
    rcgen::generate_simple_self_signed([name.to_owned()]).unwrap()
}

/// A certificate that another one vouches for; gives both.
fn vouched_for(name: &str) -> (CertifiedKey, String) {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let authority = params.self_signed(&key).unwrap();
    let key_pair = KeyPair::generate().unwrap();
    let params = CertificateParams::new([name.to_owned()]).unwrap();
    let cert = params.signed_by(&key_pair, &authority, &key).unwrap();
    (CertifiedKey { cert, key_pair }, authority.pem())
}

fn file_of(pem: &str) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("root.crt");
    std::fs::write(&path, pem).unwrap();
    (directory, path)
}

#[tokio::test]
async fn connections_are_encrypted_where_the_server_offers_it_unless_told_otherwise() {
    let server = Tcp::with_tls(&self_signed("localhost"));
    let cases = [
        ("", true),
        ("sslmode=prefer", true),
        ("sslmode=require", true),
        ("sslmode=require&channel_binding=require", true),
        ("sslmode=disable", false),
    ];
    for (parameters, encrypted) in cases {
        let found = server.is_encrypted("localhost", parameters).await.unwrap();
        assert_eq!(found, encrypted, "{parameters}");
    }
}

#[tokio::test]
async fn what_has_to_be_encrypted_is_refused_where_it_cannot_be() {
    let server = Tcp::start(&[], &[]);
    for mode in ["require", "verify-ca", "verify-full"] {
        let refusal = server
            .refusal("localhost", &format!("sslmode={mode}"))
            .await;
        assert!(refusal.contains("TLS"), "{refusal}");
    }
    let encrypted = server.is_encrypted("localhost", "sslmode=prefer").await;
    assert!(!encrypted.unwrap());
}

#[tokio::test]
async fn a_certificate_is_verified_by_those_that_are_named() {
    let own = self_signed("localhost");
    let (_kept, itself) = file_of(&own.cert.pem());
    let (_kept, another) = file_of(&self_signed("localhost").cert.pem());
    let server = Tcp::with_tls(&own);
    for mode in ["verify-ca", "verify-full"] {
        let by = |path: &PathBuf| format!("sslmode={mode}&sslrootcert={}", path.display());
        assert!(
            server
                .is_encrypted("localhost", &by(&itself))
                .await
                .unwrap()
        );
        let refusal = server.refusal("localhost", &by(&another)).await;
        assert!(refusal.contains("certificate"), "{refusal}");
        let unnamed = server
            .refusal("localhost", &format!("sslmode={mode}"))
            .await;
        assert!(unnamed.contains("UnknownIssuer"), "{unnamed}");
    }
}

#[tokio::test]
async fn a_certificate_of_another_host_is_refused_where_names_are_verified() {
    let itself = self_signed("db.example");
    let (chained, authority) = vouched_for("db.example");
    for (certificate, root) in [(&itself, itself.cert.pem()), (&chained, authority)] {
        let (_kept, root) = file_of(&root);
        let server = Tcp::with_tls(certificate);
        let by = |mode: &str| format!("sslmode={mode}&sslrootcert={}", root.display());
        assert!(
            server
                .is_encrypted("localhost", &by("verify-ca"))
                .await
                .unwrap()
        );
        let refusal = server.refusal("localhost", &by("verify-full")).await;
        assert!(refusal.contains("not valid for name"), "{refusal}");
    }
}

#[tokio::test]
async fn certificates_that_cannot_be_read_are_told_by_their_path() {
    let (_kept, empty) = file_of("no certificate");
    let missing = empty.with_file_name("missing.crt");
    for path in [empty, missing] {
        let url = format!(
            "postgres://me:{PASSWORD}@localhost/db?sslmode=verify-full&sslrootcert={}",
            path.display()
        );
        let url = PostgresUrl::parse(&url).unwrap();
        let error = PostgresArchive::open(&url, &few_connections()).await;
        let shown = error.unwrap_err().to_string();
        assert!(shown.contains(path.to_str().unwrap()), "{shown}");
        assert!(!shown.contains(PASSWORD), "{shown}");
    }
}

#[tokio::test]
async fn a_database_of_nwaku_is_read_over_tls() {
    let server = Tcp::with_tls(&self_signed("localhost"));
    let open = async |parameters: &str| {
        let url = NwakuUrl::parse(&server.url("localhost", "postgres", parameters)).unwrap();
        NwakuDatabase::open(&url).await.unwrap_err()
    };
    // That it holds no messages is told by a server that was connected to.
    let told = open("sslmode=require").await;
    assert!(matches!(told, NwakuError::Table { .. }), "{told:?}");
    let told = open("sslmode=verify-full").await;
    assert!(matches!(told, NwakuError::Postgres(_)), "{told:?}");
}
