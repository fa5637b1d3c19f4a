//! Moving in from databases of nwaku.

use rusqlite::{Connection, params};
use store_adapter::line::{ImportLine, export_line};
use store_adapter::{Record, WakuMessage};

use crate::support::{Place, assert_fails, code_and_errors, messages};

const SQLITE: &str = "CREATE TABLE Message (pubsubTopic BLOB NOT NULL, contentTopic BLOB NOT NULL, \
     payload BLOB, version INTEGER NOT NULL, timestamp INTEGER NOT NULL, messageHash BLOB, meta BLOB, \
     CONSTRAINT messageIndex PRIMARY KEY (messageHash)) WITHOUT ROWID; \
     CREATE INDEX i_ts ON Message (timestamp); PRAGMA journal_mode = WAL;";
const POSTGRES: &str = "CREATE TABLE messages (messagehash VARCHAR NOT NULL, \
     pubsubtopic VARCHAR NOT NULL, contenttopic VARCHAR NOT NULL, payload VARCHAR, \
     version INTEGER NOT NULL, timestamp BIGINT NOT NULL, meta VARCHAR, \
     CONSTRAINT messageindex PRIMARY KEY (timestamp, messagehash)) PARTITION BY RANGE (timestamp); \
     CREATE TABLE messages_1 PARTITION OF messages \
       FOR VALUES FROM (MINVALUE) TO (MAXVALUE); \
     CREATE TABLE version (version INTEGER NOT NULL); INSERT INTO version VALUES (8);";

/// What nwaku keeps of the message of a line.
fn kept(line: &str) -> (String, WakuMessage) {
    let line = ImportLine::parse(line.as_bytes()).unwrap();
    let message = WakuMessage {
        version: Some(line.message.version.unwrap_or_default()),
        meta: line.message.meta.filter(|meta| !meta.is_empty()),
        rate_limit_proof: None,
        ephemeral: None,
        ..line.message
    };
    (line.pubsub_topic, message)
}

fn insert(database: &Connection, topic: &str, message: &WakuMessage) {
    let values = params![
        topic.as_bytes(),
        message.content_topic.as_bytes(),
        message.payload,
        message.version,
        message.timestamp,
        message.meta,
    ];
    database
        .execute(
            "INSERT INTO Message VALUES (?, ?, ?, ?, ?, randomblob(32), ?)",
            values,
        )
        .unwrap();
}

/// The export that is expected of these messages.
fn exported(messages: &[(String, WakuMessage)]) -> String {
    let record = |(topic, message): &(String, WakuMessage)| {
        Record::new(topic.as_str(), message.clone()).unwrap()
    };
    let mut records: Vec<Record> = messages.iter().map(record).collect();
    records.sort_by_key(Record::item);
    records
        .iter()
        .map(|record| export_line(record) + "\n")
        .collect()
}

#[test]
fn a_file_of_nwaku_is_taken_over_whole_and_again_only_what_is_new() {
    let place = Place::new();
    let path = place.path("store.sqlite3");
    let from = format!("sqlite://{}", path.display());
    // It stays open, as a running node has it.
    let node = Connection::open(&path).unwrap();
    node.execute_batch(SQLITE).unwrap();
    let messages: Vec<_> = messages(2_500, 3).iter().map(|line| kept(line)).collect();
    node.execute_batch("BEGIN").unwrap();
    messages[..2_400]
        .iter()
        .for_each(|(topic, message)| insert(&node, topic, message));
    node.execute_batch("COMMIT").unwrap();
    let output = place.run("a", &["import", "--from", &from]);
    let (code, errors) = code_and_errors(&output);
    assert_eq!(code, Some(0), "{errors}");
    assert!(
        errors.contains("2,400 messages stored, 0 there already, 0 skipped"),
        "{errors}"
    );
    assert!(
        errors.contains("2,400 of them had another hash"),
        "{errors}"
    );
    messages[2_400..]
        .iter()
        .for_each(|(topic, message)| insert(&node, topic, message));
    let (code, errors) = code_and_errors(&place.run("a", &["import", "--from", &from]));
    assert_eq!(code, Some(0), "{errors}");
    assert!(
        errors.contains("100 messages stored, 2,400 there already, 0 skipped"),
        "{errors}"
    );
    assert_eq!(place.succeed("a", &["export"]), exported(&messages));
    place.succeed("a", &["check"]);
}

