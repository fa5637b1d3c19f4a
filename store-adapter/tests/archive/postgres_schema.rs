//! How an archive in a database is made, opened again, and refused.

use store_adapter::archive::{
    self, Archive, ArchiveError, ArchiveOptions, ArchiveUrl, PostgresArchive, PostgresUrl,
};

use crate::postgres::{few_connections, url};
use crate::suite::{all_items, record};

fn name_of(url: &PostgresUrl) -> String {
    url.to_string().rsplit('/').next().unwrap().to_owned()
}

fn sql(url: &PostgresUrl, sql: &str) -> String {
    postgres_server::shared().sql(&name_of(url), sql).unwrap()
}

async fn create(url: &PostgresUrl) -> PostgresArchive {
    PostgresArchive::open_or_create(url, &few_connections())
        .await
        .unwrap()
}

/// Every table with its columns, and the rows of one.
fn description(url: &PostgresUrl) -> String {
    sql(
        url,
        "SELECT table_schema, table_name, column_name, data_type FROM information_schema.columns
         WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2, 3",
    )
}

/// Opens both ways, and checks that the database is refused and unchanged; gives the message.
async fn refused(url: &PostgresUrl) -> String {
    let before = description(url);
    let options = few_connections();
    let error = PostgresArchive::open(url, &options).await.unwrap_err();
    assert!(
        matches!(error, ArchiveError::DatabaseRefused { .. }),
        "{error:?}"
    );
    let error = PostgresArchive::open_or_create(url, &options)
        .await
        .unwrap_err();
    assert!(
        matches!(error, ArchiveError::DatabaseRefused { .. }),
        "{error:?}"
    );
    assert_eq!(description(url), before);
    let message = error.to_string();
    assert!(!message.contains(postgres_server::PASSWORD), "{message}");
    message
}

#[tokio::test]
async fn what_was_appended_is_there_after_opening_again() {
    let url = url();
    let archive = create(&url).await;
    archive
        .append((0..50).map(|n| record(n, b"x")).collect())
        .await
        .unwrap();
    archive.set_state("online", Some(vec![9])).await.unwrap();
    let items = all_items(&archive).await;
    drop(archive);
    let archive = PostgresArchive::open(&url, &few_connections())
        .await
        .unwrap();
    assert_eq!(items.len(), 50);
    assert_eq!(all_items(&archive).await, items);
    assert_eq!(archive.state("online").await.unwrap(), Some(vec![9]));
    let stats = archive.stats().await.unwrap();
    assert!(
        stats.disk_bytes > 10_000 && stats.log_bytes > 1_000_000,
        "{stats:?}"
    );
}

#[tokio::test]
async fn an_archive_must_be_there_unless_it_is_to_be_made() {
    let url = url();
    let error = PostgresArchive::open(&url, &few_connections())
        .await
        .unwrap_err();
    assert!(
        matches!(error, ArchiveError::NotInDatabase { .. }),
        "{error:?}"
    );
    assert_eq!(description(&url), "");
    create(&url).await;
    PostgresArchive::open(&url, &few_connections())
        .await
        .unwrap();
}

#[tokio::test]
async fn several_nodes_make_one_archive() {
    let url = url();
    let made = (0..4).map(|_| {
        let url = url.clone();
        tokio::spawn(async move { create(&url).await })
    });
    let made: Vec<_> = made.collect();
    for archive in made {
        archive
            .await
            .unwrap()
            .append(vec![record(1, b"x")])
            .await
            .unwrap();
    }
    assert_eq!(
        sql(&url, "SELECT version FROM wakustore.schema_version"),
        "2"
    );
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let url = url();
    create(&url).await;
    sql(&url, "UPDATE wakustore.schema_version SET version = 99");
    let message = refused(&url).await;
    assert!(message.contains("version 99"), "{message}");
}

#[tokio::test]
async fn a_schema_of_another_program_is_refused_by_the_name_of_its_tables() {
    let url = url();
    sql(
        &url,
        "CREATE SCHEMA wakustore; CREATE TABLE wakustore.invoices (x int)",
    );
    let message = refused(&url).await;
    assert!(message.contains("invoices"), "{message}");
    sql(&url, "CREATE TABLE wakustore.schema_version (other text)");
    let message = refused(&url).await;
    assert!(message.contains("schema_version"), "{message}");
}

#[tokio::test]
async fn tables_of_others_are_left_alone() {
    let url = url();
    sql(
        &url,
        "CREATE TABLE messages (x int); INSERT INTO messages VALUES (7)",
    );
    create(&url)
        .await
        .append(vec![record(1, b"x")])
        .await
        .unwrap();
    assert_eq!(sql(&url, "SELECT x FROM public.messages"), "7");
}

#[tokio::test]
async fn what_cannot_be_reached_is_told_without_the_password() {
    let server = postgres_server::shared();
    let cases = [
        (server.url("nowhere"), "nowhere"),
        (server.url_with("wrong-secret", "postgres"), "password"),
        (
            "postgres://me:wrong-secret@127.0.0.1:1/db".to_owned(),
            "127.0.0.1:1",
        ),
    ];
    for (url, word) in cases {
        let url = ArchiveUrl::parse(&url).unwrap();
        for create in [false, true] {
            let options = ArchiveOptions::default();
            let error = match create {
                true => archive::open(&url, &options).await.unwrap_err(),
                false => archive::open_existing(&url, &options).await.unwrap_err(),
            };
            let shown = format!("{error} {error:?}");
            assert!(shown.contains(word), "{shown}");
            assert!(!shown.contains("secret"), "{shown}");
            assert!(!shown.contains(postgres_server::PASSWORD), "{shown}");
        }
    }
}
