//! The bounds on time and number.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use store_adapter::archive::MemoryArchive;
use store_adapter::retention::{self, Keeper, Reason};
use store_adapter::{Archive, Index, Ingested, Origin, Record, Refusal};
use sync_core::{Bound, Item};

use crate::sliced::Sliced;
use crate::support::{HOUR, NOW, SECOND, arrivals, assert_holds, door, record, scattered};

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

#[tokio::test]
async fn what_is_too_old_goes_at_the_start_and_as_time_goes_by() {
    let archive = Arc::new(MemoryArchive::new());
    let door = door(archive, "time:100").await;
    let records: Vec<Record> = (0..200)
        .map(|n| record(NOW - 150 * SECOND + n * SECOND, n, 10))
        .collect();
    door.ingest(Origin::Imported, arrivals(&records))
        .await
        .unwrap();
    let mut keeper = Keeper::start(door.clone(), NOW).await.unwrap();
    assert_holds(&door, 150).await;
    assert_eq!(door.index().floor(), Bound::at_time(NOW - 100 * SECOND));
    // Up to five seconds late.
    assert!(
        keeper
            .apply(NOW + 5 * SECOND, seconds(5))
            .await
            .unwrap()
            .is_empty()
    );
    let pruned = keeper.apply(NOW + 6 * SECOND, seconds(6)).await.unwrap();
    assert_eq!(
        (pruned.len(), pruned[0].reason, pruned[0].messages),
        (1, Reason::Time, 6)
    );
    assert_holds(&door, 144).await;
    let report = door
        .ingest(Origin::Imported, arrivals(&records))
        .await
        .unwrap();
    assert_eq!((report.duplicates, report.refused), (144, 56));
    let counters = door.pruned().time;
    assert_eq!((counters.runs, counters.messages), (2, 56));
}

#[tokio::test]
async fn whole_units_go_where_the_time_is_long_enough() {
    let archive = Arc::new(Sliced::new(100_000, 4_096));
    let door = door(archive.clone(), "time:172800").await;
    let mut keeper = Keeper::start(door.clone(), NOW).await.unwrap();
    let records: Vec<Record> = (0..2_000)
        .map(|n| record(NOW + n * 120 * SECOND, n, 1_000))
        .collect();
    door.ingest(Origin::Imported, arrivals(&records))
        .await
        .unwrap();
    for minute in 0..=4_000 {
        let passed = minute * 60;
        keeper
            .apply(NOW + passed * SECOND, seconds(passed))
            .await
            .unwrap();
    }
    let rows = archive
        .rows_removed
        .load(std::sync::atomic::Ordering::SeqCst);
    let dropped = archive.dropped.load(std::sync::atomic::Ordering::SeqCst);
    assert!(dropped >= 5, "{dropped}");
    let oldest = door.index().first().unwrap();
    let age = NOW + 4_000 * 60 * SECOND - oldest.timestamp;
    assert!(age <= 49 * HOUR + 120 * SECOND, "{age}");
    let left = door.index().len() as u64;
    assert!(rows < 2_000 - left);
    assert_holds(&door, left).await;
}

#[tokio::test]
async fn a_clock_that_jumps_ahead_removes_nothing_for_an_hour() {
    let door = door(Arc::new(MemoryArchive::new()), "time:3600").await;
    let mut keeper = Keeper::start(door.clone(), NOW).await.unwrap();
    let records: Vec<Record> = (0..10).map(|n| record(NOW + n * SECOND, n, 10)).collect();
    door.ingest(Origin::Imported, arrivals(&records))
        .await
        .unwrap();
    let far = NOW + 1_000 * HOUR;
    assert!(keeper.apply(far, seconds(10)).await.unwrap().is_empty());
    assert!(
        keeper
            .apply(far + 60 * SECOND, seconds(70))
            .await
            .unwrap()
            .is_empty()
    );
    assert_holds(&door, 10).await;
    keeper.apply(NOW + 80 * SECOND, seconds(80)).await.unwrap();
    assert!(door.index().floor() <= Bound::at_time(NOW - HOUR + 80 * SECOND));
    assert_holds(&door, 10).await;
}

