//! Reads a PostgreSQL database of nwaku, page by page.
//!
//! No transaction outlives a page: one that did would keep nwaku from dropping old partitions.

use tokio::task::JoinHandle;
use tokio_postgres::{Client, Row};

use super::row::Fields;
use super::url::NwakuServer;
use super::{NwakuError, NwakuRow, RowFault, Shape, check_columns};
use crate::limits::{
    ARCHIVE_CONNECT_TIMEOUT, ARCHIVE_KEEPALIVE_IDLE, ARCHIVE_LOCK_MILLISECONDS,
    ARCHIVE_STATEMENT_MILLISECONDS, ARCHIVE_UNANSWERED_TIMEOUT, MESSAGE_BYTES, NWAKU_ROWS,
};

/// The versions of the schema that are known.
const VERSIONS: std::ops::RangeInclusive<i64> = 1..=8;

/// The longest text that is read of a field: a hexadecimal digit more than the longest payload has.
const TEXT_BYTES: usize = 2 * MESSAGE_BYTES + 1;

/// Reads the messages of a database.
#[derive(Debug)]
pub(super) struct PostgresReader {
    client: Client,
    connection: JoinHandle<()>,
    /// Time and hash of the row read last.
    last: Option<(i64, String)>,
    ended: bool,
}

impl Drop for PostgresReader {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

impl PostgresReader {
    pub(super) async fn open(server: &NwakuServer) -> Result<(Shape, Self), NwakuError> {
        let (mut config, tls) = (server.config.clone(), server.tls.connector()?);
        config.application_name("wakustore import");
        config.tcp_user_timeout(ARCHIVE_UNANSWERED_TIMEOUT);
        config.keepalives_idle(ARCHIVE_KEEPALIVE_IDLE);
        let limit = config.get_connect_timeout().copied();
        let limit = limit.unwrap_or(ARCHIVE_CONNECT_TIMEOUT);
        // What the configuration has bounds the connection alone, and not the server's greeting.
        let (client, connection) = tokio::time::timeout(limit, config.connect(tls))
            .await
            .map_err(|_| NwakuError::Unanswered(limit))?
            .map_err(NwakuError::Postgres)?;
        let connection = tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "the connection to PostgreSQL ended");
            }
        });
        let reader = Self {
            client,
            connection,
            last: None,
            ended: false,
        };
        let shape = reader.shape().await?;
        Ok((shape, reader))
    }

    async fn shape(&self) -> Result<Shape, NwakuError> {
        let settings = format!(
            "SET default_transaction_read_only = on;
             SET statement_timeout = {ARCHIVE_STATEMENT_MILLISECONDS};
             SET lock_timeout = {ARCHIVE_LOCK_MILLISECONDS}"
        );
        self.client
            .batch_execute(&settings)
            .await
            .map_err(NwakuError::Postgres)?;
        let columns = self.columns_of("messages").await?;
        if columns.is_empty() {
            return Err(self.no_table("messages").await?);
        }
        check_columns("messages", &columns)?;
        if self.columns_of("version").await?.is_empty() {
            return Err(self.no_table("version").await?);
        }
        let version = "SELECT version::bigint FROM version";
        let version = self
            .client
            .query_opt(version, &[])
            .await
            .map_err(NwakuError::Postgres)?;
        let version: Option<i64> = version
            .map(|row| row.try_get(0))
            .transpose()
            .map_err(NwakuError::Postgres)?;
        let version = version
            .filter(|version| VERSIONS.contains(version))
            .ok_or_else(|| NwakuError::Version {
                expected: "1 to 8",
                found: version.map_or_else(|| "none".into(), |version| version.to_string()),
            })?;
        let span = "SELECT min(timestamp), max(timestamp) FROM messages";
        let span = self
            .client
            .query_one(span, &[])
            .await
            .map_err(NwakuError::Postgres)?;
        let end = |place| {
            span.try_get::<_, Option<i64>>(place)
                .map_err(NwakuError::Postgres)
        };
        Ok(Shape {
            table: "messages".into(),
            version,
            span: end(0)?.zip(end(1)?),
        })
    }

    async fn columns_of(&self, table: &str) -> Result<Vec<String>, NwakuError> {
        let columns = "SELECT column_name::text FROM information_schema.columns \
                       WHERE table_name = $1 AND table_schema = ANY(current_schemas(false)) \
                       ORDER BY ordinal_position";
        self.names(columns, &[&table]).await
    }

    async fn no_table(&self, expected: &'static str) -> Result<NwakuError, NwakuError> {
        let tables = "SELECT table_name::text FROM information_schema.tables \
                      WHERE table_schema = ANY(current_schemas(false)) ORDER BY 1 LIMIT 20";
        let found = super::list(&self.names(tables, &[]).await?);
        Ok(NwakuError::Table { expected, found })
    }

    async fn names(
        &self,
        query: &str,
        values: &[&(dyn tokio_postgres::types::ToSql + Sync)],
    ) -> Result<Vec<String>, NwakuError> {
        let rows = self
            .client
            .query(query, values)
            .await
            .map_err(NwakuError::Postgres)?;
        let names = rows.iter().map(|row| row.try_get(0));
        names
            .collect::<Result<_, _>>()
            .map_err(NwakuError::Postgres)
    }

    pub(super) async fn next(&mut self) -> Result<Vec<NwakuRow>, NwakuError> {
        if self.ended {
            return Ok(Vec::new());
        }
        let query = format!(
            "SELECT pubsubTopic, contentTopic, left(payload, {TEXT_BYTES}), version::bigint, \
             timestamp, left(meta, {TEXT_BYTES}), messageHash FROM messages \
             WHERE (timestamp, messageHash) > ($1, $2) \
             ORDER BY timestamp, messageHash LIMIT {NWAKU_ROWS}"
        );
        let (time, hash) = self.last.clone().unwrap_or((i64::MIN, String::new()));
        let rows = self
            .client
            .query(&query, &[&time, &hash])
            .await
            .map_err(NwakuError::Postgres)?;
        self.ended = rows.len() < NWAKU_ROWS;
        if let Some(last) = rows.last() {
            let time = last.try_get(4).map_err(NwakuError::Postgres)?;
            let hash = last.try_get(6).map_err(NwakuError::Postgres)?;
            self.last = Some((time, hash));
        }
        Ok(rows.iter().map(|row| fields_of(row).into_row()).collect())
    }
}

fn fields_of(row: &Row) -> Fields {
    Fields {
        pubsub_topic: text_of("pubsubTopic", row, 0),
        content_topic: text_of("contentTopic", row, 1),
        payload: bytes_of("payload", row, 2),
        version: row.try_get(3).ok(),
        timestamp: row.try_get(4).ok(),
        meta: bytes_of("meta", row, 5),
        hash: bytes_of("messageHash", row, 6).ok(),
    }
}

fn text_of(column: &'static str, row: &Row, place: usize) -> Result<String, RowFault> {
    row.try_get(place).map_err(|_| RowFault::Type(column))
}

/// Bytes written in hexadecimal digits; none for null.
fn bytes_of(column: &'static str, row: &Row, place: usize) -> Result<Vec<u8>, RowFault> {
    let digits: Option<&str> = row.try_get(place).map_err(|_| RowFault::Type(column))?;
    match digits {
        Some(digits) if digits.len() >= TEXT_BYTES => Err(RowFault::TooLong),
        Some(digits) => hex::decode(digits).map_err(|_| RowFault::NotHex(column)),
        None => Ok(Vec::new()),
    }
}
