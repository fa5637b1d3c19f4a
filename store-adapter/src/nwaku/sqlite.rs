//! Reads an SQLite file of nwaku on a thread of its own.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, Row};
use tokio::sync::{mpsc, oneshot};

use super::row::Fields;
use super::{NwakuError, NwakuRow, RowFault, Shape, check_columns};
use crate::limits::{MESSAGE_BYTES, NWAKU_BATCHES, NWAKU_ROWS};

/// How long to wait for a node that holds the file.
const PATIENCE: Duration = Duration::from_secs(10);

/// Reads the messages of a file.
#[derive(Debug)]
pub(super) struct SqliteReader {
    batches: mpsc::Receiver<Result<Vec<NwakuRow>, NwakuError>>,
}

impl SqliteReader {
    pub(super) async fn open(path: PathBuf) -> Result<(Shape, Self), NwakuError> {
        let (opened, shape) = oneshot::channel();
        let (sender, batches) = mpsc::channel(NWAKU_BATCHES);
        tokio::task::spawn_blocking(move || read(&path, opened, &sender));
        let shape = shape.await.map_err(|_| NwakuError::Ending)??;
        Ok((shape, Self { batches }))
    }

    pub(super) async fn next(&mut self) -> Result<Vec<NwakuRow>, NwakuError> {
        self.batches.recv().await.unwrap_or_else(|| Ok(Vec::new()))
    }
}

fn read(
    path: &Path,
    opened: oneshot::Sender<Result<Shape, NwakuError>>,
    batches: &mpsc::Sender<Result<Vec<NwakuRow>, NwakuError>>,
) {
    // Whoever opens it may have stopped waiting.
    match open(path) {
        Err(error) => drop(opened.send(Err(error))),
        Ok((connection, shape)) => {
            let table = shape.table.clone();
            if opened.send(Ok(shape)).is_ok()
                && let Err(source) = send_all(&connection, &table, batches)
            {
                drop(batches.blocking_send(Err(told(path)(source))));
            }
        }
    }
}

fn told(path: &Path) -> impl Fn(rusqlite::Error) -> NwakuError {
    let path = path.to_owned();
    move |source| NwakuError::Sqlite {
        path: path.clone(),
        source,
    }
}

fn open(path: &Path) -> Result<(Connection, Shape), NwakuError> {
    if !path.is_file() {
        return Err(NwakuError::NotFound(path.to_owned()));
    }
    let connection = connect(path).map_err(told(path))?;
    let table = table_of(&connection, path)?;
    let columns = columns_of(&connection, &table).map_err(told(path))?;
    check_columns(&table, &columns)?;
    let shape = shape_of(&connection, table).map_err(told(path))?;
    Ok((connection, shape))
}

/// Opens the file to read it alone, beside a node that writes it.
///
/// In the journal mode that nwaku uses, readers need a file of shared memory beside the database. In a
/// directory that can't be written it can only be read if no node has it open, which shows by there
/// being no journal.
fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    match try_reading(&connection) {
        Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::CannotOpen) => {
            let journal = PathBuf::from(format!("{}-wal", path.display()));
            if journal.exists() {
                return Err(error);
            }
            let connection = Connection::open_with_flags(
                format!("file:{}?immutable=1", escaped(path)),
                flags | OpenFlags::SQLITE_OPEN_URI,
            )?;
            try_reading(&connection)?;
            Ok(connection)
        }
        tried => tried.map(|()| connection),
    }
}

fn try_reading(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("SELECT count(*) FROM sqlite_master", [], |_| Ok(()))
}

/// A path as it stands in the address of a file.
fn escaped(path: &Path) -> String {
    let path = path.display().to_string();
    path.replace('%', "%25")
        .replace('?', "%3f")
        .replace('#', "%23")
}

