//! Named values beside the messages, common to all nodes.

use deadpool_postgres::Transaction;
use sync_core::Bound;

use super::Shared;
use super::fault::Fault;
use crate::floor::{self, FLOOR_STATE};
use crate::limits::FLOOR_LOCK_MILLISECONDS;

/// The lock of the retention floor: shared by whoever stores messages, and for itself by whoever raises
/// it.
const FLOOR_LOCK: i64 = 0x7761_6b75_0000_0003;

pub(super) async fn get(shared: &Shared, name: &str) -> Result<Option<Vec<u8>>, Fault> {
    let client = shared.connections.get().await?;
    let select = client
        .prepare_cached("SELECT value FROM states WHERE name = $1")
        .await?;
    let row = client.query_opt(&select, &[&name]).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

pub(super) async fn set(shared: &Shared, name: &str, value: Option<&[u8]>) -> Result<(), Fault> {
    let mut client = shared.connections.get().await?;
    let Some(value) = value else {
        client
            .execute("DELETE FROM states WHERE name = $1", &[&name])
            .await?;
        return Ok(());
    };
    // A node that hasn't heard of another's floor yet doesn't lower it: the greater one stays, and
    // the empty one is the greatest.
    let kept = match name {
        FLOOR_STATE => {
            "CASE WHEN states.value = '' OR excluded.value = '' THEN ''
                  ELSE greatest(states.value, excluded.value) END"
        }
        _ => "excluded.value",
    };
    let sql = format!(
        "INSERT INTO states (name, value) VALUES ($1, $2)
         ON CONFLICT (name) DO UPDATE SET value = {kept}"
    );
    if name != FLOOR_STATE {
        client.execute(&sql, &[&name, &value]).await?;
        return Ok(());
    }
    // What is being stored below the floor is there before it is raised, and so is removed after that.
    let transaction = client.transaction().await?;
    let patience = format!("SET LOCAL lock_timeout = {FLOOR_LOCK_MILLISECONDS}");
    transaction.batch_execute(&patience).await?;
    transaction
        .execute("SELECT pg_advisory_xact_lock($1)", &[&FLOOR_LOCK])
        .await?;
    transaction.execute(&sql, &[&name, &value]).await?;
    transaction.commit().await?;
    Ok(())
}

/// Has the floor stay what it is until the transaction ends. To be called before the first row is
/// stored.
pub(super) async fn hold_floor(transaction: &Transaction<'_>) -> Result<(), Fault> {
    let hold = transaction
        .prepare_cached("SELECT pg_advisory_xact_lock_shared($1)")
        .await?;
    transaction.query_one(&hold, &[&FLOOR_LOCK]).await?;
    Ok(())
}

/// The floor of now.
pub(super) async fn floor(transaction: &Transaction<'_>) -> Result<Bound, Fault> {
    let select = transaction
        .prepare_cached("SELECT value FROM states WHERE name = $1")
        .await?;
    let row = transaction.query_opt(&select, &[&FLOOR_STATE]).await?;
    match row {
        Some(row) => Ok(floor::decode(row.try_get(0)?)),
        None => Ok(Bound::MIN),
    }
}
