//! Several nodes on one database: every index says what the archive holds, whatever the others do.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use store_adapter::archive::{Archive, PostgresArchive, PostgresUrl};
use store_adapter::limits::IngestLimits;
use store_adapter::{Arrival, Follower, Index, Ingest, Origin, Record};
use sync_core::{Bound, Item, Range, Scope, Source};
use tokio::task::JoinHandle;

use crate::postgres::{few_connections, url};
use crate::suite::counting::{naive, told};
use crate::suite::{all_items, record, record_of};

const SECOND: i64 = 1_000_000_000;

/// An archive with its index, its door and its follower.
struct Node {
    archive: Arc<PostgresArchive>,
    index: Arc<Index>,
    door: Ingest,
    follower: Follower,
}

async fn node(url: &PostgresUrl) -> Node {
    let archive = PostgresArchive::open_sized(url, &few_connections(), true, 256 << 10).await;
    let archive = Arc::new(archive.unwrap());
    let held: Arc<dyn Archive> = archive.clone();
    let index = Arc::new(Index::rebuild(Arc::clone(&held)).await.unwrap());
    Node {
        archive,
        door: Ingest::new(held, Arc::clone(&index), IngestLimits::default()),
        follower: Follower::of(Arc::clone(&index)).unwrap(),
        index,
    }
}

impl Node {
    async fn put(&self, records: &[Record]) -> usize {
        let arrivals = records.iter().cloned().map(Arrival::from).collect();
        let report = self.door.ingest(Origin::Imported, arrivals).await;
        report.unwrap().new
    }

    fn items(&self) -> Vec<Item> {
        items_of(&self.index)
    }

    async fn assert_in_step(&mut self) {
        self.follower.catch_up().await.unwrap();
        let held: Vec<Item> = all_items(&*self.archive).await;
        assert!(
            self.items() == held,
            "{} {}",
            self.items().len(),
            held.len()
        );
        self.index.recount().await.unwrap();
        let expected = naive(&*self.archive, self.index.floor()).await;
        assert_eq!(told(&self.index.counts().hours), expected);
    }
}

fn items_of(index: &Index) -> Vec<Item> {
    let snapshot = index.snapshot();
    let set = snapshot.open(&Scope::of_window(Range::ALL)).unwrap();
    let mut items = Vec::new();
    let _ = set.visit(0..set.len(), &mut |item| {
        items.push(item);
        std::ops::ControlFlow::Continue(())
    });
    items
}

fn records(times: std::ops::Range<i64>) -> Vec<Record> {
    times.map(|n| record(n * SECOND, &[7; 500])).collect()
}

#[tokio::test]
async fn what_others_store_and_remove_is_followed() {
    let url = url();
    let (mut a, mut b) = (node(&url).await, node(&url).await);
    assert_eq!(a.put(&records(0..100)).await, 100);
    assert_eq!(b.put(&records(50..150)).await, 50);
    a.assert_in_step().await;
    b.assert_in_step().await;
    assert_eq!((a.index.len(), b.index.len()), (150, 150));
    let span = Range::of_times(20 * SECOND as u64, 40 * SECOND as u64);
    assert_eq!(a.archive.remove(&span, 1_000).await.unwrap(), 20);
    a.assert_in_step().await;
    b.assert_in_step().await;
    assert_eq!(b.index.len(), 130);
    // What was removed and stored again by the time of the look is there.
    assert_eq!(a.archive.remove(&span, 1_000).await.unwrap(), 0);
    let again = records(20..40);
    a.archive.append(again.clone()).await.unwrap();
    a.archive.remove(&span, 1_000).await.unwrap();
    a.archive.append(again).await.unwrap();
    b.assert_in_step().await;
    assert_eq!(b.index.len(), 150);
}

#[tokio::test]
async fn more_changes_than_fit_a_page_are_read_in_several() {
    let url = url();
    let (a, mut b) = (node(&url).await, node(&url).await);
    for batch in 0..23 {
        let topic = format!("/t/{}", batch % 3);
        let batch: Vec<Record> = (0..1_000)
            .map(|n| record_of(&topic, "/c", batch * 1_000 + n, b""))
            .collect();
        a.put(&batch).await;
    }
    let followed = b.follower.catch_up().await.unwrap();
    assert_eq!(followed.inserted, 23_000);
    b.assert_in_step().await;
    assert_eq!(b.follower.catch_up().await.unwrap().inserted, 0);
}

