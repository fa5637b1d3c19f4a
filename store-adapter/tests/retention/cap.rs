//! The hard cap: whatever pours in, the disk that is taken stays under it, and the oldest go first.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use store_adapter::limits::RETENTION_CAP_MIN;
use store_adapter::retention::{Keeper, RetentionError};
use store_adapter::{Archive, ArchiveError, Ingested, Origin, Record, Refusal};

use crate::sliced::{BASE, Sliced};
use crate::support::{HOUR, NOW, arrivals, assert_holds, door, record, scattered};

/// The cap of most tests: the smallest there is.
const CAP: u64 = RETENTION_CAP_MIN;
const CAP_TEXT: &str = "size:32MB";
/// As a backend would make its units for that cap.
const UNIT: u64 = CAP / 32;
const GRAIN: u64 = 256 << 10;

fn sliced() -> Arc<Sliced> {
    Arc::new(Sliced::new(UNIT, GRAIN))
}

/// Pours records in by several tasks at once, and gives the archive's door.
async fn pour(archive: &Arc<Sliced>, records: Vec<Record>, batch: usize) -> store_adapter::Ingest {
    let door = door(archive.clone(), CAP_TEXT).await;
    Keeper::start(door.clone(), NOW).await.unwrap();
    let batches: Vec<Vec<Record>> = records.chunks(batch).map(<[Record]>::to_vec).collect();
    let per_task = batches.len().div_ceil(4);
    let tasks = batches.chunks(per_task).map(|batches| {
        let (door, batches) = (door.clone(), batches.to_vec());
        tokio::spawn(async move {
            for batch in batches {
                door.ingest(Origin::Imported, arrivals(&batch))
                    .await
                    .unwrap();
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    door
}

/// That the cap was held to, that the disk is used nevertheless, and that what is left are the
/// newest.
async fn assert_capped(archive: &Sliced, door: &store_adapter::Ingest, records: &[Record]) {
    let highest = archive.highest.load(Ordering::SeqCst);
    assert!(highest <= CAP + CAP / 20, "{highest} bytes of {CAP}");
    let disk = archive.disk_bytes().await.unwrap();
    assert!(disk > CAP / 4 * 3, "only {disk} bytes of {CAP} are used");
    assert!(archive.dropped.load(Ordering::SeqCst) > 0);
    assert_eq!(
        archive.rows_removed.load(Ordering::SeqCst),
        0,
        "units go whole"
    );
    let left = door.index().len() as u64;
    assert_holds(door, left).await;
    let floor = door.index().floor();
    let newest = records.iter().map(Record::item).max().unwrap();
    assert!(door.index().contains(&newest));
    let above = records
        .iter()
        .filter(|record| !floor.is_after(&record.item()));
    assert_eq!(
        above.count() as u64,
        left,
        "the newest, and nothing but the newest"
    );
    let counters = door.pruned().size;
    assert!(counters.runs > 0 && counters.messages > 0 && counters.bytes > 0);
    assert!(counters.last.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cap_holds_while_messages_pour_in_at_full_speed() {
    let archive = sliced();
    // Hours apart, four times what there is room for, each task its own quarter of the time.
    let records: Vec<Record> = (0..60_000)
        .map(|n| record(NOW + n * HOUR / 100, n, 2_000))
        .collect();
    let door = pour(&archive, records.clone(), 200).await;
    assert_capped(&archive, &door, &records).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cap_holds_when_all_messages_fall_into_one_hour_in_no_order() {
    let archive = sliced();
    let records: Vec<Record> = (0..60_000)
        .map(|n| record(NOW + scattered(n) % HOUR, n, 2_000))
        .collect();
    let door = pour(&archive, records.clone(), 200).await;
    assert_capped(&archive, &door, &records).await;
    let report = door
        .ingest(Origin::Imported, arrivals(&records[..1]))
        .await
        .unwrap();
    let timestamp = records[0].item().timestamp;
    let expected = match door.index().contains(&records[0].item()) {
        true => Ingested::Duplicate(records[0].item()),
        false => Ingested::Refused(Refusal::BelowFloor { timestamp }),
    };
    assert_eq!(report.outcomes, [expected]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cap_holds_when_all_messages_are_of_one_nanosecond() {
    let archive = sliced();
    let records: Vec<Record> = (0..30_000).map(|n| record(NOW, n, 4_000)).collect();
    let door = pour(&archive, records.clone(), 100).await;
    assert_capped(&archive, &door, &records).await;
}

#[tokio::test]
async fn a_batch_larger_than_the_cap_leaves_its_newest_messages() {
    let archive = sliced();
    let records: Vec<Record> = (0..1_000)
        .map(|n| record(NOW + scattered(n) % HOUR, n, 100_000))
        .collect();
    let door = door(archive.clone(), CAP_TEXT).await;
    let report = door
        .ingest(Origin::Imported, arrivals(&records))
        .await
        .unwrap();
    assert_eq!(report.new + report.refused, 1_000);
    assert!(report.refused > 500 && report.new > 100, "{}", report.new);
    assert_capped(&archive, &door, &records).await;
}

#[tokio::test]
async fn a_batch_below_the_floor_that_room_for_it_takes_is_refused_and_not_stored_again_and_again()
{
    let archive = sliced();
    let full: Vec<Record> = (0..16_000)
        .map(|n| record(NOW + n * HOUR / 100, n, 2_000))
        .collect();
    let door = pour(&archive, full, 200).await;
    let floor = door.index().floor();
    // As a peer would bring them, right above the floor and older than nearly all that is there.
    let old: Vec<Record> = (0..400)
        .map(|n| record(floor.timestamp() + 1 + n, 100_000 + n, 10_000))
        .collect();
    let before = door.pruned().size;
    for _ in 0..20 {
        door.ingest(Origin::Imported, arrivals(&old)).await.unwrap();
    }
    let after = door.pruned().size;
    let dropped = after.runs - before.runs;
    assert!(
        dropped <= 8,
        "{dropped} units went for the same old messages"
    );
    let report = door.ingest(Origin::Imported, arrivals(&old)).await.unwrap();
    assert_eq!(report.new, 0);
    assert_eq!(door.pruned().size, after);
}

#[tokio::test]
async fn messages_of_the_future_neither_break_the_cap_nor_shut_out_the_present() {
    let archive = sliced();
    let far = record(NOW * 2, 1_000_000, 500);
    let records: Vec<Record> = (0..30_000)
        .map(|n| record(NOW + n * 1_000, n, 2_000))
        .collect();
    let mut all = vec![far];
    all.extend(records.clone());
    let door = pour(&archive, all.clone(), 200).await;
    assert_capped(&archive, &door, &all).await;
    let next = record(NOW + 31_000 * 1_000, 2_000_000, 500);
    let report = door
        .ingest(Origin::Imported, arrivals(&[next]))
        .await
        .unwrap();
    assert_eq!(report.new, 1);
}

#[tokio::test]
async fn an_archive_over_its_cap_is_under_it_before_anything_is_let_in() {
    let archive = sliced();
    let unkept = door(archive.clone(), "none").await;
    let records: Vec<Record> = (0..30_000)
        .map(|n| record(NOW + n * HOUR / 100, n, 2_000))
        .collect();
    unkept
        .ingest(Origin::Imported, arrivals(&records))
        .await
        .unwrap();
    assert!(archive.disk_bytes().await.unwrap() > CAP + CAP / 2);
    let kept = door(archive.clone(), CAP_TEXT).await;
    Keeper::start(kept.clone(), NOW).await.unwrap();
    let disk = archive.disk_bytes().await.unwrap();
    assert!(disk <= CAP && disk > CAP - 2 * UNIT, "{disk}");
    let left = kept.index().len() as u64;
    assert_holds(&kept, left).await;
    assert!(kept.index().contains(&records[29_999].item()));
    assert!(!kept.index().contains(&records[0].item()));
}

#[tokio::test]
async fn a_cap_too_small_is_refused_with_the_least_that_works() {
    let small = door(sliced(), "size:31.9MB").await;
    let error = Keeper::start(small, NOW).await.unwrap_err();
    assert!(error.to_string().contains("size:32MB"), "{error}");
    // One unit that is larger than the cap can't go but whole.
    let archive = Arc::new(Sliced::new(u64::MAX, GRAIN));
    let unkept = door(archive.clone(), "none").await;
    let records: Vec<Record> = (0..2_000).map(|n| record(NOW + n, n, 20_000)).collect();
    unkept
        .ingest(Origin::Imported, arrivals(&records))
        .await
        .unwrap();
    let kept = door(archive.clone(), CAP_TEXT).await;
    let error = Keeper::start(kept, NOW).await.unwrap_err();
    let RetentionError::CapTooSmall { least, .. } = error else {
        panic!("{error}");
    };
    assert!(least > archive.disk_bytes().await.unwrap());
    assert_holds(&unkept, 2_000).await;
    let cap = format!("size:{}MB", least.div_ceil(1 << 20));
    let kept = door(archive.clone(), &cap).await;
    Keeper::start(kept, NOW).await.unwrap();
}

#[tokio::test]
async fn nothing_is_stored_where_the_size_cannot_be_read() {
    let archive = sliced();
    let door = door(archive.clone(), CAP_TEXT).await;
    archive.unreadable.store(true, Ordering::SeqCst);
    let records = [record(NOW, 1, 100)];
    assert!(
        door.ingest(Origin::Imported, arrivals(&records))
            .await
            .is_err()
    );
    archive.unreadable.store(false, Ordering::SeqCst);
    assert_holds(&door, 0).await;
    let report = door
        .ingest(Origin::Imported, arrivals(&records))
        .await
        .unwrap();
    assert_eq!(report.new, 1);
    assert_holds(&door, 1).await;
}

#[tokio::test]
async fn where_there_is_but_one_unit_the_oldest_rows_make_room() {
    let archive = Arc::new(Sliced::new(u64::MAX, GRAIN));
    let door = door(archive.clone(), CAP_TEXT).await;
    let records: Vec<Record> = (0..30_000).map(|n| record(NOW + n, n, 2_000)).collect();
    for batch in records.chunks(100) {
        door.ingest(Origin::Imported, arrivals(batch))
            .await
            .unwrap();
    }
    let highest = archive.highest.load(Ordering::SeqCst);
    assert!(highest <= CAP + CAP / 20, "{highest}");
    assert!(archive.rows_removed.load(Ordering::SeqCst) > 10_000);
    let left = door.index().len() as u64;
    assert!(left > 10_000, "{left}");
    assert_holds(&door, left).await;
    assert!(door.index().contains(&records[29_999].item()));
}

#[tokio::test]
async fn where_nothing_can_go_any_more_the_door_says_so() {
    let archive = Arc::new(Sliced::new(UNIT, CAP * 2));
    let door = door(archive.clone(), CAP_TEXT).await;
    // One row takes twice the cap.
    door.ingest(Origin::Imported, arrivals(&[record(NOW, 1, 100)]))
        .await
        .unwrap();
    door.retain_from(sync_core::Bound::at_time(NOW + 1))
        .await
        .unwrap();
    let result = door
        .ingest(Origin::Imported, arrivals(&[record(NOW + 2, 2, 100)]))
        .await;
    let Err(ArchiveError::NoRoom { cap, disk_bytes }) = result else {
        panic!("{result:?}");
    };
    assert_eq!((cap, disk_bytes), (CAP, BASE + CAP * 2));
    assert_holds(&door, 0).await;
}

#[tokio::test]
async fn what_goes_unseen_with_a_unit_of_a_shared_archive_lies_below_the_floor() {
    let archive = sliced();
    let door = door(archive.clone(), CAP_TEXT).await;
    Keeper::start(door.clone(), NOW).await.unwrap();
    let at = |number: u64| NOW + number * HOUR;
    let own: Vec<Record> = (0..600).map(|n| record(at(n), n, 100_000)).collect();
    let (before, after) = own.split_at(250);
    door.ingest(Origin::Imported, arrivals(before))
        .await
        .unwrap();
    // Another node stores what this one hasn't heard of yet.
    let theirs: Vec<Record> = (0..600).map(|n| record(at(n) + HOUR / 2, n, 8)).collect();
    archive.append(theirs.clone()).await.unwrap();
    let hashes: Vec<_> = theirs.iter().map(Record::hash).collect();
    for batch in after.chunks(10) {
        door.ingest(Origin::Imported, arrivals(batch))
            .await
            .unwrap();
        let floor = door.index().floor();
        let held = archive.locate(&hashes).await.unwrap();
        let above = theirs
            .iter()
            .filter(|record| !floor.is_after(&record.item()));
        assert_eq!(held.len(), above.count());
    }
    assert!(archive.dropped.load(Ordering::SeqCst) > 0);
    assert!(archive.locate(&hashes).await.unwrap().len() < 600);
}
