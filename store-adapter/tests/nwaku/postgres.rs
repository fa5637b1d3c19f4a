//! PostgreSQL databases.

use std::fmt::Write;

use postgres_server::PASSWORD;
use store_adapter::nwaku::{NwakuDatabase, NwakuUrl, RowFault};
use store_adapter::{WakuMessage, message_hash};

use crate::support::{TOPIC, assert_holds, messages, read_all, refusal};

const TABLE: &str = "CREATE TABLE messages (messagehash VARCHAR NOT NULL, \
     pubsubtopic VARCHAR NOT NULL, contenttopic VARCHAR NOT NULL, payload VARCHAR, \
     version INTEGER NOT NULL, timestamp BIGINT NOT NULL, meta VARCHAR, \
     CONSTRAINT messageindex PRIMARY KEY (timestamp, messagehash)) PARTITION BY RANGE (timestamp); \
     CREATE TABLE messages_1 PARTITION OF messages \
       FOR VALUES FROM (-10) TO (1700000000100000000); \
     CREATE TABLE messages_2 PARTITION OF messages \
       FOR VALUES FROM (1700000000100000000) TO (9223372036854775807);";
const VERSION: &str = "CREATE TABLE version (version INTEGER NOT NULL); \
     INSERT INTO version VALUES (8);";

/// A database of this schema on the tests' own server; gives its address.
fn database(schema: &[&str]) -> String {
    let server = postgres_server::shared();
    let url = server.database();
    run(&url, &schema.concat());
    url
}

fn run(url: &str, sql: &str) {
    let server = postgres_server::shared();
    server.sql(server.name_in(url), sql).unwrap();
}

/// As nwaku stores them.
fn insert(url: &str, messages: &[WakuMessage]) {
    // A statement goes as an argument, whose length is bounded.
    messages
        .chunks(100)
        .for_each(|messages| insert_some(url, messages));
}

fn insert_some(url: &str, messages: &[WakuMessage]) {
    let mut sql = String::from(
        "INSERT INTO messages (messagehash, pubsubtopic, contenttopic, payload, version, timestamp, meta) VALUES ",
    );
    for (number, message) in messages.iter().enumerate() {
        let meta = message.meta.as_ref().map(hex::encode).unwrap_or_default();
        let comma = if number == 0 { "" } else { ", " };
        write!(
            sql,
            "{comma}('{}', '{TOPIC}', '{}', '{}', {}, {}, '{meta}')",
            message_hash(TOPIC, message),
            message.content_topic,
            hex::encode(&message.payload),
            message.version.unwrap_or_default(),
            message.timestamp(),
        )
        .unwrap();
    }
    run(url, &sql);
}

#[tokio::test]
async fn every_message_comes_in_order_of_time_with_its_fields_page_by_page() {
    let url = database(&[TABLE, VERSION]);
    let messages = messages(1_001);
    insert(&url, &messages);
    let rows = read_all(&url).await;
    assert_holds(&rows, &messages);
    for row in &rows {
        let (topic, message) = row.message.as_ref().unwrap();
        assert_eq!(row.hash, Some(message_hash(topic, message)));
    }
    let opened = NwakuDatabase::open(&NwakuUrl::parse(&url).unwrap())
        .await
        .unwrap();
    let span = (messages[0].timestamp(), messages[1_000].timestamp());
    assert_eq!(
        (opened.shape().span, opened.shape().version),
        (Some(span), 8)
    );
}

#[tokio::test]
async fn a_node_drops_partitions_while_its_database_is_read() {
    let url = database(&[TABLE, VERSION]);
    insert(&url, &messages(800));
    let mut reading = NwakuDatabase::open(&NwakuUrl::parse(&url).unwrap())
        .await
        .unwrap();
    let mut read = reading.next().await.unwrap().len();
    run(&url, "SET lock_timeout = '5s'; DROP TABLE messages_1;");
    loop {
        let rows = reading.next().await.unwrap().len();
        if rows == 0 {
            break;
        }
        read += rows;
    }
    assert!(read >= 600, "{read}");
}

#[tokio::test]
async fn an_empty_database_of_nwaku_is_read_as_nothing() {
    let url = database(&[TABLE, VERSION]);
    assert_eq!(read_all(&url).await, []);
}

#[tokio::test]
async fn rows_that_are_no_messages_are_told_apart_and_the_rest_read() {
    let url = database(&[TABLE, VERSION]);
    run(
        &url,
        "INSERT INTO messages VALUES ('00', '/t', '/c', 'xyz', 0, 1, NULL), \
         ('01', '/t', '/c', repeat('ab', 153601), 0, 2, NULL), ('02', '/t', '/c', 'ab', -1, 3, ''), \
         ('03', '/t', '/c', 'ab', 0, 4, 'f'), ('', '/t', '/c', NULL, 0, -5, NULL);",
    );
    let rows = read_all(&url).await;
    let outcomes: Vec<_> = rows
        .into_iter()
        .map(|row| row.message.map(|_| ()))
        .collect();
    let expected = [
        Ok(()),
        Err(RowFault::NotHex("payload")),
        Err(RowFault::TooLong),
        Err(RowFault::Type("version")),
        Err(RowFault::NotHex("meta")),
    ];
    assert_eq!(outcomes, expected);
}

#[tokio::test]
async fn what_is_no_database_of_nwaku_is_refused_by_what_is_missing() {
    let other = database(&["CREATE TABLE notes (t TEXT);"]);
    let told = refusal(&other).await;
    assert!(
        told.contains("`messages`") && told.contains("notes"),
        "{told}"
    );
    let unversioned = database(&[TABLE]);
    assert!(refusal(&unversioned).await.contains("`version`"));
    let newer = database(&[TABLE, VERSION, "UPDATE version SET version = 9;"]);
    let told = refusal(&newer).await;
    assert!(
        told.contains("version 9") && told.contains("1 to 8"),
        "{told}"
    );
    let old = database(&[
        "CREATE TABLE messages (pubsubTopic VARCHAR, payload VARCHAR);",
        VERSION,
    ]);
    let told = refusal(&old).await;
    assert!(
        told.contains("contentTopic, version, timestamp, meta, messageHash"),
        "{told}"
    );
}

#[tokio::test]
async fn a_password_is_never_told() {
    let url = database(&[TABLE, VERSION]).replace(PASSWORD, "secret-of-mine");
    let told = refusal(&url).await;
    assert!(told.contains("password"), "{told}");
    assert!(!told.contains("secret-of-mine"), "{told}");
}

#[tokio::test]
async fn a_server_that_never_answers_is_told() {
    // Takes connections, and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let url = format!("postgres://me@127.0.0.1:{port}/db?connect_timeout=1");
    let url = NwakuUrl::parse(&url).unwrap();
    let opening = NwakuDatabase::open(&url);
    let opened = tokio::time::timeout(std::time::Duration::from_secs(20), opening).await;
    let error = opened.unwrap().map(drop).unwrap_err().to_string();
    assert!(
        error.contains("within 1 s") && error.contains("connect_timeout"),
        "{error}"
    );
}
