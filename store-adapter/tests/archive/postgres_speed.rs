//! How fast a database is: figures for people, printed, by
//! `cargo test --release -p store-adapter --test archive postgres_speed -- --ignored --nocapture`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use store_adapter::archive::{Archive, Scan};
use store_adapter::{Index, Record};
use sync_core::{Bound, Id, Item, Range};

use crate::suite::record;

const DAYS: u64 = 30;
const DAY: u64 = 86_400_000_000_000;
const START: u64 = 1_700_000_000_000_000_000;
const BATCH: u64 = 10_000;

fn message(number: u64, of: u64) -> Record {
    let time = START + DAYS * DAY / of * number;
    let mut payload = [0; 1_024];
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    for bytes in payload.chunks_exact_mut(8) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.copy_from_slice(&state.to_be_bytes());
    }
    record(i64::try_from(time).unwrap(), &payload)
}

fn at(times: &mut [Duration], percent: usize) -> Duration {
    times.sort();
    times[(times.len() * percent / 100).min(times.len() - 1)]
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes, and shows figures only"]
async fn figures() {
    let rows: u64 = std::env::var("ROWS").map_or(1_000_000, |rows| rows.parse().unwrap());
    let (archive, _kept) = crate::postgres::new().await;
    let (mut slowest, begun) = (Duration::ZERO, Instant::now());
    let mut items: Vec<Item> = Vec::new();
    let mut hashing = Duration::ZERO;
    for first in (0..rows).step_by(BATCH as usize) {
        let made = Instant::now();
        let batch: Vec<Record> = (first..first + BATCH).map(|n| message(n, rows)).collect();
        hashing += made.elapsed();
        items.extend(batch.iter().map(Record::item).step_by(100));
        let stored = Instant::now();
        archive.append(batch).await.unwrap();
        slowest = slowest.max(stored.elapsed());
    }
    let taken = (begun.elapsed() - hashing).as_secs_f64();
    println!(
        "ingest: {:.0}/s, slowest batch {slowest:?}",
        rows as f64 / taken
    );
    let units = archive.units().await.unwrap();
    let stats = archive.stats().await.unwrap();
    println!("{} units, {stats:?}", units.len());

    let mut times = Vec::new();
    for round in 0..500 {
        let hashes: Vec<Id> = (0..10)
            .map(|n| items[(round * 7_919 + n * 104_729) % items.len()].id)
            .collect();
        let begun = Instant::now();
        assert!(!archive.lookup(&hashes).await.unwrap().is_empty());
        times.push(begun.elapsed());
    }
    println!(
        "10 hashes: p50 {:?}, p95 {:?}",
        at(&mut times, 50),
        at(&mut times, 95)
    );

    let mut times = Vec::new();
    for round in 0..500 {
        let hour = START + (round * 7_919 % (DAYS * 24 - 2)) * DAY / 24;
        let scan = Scan {
            limit: 100,
            ..Scan::of_range(Range::of_times(hour, hour + DAY / 24))
        };
        let begun = Instant::now();
        let page = archive.scan(&scan).await.unwrap();
        let hashes: Vec<Id> = page.keys.iter().map(|key| key.item.id).collect();
        assert_eq!(archive.lookup(&hashes).await.unwrap().len(), 100);
        times.push(begun.elapsed());
    }
    println!(
        "page of 100: p50 {:?}, p90 {:?}",
        at(&mut times, 50),
        at(&mut times, 90)
    );

    let begun = Instant::now();
    let mut rest = Some(Range::ALL);
    let mut scanned = 0;
    while let Some(range) = rest {
        let page = archive.scan(&Scan::of_range(range)).await.unwrap();
        scanned += page.keys.len();
        rest = page.rest;
    }
    println!("{scanned} items by scans: {:?}", begun.elapsed());
    let begun = Instant::now();
    let copied = archive.items(&Bound::MIN).await.unwrap();
    let copied: usize = copied.values().map(Vec::len).sum();
    println!("{copied} items copied: {:?}", begun.elapsed());
    assert_eq!(scanned, copied);
    let begun = Instant::now();
    let index = Index::rebuild(Arc::new(archive)).await.unwrap();
    println!("index of {}: {:?}", index.len(), begun.elapsed());
}
