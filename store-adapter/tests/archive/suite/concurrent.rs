//! Writers and readers at the same time.

use std::collections::BTreeMap;
use std::pin::pin;
use std::task::Poll;

use futures::future::{join, join_all, poll_fn};
use store_adapter::Record;
use store_adapter::archive::{Archive, Scan};
use sync_core::{Id, Item, Range};

use super::{all_items, hashes, record, sorted};

/// A day in nanoseconds.
const DAY: i64 = 86_400_000_000_000;

pub(crate) async fn overlapping_batches_at_once_store_each_record_once(archive: &dyn Archive) {
    let records: Vec<Record> = (0..120).map(|n| record(n % 3 * DAY + n, b"x")).collect();
    let writer = async |from: usize| {
        let mut news: Vec<Id> = Vec::new();
        for start in (from..100).step_by(10) {
            let batch = &records[start..start + 20];
            let fresh = archive.append(batch.to_vec()).await.unwrap();
            let pairs = batch.iter().zip(fresh);
            news.extend(
                pairs
                    .filter(|(_, new)| *new)
                    .map(|(record, _)| record.hash()),
            );
        }
        news
    };
    let news = join_all([0, 3, 0, 7, 10].map(writer)).await.concat();
    let mut times: BTreeMap<Id, usize> = BTreeMap::new();
    for hash in news {
        *times.entry(hash).or_default() += 1;
    }
    let stored: Vec<&Record> = records
        .iter()
        .filter(|r| times.contains_key(&r.hash()))
        .collect();
    assert_eq!(
        stored.len(),
        117,
        "all from the first of any batch to the last"
    );
    assert!(
        times.values().all(|times| *times == 1),
        "a record is new once"
    );
    let stored: Vec<Record> = stored.into_iter().cloned().collect();
    assert_eq!(all_items(archive).await, sorted(&stored));
    assert_eq!(archive.stats().await.unwrap().messages, 117);
}

/// Whether a batch was seen in part.
fn is_part(seen: &[Item], batch: &[Record]) -> bool {
    let count = batch
        .iter()
        .filter(|record| seen.contains(&record.item()))
        .count();
    count > 0 && count < batch.len()
}

pub(crate) async fn a_page_shows_a_batch_of_one_unit_whole_or_not_at_all(archive: &dyn Archive) {
    // Batches lie between each other in time, so that a page passes through all of them.
    let batches: Vec<Vec<Record>> = (0..12)
        .map(|batch| {
            (0..15)
                .map(|n| record(DAY + 100 * n + batch, b"x"))
                .collect()
        })
        .collect();
    let write = async {
        for batch in &batches {
            archive.append(batch.clone()).await.unwrap();
        }
    };
    let read = async {
        let mut most = 0;
        while most < 180 {
            let page = archive.scan(&Scan::of_range(Range::ALL)).await.unwrap();
            let seen: Vec<Item> = page.keys.iter().map(|key| key.item).collect();
            assert!(
                page.rest.is_none_or(|rest| rest.is_empty()),
                "one page is enough"
            );
            assert!(seen.len() >= most, "what was there stays there");
            most = seen.len();
            for batch in &batches {
                let found = archive.locate(&hashes(batch)).await.unwrap();
                let parts =
                    is_part(&seen, batch) || !(found.is_empty() || found.len() == batch.len());
                assert!(!parts || are_in_several_units(archive).await);
            }
            tokio::task::yield_now().await;
        }
    };
    join(write, read).await;
}

/// Whether a batch may lie in more than one unit.
async fn are_in_several_units(archive: &dyn Archive) -> bool {
    let units = archive.units().await.unwrap();
    units.iter().filter(|unit| unit.messages > 0).count() > 1
}

pub(crate) async fn what_is_acknowledged_is_read_by_everybody_at_once(archive: &dyn Archive) {
    let batches: Vec<Vec<Record>> = (0..5)
        .map(|batch| (0..4).map(|n| record(n * DAY + batch, b"x")).collect())
        .collect();
    let check = async |batch: &Vec<Record>| {
        archive.append(batch.clone()).await.unwrap();
        let (looked_up, all) = join(archive.lookup(&hashes(batch)), all_items(archive)).await;
        assert_eq!(looked_up.unwrap(), *batch);
        assert!(batch.iter().all(|record| all.contains(&record.item())));
    };
    join_all(batches.iter().map(check)).await;
}

pub(crate) async fn a_batch_whose_writer_stops_waiting_is_whole_or_absent(archive: &dyn Archive) {
    for polls in 0..6 {
        let batch: Vec<Record> = (0..40)
            .map(|n| record(n % 4 * DAY + 1_000 * polls + n, b"x"))
            .collect();
        {
            let mut append = pin!(archive.append(batch.clone()));
            for _ in 0..polls {
                let ready =
                    poll_fn(|context| Poll::Ready(append.as_mut().poll(context).is_ready()));
                if ready.await {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        // Whether the one before was stored or not, and whichever of both comes first now.
        let fresh = archive.append(batch.clone()).await.unwrap();
        assert!(
            fresh.iter().all(|new| *new == fresh[0]),
            "a part of the batch was there after {polls} polls"
        );
        assert_eq!(
            archive.lookup(&hashes(&batch)).await.unwrap().len(),
            batch.len()
        );
    }
    assert_eq!(archive.stats().await.unwrap().messages, 240);
}

pub(crate) async fn reading_goes_on_while_the_oldest_are_removed(archive: &dyn Archive) {
    let records: Vec<Record> = (0..200).map(|n| record(n * DAY / 20, b"x")).collect();
    archive.append(records.clone()).await.unwrap();
    let kept = &records[150..];
    let remove = async {
        let old = Range::of_times(0, kept[0].item().timestamp);
        let mut removed = 0;
        while removed < 150 {
            removed += archive.remove(&old, 7).await.unwrap();
        }
        assert_eq!(removed, 150);
    };
    let read = async {
        for _ in 0..20 {
            let found = all_items(archive).await;
            assert!(found.ends_with(&sorted(kept)), "what isn't removed is read");
            assert!(found.is_sorted());
            assert_eq!(archive.lookup(&hashes(kept)).await.unwrap(), kept);
        }
    };
    join(remove, read).await;
    assert_eq!(all_items(archive).await, sorted(kept));
}
