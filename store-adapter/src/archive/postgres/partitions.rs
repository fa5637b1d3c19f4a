//! How partitions are made and joined, while messages are read and stored.
//!
//! Whatever changes the set of partitions locks the parent table for a moment, and gives up if it
//! doesn't get the lock soon, for everybody who comes after waits behind.

use deadpool_postgres::{Object, Transaction};

use super::fault::Fault;
use super::place::Place;
use super::units::{Unit, table_of};
use crate::limits::{MAINTENANCE_MILLISECONDS, PARTITION_LOCK_MILLISECONDS};

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
    };
    joined.create_attached(&transaction).await?;
    transaction.commit().await?;
    Ok(())
}

/// Removes tables that a division has left. Only who holds the lock of the partitions may.
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
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) number: i32,
    pub(super) lower: Place,
    pub(super) upper: Place,
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
    pub(super) async fn create_detached(&self, client: &Object) -> Result<(), Fault> {
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

    pub(super) async fn attach(
        &self,
        transaction: &Transaction<'_>,
        messages: i64,
    ) -> Result<(), Fault> {
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
pub(super) async fn locked(client: &mut Object) -> Result<Transaction<'_>, Fault> {
    let transaction = client.transaction().await?;
    lock_parent(&transaction).await?;
    Ok(transaction)
}

/// As [`locked`], when the server's maintenance of a unit is over. It gives way to whoever waits for a
/// second, as nobody but this does: neither readers nor writers are held up by that.
pub(super) async fn locked_after_maintenance<'a>(
    client: &'a mut Object,
    unit: &Unit,
) -> Result<Transaction<'a>, Fault> {
    let transaction = client.transaction().await?;
    let lock = format!(
        "SET LOCAL lock_timeout = {MAINTENANCE_MILLISECONDS};
         LOCK TABLE {} IN SHARE UPDATE EXCLUSIVE MODE",
        unit.table()
    );
    transaction.batch_execute(&lock).await?;
    lock_parent(&transaction).await?;
    Ok(transaction)
}

/// Everybody waits until such a transaction ends, and needn't wait for the disk too: a crash may undo it,
/// but nothing that was stored after, for that is behind it in the write-ahead log.
async fn lock_parent(transaction: &Transaction<'_>) -> Result<(), Fault> {
    let lock = format!(
        "SET LOCAL synchronous_commit = off;
         SET LOCAL lock_timeout = {PARTITION_LOCK_MILLISECONDS};
         LOCK TABLE ONLY messages IN ACCESS EXCLUSIVE MODE"
    );
    Ok(transaction.batch_execute(&lock).await?)
}

pub(super) async fn detach(transaction: &Transaction<'_>, unit: &Unit) -> Result<(), Fault> {
    let detach = format!("ALTER TABLE messages DETACH PARTITION {}", unit.table());
    Ok(transaction.batch_execute(&detach).await?)
}

/// Takes a unit off the list.
pub(super) async fn strike(transaction: &Transaction<'_>, unit: &Unit) -> Result<(), Fault> {
    transaction
        .execute("DELETE FROM units WHERE number = $1", &[&unit.number])
        .await?;
    Ok(())
}

pub(super) async fn next_number(
    client: &impl deadpool_postgres::GenericClient,
) -> Result<i32, Fault> {
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