#[tokio::test]
async fn a_transaction_that_ends_after_later_ones_is_not_missed() {
    let url = url();
    let (a, mut b) = (node(&url).await, node(&url).await);
    let mut config: tokio_postgres::Config = postgres_server::shared()
        .url(url.to_string().rsplit('/').next().unwrap())
        .parse()
        .unwrap();
    config.application_name("slow");
    let (mut client, connection) = config.connect(tokio_postgres::NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    a.put(&records(0..1)).await;
    // Another writer takes a number, and ends long after those who took later ones.
    let slow = client.transaction().await.unwrap();
    slow.batch_execute(
        "INSERT INTO wakustore.messages (timestamp, hash, pubsub_topic, content_topic, \
         message_bytes, has_timestamp, payload)
         SELECT 5, decode(repeat('ab', 32), 'hex'), min(number), min(number), 1, true, ''
         FROM wakustore.topics",
    )
    .await
    .unwrap();
    a.put(&records(1..10)).await;
    assert_eq!(b.follower.catch_up().await.unwrap().inserted, 10);
    a.put(&records(10..20)).await;
    // Neither are those given again that were given while the slow one went on.
    assert_eq!(b.follower.catch_up().await.unwrap().inserted, 10);
    slow.commit().await.unwrap();
    assert_eq!(b.follower.catch_up().await.unwrap().inserted, 1);
    b.assert_in_step().await;
    assert_eq!(b.index.len(), 21);
    drop(client);
    connection.abort();
}

#[tokio::test]
async fn the_floor_of_one_node_is_that_of_all_and_never_lowered() {
    let url = url();
    let (mut a, mut b) = (node(&url).await, node(&url).await);
    a.put(&records(0..100)).await;
    b.follower.catch_up().await.unwrap();
    let floor = |n: i64| Bound::at_time((n * SECOND) as u64);
    assert_eq!(a.door.retain_from(floor(60)).await.unwrap(), 60);
    // This one hasn't heard of it yet.
    b.door.retain_from(floor(30)).await.unwrap();
    b.assert_in_step().await;
    a.assert_in_step().await;
    for node in [&a, &b] {
        assert_eq!(node.index.floor(), floor(60));
        assert_eq!(node.index.len(), 40);
        assert_eq!(node.put(&records(10..20)).await, 0);
    }
    let late = self::node(&url).await;
    assert_eq!(late.index.floor(), floor(60));
}

#[tokio::test]
async fn a_node_that_has_not_heard_of_the_floor_stores_nothing_below_it() {
    let url = url();
    let (a, mut b) = (node(&url).await, node(&url).await);
    a.put(&records(0..100)).await;
    b.follower.catch_up().await.unwrap();
    let floor = Bound::at_time(60 * SECOND as u64);
    a.door.retain_from(floor).await.unwrap();
    // Below the floor, above it, and there already.
    let batch: Vec<Record> = (50..110).map(|n| record(n * SECOND, &[8; 500])).collect();
    assert_eq!(b.put(&batch).await, 50);
    assert_eq!(b.index.floor(), floor);
    let held = all_items(&*b.archive).await;
    assert!(held.iter().all(|item| !floor.is_after(item)));
    b.assert_in_step().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn floors_raised_while_others_store_leave_nothing_below_them() {
    let url = url();
    let (a, b) = (node(&url).await, node(&url).await);
    let storing = tokio::spawn(async move {
        for round in 0..60 {
            let first = round * 20;
            b.put(&records(first..first + 100)).await;
        }
        b
    });
    let mut floor = Bound::MIN;
    let mut last = 0;
    while !storing.is_finished() {
        if let Some(newest) = all_items(&*a.archive).await.last() {
            last = last.max(newest.timestamp.saturating_sub(60 * SECOND as u64));
            floor = Bound::at_time(last);
        }
        // By rows, and no sweep after that.
        a.door.retain_from(floor).await.unwrap();
    }
    let mut b = storing.await.unwrap();
    assert!(last > 0);
    let held = all_items(&*b.archive).await;
    let below = held.iter().filter(|item| floor.is_after(item)).count();
    assert_eq!(below, 0, "of {}", held.len());
    b.assert_in_step().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_removes_what_another_is_removing_goes_on_until_nothing_is_left() {
    let url = url();
    let span = Range::of_times(SECOND as u64, 2_000 * SECOND as u64);
    let first = Arc::new(
        PostgresArchive::open_or_create(&url, &few_connections())
            .await
            .unwrap(),
    );
    first.append(records(0..2_000)).await.unwrap();
    let mut removals = Vec::new();
    for _ in 0..3 {
        let archive = PostgresArchive::open(&url, &few_connections())
            .await
            .unwrap();
        removals.push(tokio::spawn(async move {
            while archive.remove(&span, 50).await.unwrap() >= 50 {}
            let left = archive
                .scan(&store_adapter::archive::Scan::of_range(span))
                .await;
            left.unwrap().keys.len()
        }));
    }
    for removal in removals {
        assert_eq!(removal.await.unwrap(), 0);
    }
    assert_eq!(first.stats().await.unwrap().messages, 1);
}

#[tokio::test]
async fn a_position_from_before_a_crash_has_everything_compared() {
    let server = postgres_server::Server::start(&[]).unwrap();
    let url = PostgresUrl::parse(&server.database()).unwrap();
    let (mut a, mut b) = (node(&url).await, node(&url).await);
    a.put(&records(0..100)).await;
    b.follower.catch_up().await.unwrap();
    server.kill();
    server.start_again().unwrap();
    a.put(&records(100..150)).await;
    a.archive
        .remove(&Range::of_times(0, 10 * SECOND as u64), 1_000)
        .await
        .unwrap();
    let followed = b.follower.catch_up().await.unwrap();
    assert_eq!(followed.removed, 10);
    b.assert_in_step().await;
    a.assert_in_step().await;
    assert_eq!(b.index.len(), 140);
    // And then goes on as before.
    a.put(&records(150..160)).await;
    assert_eq!(b.follower.catch_up().await.unwrap().inserted, 10);
    b.assert_in_step().await;
}

/// Stores messages of its own and of its neighbour, retains and follows, for so many rounds; counts
/// them.
fn load(node: Node, number: i64, rounds: i64, done: Arc<AtomicI64>) -> JoinHandle<Node> {
    tokio::spawn(async move {
        let mut node = node;
        for round in 0..rounds {
            done.store(round, Ordering::Relaxed);
            let first = 1_000 * round + 200 * number;
            node.put(&records(first..first + 300)).await;
            if round % 5 == number {
                let floor = Bound::at_time(((first - 3_000).max(0) * SECOND) as u64);
                node.door.retain_from(floor).await.unwrap();
            }
            if round % 3 == number % 3 {
                node.follower.catch_up().await.unwrap();
            }
        }
        node
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn three_nodes_on_one_database_agree_though_one_is_cut_off() {
    let url = url();
    let done = Arc::new(AtomicI64::new(0));
    let mut nodes = Vec::new();
    for number in [0, 2] {
        nodes.push(load(node(&url).await, number, 40, Arc::default()));
    }
    let victim = load(node(&url).await, 1, i64::MAX, Arc::clone(&done));
    // It ends in the middle of whatever it does.
    while done.load(Ordering::Relaxed) < 12 {
        tokio::time::sleep(Duration::from_millis(7)).await;
    }
    victim.abort();
    assert!(victim.await.is_err_and(|error| error.is_cancelled()));
    let mut left = Vec::new();
    for node in nodes {
        left.push(node.await.unwrap());
    }
    let floor = left.iter().map(|node| node.index.floor()).max().unwrap();
    left[0].door.retain_from(floor).await.unwrap();
    for node in &mut left {
        node.assert_in_step().await;
        assert!(node.index.len() > 1_000);
    }
    assert_eq!(left[0].items(), left[1].items());
    let counted = left[0].archive.stats().await.unwrap().messages;
    assert_eq!(counted, left[0].index.len() as u64);
}
