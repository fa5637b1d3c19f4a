//! Whoever reads a shared archive for long keeps parts of it from being removed, and nobody from
//! storing, as long as there is room.

use std::time::{Duration, Instant};

use store_adapter::archive::{self, ArchiveOptions, ArchiveUrl};
use store_adapter::limits::RETENTION_CAP_MIN;
use store_adapter::retention::Keeper;
use store_adapter::{ArchiveError, Ingest, Origin, Record};
use tokio::task::JoinHandle;
use tokio_postgres::{Client, NoTls};

use crate::support::{HOUR, NOW, arrivals, assert_holds, door, record};

const CAP: u64 = RETENTION_CAP_MIN;

/// Messages in a batch, and bytes of each.
const BATCH: u64 = 200;
const BYTES: usize = 2_000;

/// A capped archive, and somebody else's connection to its database.
struct Place {
    door: Ingest,
    keeper: Keeper,
    reader: Client,
    connection: JoinHandle<()>,
    next: u64,
    /// How long a batch takes at most with nobody in the way, on this machine just now.
    usual: Option<Duration>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

impl Place {
    /// An archive that is full up to its cap.
    async fn full() -> Self {
        let url = postgres_server::shared().database();
        let options = ArchiveOptions {
            disk_cap: Some(CAP),
            max_connections: 4,
        };
        let held = archive::open(&ArchiveUrl::parse(&url).unwrap(), &options).await;
        let door = door(held.unwrap(), "size:32MB").await;
        let keeper = Keeper::start(door.clone(), NOW).await.unwrap();
        let (reader, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
        let mut place = Self {
            door,
            keeper,
            reader,
            connection: tokio::spawn(async move { drop(connection.await) }),
            next: 0,
            usual: None,
        };
        let mut slowest = Duration::ZERO;
        while place.door.pruned().size.runs < 4 {
            let begun = Instant::now();
            place.pour().await.unwrap();
            slowest = slowest.max(begun.elapsed());
        }
        place.usual = Some(slowest);
        place
    }

    /// Stores the next batch, held up for less than a second whatever comes of it.
    async fn pour(&mut self) -> Result<(), ArchiveError> {
        let numbers = self.next..self.next + BATCH;
        let records: Vec<Record> = numbers
            .map(|number| record(NOW + number * HOUR / 1_000, number, BYTES))
            .collect();
        let begun = Instant::now();
        let report = self.door.ingest(Origin::Imported, arrivals(&records)).await;
        let took = begun.elapsed();
        if let Some(usual) = self.usual {
            let most = usual * 3 + Duration::from_secs(1);
            assert!(took < most, "a batch took {took:?}, and {usual:?} before");
        }
        assert_eq!(report?.new as u64, BATCH);
        self.next += BATCH;
        let disk = self.door.archive().disk_bytes().await.unwrap();
        assert!(disk <= CAP + CAP / 20, "{disk} bytes of {CAP}");
        Ok(())
    }

    async fn sql(&self, text: &str) {
        self.reader.batch_execute(text).await.unwrap();
    }

    /// What was held up is removed now.
    async fn assert_swept(&mut self) {
        self.keeper
            .apply(NOW, Duration::from_secs(1))
            .await
            .unwrap();
        assert_holds(&self.door, self.door.index().len() as u64).await;
        assert!(self.door.index().len() > 1_000);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reads_everything_for_long_stops_storing_only_where_there_is_no_room_left() {
    let mut place = Place::full().await;
    // As pg_dump does.
    place
        .sql("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM wakustore.messages")
        .await;
    let (floor, held) = (place.door.index().floor(), place.door.index().len());
    let mut stored = 0;
    let error = loop {
        match place.pour().await {
            Ok(()) => stored += 1,
            Err(error) => break error,
        }
        assert!(stored < 100, "the cap isn't held to");
    };
    assert!(
        matches!(error, ArchiveError::NoRoomYet { cap: CAP, .. }),
        "{error}"
    );
    for _ in 0..5 {
        let error = place.pour().await.unwrap_err();
        assert!(matches!(error, ArchiveError::NoRoomYet { .. }), "{error}");
    }
    // No history is given up for nothing.
    assert_eq!(place.door.index().floor(), floor);
    assert!(place.door.index().len() >= held);
    place.sql("COMMIT").await;
    let ended = Instant::now();
    while place.pour().await.is_err() {
        assert!(ended.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for _ in 0..20 {
        place.pour().await.unwrap();
    }
    place.assert_swept().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reads_one_part_for_long_has_others_go_in_its_place() {
    let mut place = Place::full().await;
    let oldest = "SELECT 'wakustore.messages_' || number FROM wakustore.units WHERE messages > 0
                  ORDER BY lower_timestamp, lower_hash LIMIT 1";
    let oldest: String = place.reader.query_one(oldest, &[]).await.unwrap().get(0);
    place
        .sql(&format!("BEGIN; SELECT count(*) FROM {oldest}"))
        .await;
    let before = place.next;
    while place.next - before < 2 * CAP / BYTES as u64 {
        place.pour().await.unwrap();
    }
    let held = format!("SELECT count(*) FROM {oldest}");
    let held: i64 = place.reader.query_one(&held, &[]).await.unwrap().get(0);
    assert!(held > 0);
    place.sql("COMMIT").await;
    place.assert_swept().await;
}

#[tokio::test]
async fn what_is_read_while_time_passes_is_removed_when_that_ends() {
    let mut place = Place::full().await;
    place
        .sql("BEGIN; SELECT count(*) FROM wakustore.messages")
        .await;
    let span = sync_core::Range::ALL;
    let error = place
        .door
        .archive()
        .remove(&span, 100_000)
        .await
        .unwrap_err();
    assert!(
        matches!(error, ArchiveError::Held { removed: 0, .. }),
        "{error}"
    );
    let last = place.door.index().last_before(&sync_core::Bound::Infinity);
    let floor = sync_core::Bound::Before(last.unwrap());
    place.door.retain_from(floor).await.unwrap();
    place.pour().await.unwrap();
    place.sql("COMMIT").await;
    place
        .keeper
        .apply(NOW, Duration::from_secs(1))
        .await
        .unwrap();
    assert_holds(&place.door, BATCH + 1).await;
}
