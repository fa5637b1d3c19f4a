//! Where a partition is to be cut, so that its parts hold about as many messages each.

use deadpool_postgres::Object;

use super::fault::Fault;
use super::place::Place;
use super::units::Unit;
use crate::limits::{PARTITION_COUNTED_ROWS, PARTITION_SAMPLE_ROWS};

/// The places that part a unit's messages evenly into so many parts: counted where they are few, and
/// else those of a sample, which takes the same time however many they are.
pub(super) async fn quantiles(
    client: &Object,
    unit: &Unit,
    parts: usize,
) -> Result<Vec<Place>, Fault> {
    if unit.messages > PARTITION_COUNTED_ROWS {
        let sample = sample(client, unit).await?;
        // A sample is of whole pages, and may be of none.
        if sample.len() > 100 * parts {
            let cuts = (1..parts).map(|part| sample[sample.len() * part / parts].clone());
            return Ok(increasing(unit, cuts));
        }
    }
    counted(client, unit, parts).await
}

async fn counted(client: &Object, unit: &Unit, parts: usize) -> Result<Vec<Place>, Fault> {
    let sql = format!(
        "SELECT timestamp, hash FROM {} ORDER BY timestamp, hash OFFSET $1 LIMIT 1",
        unit.table()
    );
    let mut cuts = Vec::new();
    for part in 1..parts as u64 {
        let rank = i64::try_from(unit.messages * part / parts as u64).unwrap_or(i64::MAX);
        if let Some(row) = client.query_opt(&sql, &[&rank]).await? {
            cuts.push(Place::read(&row, 0)?);
        }
    }
    Ok(increasing(unit, cuts))
}

/// Some of a unit's messages, in order.
async fn sample(client: &Object, unit: &Unit) -> Result<Vec<Place>, Fault> {
    let part = PARTITION_SAMPLE_ROWS as f64 / unit.messages.max(1) as f64;
    let sql = format!(
        "SELECT timestamp, hash FROM {} TABLESAMPLE SYSTEM ({:.9}) ORDER BY timestamp, hash",
        unit.table(),
        (part * 100.0).min(100.0)
    );
    let rows = client.query(&sql, &[]).await?;
    rows.iter().map(|row| Place::read(row, 0)).collect()
}

/// Those places that lie behind the unit's beginning and the place before.
fn increasing(unit: &Unit, places: impl IntoIterator<Item = Place>) -> Vec<Place> {
    let mut cuts = Vec::<Place>::new();
    for place in places {
        if cuts.last().unwrap_or(&unit.lower) < &place {
            cuts.push(place);
        }
    }
    cuts
}
