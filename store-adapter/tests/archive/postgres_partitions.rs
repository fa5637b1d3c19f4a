//! How partitions are made, divided, emptied and joined.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use store_adapter::archive::{Archive, ArchiveOptions, PostgresArchive};
use store_adapter::limits::{PARTITION_BYTES, PARTITION_COUNTED_ROWS};
use store_adapter::{Record, StorageUnit};
use sync_core::{Bound, Item, Range};

use crate::postgres::{few_connections, url};
use crate::suite::{all_items, record};

/// Small enough to be filled quickly.
const PARTITION: u64 = 256 << 10;

const SECOND: i64 = 1_000_000_000;

async fn sized() -> Arc<PostgresArchive> {
    let archive = PostgresArchive::open_sized(&url(), &few_connections(), true, PARTITION).await;
    Arc::new(archive.unwrap())
}

fn records(times: impl Iterator<Item = i64>) -> Vec<Record> {
    let numbered = times.enumerate();
    numbered
        .map(|(n, time)| record(time, &[&n.to_be_bytes()[..], &[7; 1_000]].concat()))
        .collect()
}

/// Checks that the units hold everything, each what it says, and gives them.
async fn sound_units(archive: &PostgresArchive, expected: &[Item]) -> Vec<StorageUnit> {
    let units = archive.units().await.unwrap();
    for pair in units.windows(2) {
        assert!(pair[0].span.upper <= pair[1].span.lower, "{pair:?}");
    }
    for unit in &units {
        let inside = expected.iter().filter(|item| unit.span.contains(item));
        assert_eq!(unit.messages, inside.count() as u64, "{unit:?}");
    }
    let mut sorted = expected.to_vec();
    sorted.sort();
    assert!(all_items(archive).await == sorted);
    assert_eq!(archive.stats().await.unwrap().messages, sorted.len() as u64);
    units
}

fn items(records: &[Record]) -> Vec<Item> {
    records.iter().map(Record::item).collect()
}

#[tokio::test]
async fn messages_of_one_nanosecond_are_divided() {
    let archive = sized().await;
    let all = records((0..2_000).map(|_| 5 * SECOND));
    archive.append(all.clone()).await.unwrap();
    archive.tend_partitions().await.unwrap();
    let units = sound_units(&archive, &items(&all)).await;
    assert!(units.len() >= 4, "{units:?}");
    assert!(
        units.iter().all(|unit| unit.disk_bytes < 2 * PARTITION),
        "{units:?}"
    );
    let hashes: Vec<_> = all.iter().map(Record::hash).collect();
    assert_eq!(archive.lookup(&hashes).await.unwrap().len(), 2_000);
    assert_eq!(archive.append(all).await.unwrap(), [false; 2_000]);
}

#[tokio::test]
async fn partitions_lie_ahead_of_messages_that_come_in_order() {
    let archive = sized().await;
    let mut all = Vec::new();
    for batch in 0..40 {
        let times = (0..50).map(|n| SECOND * (1_000_000 + 50 * batch + n));
        let mut batch = records(times);
        batch.iter_mut().for_each(|record| all.push(record.item()));
        archive.append(batch).await.unwrap();
        archive.tend_partitions().await.unwrap();
    }
    let units = sound_units(&archive, &all).await;
    assert!(units.len() >= 6, "{units:?}");
    // The archive's own keeper may be at it still. In the end the messages lie before those made
    // ahead: none reaches to the end of time.
    while sound_units(&archive, &all).await.last().unwrap().span.upper == Bound::Infinity {
        archive.tend_partitions().await.unwrap();
    }
}

#[tokio::test]
async fn messages_of_any_time_find_a_place() {
    let archive = sized().await;
    let day = 86_400 * SECOND;
    let mut all = records([20_000 * day].into_iter());
    for times in [
        [19_000 * day, 0],
        [i64::MAX, 20_001 * day],
        [30_000 * day, 1],
    ] {
        archive.tend_partitions().await.unwrap();
        let more = records(times.into_iter());
        archive.append(more.clone()).await.unwrap();
        all.extend(more);
    }
    let first = all.remove(0);
    sound_units(&archive, &items(&all)).await;
    archive.append(vec![first.clone()]).await.unwrap();
    all.push(first);
    archive.tend_partitions().await.unwrap();
    sound_units(&archive, &items(&all)).await;
}

