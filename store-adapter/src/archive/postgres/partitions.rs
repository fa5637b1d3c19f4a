//! How partitions are made, joined and divided, while messages are read and stored.
//!
//! Whatever changes the set of partitions locks the parent table for a moment, and gives up if it
//! doesn't get the lock soon, for everybody who comes after waits behind. Rows are copied before that.

use std::time::Duration;

use deadpool_postgres::{Object, Transaction};

use super::fault::Fault;
use super::place::{Place, item_in};
use super::units::{Unit, table_of};
use crate::limits::{ARCHIVE_RETRY_MILLISECONDS, PARTITION_LOCK_MILLISECONDS, PARTITION_MOVE_ROWS};

/// Rows that were stored while others were copied, of which so few may be left for the moment in which
/// everybody waits.
const LEFT_OVER: u64 = 500;

/// How often such rows are copied before a division is given up: where they come faster than that, the
/// next look tries again.
const CATCH_UPS: usize = 32;

/// Cuts the last unit at these places, which are in order. If it holds messages, the first place must
/// lie behind them, or nothing happens.
pub(super) async fn cut_last(client: &mut Object, last: &Unit, at: &[Place]) -> Result<(), Fault> {
    let Some(first) = at.first() else {
        return Ok(());
    };
    let transaction = locked(client).await?;
    let newest = newest_in(&transaction, last).await?;
    if newest.as_ref().is_some_and(|newest| newest >= first) || *first <= last.lower {
        return Ok(());
    }
    detach(&transaction, last).await?;
    let mut lower = last.lower.clone();
    for (index, upper) in at.iter().chain([&Place::end()]).enumerate() {
        let number = next_number(&transaction).await?;
        let part = Part {
            number,
            lower,
            upper: upper.clone(),
            messages: 0,
        };
        if index == 0 {
            // The rows stay where they are, under a new name. So few are read through quickly.
            let rename = format!(
                "ALTER TABLE {} RENAME TO {}",
                last.table(),
                table_of(number)
            );
            transaction.batch_execute(&rename).await?;
            part.attach(&transaction, last.messages_now(&transaction).await?)
                .await?;
            strike(&transaction, last).await?;
        } else {
            part.create_attached(&transaction).await?;
        }
        lower = upper.clone();
    }
    transaction.commit().await?;
    Ok(())
}

/// Joins empty units that are neighbours, in order.
pub(super) async fn join_empty(client: &mut Object, units: &[Unit]) -> Result<(), Fault> {
    let (Some(first), Some(last)) = (units.first(), units.last()) else {
        return Ok(());
    };
    let transaction = locked(client).await?;
    for unit in units {
        if newest_in(&transaction, unit).await?.is_some() {
            return Ok(());
        }
        detach(&transaction, unit).await?;
        let drop = format!("DROP TABLE {}", unit.table());
        transaction.batch_execute(&drop).await?;
        strike(&transaction, unit).await?;
    }
    let joined = Part {
        number: next_number(&transaction).await?,
        lower: first.lower.clone(),
        upper: last.upper.clone(),
        messages: 0,
    };
    joined.create_attached(&transaction).await?;
    transaction.commit().await?;
    Ok(())
}

