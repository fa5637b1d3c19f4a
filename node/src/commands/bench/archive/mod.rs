//! `wakustore bench archive`: an archive filled with made-up messages, and what it takes to fill and
//! to ask it.

mod corpus;
mod fill;
mod place;
mod questions;
mod report;
mod table;
mod target;

use std::ops::Range;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, anyhow};
use indicatif::MultiProgress;
use store_adapter::Index;
use tokio::signal::unix::{SignalKind, signal};

use self::corpus::{Corpus, PAYLOAD_BYTES};
use self::fill::{BATCH, Filling};
use self::place::Place;
use self::questions::{Kind, Questions};
use self::report::{IngestFigures, ReadFigures, Report};
use self::table::table;
use super::super::progress::{bar, bars};
use crate::cli::BenchArchiveArgs;
use crate::exit::Failure;
use crate::output::offer;

/// Which part of the rows is ingested once more under retention.
const MORE_UNDER_RETENTION: u64 = 10;

/// Mixed into the seed: questions of the three passes differ from each other.
const PASSES: [u64; 3] = [0xc01d, 0xb4, 0xca1f];

pub(super) async fn run(args: &BenchArchiveArgs) -> Result<ExitCode, Failure> {
    let mut interrupt = signal(SignalKind::interrupt()).context("no handler for SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("no handler for SIGTERM")?;
    let report = tokio::select! {
        report = measure(args) => report?,
        _ = interrupt.recv() => return Err(interrupted(args)),
        _ = terminate.recv() => return Err(interrupted(args)),
    };
    if args.json {
        offer(serde_json::to_string(&report)?)?;
    } else {
        offer(table(&report))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn interrupted(args: &BenchArchiveArgs) -> Failure {
    Failure::Failed(match &args.store_message_db_url {
        Some(_) => anyhow!(
            "interrupted; the archive keeps what was put in: remove it before the next bench"
        ),
        None => anyhow!("interrupted; the temporary archive is removed"),
    })
}

async fn measure(args: &BenchArchiveArgs) -> Result<Report, Failure> {
    let place = Place::open(args).await?;
    let corpus = Corpus::new(args.rows, args.seed);
    let bars = bars();
    let (ingest, under_retention, held) = fill(args, &place, &corpus, &bars).await?;
    let asking = |name: &'static str| bar(&bars, name, Questions::steps());
    let (place, cold) = match place.meaning_of_cold() {
        None => (place, None),
        Some(_) => {
            let bar = asking("cold");
            let questions = Questions {
                corpus: &corpus,
                held: held.clone(),
                bar: &bar,
            };
            let (place, figures) = ask_cold(place, &questions, args.seed).await?;
            bar.finish_and_clear();
            (place, Some(figures))
        }
    };
    let bar = asking("warm");
    bar.inc_length(Questions::steps());
    let questions = Questions {
        corpus: &corpus,
        held,
        bar: &bar,
    };
    let warm = ask_warm(&place, &questions, args.seed).await?;
    bar.finish_and_clear();
    let stats = place.archive().stats().await?;
    Ok(Report {
        backend: place.backend(),
        rows: args.rows,
        seed: args.seed,
        payload_bytes: PAYLOAD_BYTES,
        ingest,
        ingest_under_retention: under_retention,
        cold,
        meaning_of_cold: place.meaning_of_cold(),
        warm,
        messages: stats.messages,
        units: place.archive().units().await?.len(),
        disk_bytes: stats.disk_bytes,
        log_bytes: stats.log_bytes,
        disk_bytes_per_row: stats.disk_bytes as f64 / stats.messages.max(1) as f64,
        kept: place.kept(),
    })
}

/// Fills the archive, and goes on under retention if that is asked for; gives the numbers of the
/// messages that it holds then.
async fn fill(
    args: &BenchArchiveArgs,
    place: &Place,
    corpus: &Corpus,
    bars: &MultiProgress,
) -> anyhow::Result<(IngestFigures, Option<IngestFigures>, Range<u64>)> {
    let filling_bar = bar(bars, "filling", args.rows);
    let mut filling = Filling::new(place.archive(), corpus).await?;
    let ingest = filling.fill(args.rows, &filling_bar).await?;
    filling_bar.finish_and_clear();
    let mut under_retention = None;
    if args.retention {
        let more = (args.rows / MORE_UNDER_RETENTION).max(BATCH.min(args.rows));
        let bar = bar(bars, "retention", more);
        under_retention = Some(filling.fill_under_retention(more, &bar).await?);
        bar.finish_and_clear();
    }
    Ok((ingest, under_retention, filling.held()))
}

/// Asks each kind of question of an archive that is cold before the first of the kind.
async fn ask_cold(
    mut place: Place,
    questions: &Questions<'_>,
    seed: u64,
) -> anyhow::Result<(Place, ReadFigures)> {
    let mut times = Vec::new();
    for kind in Kind::ALL {
        place = place.cold().await?;
        let archive = place.archive();
        times.push(questions.ask(&**archive, kind, seed ^ PASSES[0]).await?);
    }
    place = place.cold().await?;
    let index_rebuild_s = rebuild(&place).await?;
    let figures = ReadFigures {
        lookup: times[0],
        page: times[1],
        presence: times[2],
        index_rebuild_s,
    };
    Ok((place, figures))
}

/// Asks each kind of question after as many others of the kind, with all files read before.
async fn ask_warm(
    place: &Place,
    questions: &Questions<'_>,
    seed: u64,
) -> anyhow::Result<ReadFigures> {
    place.read_files().await?;
    rebuild(place).await?;
    let index_rebuild_s = rebuild(place).await?;
    let mut times = Vec::new();
    for kind in Kind::ALL {
        let archive = place.archive();
        questions.ask(&**archive, kind, seed ^ PASSES[1]).await?;
        times.push(questions.ask(&**archive, kind, seed ^ PASSES[2]).await?);
    }
    Ok(ReadFigures {
        lookup: times[0],
        page: times[1],
        presence: times[2],
        index_rebuild_s,
    })
}

/// Seconds that reading the index from the archive takes.
async fn rebuild(place: &Place) -> anyhow::Result<f64> {
    let start = Instant::now();
    Index::rebuild(Arc::clone(place.archive())).await?;
    Ok(start.elapsed().as_secs_f64())
}
