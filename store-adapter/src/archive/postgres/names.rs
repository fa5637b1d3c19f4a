//! The names of the topics in rows that were read.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use deadpool_postgres::Object;
use sync_core::Item;
use tokio_postgres::Row;

use super::Shared;
use super::fault::Fault;
use super::topics::name_in;

/// The names that aren't in the index, of the keys in two arrays. One by one, so that a server without
/// statistics doesn't read partitions through.
const WRITTEN: &str =
    "SELECT found.* FROM unnest($1::bigint[], $2::bytea[]) AS wanted (timestamp, hash)
     CROSS JOIN LATERAL (
         SELECT messages.hash, pubsub_name, content_name FROM messages
         WHERE messages.timestamp = wanted.timestamp AND messages.hash = wanted.hash OFFSET 0
     ) AS found";

/// The names of the topics in some rows.
#[derive(Debug, Default)]
pub(super) struct Names {
    numbered: HashMap<i32, Arc<str>>,
    /// By hash, where a row has names itself: of the pubsub topic and of the content topic.
    written: HashMap<Vec<u8>, [Option<Arc<str>>; 2]>,
}

impl Names {
    /// The names in rows that begin with a key and have both names from column `written` on.
    pub(super) async fn of_rows(
        shared: &Shared,
        client: &Object,
        rows: &[Row],
        written: usize,
    ) -> Result<Self, Fault> {
        let mut names = Self::of_numbers(shared, client, rows).await?;
        for row in rows {
            names.learn(row.try_get(1)?, row, written)?;
        }
        Ok(names)
    }

    /// The names in rows of nothing but keys, as the index has them.
    pub(super) async fn of_keys(
        shared: &Shared,
        client: &Object,
        rows: &[Row],
    ) -> Result<Self, Fault> {
        let mut names = Self::of_numbers(shared, client, rows).await?;
        let (mut timestamps, mut hashes) = (Vec::<i64>::new(), Vec::<&[u8]>::new());
        for row in rows {
            if row.try_get::<_, i32>(2)? < 0 || row.try_get::<_, i32>(3)? < 0 {
                timestamps.push(row.try_get(0)?);
                hashes.push(row.try_get(1)?);
            }
        }
        if !hashes.is_empty() {
            names.learn_all(client, &timestamps, &hashes).await?;
        }
        Ok(names)
    }

    /// The names that the rows of these items have themselves.
    pub(super) async fn of_items(client: &Object, items: &[Item]) -> Result<Self, Fault> {
        let time = |item: &Item| i64::try_from(item.timestamp).unwrap_or(i64::MAX);
        let timestamps: Vec<i64> = items.iter().map(time).collect();
        let hashes: Vec<&[u8]> = items.iter().map(|item| &item.id.0[..]).collect();
        let mut names = Self::default();
        names.learn_all(client, &timestamps, &hashes).await?;
        Ok(names)
    }

    async fn learn_all(
        &mut self,
        client: &Object,
        timestamps: &[i64],
        hashes: &[&[u8]],
    ) -> Result<(), Fault> {
        let select = client.prepare_cached(WRITTEN).await?;
        for row in client.query(&select, &[&timestamps, &hashes]).await? {
            self.learn(row.try_get(0)?, &row, 1)?;
        }
        Ok(())
    }

    async fn of_numbers(shared: &Shared, client: &Object, rows: &[Row]) -> Result<Self, Fault> {
        let mut numbers = BTreeSet::new();
        for row in rows {
            numbers.insert(row.try_get::<_, i32>(2)?);
            numbers.insert(row.try_get::<_, i32>(3)?);
        }
        Ok(Self {
            numbered: shared.topics.names(client, numbers).await?,
            written: HashMap::new(),
        })
    }

    fn learn(&mut self, hash: &[u8], row: &Row, column: usize) -> Result<(), Fault> {
        let name = |column| -> Result<Option<Arc<str>>, Fault> {
            let name: Option<&[u8]> = row.try_get(column)?;
            name.map(name_in).transpose()
        };
        let names = [name(column)?, name(column + 1)?];
        if names.iter().any(Option::is_some) {
            self.written.insert(hash.to_vec(), names);
        }
        Ok(())
    }

    /// The pubsub topic that an item's row has itself.
    pub(super) fn written_pubsub(&self, item: &Item) -> Option<Arc<str>> {
        self.written.get(&item.id.0[..])?[0].clone()
    }

    /// The pubsub topic of a row.
    pub(super) fn pubsub(&self, row: &Row) -> Result<Arc<str>, Fault> {
        self.name(row, 0)
    }

    /// The content topic of a row.
    pub(super) fn content(&self, row: &Row) -> Result<Arc<str>, Fault> {
        self.name(row, 1)
    }

    fn name(&self, row: &Row, which: usize) -> Result<Arc<str>, Fault> {
        let (number, hash): (i32, &[u8]) = (row.try_get(2 + which)?, row.try_get(1)?);
        let name = match number {
            0.. => self.numbered.get(&number),
            _ => {
                let written = self.written.get(hash);
                written.and_then(|names| names[which].as_ref())
            }
        };
        // Rows are read before the names that they have themselves.
        name.cloned()
            .ok_or_else(|| Fault::Again("a message was removed while its topic was read".into()))
    }
}
