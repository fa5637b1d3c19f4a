//! A cap that several nodes on one database are held to.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use store_adapter::archive::{self, ArchiveOptions, ArchiveUrl};
use store_adapter::limits::IngestLimits;
use store_adapter::retention::Keeper;
use store_adapter::{Follower, Index, Ingest, Origin, Record};
use tokio::task::JoinHandle;
use tokio_postgres::NoTls;

use crate::support::{HOUR, NOW, arrivals, record, scattered};

const NODES: u64 = 3;
const CAP: u64 = 64 << 20;
const BATCHES: u64 = 40;
const BATCH: u64 = 1_000;
const BYTES: usize = 2_000;

struct Node {
    door: Ingest,
    following: JoinHandle<()>,
}

impl Drop for Node {
    fn drop(&mut self) {
        self.following.abort();
    }
}

async fn follow(mut follower: Follower) {
    loop {
        follower.catch_up().await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn node(url: &str) -> Node {
    let options = ArchiveOptions {
        disk_cap: Some(CAP),
        max_connections: 4,
    };
    let url = ArchiveUrl::parse(url).unwrap();
    let archive = archive::open(&url, &options).await.unwrap();
    let index = Arc::new(Index::rebuild(Arc::clone(&archive)).await.unwrap());
    let door = Ingest::with_retention(
        archive,
        Arc::clone(&index),
        IngestLimits::default(),
        "size:64MB".parse().unwrap(),
    );
    Keeper::start(door.clone(), NOW).await.unwrap();
    Node {
        door,
        following: tokio::spawn(follow(Follower::of(index).unwrap())),
    }
}

impl Node {
    /// Pours in its share of the messages, one batch after the other.
    async fn pour(self, number: u64, time: fn(u64) -> u64) -> Self {
        for batch in 0..BATCHES {
            let first = (batch * NODES + number) * BATCH;
            let records: Vec<Record> = (first..first + BATCH)
                .map(|number| record(time(number), number, BYTES))
                .collect();
            let door = self.door.clone();
            door.ingest(Origin::Imported, arrivals(&records))
                .await
                .unwrap();
        }
        self
    }
}

/// The most that the archive took at any moment, as the server tells it.
async fn highest(url: String, over: Arc<AtomicBool>) -> i64 {
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    let mut highest = 0;
    while !over.load(Ordering::Relaxed) {
        let bytes = "SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class
                     WHERE relnamespace = 'wakustore'::regnamespace AND relkind IN ('r', 'm')";
        // A partition that is dropped meanwhile makes it fail.
        if let Ok(row) = client.query_one(bytes, &[]).await {
            highest = highest.max(row.get(0));
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    connection.abort();
    highest
}

async fn a_cap_is_held_by_all(time: fn(u64) -> u64) {
    let url = postgres_server::shared().database();
    let mut nodes = Vec::new();
    for _ in 0..NODES {
        nodes.push(node(&url).await);
    }
    let over = Arc::new(AtomicBool::new(false));
    let highest = tokio::spawn(highest(url, Arc::clone(&over)));
    let pouring: Vec<_> = nodes
        .into_iter()
        .zip(0..)
        .map(|(node, number)| tokio::spawn(node.pour(number, time)))
        .collect();
    let mut nodes = Vec::new();
    for pouring in pouring {
        nodes.push(pouring.await.unwrap());
    }
    over.store(true, Ordering::Relaxed);
    let highest = u64::try_from(highest.await.unwrap()).unwrap();
    assert!(highest <= CAP + CAP / 20, "{highest} bytes of {CAP}");
    assert!(highest > CAP / 2, "{highest} bytes of {CAP}");
    let held = nodes[0].door.archive().stats().await.unwrap().messages;
    println!("highest {highest} bytes of {CAP}, {held} messages left");
    let agree = async {
        let heard = |node: &Node| node.door.index().len() as u64 == held;
        while !nodes.iter().all(heard) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let agreed = tokio::time::timeout(Duration::from_secs(30), agree).await;
    assert!(agreed.is_ok(), "the indices don't hold {held}");
    for node in &nodes {
        assert_eq!(node.door.index().floor(), nodes[0].door.index().floor());
    }
    assert!(held * BYTES as u64 > CAP / 4, "only {held} are left");
}

#[tokio::test(flavor = "multi_thread")]
async fn three_nodes_that_pour_at_once_never_exceed_their_cap_over_many_hours() {
    a_cap_is_held_by_all(|number| NOW + number * HOUR / 1_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn three_nodes_that_pour_at_once_never_exceed_their_cap_within_one_hour() {
    a_cap_is_held_by_all(|number| NOW + scattered(number) % HOUR).await;
}