#[tokio::test]
async fn a_clock_that_jumps_back_lowers_no_floor() {
    let door = door(Arc::new(MemoryArchive::new()), "time:3600").await;
    let mut keeper = Keeper::start(door.clone(), NOW).await.unwrap();
    let floor = door.index().floor();
    keeper.apply(NOW - 100 * HOUR, seconds(60)).await.unwrap();
    assert_eq!(door.index().floor(), floor);
}

#[tokio::test]
async fn messages_of_the_future_are_kept_until_their_time_is_over() {
    let door = door(Arc::new(MemoryArchive::new()), "time:3600").await;
    let records = [
        record(NOW + 10 * HOUR, 1, 10),
        record(i64::MAX as u64, 2, 10),
    ];
    door.ingest(Origin::Imported, arrivals(&records))
        .await
        .unwrap();
    let mut keeper = Keeper::start(door.clone(), NOW).await.unwrap();
    assert_holds(&door, 2).await;
    for hour in 1..=12 {
        keeper
            .apply(NOW + hour * HOUR, seconds(hour * 3_600))
            .await
            .unwrap();
    }
    assert_holds(&door, 1).await;
}

#[tokio::test]
async fn the_door_keeps_to_a_capacity_with_little_slack_and_the_keeper_exactly() {
    let door = door(Arc::new(MemoryArchive::new()), "capacity:1000").await;
    let mut keeper = Keeper::start(door.clone(), NOW).await.unwrap();
    for batch in 0..100u64 {
        let records: Vec<Record> = (0..10)
            .map(|n| record(NOW + scattered(batch * 10 + n) % HOUR, batch * 10 + n, 10))
            .collect();
        door.ingest(Origin::Imported, arrivals(&records))
            .await
            .unwrap();
    }
    assert_holds(&door, 1_000).await;
    let late: Vec<Record> = (0..200)
        .map(|n| record(NOW + 2 * HOUR + n, 10_000 + n, 10))
        .collect();
    for batch in late.chunks(10) {
        door.ingest(Origin::Imported, arrivals(batch))
            .await
            .unwrap();
        assert!(door.index().len() <= 1_050, "{}", door.index().len());
    }
    keeper.apply(NOW, seconds(60)).await.unwrap();
    assert_holds(&door, 1_000).await;
    assert!(
        late.iter()
            .all(|record| door.index().contains(&record.item()))
    );
}

#[tokio::test]
async fn what_a_crash_left_below_the_floor_goes_at_the_start() {
    let archive: Arc<dyn Archive> = Arc::new(MemoryArchive::new());
    let records: Vec<Record> = (0..10).map(|n| record(NOW + n, n, 10)).collect();
    archive.append(records.clone()).await.unwrap();
    // As if it had ended between the floor and the removal.
    let floor = [
        &records[4].item().timestamp.to_be_bytes()[..],
        &records[4].hash().0,
    ]
    .concat();
    archive
        .set_state(store_adapter::floor::FLOOR_STATE, Some(floor))
        .await
        .unwrap();
    let door = door(Arc::clone(&archive), "none").await;
    Keeper::start(door.clone(), NOW).await.unwrap();
    assert_holds(&door, 6).await;
}

#[tokio::test]
async fn a_message_checked_before_the_floor_was_raised_is_refused_after_it() {
    let archive = Arc::new(MemoryArchive::new());
    let door = door(archive, "none").await;
    let records: Vec<Record> = (0..400).map(|n| record(NOW + n, n, 10)).collect();
    // Many batches and many floors at once: whatever the order, nothing below a floor stays.
    let ingest = {
        let (door, records) = (door.clone(), records.clone());
        tokio::spawn(async move {
            for batch in records.chunks(2) {
                door.ingest(Origin::Imported, arrivals(batch))
                    .await
                    .unwrap();
                tokio::task::yield_now().await;
            }
        })
    };
    for record in records.iter().rev().take(200).rev() {
        door.retain_from(Bound::Before(record.item()))
            .await
            .unwrap();
    }
    ingest.await.unwrap();
    let left = door.index().len() as u64;
    assert_holds(&door, left).await;
}

