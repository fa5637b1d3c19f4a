//! Every item and the counts of all, for an index: spans side by side, each copied out in the server's binary form.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;

use deadpool_postgres::Object;
use futures::{StreamExt, TryStreamExt, stream};
use sync_core::{Bound, Item, Range};
use tokio_postgres::binary_copy::BinaryCopyOutStream;
use tokio_postgres::types::Type;

use super::Shared;
use super::append::id_of;
use super::fault::Fault;
use super::names::Names;
use super::place::{Place, places_of};
use super::read::KEY;
use super::tallies::Tallies;
use super::units;
use crate::archive::ArchiveError;
use crate::counts::CountedItems;
use crate::limits::{ARCHIVE_COPY_ROWS, ARCHIVE_COPY_SPANS};

/// Names of rows that are asked for at once.
const NAMES_AT_ONCE: usize = 5_000;

/// The items from `lower` on.
pub(super) async fn read(shared: &Shared, lower: &Bound) -> Result<CountedItems, ArchiveError> {
    let connections = &shared.connections;
    let spans = connections.retry(|| spans(shared, lower)).await?;
    let read = |span: Range| async move {
        let places = places_of(&span);
        let mut all = CountedItems::default();
        let mut rest = places;
        while let Some((lower, upper)) = rest {
            // What another node has removed by the time of a second trial isn't read again.
            let chunk = connections.retry(|| chunk(shared, &lower, &upper)).await?;
            rest = chunk.rest.map(|lower| (lower, upper));
            all.append(chunk.counted);
        }
        Ok::<_, ArchiveError>(all)
    };
    let reading = stream::iter(spans).map(read).buffered(ARCHIVE_COPY_SPANS);
    let joined = reading.try_fold(CountedItems::default(), |mut all, more| async move {
        all.append(more);
        Ok(all)
    });
    joined.await
}

/// The span from `lower` on, cut where partitions are. These may be divided meanwhile; it stays whole.
async fn spans(shared: &Shared, lower: &Bound) -> Result<Vec<Range>, Fault> {
    let client = shared.connections.get().await?;
    let all = units::within(&client, &Place::of(lower), &Place::end()).await?;
    let mut spans = Vec::new();
    let mut lower = *lower;
    for unit in all.iter().skip(1) {
        let cut = unit.lower.bound();
        spans.push(Range::new(lower, cut));
        lower = cut;
    }
    spans.push(Range::new(lower, Bound::Infinity));
    Ok(spans)
}

/// Some items of a span, and where those begin that are left.
struct Chunk {
    counted: CountedItems,
    rest: Option<Place>,
}

async fn chunk(shared: &Shared, lower: &Place, upper: &Place) -> Result<Chunk, Fault> {
    let client = shared.connections.get().await?;
    // The bounds of the timestamp alone are what partitions are told by.
    let copy = format!(
        "COPY (
             SELECT {KEY} FROM messages
             WHERE timestamp >= {first} AND timestamp <= {last}
                 AND (timestamp, hash) >= ({first}, {first_hash})
                 AND (timestamp, hash) < ({last}, {last_hash})
             ORDER BY timestamp, hash LIMIT {ARCHIVE_COPY_ROWS}
         ) TO STDOUT (FORMAT binary)",
        first = lower.timestamp,
        first_hash = lower.hash_literal(),
        last = upper.timestamp,
        last_hash = upper.hash_literal(),
    );
    let types = [Type::INT8, Type::BYTEA, Type::INT4, Type::INT4, Type::INT4];
    let rows = BinaryCopyOutStream::new(client.copy_out(&copy).await?, &types);
    let mut rows = pin!(rows);
    let (mut by_number, mut tallies) = (HashMap::<i32, Vec<Item>>::new(), Tallies::default());
    let (mut read, mut last) = (0, None);
    while let Some(row) = rows.next().await {
        let row = row?;
        let timestamp = u64::try_from(row.try_get::<i64>(0)?).unwrap_or_default();
        let item = Item::new(timestamp, id_of(row.try_get::<&[u8]>(1)?)?);
        let number = row.try_get(2)?;
        by_number.entry(number).or_default().push(item);
        tallies.add(timestamp, number, row.try_get(3)?, row.try_get(4)?);
        (read, last) = (read + 1, Some(item));
    }
    shared.times.learn(by_number.values().flatten().copied());
    let counted = name(shared, &client, by_number, tallies).await?;
    let rest = last.filter(|_| read == ARCHIVE_COPY_ROWS);
    let rest = rest.map(|last| Place::of(&Bound::after(&last)));
    Ok(Chunk { counted, rest })
}

/// Puts names in place of numbers.
async fn name(
    shared: &Shared,
    client: &Object,
    by_number: HashMap<i32, Vec<Item>>,
    tallies: Tallies,
) -> Result<CountedItems, Fault> {
    let names = shared.topics.names(client, tallies.numbers()).await?;
    let (mut counted, mut unnumbered) = (CountedItems::default(), Vec::new());
    tallies.count(&names, &mut counted);
    let items = &mut counted.items;
    for (number, of_number) in by_number {
        match names.get(&number) {
            Some(name) => items.entry(Arc::clone(name)).or_default().extend(of_number),
            None => unnumbered.extend(of_number),
        }
    }
    unnumbered.sort();
    for some in unnumbered.chunks(NAMES_AT_ONCE) {
        let names = Names::of_items(client, some).await?;
        for item in some {
            // What has been removed meanwhile has none.
            if let Some(name) = names.written_pubsub(item) {
                items.entry(name).or_default().push(*item);
            }
        }
    }
    Ok(counted)
}
