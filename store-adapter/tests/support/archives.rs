//! Empty archives of every backend, and records, for the suites that run over all of them.

use store_adapter::archive::{
    ArchiveOptions, Durability, MemoryArchive, PostgresArchive, PostgresUrl, RedbArchive,
};
use store_adapter::{Record, WakuMessage};
use tempfile::TempDir;

pub(crate) const TOPIC: &str = "/waku/2/rs/99/0";
pub(crate) const CONTENT: &str = "/test/1/a/proto";

/// Runs functions of the suite, each on an archive made by `$new`.
macro_rules! on_empty_archives {
    ($new:expr => $($name:ident),* $(,)?) => {$(
        #[tokio::test]
        async fn $name() {
            let (archive, _kept) = $new.await;
            $crate::suite::$name(&archive).await;
        }
    )*};
}

pub(crate) fn record_of(topic: &str, content_topic: &str, time: i64, payload: &[u8]) -> Record {
    let message = WakuMessage {
        payload: payload.to_vec(),
        content_topic: content_topic.into(),
        timestamp: Some(time),
        ..WakuMessage::default()
    };
    Record::new(topic, message).unwrap()
}

pub(crate) async fn memory() -> (MemoryArchive, ()) {
    (MemoryArchive::new(), ())
}

pub(crate) async fn redb() -> (RedbArchive, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("archive.redb");
    (RedbArchive::open_or_create(&path).await.unwrap(), directory)
}

pub(crate) async fn redb_durable_on_close() -> (RedbArchive, TempDir) {
    let (archive, directory) = redb().await;
    (archive.with_durability(Durability::OnClose), directory)
}

pub(crate) fn postgres_url() -> PostgresUrl {
    PostgresUrl::parse(&postgres_server::shared().database()).unwrap()
}

/// Tests run side by side on one server.
pub(crate) fn few_connections() -> ArchiveOptions {
    ArchiveOptions {
        max_connections: 4,
        ..ArchiveOptions::default()
    }
}

pub(crate) async fn postgres() -> (PostgresArchive, ()) {
    let archive = PostgresArchive::open_or_create(&postgres_url(), &few_connections()).await;
    (archive.unwrap(), ())
}