#[tokio::test]
async fn a_plan_leaves_the_floor_to_time_where_that_leaves_just_the_capacity() {
    let archive: Arc<dyn Archive> = Arc::new(MemoryArchive::new());
    let records: Vec<Record> = (0..10)
        .map(|n| record(NOW - n * 10 * SECOND, n, 20))
        .collect();
    archive.append(records).await.unwrap();
    let index = Index::rebuild(Arc::clone(&archive)).await.unwrap();
    let policy = "time:45;capacity:5";
    let plan = retention::plan(&*archive, &index, &policy.parse().unwrap(), NOW)
        .await
        .unwrap();
    let door = door(archive, policy).await;
    Keeper::start(door.clone(), NOW).await.unwrap();
    assert_holds(&door, 5).await;
    assert_eq!(plan.floor, door.index().floor());
    assert_eq!((plan.messages, plan.parts.len()), (5, 2));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_plan_tells_what_pruning_then_does(
        times in proptest::collection::vec(0..1_000u64, 0..120),
        capacity in proptest::option::of(1..120u64),
        time in proptest::option::of(1..1_200u64),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let archive: Arc<dyn Archive> = Arc::new(MemoryArchive::new());
            let records: Vec<Record> = times
                .iter()
                .zip(0..)
                .map(|(time, n)| record(NOW - time * SECOND, n, 20))
                .collect();
            archive.append(records.clone()).await.unwrap();
            let parts: Vec<String> = [
                time.map(|seconds| format!("time:{seconds}")),
                capacity.map(|messages| format!("capacity:{messages}")),
            ]
            .into_iter()
            .flatten()
            .collect();
            let policy = match parts.is_empty() {
                true => "none".to_owned(),
                false => parts.join(";"),
            };
            let index = Index::rebuild(Arc::clone(&archive)).await.unwrap();
            let plan = retention::plan(&*archive, &index, &policy.parse().unwrap(), NOW).await.unwrap();
            let door = door(archive, &policy).await;
            Keeper::start(door.clone(), NOW).await.unwrap();
            let mut kept: Vec<Item> = records.iter().map(Record::item).collect();
            kept.sort();
            if let Some(seconds) = time {
                kept.retain(|item| item.timestamp >= NOW - seconds * SECOND);
            }
            if let Some(capacity) = capacity {
                kept.drain(..kept.len().saturating_sub(capacity as usize));
            }
            assert_holds(&door, kept.len() as u64).await;
            assert!(kept.iter().all(|item| door.index().contains(item)));
            assert_eq!(plan.messages, (records.len() - kept.len()) as u64);
            assert_eq!(plan.oldest, kept.first().copied());
            assert_eq!(plan.floor, door.index().floor());
            let gone = records.iter().filter(|record| !kept.contains(&record.item()));
            let bytes: usize = gone.map(Record::encoded_len).sum();
            assert_eq!(plan.message_bytes, bytes as u64);
        });
    }
}

#[tokio::test]
async fn refusals_below_the_floor_name_the_time() {
    let door = door(Arc::new(MemoryArchive::new()), "time:60").await;
    Keeper::start(door.clone(), NOW).await.unwrap();
    let old = record(NOW - 61 * SECOND, 1, 10);
    let report = door
        .ingest(Origin::Imported, arrivals(std::slice::from_ref(&old)))
        .await
        .unwrap();
    let timestamp = old.item().timestamp;
    assert_eq!(
        report.outcomes,
        [Ingested::Refused(Refusal::BelowFloor { timestamp })]
    );
}
