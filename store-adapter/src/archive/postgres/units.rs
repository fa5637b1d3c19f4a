//! The partitions as the table `units` lists them.

use deadpool_postgres::Object;
use sync_core::Range;
use tokio_postgres::Row;

use super::fault::Fault;
use super::place::Place;

/// The columns that [`Unit::read`] reads.
pub(super) const UNIT: &str =
    "number, lower_timestamp, lower_hash, upper_timestamp, upper_hash, messages";

/// A partition: its bounds never change, since every change of them makes a new number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Unit {
    pub(super) number: i32,
    pub(super) lower: Place,
    pub(super) upper: Place,
    pub(super) messages: u64,
}

impl Unit {
    pub(super) fn table(&self) -> String {
        table_of(self.number)
    }

    pub(super) fn span(&self) -> Range {
        Range::new(self.lower.bound(), self.upper.bound())
    }

    fn read(row: &Row) -> Result<Self, Fault> {
        Ok(Self {
            number: row.try_get(0)?,
            lower: Place::read(row, 1)?,
            upper: Place::read(row, 3)?,
            messages: u64::try_from(row.try_get::<_, i64>(5)?).unwrap_or_default(),
        })
    }
}

/// The table of the unit of this number.
pub(super) fn table_of(number: i32) -> String {
    format!("messages_{number}")
}

/// All units in order, with the bytes that each takes on disk.
pub(super) async fn list(client: &Object) -> Result<Vec<(Unit, u64)>, Fault> {
    let sql = format!(
        "SELECT {UNIT}, coalesce(pg_total_relation_size(to_regclass('messages_' || number)), 0)
         FROM units ORDER BY lower_timestamp, lower_hash"
    );
    let select = client.prepare_cached(&sql).await?;
    let rows = client.query(&select, &[]).await?;
    let mut units = Vec::with_capacity(rows.len());
    for row in &rows {
        let bytes = u64::try_from(row.try_get::<_, i64>(6)?).unwrap_or_default();
        units.push((Unit::read(row)?, bytes));
    }
    Ok(units)
}

/// The units that hold messages and reach into the span between two places, in order.
pub(super) async fn within(
    client: &Object,
    lower: &Place,
    upper: &Place,
) -> Result<Vec<Unit>, Fault> {
    let sql = format!(
        "SELECT {UNIT} FROM units
         WHERE messages > 0 AND (upper_timestamp, upper_hash) > ($1, $2)
             AND (lower_timestamp, lower_hash) < ($3, $4)
         ORDER BY lower_timestamp, lower_hash"
    );
    let select = client.prepare_cached(&sql).await?;
    let rows = client
        .query(
            &select,
            &[&lower.timestamp, &lower.hash, &upper.timestamp, &upper.hash],
        )
        .await?;
    rows.iter().map(Unit::read).collect()
}
