//! Named values beside the messages, common to all nodes.

use super::Shared;
use super::fault::Fault;
use crate::floor::FLOOR_STATE;

pub(super) async fn get(shared: &Shared, name: &str) -> Result<Option<Vec<u8>>, Fault> {
    let client = shared.connections.get().await?;
    let select = client
        .prepare_cached("SELECT value FROM states WHERE name = $1")
        .await?;
    let row = client.query_opt(&select, &[&name]).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

pub(super) async fn set(shared: &Shared, name: &str, value: Option<&[u8]>) -> Result<(), Fault> {
    let client = shared.connections.get().await?;
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
    client.execute(&sql, &[&name, &value]).await?;
    Ok(())
}
