//! A node and a server that are killed at random moments lose nothing that was acknowledged.
//!
//! `CRASH_ROUNDS` says how often; 2 if it isn't set.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use postgres_server::Server;
use store_adapter::archive::{Archive, PostgresArchive, PostgresUrl, Scan};
use store_adapter::{Index, Record};
use sync_core::{Item, Range};

use crate::postgres::few_connections;
use crate::suite::{all_items, record};

const URL: &str = "WAKUSTORE_TEST_CRASH_URL";
const FIRST: &str = "WAKUSTORE_TEST_CRASH_FIRST";

/// Messages in a batch.
const BATCH: i64 = 200;

/// Small enough that partitions are divided all the time.
const PARTITION: u64 = 512 << 10;

async fn open(url: &str) -> PostgresArchive {
    let url = PostgresUrl::parse(url).unwrap();
    let archive = PostgresArchive::open_sized(&url, &few_connections(), true, PARTITION).await;
    archive.unwrap()
}

/// A batch's messages lie among those of others.
fn batch(number: i64) -> Vec<Record> {
    (0..BATCH)
        .map(|n| record(n * 1_000_000 + number, &[7; 800]))
        .collect()
}

/// The number of the batch that an item is of.
fn batch_of(item: &Item) -> u64 {
    item.timestamp % 1_000_000
}

/// Not a test by itself: the process that is killed. Stores batches and says which are stored.
#[tokio::test]
#[ignore = "is started by the crash test"]
async fn writer() {
    let archive = open(&std::env::var(URL).unwrap()).await;
    let first: i64 = std::env::var(FIRST).unwrap().parse().unwrap();
    for number in first.. {
        match archive.append(batch(number)).await {
            Ok(_) => println!("\nstored {number}"),
            Err(error) => println!("\nfailed {number} {error}"),
        }
    }
}

fn start_writer(url: &str, first: u64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "postgres_crash::writer",
            "--ignored",
            "--nocapture",
        ])
        .env(URL, url)
        .env(FIRST, first.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// The batches that a writer said it has stored.
fn acknowledged(writer: &mut Child) -> Vec<u64> {
    let output = BufReader::new(writer.stdout.take().unwrap());
    let lines = output.lines().map_while(Result::ok);
    let stored = lines.filter_map(|line| line.strip_prefix("stored ")?.parse().ok());
    stored.collect()
}

/// Some moment: not the same in every round.
fn moment(round: u64) -> Duration {
    let mixed = (round + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    let now = std::time::SystemTime::now();
    let clock = now.duration_since(std::time::UNIX_EPOCH).unwrap();
    Duration::from_millis(300 + (mixed + u64::from(clock.subsec_nanos())) % 900)
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_of_node_and_server_lose_nothing_that_was_acknowledged() {
    let rounds = std::env::var("CRASH_ROUNDS").map_or(2, |rounds| rounds.parse().unwrap());
    let server = Server::start(&[]).unwrap();
    let url = server.database();
    drop(open(&url).await);
    let (mut next, mut stored) = (0, Vec::new());
    for round in 0..rounds {
        let mut writer = start_writer(&url, next);
        std::thread::sleep(moment(round));
        // Every other time the server first: the writer waits for it, or fails, and goes on.
        if round % 2 == 1 {
            server.kill();
            server.start_again().unwrap();
            std::thread::sleep(moment(round + rounds));
        }
        writer.kill().unwrap();
        stored.extend(acknowledged(&mut writer));
        writer.wait().unwrap();
        let seen = verify(&url, &stored).await;
        next = seen.max(next) + 1;
    }
    assert!(stored.len() as u64 >= rounds, "{} batches", stored.len());
}

/// Checks that each acknowledged batch is there, none in part, and that index and counts agree; gives
/// the greatest number of a batch.
async fn verify(url: &str, stored: &[u64]) -> u64 {
    let archive = Arc::new(open(url).await);
    let items = all_items(&*archive).await;
    let mut counts = BTreeMap::<u64, i64>::new();
    for item in &items {
        *counts.entry(batch_of(item)).or_default() += 1;
    }
    for (number, count) in &counts {
        assert_eq!(*count, BATCH, "batch {number} is there in part");
    }
    for number in stored {
        assert!(counts.contains_key(number), "batch {number} is lost");
    }
    let index = Index::rebuild(archive.clone()).await.unwrap();
    assert_eq!(index.len(), items.len());
    // What was being written when its node was killed may have been committed meanwhile.
    archive.tend_partitions().await.unwrap();
    let counted = archive.stats().await.unwrap().messages;
    let walked = archive.scan(&Scan::of_range(Range::ALL)).await.unwrap();
    assert!(walked.keys.len() <= items.len());
    assert_eq!(counted, items.len() as u64);
    counts.keys().next_back().copied().unwrap_or(0)
}
