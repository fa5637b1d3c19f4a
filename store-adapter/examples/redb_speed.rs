//! How fast the redb archive is: `redb_speed ROWS [--within-an-hour] [--unit-mib=N]`, of messages of 1
//! KiB.
//!
//! Prints rates of ingest, times of lookups and pages, also while messages are stored, and bytes on the
//! disk.

use std::collections::BTreeSet;
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use store_adapter::archive::{Archive, RedbArchive, RedbOptions, Scan};
use store_adapter::{Record, WakuMessage};
use sync_core::{Id, Range};

const BATCH: u64 = 10_000;
const START: u64 = 1_700_000_000_000_000_000;
const HOUR: u64 = 3_600_000_000_000;
const MONTH: u64 = 30 * 24 * HOUR;

/// Numbers that only look random.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % below
    }
}

fn message(dice: &mut Dice, topic: &Arc<str>, time: u64) -> Result<Record, Box<dyn Error>> {
    let mut payload = vec![0; 1_000];
    for bytes in payload.chunks_exact_mut(8) {
        bytes.copy_from_slice(&dice.roll(u64::MAX).to_le_bytes());
    }
    let message = WakuMessage {
        payload,
        content_topic: format!("/app/1/room-{}/proto", dice.roll(50)),
        timestamp: i64::try_from(time).ok(),
        ..WakuMessage::default()
    };
    Ok(Record::new(Arc::clone(topic), message)?)
}

fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort();
    times[(times.len() - 1) * percent / 100]
}

/// What is asked for.
struct Arguments {
    rows: u64,
    within_an_hour: bool,
    options: RedbOptions,
}

impl Arguments {
    fn read() -> Result<Self, Box<dyn Error>> {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let rows = arguments.first();
        let mut options = RedbOptions::default();
        let unit_mib = arguments
            .iter()
            .find_map(|argument| argument.strip_prefix("--unit-mib="));
        if let Some(mib) = unit_mib {
            options.unit_bytes = mib.parse::<u64>()? << 20;
        }
        Ok(Self {
            rows: rows.map_or(Ok(1_000_000), |rows| rows.parse())?,
            within_an_hour: arguments.iter().any(|one| one == "--within-an-hour"),
            options,
        })
    }

    fn time(&self, dice: &mut Dice, number: u64) -> u64 {
        match self.within_an_hour {
            true => START + dice.roll(HOUR),
            false => START + number * (MONTH / self.rows),
        }
    }

    fn batch(
        &self,
        dice: &mut Dice,
        topic: &Arc<str>,
        first: u64,
    ) -> Result<Vec<Record>, Box<dyn Error>> {
        (first..first + BATCH)
            .map(|number| {
                let time = self.time(dice, number);
                message(dice, topic, time)
            })
            .collect()
    }
}

/// Fills the archive; gives some hashes.
async fn fill(
    arguments: &Arguments,
    archive: &RedbArchive,
    dice: &mut Dice,
    topic: &Arc<str>,
) -> Result<Vec<Id>, Box<dyn Error>> {
    let (rows, mut hashes) = (arguments.rows, Vec::new());
    let (mut spent, mut slowest, mut tenth) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    for batch in 0..rows / BATCH {
        let records = arguments.batch(dice, topic, batch * BATCH)?;
        hashes.extend(records.iter().step_by(100).map(Record::hash));
        let start = Instant::now();
        archive.append(records).await?;
        let took = start.elapsed();
        (spent, slowest) = (spent + took, slowest.max(took));
        if (batch + 1) % (rows / BATCH).div_ceil(10) == 0 {
            let stored = (batch + 1) * BATCH;
            let rate = (rows as f64 / 10.0) / (spent - tenth).as_secs_f64();
            println!("{stored} rows: last tenth {rate:.0}/s, slowest batch {slowest:?}");
            tenth = spent;
        }
    }
    println!("ingest: {:.0}/s", rows as f64 / spent.as_secs_f64());
    Ok(hashes)
}

/// Asks for ten hashes and for the first hundred messages of an hour, so many times.
async fn ask(
    round: &str,
    times: usize,
    arguments: &Arguments,
    archive: &RedbArchive,
    dice: &mut Dice,
    hashes: &[Id],
) -> Result<(), Box<dyn Error>> {
    let (mut lookups, mut pages) = (Vec::new(), Vec::new());
    for _ in 0..times {
        let from = dice.roll(hashes.len() as u64) as usize;
        let apart = (0..10).map(|n| (from + n * 7_919) % hashes.len());
        let some: BTreeSet<Id> = apart.map(|at| hashes[at]).collect();
        let some: Vec<Id> = some.into_iter().collect();
        let start = Instant::now();
        assert_eq!(archive.lookup(&some).await?.len(), some.len());
        lookups.push(start.elapsed());
        let latest = match arguments.within_an_hour {
            true => 1,
            false => MONTH - HOUR,
        };
        let since = START + dice.roll(latest);
        let scan = Scan {
            limit: 100,
            ..Scan::of_range(Range::of_times(since, since + HOUR))
        };
        let start = Instant::now();
        let keys = archive.scan(&scan).await?.keys;
        assert_eq!(archive.read(&keys).await?.len(), keys.len());
        pages.push(start.elapsed());
    }
    println!(
        "{round}: lookup of 10 p50 {:?} p95 {:?}; page of 100 p50 {:?} p90 {:?}",
        percentile(&mut lookups, 50),
        percentile(&mut lookups, 95),
        percentile(&mut pages, 50),
        percentile(&mut pages, 90)
    );
    Ok(())
}

/// Stores batch after batch, until something fails.
async fn store_on(
    arguments: &Arguments,
    archive: &RedbArchive,
    topic: &Arc<str>,
) -> Result<(), Box<dyn Error>> {
    let (mut dice, mut number) = (Dice(11), arguments.rows);
    loop {
        archive
            .append(arguments.batch(&mut dice, topic, number)?)
            .await?;
        number += BATCH;
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::read()?;
    let directory = tempfile::tempdir_in(".")?;
    let path = directory.path().join("archive");
    let archive = RedbArchive::open_or_create_with(&path, &arguments.options).await?;
    let (mut dice, topic): (_, Arc<str>) = (Dice(7), "/waku/2/rs/99/0".into());
    let hashes = fill(&arguments, &archive, &mut dice, &topic).await?;
    let (stats, units) = (archive.stats().await?, archive.units().await?);
    let per_message = stats.disk_bytes / stats.messages.max(1);
    println!(
        "{} units, {} bytes, {per_message} a message",
        units.len(),
        stats.disk_bytes
    );
    drop(archive);
    let start = Instant::now();
    let archive = RedbArchive::open_with(&path, &arguments.options).await?;
    println!("opened in {:?}", start.elapsed());
    let beginning = dice.0;
    for round in ["first", "warm"] {
        // The same questions, so that the second time all pages are in the system's cache.
        dice = Dice(beginning);
        ask(round, 1_000, &arguments, &archive, &mut dice, &hashes).await?;
    }
    tokio::select! {
        failed = store_on(&arguments, &archive, &topic) => failed,
        asked = ask("while storing", 1_000, &arguments, &archive, &mut dice, &hashes) => asked,
    }
}