/// The table of messages, by the name that it has.
fn table_of(connection: &Connection, path: &Path) -> Result<String, NwakuError> {
    let mut statement = connection
        .prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name LIMIT 20")
        .map_err(told(path))?;
    let names: rusqlite::Result<Vec<String>> = statement
        .query_map([], |row| row.get(0))
        .and_then(Iterator::collect);
    let names = names.map_err(told(path))?;
    let messages = |name: &&String| name.eq_ignore_ascii_case("Message");
    names
        .iter()
        .find(messages)
        .cloned()
        .ok_or_else(|| NwakuError::Table {
            expected: "Message",
            found: super::list(&names),
        })
}

fn columns_of(connection: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare("SELECT name FROM pragma_table_info(?1)")?;
    statement.query_map([table], |row| row.get(0))?.collect()
}

fn shape_of(connection: &Connection, table: String) -> rusqlite::Result<Shape> {
    let version = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    // Columns of SQLite hold values of any type.
    let end = |which: &str| {
        let end = format!("SELECT {which}(timestamp) FROM \"{table}\"");
        connection.query_row(&end, [], |row| Ok(row.get_ref(0)?.as_i64().ok()))
    };
    let span = end("min")?.zip(end("max")?);
    Ok(Shape {
        table,
        version,
        span,
    })
}

/// Sends all rows, in order of time unless the file would have to be sorted for that.
fn send_all(
    connection: &Connection,
    table: &str,
    batches: &mpsc::Sender<Result<Vec<NwakuRow>, NwakuError>>,
) -> rusqlite::Result<()> {
    let unordered = format!(
        "SELECT pubsubTopic, contentTopic, payload, version, timestamp, meta, messageHash \
         FROM \"{table}\""
    );
    let ordered = format!("{unordered} ORDER BY timestamp, messageHash");
    let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {ordered}"))?;
    let steps: Vec<String> = plan
        .query_map([], |row| row.get(3))?
        .collect::<Result<_, _>>()?;
    let sorts = steps.iter().any(|step| step.contains("TEMP B-TREE"));
    let mut statement = connection.prepare(if sorts { &unordered } else { &ordered })?;
    let mut rows = statement.query([])?;
    let (mut batch, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let fields = fields_of(row)?;
        bytes += fields.payload.as_ref().map_or(0, Vec::len);
        batch.push(fields.into_row());
        if batch.len() >= NWAKU_ROWS || bytes >= NWAKU_ROWS * 1_024 {
            if batches
                .blocking_send(Ok(std::mem::take(&mut batch)))
                .is_err()
            {
                return Ok(());
            }
            bytes = 0;
        }
    }
    // An empty batch would be the end.
    if !batch.is_empty() {
        drop(batches.blocking_send(Ok(batch)));
    }
    Ok(())
}

fn fields_of(row: &Row<'_>) -> rusqlite::Result<Fields> {
    let (topics, integers) = (
        [row.get_ref(0)?, row.get_ref(1)?],
        [row.get_ref(3)?, row.get_ref(4)?],
    );
    Ok(Fields {
        pubsub_topic: text_of("pubsubTopic", topics[0]),
        content_topic: text_of("contentTopic", topics[1]),
        payload: bytes_of("payload", row.get_ref(2)?),
        version: integers[0].as_i64().ok(),
        timestamp: integers[1].as_i64().ok(),
        meta: bytes_of("meta", row.get_ref(5)?),
        hash: bytes_of("messageHash", row.get_ref(6)?).ok(),
    })
}

fn text_of(column: &'static str, value: ValueRef<'_>) -> Result<String, RowFault> {
    match value {
        ValueRef::Blob(bytes) | ValueRef::Text(bytes) => {
            String::from_utf8(bytes.to_vec()).map_err(|_| RowFault::NotText(column))
        }
        _ => Err(RowFault::Type(column)),
    }
}

fn bytes_of(column: &'static str, value: ValueRef<'_>) -> Result<Vec<u8>, RowFault> {
    match value {
        ValueRef::Blob(bytes) | ValueRef::Text(bytes) if bytes.len() > MESSAGE_BYTES => {
            Err(RowFault::TooLong)
        }
        ValueRef::Blob(bytes) | ValueRef::Text(bytes) => Ok(bytes.to_vec()),
        ValueRef::Null => Ok(Vec::new()),
        _ => Err(RowFault::Type(column)),
    }
}
