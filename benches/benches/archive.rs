//! Archives: ingest in batches, lookups by hash, scans of a window's keys; in memory, in redb files
//! that are durable when they are closed, and in others that are durable with each batch.
//!
//! Files lie in the directory for temporary ones (`TMPDIR`); what a durable batch takes is mostly
//! what the disk below takes to flush.

#[path = "support/size.rs"]
mod size;

use std::collections::BTreeSet;
use std::hint::black_box;
use std::sync::Arc;

use benches::{HOUR, START};
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use store_adapter::archive::{Durability, MemoryArchive, RedbArchive, Scan};
use store_adapter::{Archive, Record, WakuMessage};
use sync_core::{Id, Range};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use size::sized;

const PAYLOAD_BYTES: usize = 1_024;

/// Messages in a batch, as ingest commits them.
const BATCH: usize = 100;

/// Hashes in a lookup: a node asks its peers for as many as are missing, mostly few.
const HASHES: usize = 10;

/// Messages an hour.
const RATE: u64 = 3_600;

/// Messages that arrive at an even rate.
struct Messages {
    rng: StdRng,
    topic: Arc<str>,
    count: u64,
}

impl Messages {
    fn new() -> Self {
        Self {
            rng: StdRng::seed_from_u64(21),
            topic: "/waku/2/rs/1/4".into(),
            count: 0,
        }
    }

    fn batch(&mut self, len: usize) -> Vec<Record> {
        (0..len).map(|_| self.next()).collect()
    }

    fn next(&mut self) -> Record {
        let mut payload = vec![0; PAYLOAD_BYTES];
        self.rng.fill_bytes(&mut payload);
        let timestamp = START + self.count * (HOUR / RATE);
        self.count += 1;
        let message = WakuMessage {
            payload,
            content_topic: format!("/app/1/room-{}/proto", self.rng.random_range(0..50)),
            timestamp: i64::try_from(timestamp).ok(),
            ..WakuMessage::default()
        };
        Record::new(Arc::clone(&self.topic), message).expect("a timestamp past 1970")
    }
}

/// An archive with some messages in it.
struct Filled {
    name: &'static str,
    archive: Box<dyn Archive>,
    messages: Messages,
    hashes: Vec<Id>,
    _directory: TempDir,
}

impl Filled {
    /// In memory without a durability, and else in redb files.
    fn new(runtime: &Runtime, name: &'static str, durability: Option<Durability>) -> Self {
        let directory = tempfile::tempdir().expect("room for a directory");
        let path = directory.path().join("archive.redb");
        let mut messages = Messages::new();
        let mut hashes = Vec::new();
        let archive = runtime.block_on(async {
            let archive: Box<dyn Archive> = match durability {
                None => Box::new(MemoryArchive::new()),
                Some(durability) => {
                    let archive = RedbArchive::open_or_create(&path).await;
                    Box::new(archive.expect("a new file").with_durability(durability))
                }
            };
            while hashes.len() < sized(50_000, 1_000) {
                let batch = messages.batch(1_000);
                hashes.extend(batch.iter().map(Record::hash));
                archive.append(batch).await.expect("room on the disk");
            }
            archive
        });
        Self {
            name,
            archive,
            messages,
            hashes,
            _directory: directory,
        }
    }

    fn ingest(&mut self, c: &mut Criterion, runtime: &Runtime) {
        let mut group = c.benchmark_group("archive/ingest");
        group.throughput(Throughput::Elements(BATCH as u64));
        group.sample_size(20);
        let id = BenchmarkId::new(self.name, format!("{BATCH} messages of 1 KiB"));
        group.bench_function(id, |b| {
            b.iter_batched(
                || self.messages.batch(BATCH),
                |batch| runtime.block_on(self.archive.append(batch)).expect("room"),
                BatchSize::PerIteration,
            );
        });
        group.finish();
    }

    fn lookup(&self, c: &mut Criterion, runtime: &Runtime) {
        let mut rng = StdRng::seed_from_u64(22);
        let mut wanted = || -> [Id; HASHES] {
            std::array::from_fn(|_| self.hashes[rng.random_range(0..self.hashes.len())])
        };
        let lookup = |hashes: [Id; HASHES]| {
            let found = runtime.block_on(self.archive.lookup(&hashes));
            found.expect("a sound archive")
        };
        let known = wanted();
        let different: BTreeSet<Id> = known.into_iter().collect();
        assert_eq!(lookup(known).len(), different.len());
        let mut group = c.benchmark_group("archive/lookup");
        group.throughput(Throughput::Elements(HASHES as u64));
        let id = BenchmarkId::new(self.name, format!("{HASHES} hashes"));
        group.bench_function(id, |b| {
            b.iter_batched(
                &mut wanted,
                |hashes| lookup(black_box(hashes)),
                BatchSize::SmallInput,
            );
        });
        group.finish();
    }

    fn scan(&self, c: &mut Criterion, runtime: &Runtime) {
        let keys = sized(RATE, 500);
        let window = Range::of_times(START, START + keys * (HOUR / RATE));
        let scan = || {
            let page = runtime.block_on(self.archive.scan(&Scan::of_range(black_box(window))));
            page.expect("a sound archive").keys
        };
        assert_eq!(scan().len() as u64, keys);
        let mut group = c.benchmark_group("archive/scan");
        group.throughput(Throughput::Elements(keys));
        let id = BenchmarkId::new(self.name, format!("{keys} keys"));
        group.bench_function(id, |b| b.iter(scan));
        group.finish();
    }
}

fn archives(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime without I/O");
    for (name, durability) in [
        ("memory", None),
        ("redb, durable on close", Some(Durability::OnClose)),
        ("redb, durable", Some(Durability::EachBatch)),
    ] {
        let mut filled = Filled::new(&runtime, name, durability);
        filled.lookup(c, &runtime);
        filled.scan(c, &runtime);
        filled.ingest(c, &runtime);
    }
}

criterion_group!(archive, archives);
criterion_main!(archive);