/// Divides a unit into so many parts of about as many messages each.
///
/// The rows are copied into tables of their own while others are stored; what came meanwhile is copied
/// after, and in the end, while everybody waits, what little is left. If rows are removed from the
/// unit meanwhile, nothing happens.
pub(super) async fn divide(client: &mut Object, unit: &Unit, parts: usize) -> Result<(), Fault> {
    let places = quantiles(client, unit, parts).await?;
    let mut snapshot = snapshot(client).await?;
    let begun = snapshot.clone();
    let mut made = Vec::new();
    let mut lower = unit.lower.clone();
    for upper in places.iter().chain([&unit.upper]) {
        let mut part = Part {
            number: next_number(client).await?,
            lower,
            upper: upper.clone(),
            messages: 0,
        };
        part.create_detached(client).await?;
        part.copy_from(client, unit).await?;
        lower = upper.clone();
        made.push(part);
    }
    let mut pauses = ARCHIVE_RETRY_MILLISECONDS.into_iter();
    for _ in 0..CATCH_UPS {
        let next = self::snapshot(client).await?;
        let copied = catch_up(client, unit, &made, &snapshot).await?;
        snapshot = next;
        for (part, copied) in made.iter_mut().zip(&copied) {
            part.messages += copied;
        }
        if copied.iter().sum::<u64>() > LEFT_OVER {
            continue;
        }
        match replace(client, unit, &made, &begun, &snapshot).await {
            Err(Fault::Again(reason)) => match pauses.next() {
                Some(pause) => tokio::time::sleep(Duration::from_millis(pause)).await,
                None => return Err(Fault::Again(reason)),
            },
            done => return done,
        }
    }
    Err(Fault::Again(
        "messages come faster than a unit is divided".into(),
    ))
}

/// Removes tables that an interrupted division has left. Only who holds the lock of the partitions may.
pub(super) async fn clear_away(client: &Object) -> Result<(), Fault> {
    let rows = client
        .query(
            "SELECT relname::text FROM pg_class
             WHERE relnamespace = 'wakustore'::regnamespace AND relkind = 'r'
                 AND relname ~ '^messages_[0-9]+$' AND NOT relispartition",
            &[],
        )
        .await?;
    for row in rows {
        let table: String = row.try_get(0)?;
        client.batch_execute(&format!("DROP TABLE {table}")).await?;
    }
    Ok(())
}

/// A partition to be.
struct Part {
    number: i32,
    lower: Place,
    upper: Place,
    /// How many were copied into it.
    messages: u64,
}

impl Part {
    async fn create_attached(&self, transaction: &Transaction<'_>) -> Result<(), Fault> {
        let create = format!(
            "CREATE TABLE {} PARTITION OF messages FOR VALUES FROM {} TO {}",
            table_of(self.number),
            self.lower.partition_bound(),
            self.upper.partition_bound()
        );
        transaction.batch_execute(&create).await?;
        self.list(transaction, 0).await
    }

    /// A table like the others. Its constraint says what the bounds will, so that it needn't be read
    /// through when it is attached.
    async fn create_detached(&self, client: &Object) -> Result<(), Fault> {
        let mut bounds = String::from("timestamp IS NOT NULL AND hash IS NOT NULL");
        if self.lower != Place::first() {
            let (time, hash) = (self.lower.timestamp, self.lower.hash_literal());
            bounds += &format!(
                " AND (timestamp > '{time}'::bigint OR (timestamp = '{time}'::bigint AND hash >= \
                 {hash}::bytea))"
            );
        }
        if self.upper != Place::end() {
            let (time, hash) = (self.upper.timestamp, self.upper.hash_literal());
            bounds += &format!(
                " AND (timestamp < '{time}'::bigint OR (timestamp = '{time}'::bigint AND hash < \
                 {hash}::bytea))"
            );
        }
        let create = format!(
            "CREATE TABLE {} (LIKE messages INCLUDING ALL, CONSTRAINT bounds CHECK ({bounds}))",
            table_of(self.number)
        );
        Ok(client.batch_execute(&create).await?)
    }

    async fn attach(&self, transaction: &Transaction<'_>, messages: i64) -> Result<(), Fault> {
        let attach = format!(
            "ALTER TABLE messages ATTACH PARTITION {} FOR VALUES FROM {} TO {}",
            table_of(self.number),
            self.lower.partition_bound(),
            self.upper.partition_bound()
        );
        transaction.batch_execute(&attach).await?;
        self.list(transaction, messages).await
    }

