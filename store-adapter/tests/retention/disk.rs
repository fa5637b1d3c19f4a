//! The cap over archives on a real disk, by their addresses.

use std::time::{Duration, Instant};

use store_adapter::archive::{self, ArchiveOptions, ArchiveUrl};
use store_adapter::limits::RETENTION_CAP_MIN;
use store_adapter::retention::Keeper;
use store_adapter::{Ingest, Origin, Record};
use tempfile::TempDir;

use crate::support::{HOUR, NOW, arrivals, assert_holds, door, record, record_of, scattered};

/// A backend: an address of nothing yet, and what has to be kept for it to stay.
type Place = fn() -> (ArchiveUrl, Option<TempDir>);

fn redb() -> (ArchiveUrl, Option<TempDir>) {
    let directory = tempfile::tempdir().unwrap();
    let url = ArchiveUrl::Redb(directory.path().join("archive.redb"));
    (url, Some(directory))
}

fn postgres() -> (ArchiveUrl, Option<TempDir>) {
    let url = postgres_server::shared().database();
    (ArchiveUrl::parse(&url).unwrap(), None)
}

async fn capped(url: &ArchiveUrl, cap_mb: u64) -> Ingest {
    let options = ArchiveOptions {
        disk_cap: Some(cap_mb << 20),
        max_connections: 4,
    };
    let archive = archive::open(url, &options).await.unwrap();
    let door = door(archive, &format!("size:{cap_mb}MB")).await;
    Keeper::start(door.clone(), NOW).await.unwrap();
    door
}

/// What is poured into an archive.
struct Flood {
    cap_mb: u64,
    batches: u64,
    batch: u64,
    bytes: usize,
    /// The payloads that are left are to be one part of the cap in so many, at least.
    least_held: u64,
    time: fn(u64) -> u64,
}

impl Flood {
    /// Pours in several times what there is room for, and looks after every batch, counting anew.
    async fn assert_capped(&self, place: Place) {
        let (url, _kept) = place();
        let door = capped(&url, self.cap_mb).await;
        let (mut highest, mut slowest) = (0, Duration::ZERO);
        for batch in 0..self.batches {
            let numbers = batch * self.batch..(batch + 1) * self.batch;
            let records: Vec<Record> = numbers
                .map(|number| record((self.time)(number), number, self.bytes))
                .collect();
            let begun = Instant::now();
            door.ingest(Origin::Imported, arrivals(&records))
                .await
                .unwrap();
            slowest = slowest.max(begun.elapsed());
            highest = highest.max(door.archive().stats().await.unwrap().disk_bytes);
        }
        let cap = self.cap_mb << 20;
        println!("highest {highest} bytes of {cap}, slowest batch {slowest:?}");
        assert!(highest <= cap + cap / 20, "{highest} bytes of {cap}");
        let left = door.index().len() as u64;
        let held = left * self.bytes as u64;
        assert!(
            held > cap / self.least_held,
            "only {left} messages are left under {cap}"
        );
        assert_holds(&door, left).await;
    }
}

const MANY_HOURS: Flood = Flood {
    cap_mb: 64,
    batches: 96,
    batch: 1_000,
    bytes: 2_000,
    least_held: 4,
    time: |number| NOW + number * HOUR / 1_000,
};

const ONE_HOUR: Flood = Flood {
    time: |number| NOW + scattered(number) % HOUR,
    ..MANY_HOURS
};

#[tokio::test]
async fn a_cap_holds_for_redb_over_many_hours() {
    MANY_HOURS.assert_capped(redb).await;
}

#[tokio::test]
async fn a_cap_holds_for_redb_within_one_hour() {
    ONE_HOUR.assert_capped(redb).await;
}

#[tokio::test]
async fn a_cap_holds_for_postgres_over_many_hours() {
    MANY_HOURS.assert_capped(postgres).await;
}

#[tokio::test]
async fn a_cap_holds_for_postgres_within_one_hour() {
    ONE_HOUR.assert_capped(postgres).await;
}

#[tokio::test]
async fn the_least_cap_holds_for_postgres_with_messages_of_few_bytes() {
    let flood = Flood {
        cap_mb: RETENTION_CAP_MIN >> 20,
        batches: 60,
        batch: 2_000,
        bytes: 100,
        least_held: 20,
        time: |number| NOW + scattered(number) % HOUR,
    };
    flood.assert_capped(postgres).await;
}

#[tokio::test]
async fn the_least_cap_holds_for_postgres_with_the_longest_messages() {
    let flood = Flood {
        cap_mb: RETENTION_CAP_MIN >> 20,
        batches: 60,
        batch: 10,
        bytes: 150_000,
        least_held: 4,
        time: |number| NOW + number * HOUR / 20,
    };
    flood.assert_capped(postgres).await;
}

#[tokio::test]
async fn topics_made_up_for_every_message_leave_room_for_messages_in_postgres() {
    let (url, _kept) = postgres();
    let door = capped(&url, RETENTION_CAP_MIN >> 20).await;
    let mut highest = 0;
    for batch in 0..80 {
        let records: Vec<Record> = (batch * 1_000..(batch + 1) * 1_000)
            .map(|number| {
                let topic = format!("/{}/{number}", "t".repeat(1_000));
                record_of(&topic, NOW + number * HOUR / 1_000, number, 100)
            })
            .collect();
        door.ingest(Origin::Imported, arrivals(&records))
            .await
            .unwrap();
        highest = highest.max(door.archive().stats().await.unwrap().disk_bytes);
    }
    let cap = RETENTION_CAP_MIN;
    assert!(highest <= cap + cap / 20, "{highest} bytes of {cap}");
    // A message takes some 1.5 KB with its topic and its indices, and topics that are gone nothing.
    let left = door.index().len() as u64;
    assert!(left * 1_000 > cap / 3, "only {left} messages are left");
    assert_holds(&door, left).await;
}

#[tokio::test]
async fn less_than_the_least_cap_is_refused_for_postgres() {
    let (url, _kept) = postgres();
    let archive = archive::open(&url, &ArchiveOptions::default())
        .await
        .unwrap();
    let door = door(archive, "size:31.9MB").await;
    let error = Keeper::start(door, NOW).await.unwrap_err();
    assert!(error.to_string().contains("size:32MB"), "{error}");
}
