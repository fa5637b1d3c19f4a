//! `wakustore import --from`: the messages of a database of nwaku into an archive.

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::anyhow;
use indicatif::ProgressBar;
use store_adapter::nwaku::{NwakuDatabase, NwakuError, NwakuRow, NwakuUrl, Shape};
use store_adapter::{Arrival, Ingested, Refusal};

use super::import::{BATCH, BATCH_BYTES, too_old};
use super::progress::{bar, bars};
use super::tended::Tended;
use crate::cli::ImportArgs;
use crate::cli::time::utc;
use crate::exit::Failure;
use crate::output::tell;
use crate::store::Store;
use crate::sync::report::grouped;

/// How many skipped messages are shown of each reason; the others are counted.
const EXAMPLES: usize = 3;

/// What became of the messages.
#[derive(Default)]
struct Totals {
    stored: u64,
    duplicates: u64,
    /// Of which the database has another hash than theirs.
    rehashed: u64,
    /// Whether what is older than what is kept is left out as the operator has asked for.
    keeps: bool,
    /// How many that were.
    too_old: u64,
    skipped: BTreeMap<&'static str, Skipped>,
}

#[derive(Default)]
struct Skipped {
    count: u64,
    examples: Vec<String>,
}

pub(super) async fn run(from: &str, args: &ImportArgs) -> Result<ExitCode, Failure> {
    let from = NwakuUrl::parse(from).map_err(|error| Failure::Usage(anyhow!(error)))?;
    let mut source = NwakuDatabase::open(&from)
        .await
        .map_err(|error| anyhow!(error).context(from.to_string()))?;
    let url = args.archive.url_to_create()?;
    let archive = Tended::open(&url, args.store_message_retention_policy).await?;
    tell(format_args!("{from}: {}", described(source.shape())));
    let mut totals = Totals {
        keeps: !args.store_message_retention_policy.is_none(),
        ..Totals::default()
    };
    let result = take_over(&archive.store, &mut source, &mut totals).await;
    totals.report(&from);
    result?;
    Ok(if totals.skipped.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    })
}

fn described(shape: &Shape) -> String {
    let version = shape.version;
    let span = shape.span.map_or_else(
        || "it is empty".into(),
        |(first, last)| format!("messages from {} to {}", utc(first), utc(last)),
    );
    format!("table {}, schema version {version}, {span}", shape.table)
}

/// Reads everything from `source` into `store`, in bounded batches.
async fn take_over(
    store: &Store,
    source: &mut NwakuDatabase,
    totals: &mut Totals,
) -> Result<(), Failure> {
    let progress = Progress::new(source.shape());
    let (mut batch, mut bytes) = (Vec::new(), 0);
    loop {
        let rows = source.next().await.map_err(interrupted)?;
        let end = rows.is_empty();
        bytes += rows.iter().map(bytes_of).sum::<usize>();
        batch.extend(rows);
        if batch.len() >= BATCH || bytes >= BATCH_BYTES || end {
            progress.at(batch.last());
            store_batch(store, std::mem::take(&mut batch), totals).await?;
            bytes = 0;
        }
        if end {
            return Ok(());
        }
    }
}

fn interrupted(error: NwakuError) -> anyhow::Error {
    anyhow!(error).context("what was read is stored; the same command again goes on")
}

fn bytes_of(row: &NwakuRow) -> usize {
    row.message
        .as_ref()
        .map_or(0, |(_, message)| message.payload.len())
}

async fn store_batch(
    store: &Store,
    rows: Vec<NwakuRow>,
    totals: &mut Totals,
) -> Result<(), Failure> {
    let (mut known, mut arrivals) = (Vec::new(), Vec::new());
    for row in rows {
        match row.message {
            Ok((topic, message)) => {
                known.push((row.timestamp, row.hash));
                arrivals.push(Arrival::new(topic, message));
            }
            Err(fault) => totals.skip(fault.kind(), row.timestamp, &fault),
        }
    }
    let report = store.bring(arrivals).await?;
    for ((timestamp, hash), outcome) in known.into_iter().zip(report.outcomes) {
        match outcome {
            Ingested::New(item) => {
                totals.stored += 1;
                totals.rehashed += u64::from(hash != Some(item.id));
            }
            Ingested::Duplicate(_) => totals.duplicates += 1,
            Ingested::Refused(Refusal::BelowFloor { .. }) if totals.keeps => totals.too_old += 1,
            Ingested::Refused(refusal) => totals.skip(refusal.kind(), timestamp, &refusal),
        }
    }
    Ok(())
}

impl Totals {
    fn skip(&mut self, kind: &'static str, timestamp: i64, why: &dyn std::fmt::Display) {
        let skipped = self.skipped.entry(kind).or_default();
        skipped.count += 1;
        if skipped.examples.len() < EXAMPLES {
            skipped.examples.push(format!("{timestamp} ns: {why}"));
        }
    }

    fn report(&self, from: &NwakuUrl) {
        let skipped: u64 = self.skipped.values().map(|skipped| skipped.count).sum();
        tell(format_args!(
            "{from}: {} messages stored, {} there already, {} skipped{}",
            grouped(self.stored),
            grouped(self.duplicates),
            grouped(skipped),
            too_old(self.too_old)
        ));
        if self.rehashed > 0 {
            tell(format_args!(
                "{} of them had another hash in the database, as rows that nwaku has migrated do; \
                 they are stored under their own",
                grouped(self.rehashed)
            ));
        }
        for (kind, skipped) in &self.skipped {
            tell(format_args!("skipped, {kind}: {}", grouped(skipped.count)));
            for example in &skipped.examples {
                tell(format_args!("  {example}"));
            }
        }
    }
}

/// How far in time the reading is, between the first message and the last.
struct Progress {
    bar: ProgressBar,
    first: i64,
}

impl Progress {
    fn new(shape: &Shape) -> Self {
        let (first, last) = shape.span.unwrap_or_default();
        let seconds = last.saturating_sub(first) / 1_000_000_000;
        Self {
            bar: bar(&bars(), "seconds", seconds.unsigned_abs()),
            first,
        }
    }

    fn at(&self, row: Option<&NwakuRow>) {
        if let Some(row) = row {
            let seconds = row.timestamp.saturating_sub(self.first) / 1_000_000_000;
            self.bar.set_position(seconds.unsigned_abs());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