    async fn list(&self, transaction: &Transaction<'_>, messages: i64) -> Result<(), Fault> {
        transaction
            .execute(
                "INSERT INTO units (number, lower_timestamp, lower_hash, upper_timestamp, \
                 upper_hash, messages) VALUES ($1, $2, $3, $4, $5, $6)",
                &[
                    &self.number,
                    &self.lower.timestamp,
                    &self.lower.hash,
                    &self.upper.timestamp,
                    &self.upper.hash,
                    &messages,
                ],
            )
            .await?;
        Ok(())
    }

    /// Copies the rows that belong here, some at a time, so that no lock is held for long.
    async fn copy_from(&mut self, client: &Object, unit: &Unit) -> Result<(), Fault> {
        let sql = format!(
            "WITH moved AS (
                 INSERT INTO {to} SELECT * FROM {from}
                 WHERE (timestamp, hash) >= ($1, $2) AND (timestamp, hash) < ($3, $4)
                 ORDER BY timestamp, hash LIMIT {PARTITION_MOVE_ROWS}
                 RETURNING timestamp, hash
             )
             SELECT timestamp, hash, count(*) OVER () FROM moved
             ORDER BY timestamp DESC, hash DESC LIMIT 1",
            to = table_of(self.number),
            from = unit.table()
        );
        let copy = client.prepare(&sql).await?;
        let mut lower = self.lower.clone();
        loop {
            let (upper_time, upper_hash) = (&self.upper.timestamp, &self.upper.hash);
            let moved = client
                .query_opt(
                    &copy,
                    &[&lower.timestamp, &lower.hash, upper_time, upper_hash],
                )
                .await?;
            let Some(moved) = moved else {
                return Ok(());
            };
            let last = item_in(&moved, 0)?;
            self.messages += u64::try_from(moved.try_get::<_, i64>(2)?).unwrap_or_default();
            lower = Place::of(&sync_core::Bound::after(&last));
        }
    }
}

impl Unit {
    async fn messages_now(&self, transaction: &Transaction<'_>) -> Result<i64, Fault> {
        let row = transaction
            .query_one(
                "SELECT messages FROM units WHERE number = $1",
                &[&self.number],
            )
            .await?;
        Ok(row.try_get(0)?)
    }
}

/// A transaction that has the parent table for itself.
async fn locked(client: &mut Object) -> Result<Transaction<'_>, Fault> {
    let transaction = client.transaction().await?;
    let lock = format!(
        "SET LOCAL lock_timeout = {PARTITION_LOCK_MILLISECONDS};
         LOCK TABLE ONLY messages IN ACCESS EXCLUSIVE MODE"
    );
    transaction.batch_execute(&lock).await?;
    Ok(transaction)
}

async fn detach(transaction: &Transaction<'_>, unit: &Unit) -> Result<(), Fault> {
    let detach = format!("ALTER TABLE messages DETACH PARTITION {}", unit.table());
    Ok(transaction.batch_execute(&detach).await?)
}

/// Takes a unit off the list.
async fn strike(transaction: &Transaction<'_>, unit: &Unit) -> Result<(), Fault> {
    transaction
        .execute("DELETE FROM units WHERE number = $1", &[&unit.number])
        .await?;
    Ok(())
}

async fn next_number(client: &impl deadpool_postgres::GenericClient) -> Result<i32, Fault> {
    let row = client
        .query_one("SELECT nextval('unit_numbers')::int", &[])
        .await?;
    Ok(row.try_get(0)?)
}

async fn newest_in(transaction: &Transaction<'_>, unit: &Unit) -> Result<Option<Place>, Fault> {
    let sql = format!(
        "SELECT timestamp, hash FROM {} ORDER BY timestamp DESC, hash DESC LIMIT 1",
        unit.table()
    );
    let row = transaction.query_opt(&sql, &[]).await?;
    row.map(|row| Place::read(&row, 0)).transpose()
}

async fn snapshot(client: &Object) -> Result<String, Fault> {
    let row = client
        .query_one("SELECT pg_current_snapshot()::text", &[])
        .await?;
    Ok(row.try_get(0)?)
}