#[test]
fn what_is_skipped_is_counted_by_reason_with_examples() {
    let place = Place::new();
    let path = place.path("store.sqlite3");
    let node = Connection::open(&path).unwrap();
    node.execute_batch(SQLITE).unwrap();
    let (topic, message) = kept(&messages(1, 4)[0]);
    insert(&node, &topic, &message);
    for time in 1..=5 {
        let before_1970 = WakuMessage {
            timestamp: Some(-time),
            ..message.clone()
        };
        insert(&node, &topic, &before_1970);
    }
    let nowhere = WakuMessage {
        content_topic: String::new(),
        ..message
    };
    insert(&node, &topic, &nowhere);
    node.execute(
        "INSERT INTO Message VALUES (x'ff', x'2f', NULL, 0, 7, x'00', NULL)",
        [],
    )
    .unwrap();
    let from = format!("sqlite://{}", path.display());
    let output = place.run("a", &["import", "--from", &from]);
    let words = [
        "1 messages stored, 0 there already, 7 skipped",
        "skipped, negative_timestamp: 5",
        "-5 ns: expected a timestamp of 0 or more",
        "skipped, empty_topic: 1",
        "skipped, not_text: 1",
        "7 ns: `pubsubTopic` is no text",
    ];
    assert_fails(&output, 1, &words);
    let (_, errors) = code_and_errors(&output);
    assert_eq!(
        errors.matches("expected a timestamp of 0 or more").count(),
        3
    );
}

#[test]
fn a_postgresql_database_of_nwaku_is_taken_over_and_its_password_never_told() {
    let server = postgres_server::shared();
    let from = server.database();
    let database = server.name_in(&from);
    server.sql(database, POSTGRES).unwrap();
    let messages: Vec<_> = messages(60, 5).iter().map(|line| kept(line)).collect();
    let row = |(topic, message): &(String, WakuMessage)| {
        format!(
            "('{}', '{topic}', '{}', '{}', {}, {}, '{}')",
            store_adapter::message_hash(topic, message),
            message.content_topic,
            hex::encode(&message.payload),
            message.version.unwrap_or_default(),
            message.timestamp(),
            message.meta.as_ref().map(hex::encode).unwrap_or_default(),
        )
    };
    // A statement goes as an argument, whose length is bounded: one for each.
    for message in &messages {
        let insert = format!("INSERT INTO messages VALUES {}", row(message));
        server.sql(database, &insert).unwrap();
    }
    let place = Place::new();
    let told = [
        "60 messages stored, 0 there already, 0 skipped",
        "0 messages stored, 60 there already, 0 skipped",
    ];
    for words in told {
        let (code, errors) = code_and_errors(&place.run("a", &["import", "--from", &from]));
        assert_eq!(code, Some(0), "{errors}");
        assert!(
            errors.contains(words) && errors.contains("schema version 8"),
            "{errors}"
        );
        assert!(!errors.contains("another hash"), "{errors}");
        assert!(!errors.contains(postgres_server::PASSWORD), "{errors}");
    }
    assert_eq!(place.succeed("a", &["export"]), exported(&messages));
    let wrong = server.url_with("secret-of-mine", database);
    let output = place.run("a", &["import", "--from", &wrong]);
    assert_fails(&output, 1, &["password authentication failed"]);
    assert!(!code_and_errors(&output).1.contains("secret-of-mine"));
}

#[test]
fn a_source_that_is_none_leaves_no_archive_behind() {
    let place = Place::new();
    let nothing = format!("sqlite://{}", place.path("nothing.sqlite3").display());
    let output = place.run("a", &["import", "--from", &nothing]);
    assert_fails(&output, 1, &["there is no file", "nothing.sqlite3"]);
    let output = place.run("a", &["import", "--from", "mysql://me:secret@host/db"]);
    assert_fails(&output, 2, &["sqlite://PATH"]);
    assert!(!code_and_errors(&output).1.contains("secret"));
    assert!(!place.path("a").exists());
    let output = place.run("a", &["import", "--from", &nothing, "file.json"]);
    assert_fails(&output, 2, &["cannot be used with"]);
    assert_fails(&place.run("a", &["import"]), 2, &["FILE"]);
}
