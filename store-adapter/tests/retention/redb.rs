//! The cap over archives on a real disk, by their addresses.

use store_adapter::archive::{self, ArchiveOptions, ArchiveUrl};
use store_adapter::retention::Keeper;
use store_adapter::{Origin, Record};

use crate::support::{HOUR, NOW, arrivals, assert_holds, door, record, scattered};

/// Pours in four times what there is room for, at times that `time` gives, and looks after every batch.
async fn assert_capped(url: &ArchiveUrl, time: impl Fn(u64) -> u64) {
    const CAP: u64 = 64 << 20;
    let options = ArchiveOptions {
        disk_cap: Some(CAP),
        ..ArchiveOptions::default()
    };
    let archive = archive::open(url, &options).await.unwrap();
    let door = door(archive, "size:64MB").await;
    Keeper::start(door.clone(), NOW).await.unwrap();
    let mut highest = 0;
    for batch in 0..128 {
        let records: Vec<Record> = (0..1_000)
            .map(|n| record(time(batch * 1_000 + n), batch * 1_000 + n, 2_000))
            .collect();
        door.ingest(Origin::Imported, arrivals(&records))
            .await
            .unwrap();
        highest = highest.max(door.archive().disk_bytes().await.unwrap());
    }
    assert!(highest <= CAP + CAP / 20, "{highest} bytes of {CAP}");
    let left = door.index().len() as u64;
    assert!(left > 8_000, "only {left} messages are left under the cap");
    assert_holds(&door, left).await;
}

#[tokio::test]
async fn a_cap_holds_for_redb_over_many_hours() {
    let directory = tempfile::tempdir().unwrap();
    let url = ArchiveUrl::Redb(directory.path().join("archive.redb"));
    assert_capped(&url, |number| NOW + number * HOUR / 1_000).await;
}

#[tokio::test]
async fn a_cap_holds_for_redb_within_one_hour() {
    let directory = tempfile::tempdir().unwrap();
    let url = ArchiveUrl::Redb(directory.path().join("archive.redb"));
    assert_capped(&url, |number| NOW + scattered(number) % HOUR).await;
}
