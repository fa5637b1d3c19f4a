//! What is seen from within only, on a real server.

use deadpool_postgres::Object;
use sync_core::Item;

use super::ahead::Ahead;
use super::append::{self, Tried};
use super::*;
use crate::floor;
use crate::testing::record;

async fn archive(disk_cap: Option<u64>) -> PostgresArchive {
    open(&database(), disk_cap).await
}

fn database() -> PostgresUrl {
    PostgresUrl::parse(&postgres_server::shared().database()).unwrap()
}

async fn open(url: &PostgresUrl, disk_cap: Option<u64>) -> PostgresArchive {
    let options = ArchiveOptions {
        max_connections: 4,
        disk_cap,
    };
    let archive = PostgresArchive::open_or_create(url, &options).await;
    archive.unwrap()
}

fn earlier_attempt() -> Tried {
    vec!["1".to_owned()].into()
}

#[tokio::test]
async fn a_batch_that_an_earlier_attempt_may_have_stored_is_not_told_to_be_below_the_floor() {
    let archive = archive(None).await;
    floor::store(&archive, &Bound::Infinity).await.unwrap();
    let (shared, batch) = (&archive.shared, [record("/t", "/c", 7, b"x")]);
    let first = append::append(shared, &batch, &Tried::default()).await;
    assert!(matches!(first, Err(Fault::BelowFloor)), "{first:?}");
    let again = append::append(shared, &batch, &earlier_attempt()).await;
    assert!(
        matches!(&again, Err(Fault::Failed(reason)) if reason.contains("may have stored")),
        "{again:?}"
    );
}

#[tokio::test]
async fn a_batch_that_an_earlier_attempt_may_have_stored_is_not_told_to_have_no_room() {
    let archive = archive(Some(1)).await;
    let (shared, batch) = (&archive.shared, [record("/t", "/c", 7, b"x")]);
    let first = append::append(shared, &batch, &Tried::default()).await;
    assert!(matches!(first, Err(Fault::NoRoom { .. })), "{first:?}");
    let again = append::append(shared, &batch, &earlier_attempt()).await;
    assert!(
        matches!(&again, Err(Fault::Failed(reason)) if reason.contains("may have stored")),
        "{again:?}"
    );
}

#[tokio::test]
async fn whoever_looks_after_the_partitions_lets_on_those_who_wait_for_it() {
    let archive = archive(None).await;
    archive.keeper.abort();
    archive.shared.care.stored(1_000);
    let waiting = archive.shared.care.catch_up(0);
    let mut waiting = std::pin::pin!(waiting);
    assert!(futures::poll!(&mut waiting).is_pending());
    archive.tend_partitions().await.unwrap();
    assert!(futures::poll!(&mut waiting).is_ready());
}

#[tokio::test]
async fn messages_are_found_also_where_their_times_are_remembered_wrongly() {
    let url = database();
    let records: Vec<Record> = (1..=9).map(|n| record("/t", "/c", n, b"x")).collect();
    let stored = open(&url, None).await.append(records.clone()).await;
    assert_eq!(stored.unwrap(), [true; 9]);
    let hashes: Vec<Id> = records.iter().map(Record::hash).collect();
    // Wrong ones that lie together, and all over the time.
    for apart in [1, 1 << 50] {
        let archive = open(&url, None).await;
        let wrong = hashes.iter().zip(20..);
        let wrong = wrong.map(|(hash, n)| Item::new(n * apart, *hash));
        archive.shared.times.learn(wrong);
        assert_eq!(archive.lookup(&hashes).await.unwrap(), records);
    }
}

#[tokio::test]
async fn partitions_are_made_ahead_also_while_another_is_divided() {
    let (url, options) = (database(), ArchiveOptions::default());
    let archive = PostgresArchive::open_sized(&url, &options, true, 256 << 10).await;
    let archive = archive.unwrap();
    archive.keeper.abort();
    let store = async |times: std::ops::Range<i64>| {
        let time = |n: i64| n * 3_600_000_000_000;
        let records = times.map(|n| record("/t", "/c", time(n), &[7; 1_000]));
        archive.append(records.collect()).await.unwrap();
    };
    let shared = &*archive.shared;
    let mut client = shared.connections.get().await.unwrap();
    let behind_newest = async |client: &Object| {
        let held = units::list(client).await.unwrap();
        let newest = held.iter().rposition(|(unit, _)| unit.messages > 0);
        (held.len() - 1 - newest.unwrap(), held[0].0.clone())
    };
    store(1..2_000).await;
    let (ahead, first) = behind_newest(&client).await;
    assert_eq!(ahead, 0);
    let mut making = Ahead::while_dividing(shared, &first);
    making.keep_up(&mut client).await.unwrap();
    let itself = behind_newest(&client).await;
    assert_eq!(
        itself,
        (0, first),
        "the one that is divided stays what it is"
    );
    archive.tend_partitions().await.unwrap();
    archive.tend_partitions().await.unwrap();
    let (ahead, first) = behind_newest(&client).await;
    assert!(ahead >= 2, "{ahead} ahead");
    store(500_000..500_010).await;
    assert_eq!(behind_newest(&client).await.0, 0);
    let mut making = Ahead::while_dividing(shared, &first);
    making.keep_up(&mut client).await.unwrap();
    assert!(behind_newest(&client).await.0 >= 2);
}