#[tokio::test]
async fn removing_what_units_may_hold_gives_their_disk_back() {
    let archive = sized().await;
    let all = records((0..2_000).map(|n| n * SECOND));
    archive.append(all.clone()).await.unwrap();
    archive.tend_partitions().await.unwrap();
    let before = archive.stats().await.unwrap();
    let units = sound_units(&archive, &items(&all)).await;
    let floor = units[units.len() / 2].span.lower;
    let mut removed = 0;
    loop {
        let below = Range::new(Bound::MIN, floor);
        match archive.remove(&below, 100).await.unwrap() {
            0 => break,
            count => removed += count as u64,
        }
    }
    let left: Vec<Item> = items(&all)
        .into_iter()
        .filter(|item| !floor.is_after(item))
        .collect();
    assert_eq!(removed, 2_000 - left.len() as u64);
    let after = archive.stats().await.unwrap();
    assert!(
        after.disk_bytes < before.disk_bytes * 2 / 3,
        "{before:?} {after:?}"
    );
    archive.tend_partitions().await.unwrap();
    sound_units(&archive, &left).await;
    // What was below can be stored again, in the joined one.
    archive.append(all.clone()).await.unwrap();
    sound_units(&archive, &items(&all)).await;
}

#[tokio::test]
async fn messages_stored_and_removed_while_partitions_change_are_all_accounted_for() {
    let archive = sized().await;
    let all = records((0..6_000).map(|n| (n * 7_919 % 6_000) * SECOND));
    let writers = [0, 1].map(|half| {
        let (archive, all) = (Arc::clone(&archive), all.clone());
        tokio::spawn(async move {
            for batch in all.chunks(100).skip(half).step_by(2) {
                let fresh = archive.append(batch.to_vec()).await.unwrap();
                assert_eq!(fresh, vec![true; batch.len()]);
            }
        })
    });
    let over = Arc::new(AtomicBool::new(false));
    let keeper = {
        let (archive, over) = (Arc::clone(&archive), Arc::clone(&over));
        tokio::spawn(async move {
            while !over.load(Ordering::Relaxed) {
                // Others may be in the way for long.
                let _ = archive.tend_partitions().await;
            }
        })
    };
    for writer in writers {
        writer.await.unwrap();
    }
    let span = Range::of_times(1_000 * SECOND as u64, 1_500 * SECOND as u64);
    while archive.remove(&span, 37).await.unwrap() > 0 {}
    over.store(true, Ordering::Relaxed);
    keeper.await.unwrap();
    let left: Vec<Item> = items(&all)
        .into_iter()
        .filter(|item| !span.contains(item))
        .collect();
    // The archive's own keeper may be at it still.
    while sound_units(&archive, &left).await.len() < 8 {
        archive.tend_partitions().await.unwrap();
    }
}

#[tokio::test]
async fn a_cap_makes_units_small() {
    let options = ArchiveOptions {
        disk_cap: Some(64 << 20),
        ..few_connections()
    };
    for partition_bytes in [PARTITION_BYTES, PARTITION] {
        let archive = PostgresArchive::open_sized(&url(), &options, true, partition_bytes)
            .await
            .unwrap();
        archive
            .append(records((0..6_000).map(|_| 0)))
            .await
            .unwrap();
        archive.tend_partitions().await.unwrap();
        let units = archive.units().await.unwrap();
        assert!(
            units.iter().all(|unit| unit.disk_bytes <= 2 << 20),
            "{units:?}"
        );
    }
}

#[tokio::test]
async fn a_partition_of_many_messages_is_divided_about_evenly_without_counting_them() {
    let url = url();
    let all: Vec<Record> = (0..PARTITION_COUNTED_ROWS as i64 + 10_000)
        .map(|n| record((n * 7_919 % 30_000) * SECOND, &n.to_be_bytes()))
        .collect();
    let archive = PostgresArchive::open_or_create(&url, &few_connections()).await;
    let archive = archive.unwrap();
    for batch in all.chunks(5_000) {
        archive.append(batch.to_vec()).await.unwrap();
    }
    let before = archive.units().await.unwrap();
    assert!(
        before
            .iter()
            .any(|unit| unit.messages > PARTITION_COUNTED_ROWS)
    );
    drop(archive);
    let archive = PostgresArchive::open_sized(&url, &few_connections(), true, 1 << 20).await;
    let archive = archive.unwrap();
    archive.tend_partitions().await.unwrap();
    let units = sound_units(&archive, &items(&all)).await;
    let even = all.len() as u64 / units.len() as u64;
    assert!(units.len() >= 4, "{units:?}");
    for unit in &units {
        assert!(
            unit.messages > even / 2 && unit.messages < even * 2,
            "{units:?}"
        );
    }
}
