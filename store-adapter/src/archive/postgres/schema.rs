//! The schema in a database: made, brought up to date, or refused.

use deadpool_postgres::{Object, Transaction};

use super::fault::Fault;

/// What brings the schema from each version to the next; the first makes it.
const MIGRATIONS: [&str; 2] = [
    include_str!("migrations/1.sql"),
    include_str!("migrations/2.sql"),
];

/// The oldest server that has what the schema needs, as `server_version_num` has it.
const OLDEST_SERVER: i32 = 130_000;

/// The lock that is held while the schema is looked at and changed; common to all nodes.
const MIGRATION_LOCK: i64 = 0x7761_6b75_0000_0001;

/// Makes sure that the database has our schema in this program's version. Without one it makes it, if
/// `create`.
pub(super) async fn prepare(client: &mut Object, create: bool) -> Result<(), Fault> {
    check_server(client).await?;
    let transaction = client.transaction().await?;
    transaction
        .execute("SELECT pg_advisory_xact_lock($1)", &[&MIGRATION_LOCK])
        .await?;
    let version = version(&transaction).await?;
    let newest = MIGRATIONS.len();
    match version {
        None if !create => return Err(Fault::NotFound),
        Some(version) if version > newest => {
            return Err(Fault::Refused(format!(
                "its schema `wakustore` has version {version}, and this program knows versions up \
                 to {newest}; use a newer one"
            )));
        }
        Some(version) if version == newest => return Ok(()),
        None => {
            transaction
                .batch_execute(
                    "CREATE SCHEMA IF NOT EXISTS wakustore;
                     CREATE TABLE schema_version (version integer NOT NULL);
                     INSERT INTO schema_version VALUES (0)",
                )
                .await?;
        }
        Some(_) => {}
    }
    for migration in &MIGRATIONS[version.unwrap_or(0)..] {
        transaction.batch_execute(migration).await?;
    }
    let reached = i32::try_from(newest).unwrap_or(i32::MAX);
    transaction
        .execute("UPDATE schema_version SET version = $1", &[&reached])
        .await?;
    transaction.commit().await?;
    tracing::info!(version = newest, "the schema of the database is up to date");
    Ok(())
}

async fn check_server(client: &Object) -> Result<(), Fault> {
    let row = client
        .query_one("SELECT current_setting('server_version_num')::int", &[])
        .await?;
    let server: i32 = row.try_get(0)?;
    if server < OLDEST_SERVER {
        return Err(Fault::Refused(format!(
            "the server is PostgreSQL {}, and version {} or newer is needed",
            server / 10_000,
            OLDEST_SERVER / 10_000
        )));
    }
    Ok(())
}

/// The version of our schema; `None` if there is no schema of its name, or an empty one.
async fn version(transaction: &Transaction<'_>) -> Result<Option<usize>, Fault> {
    let rows = transaction
        .query(
            "SELECT relname::text FROM pg_class
             WHERE relnamespace = to_regnamespace('wakustore') AND relkind IN ('r', 'p', 'v', 'm')
             ORDER BY relname",
            &[],
        )
        .await?;
    let mut tables = Vec::new();
    for row in rows {
        tables.push(row.try_get::<_, String>(0)?);
    }
    if tables.is_empty() {
        return Ok(None);
    }
    if !tables.iter().any(|table| table == "schema_version") {
        let shown = tables.iter().take(5).cloned().collect::<Vec<_>>();
        return Err(Fault::Refused(format!(
            "its schema `wakustore` is another program's: it has no table `schema_version`, but {}; \
             name another database",
            shown.join(", ")
        )));
    }
    let found = transaction
        .query_opt("SELECT version::bigint FROM schema_version", &[])
        .await
        .map_err(|error| {
            Fault::Refused(format!(
                "its table `wakustore.schema_version` isn't this program's ({error}); name another \
                 database"
            ))
        })?;
    let version = found.map(|row| row.try_get::<_, i64>(0)).transpose()?;
    version
        .and_then(|version| usize::try_from(version).ok())
        .map(Some)
        .ok_or_else(|| Fault::Refused("its table `wakustore.schema_version` is empty".into()))
}

/// Warns of settings under which a crash may lose what was acknowledged.
pub(super) async fn warn_of_settings(client: &Object) -> Result<(), Fault> {
    let rows = client
        .query(
            "SELECT name, CASE name WHEN 'synchronous_commit' THEN reset_val ELSE setting END
             FROM pg_settings
             WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit')",
            &[],
        )
        .await?;
    for row in rows {
        let (name, setting): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        if setting != "off" {
            continue;
        }
        if name == "synchronous_commit" {
            tracing::warn!("the server has synchronous_commit off; it is turned on for this node");
        } else {
            tracing::warn!(
                "the server has {name} off: a crash may lose or damage what was acknowledged; turn \
                 it on in postgresql.conf"
            );
        }
    }
    Ok(())
}