/// The places that part a unit's messages evenly.
async fn quantiles(client: &Object, unit: &Unit, parts: usize) -> Result<Vec<Place>, Fault> {
    let sql = format!(
        "SELECT timestamp, hash FROM {} ORDER BY timestamp, hash OFFSET $1 LIMIT 1",
        unit.table()
    );
    let mut places = Vec::new();
    for part in 1..parts as u64 {
        let rank = i64::try_from(unit.messages * part / parts as u64).unwrap_or(i64::MAX);
        if let Some(row) = client.query_opt(&sql, &[&rank]).await? {
            let place = Place::read(&row, 0)?;
            if places.last().unwrap_or(&unit.lower) < &place {
                places.push(place);
            }
        }
    }
    Ok(places)
}

/// Copies what was stored since `snapshot`; gives how much that was for each part.
async fn catch_up(
    client: &impl deadpool_postgres::GenericClient,
    unit: &Unit,
    parts: &[Part],
    snapshot: &str,
) -> Result<Vec<u64>, Fault> {
    let mut copied = Vec::with_capacity(parts.len());
    for part in parts {
        let sql = format!(
            "INSERT INTO {to} SELECT * FROM {from}
             WHERE xid >= pg_snapshot_xmin($1::text::pg_snapshot)
                 AND NOT pg_visible_in_snapshot(xid, $1::text::pg_snapshot)
                 AND (timestamp, hash) >= ($2, $3) AND (timestamp, hash) < ($4, $5)
             ON CONFLICT DO NOTHING",
            to = table_of(part.number),
            from = unit.table()
        );
        let (lower, upper) = (&part.lower, &part.upper);
        let bounds: [&(dyn tokio_postgres::types::ToSql + Sync); 5] = [
            &snapshot,
            &lower.timestamp,
            &lower.hash,
            &upper.timestamp,
            &upper.hash,
        ];
        copied.push(client.execute(&sql, &bounds).await?);
    }
    Ok(copied)
}

/// Puts the parts in the place of the unit.
async fn replace(
    client: &mut Object,
    unit: &Unit,
    parts: &[Part],
    begun: &str,
    snapshot: &str,
) -> Result<(), Fault> {
    let transaction = locked(client).await?;
    let lock = format!("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", unit.table());
    transaction.batch_execute(&lock).await?;
    let row = transaction
        .query_one(
            "SELECT EXISTS (
                 SELECT FROM removals
                 WHERE xid >= pg_snapshot_xmin($1::text::pg_snapshot)
                     AND NOT pg_visible_in_snapshot(xid, $1::text::pg_snapshot)
                     AND (upper_timestamp, upper_hash) > ($2, $3)
                     AND (lower_timestamp, lower_hash) < ($4, $5)
             )",
            &[
                &begun,
                &unit.lower.timestamp,
                &unit.lower.hash,
                &unit.upper.timestamp,
                &unit.upper.hash,
            ],
        )
        .await?;
    if row.try_get(0)? {
        return Err(Fault::Again(
            "messages were removed from a unit while it was divided".into(),
        ));
    }
    let copied = catch_up(&transaction, unit, parts, snapshot).await?;
    detach(&transaction, unit).await?;
    for (part, copied) in parts.iter().zip(copied) {
        // Not counted anew, which takes long while everybody waits.
        let messages = i64::try_from(part.messages + copied).unwrap_or(i64::MAX);
        part.attach(&transaction, messages).await?;
        let drop = format!(
            "ALTER TABLE {} DROP CONSTRAINT bounds",
            table_of(part.number)
        );
        transaction.batch_execute(&drop).await?;
    }
    strike(&transaction, unit).await?;
    let drop = format!("DROP TABLE {}", unit.table());
    transaction.batch_execute(&drop).await?;
    transaction.commit().await?;
    Ok(())
}
