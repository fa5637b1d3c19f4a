//! SQLite files.

use std::path::PathBuf;

use rusqlite::{Connection, params};
use store_adapter::WakuMessage;
use store_adapter::limits::MESSAGE_BYTES;
use store_adapter::nwaku::{NwakuDatabase, NwakuUrl, RowFault};
use tempfile::TempDir;

use crate::support::{TOPIC, assert_holds, message, messages, read_all, refusal};

const TABLE: &str = "CREATE TABLE IF NOT EXISTS Message (pubsubTopic BLOB NOT NULL, \
     contentTopic BLOB NOT NULL, payload BLOB, version INTEGER NOT NULL, \
     timestamp INTEGER NOT NULL, messageHash BLOB, meta BLOB, \
     CONSTRAINT messageIndex PRIMARY KEY (messageHash)) WITHOUT ROWID;";
const INDEX: &str = "CREATE INDEX IF NOT EXISTS i_ts ON Message (timestamp);";

struct Database {
    connection: Connection,
    path: PathBuf,
    _directory: TempDir,
}

impl Database {
    /// A file as a running node has it.
    fn new(schema: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("store #1.sqlite3");
        let connection = Connection::open(&path).unwrap();
        connection
            .pragma_update(None, "journal_mode", "WAL")
            .unwrap();
        connection.execute_batch(&schema.concat()).unwrap();
        connection.pragma_update(None, "user_version", 10).unwrap();
        Self {
            connection,
            path,
            _directory: directory,
        }
    }

    fn url(&self) -> String {
        format!("sqlite://{}", self.path.display())
    }

    /// As nwaku stores it, but for the hash, which is random as in migrated rows.
    fn insert(&self, message: &WakuMessage) {
        let insert = "INSERT INTO Message (pubsubTopic, contentTopic, payload, version, timestamp, \
                      messageHash, meta) VALUES (?, ?, ?, ?, ?, randomblob(32), ?)";
        let values = params![
            TOPIC.as_bytes(),
            message.content_topic.as_bytes(),
            message.payload,
            message.version,
            message.timestamp,
            message.meta,
        ];
        self.connection.execute(insert, values).unwrap();
    }
}

#[tokio::test]
async fn every_message_comes_in_order_of_time_with_its_fields() {
    let database = Database::new(&[TABLE, INDEX]);
    let messages = messages(1_001);
    database.connection.execute_batch("BEGIN").unwrap();
    // As gossip brings them: in no order.
    messages
        .iter()
        .rev()
        .for_each(|message| database.insert(message));
    database.connection.execute_batch("COMMIT").unwrap();
    let rows = read_all(&database.url()).await;
    assert_holds(&rows, &messages);
    assert!(rows.iter().all(|row| row.hash.is_some()));
    let url = NwakuUrl::parse(&database.url()).unwrap();
    let opened = NwakuDatabase::open(&url).await.unwrap();
    let span = (messages[0].timestamp(), messages[1_000].timestamp());
    assert_eq!(opened.shape().span, Some(span));
    assert_eq!(
        (opened.shape().table.as_str(), opened.shape().version),
        ("Message", 10)
    );
}

#[tokio::test]
async fn an_empty_file_of_nwaku_is_read_as_nothing() {
    let database = Database::new(&[TABLE, INDEX]);
    assert_eq!(read_all(&database.url()).await, []);
}

#[tokio::test]
async fn a_node_writes_on_while_its_file_is_read() {
    let database = Database::new(&[TABLE, INDEX]);
    let before = messages(900);
    database.connection.execute_batch("BEGIN").unwrap();
    before.iter().for_each(|message| database.insert(message));
    database
        .connection
        .execute_batch("COMMIT; BEGIN IMMEDIATE")
        .unwrap();
    database.insert(&message(1_800_000_000_000_000_000, 900));
    let url = NwakuUrl::parse(&database.url()).unwrap();
    let mut reading = NwakuDatabase::open(&url).await.unwrap();
    let mut rows = reading.next().await.unwrap();
    database.connection.execute_batch("COMMIT").unwrap();
    loop {
        let batch = reading.next().await.unwrap();
        if batch.is_empty() {
            break;
        }
        rows.extend(batch);
    }
    rows.retain(|row| row.timestamp < 1_800_000_000_000_000_000);
    assert_holds(&rows, &before);
    assert_eq!(read_all(&database.url()).await.len(), 901);
}

#[tokio::test]
async fn the_table_of_older_files_with_its_columns_is_read_too() {
    let table = "CREATE TABLE message (pubsubTopic BLOB NOT NULL, contentTopic BLOB NOT NULL, \
         payload BLOB, version INTEGER NOT NULL, id BLOB, messageHash BLOB, \
         timestamp INTEGER NOT NULL, meta BLOB, \
         CONSTRAINT messageIndex PRIMARY KEY (timestamp, messageHash)) WITHOUT ROWID;";
    let database = Database::new(&[table]);
    let messages = messages(10);
    messages.iter().for_each(|message| database.insert(message));
    assert_holds(&read_all(&database.url()).await, &messages);
}

#[tokio::test]
async fn a_file_that_would_have_to_be_sorted_is_read_as_it_lies() {
    let database = Database::new(&[TABLE]);
    let messages = messages(500);
    messages.iter().for_each(|message| database.insert(message));
    let mut rows = read_all(&database.url()).await;
    assert!(
        !rows.is_sorted_by_key(|row| row.timestamp),
        "it lies in the order of random hashes"
    );
    rows.sort_by_key(|row| row.timestamp);
    assert_holds(&rows, &messages);
}

#[tokio::test]
async fn a_closed_file_where_nothing_can_be_made_beside_it_is_read() {
    let Database {
        connection,
        path,
        _directory,
    } = Database::new(&[TABLE, INDEX]);
    connection
        .execute(
            "INSERT INTO Message VALUES (?, ?, NULL, 0, 5, zeroblob(32), NULL)",
            [TOPIC, "/c"],
        )
        .unwrap();
    drop(connection);
    // The file of shared memory can't be made where a directory is.
    std::fs::create_dir(format!("{}-shm", path.display())).unwrap();
    let rows = read_all(&format!("sqlite://{}", path.display())).await;
    let (_, message) = rows[0].message.clone().unwrap();
    assert_eq!(
        (message.timestamp, message.payload, message.meta),
        (Some(5), vec![], None)
    );
}

#[tokio::test]
async fn rows_that_are_no_messages_are_told_apart_and_the_rest_read() {
    let database = Database::new(&[TABLE, INDEX]);
    let longest = vec![1u8; MESSAGE_BYTES + 1];
    database.insert(&message(100, 0));
    let insert = "INSERT INTO Message VALUES (?, ?, ?, ?, ?, randomblob(32), NULL)";
    let topic = TOPIC.as_bytes();
    let bad = [
        params![&b"\xff"[..], topic, topic, 0, 1],
        params![topic, topic, longest, 0, 2],
        params![topic, topic, topic, -1, 3],
        params![topic, topic, topic, "one", 4],
        params![topic, topic, topic, 0, "now"],
        params![topic, topic, 7, 0, 6],
    ];
    for values in bad {
        database.connection.execute(insert, values).unwrap();
    }
    let rows = read_all(&database.url()).await;
    let faults: Vec<RowFault> = rows
        .into_iter()
        .filter_map(|row| row.message.err())
        .collect();
    assert_eq!(faults.len(), 6);
    for expected in [
        RowFault::NotText("pubsubTopic"),
        RowFault::TooLong,
        RowFault::Type("version"),
        RowFault::Type("timestamp"),
        RowFault::Type("payload"),
    ] {
        assert!(faults.contains(&expected), "{expected}: {faults:?}");
    }
}

#[tokio::test]
async fn what_is_no_database_of_nwaku_is_refused_by_what_is_missing() {
    let other = Database::new(&["CREATE TABLE peer (id BLOB); CREATE TABLE notes (t TEXT);"]);
    let told = refusal(&other.url()).await;
    assert!(
        told.contains("`Message`") && told.contains("notes, peer"),
        "{told}"
    );
    let empty = Database::new(&[]);
    assert!(refusal(&empty.url()).await.contains("no tables"));
    let old = Database::new(&[
        "CREATE TABLE Message (pubsubTopic BLOB, contentTopic BLOB, \
         payload BLOB, version INTEGER, timestamp INTEGER, id BLOB, storedAt INTEGER);",
    ]);
    let told = refusal(&old.url()).await;
    assert!(
        told.contains("meta, messageHash") && told.contains("migrates"),
        "{told}"
    );
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("nothing");
    assert!(
        refusal(&format!("sqlite://{}", path.display()))
            .await
            .contains("no file")
    );
    std::fs::write(
        &path,
        b"no database, but a file of some length, more than a header",
    )
    .unwrap();
    let told = refusal(&format!("sqlite://{}", path.display())).await;
    assert!(
        told.contains("not a database") && told.contains("nothing"),
        "{told}"
    );
}
