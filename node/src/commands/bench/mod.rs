//! `wakustore bench`: reconciliations between two sets in memory, by one thread, measured; or an
//! archive.

mod archive;
mod measure;
mod memory;
mod output;
mod row;
mod table;

use std::process::ExitCode;

use anyhow::anyhow;
use benches::{Laps, NegentropyCrate, Ours, Pair, Placement, pair, tree};
use indicatif::ProgressBar;
use sync_core::SessionError;

use self::measure::Bench;
use self::output::Output;
use self::row::Row;
use super::progress::{bar, bars};
use crate::cli::{BenchArgs, BenchSubject, PlacementArg};
use crate::exit::Failure;
use crate::sync::report::grouped;

/// The items are random, and the same in every bench.
const SEED: u64 = 1;

/// Most runs of this engine.
const RUNS: usize = 45;

/// Most runs of which the sides' shares are taken, and most runs of the peer.
const FEWER_RUNS: usize = 15;

pub(super) async fn run(args: &BenchArgs) -> Result<ExitCode, Failure> {
    match &args.subject {
        Some(BenchSubject::Archive(args)) => archive::run(args).await,
        None => reconciliations(args),
    }
}

fn reconciliations(args: &BenchArgs) -> Result<ExitCode, Failure> {
    let usage = |error: String| Failure::Usage(anyhow!(error));
    let diffs = args.checked_diffs().map_err(usage)?;
    memory::check(args.items, diffs.iter().copied().max().unwrap_or_default())?;
    let (mut output, mut wrong) = (Output::new(args), 0);
    let bars = bars();
    for diffs in diffs {
        let bar = bar(&bars, format!("{} differences", grouped(diffs as u64)), 1);
        let row = measure(args, diffs, &bar)?;
        bar.finish_and_clear();
        wrong += usize::from(!row.correct);
        if !output.row(row)? {
            break;
        }
    }
    output.end()?;
    verdict(wrong)
}

/// How the program ends when so many rows are incorrect.
fn verdict(wrong: usize) -> Result<ExitCode, Failure> {
    if wrong > 0 {
        let reason = anyhow!("wrong differences were found, in {wrong} of the rows");
        return Err(Failure::Failed(reason));
    }
    Ok(ExitCode::SUCCESS)
}

/// Measures this engine, and the peer if there is one, on a pair of sets that differ by `diffs`.
///
/// The order is that of the comparisons in `benches`: everybody has run once before anybody is
/// measured, then each is run several times in a row.
fn measure(args: &BenchArgs, diffs: usize, bar: &ProgressBar) -> Result<Row, Failure> {
    bar.tick();
    let mut pair = sets(args, diffs);
    let peer = args
        .against
        .map(|_| NegentropyCrate::new(&pair.left, &pair.right, args.frame_limit));
    // The lists are needed no more, and the trees take their place.
    let grow = |items: &mut Vec<_>| tree(&std::mem::take(items));
    let (left, right) = (grow(&mut pair.left), grow(&mut pair.right));
    let ours = Ours::new(left, right, args.dialect.into(), args.frame_limit);
    bar.inc(1);

    let bench = |work| Bench {
        work,
        pair: &pair,
        bar,
    };
    let peer = peer.as_ref().map(|peer| bench(peer));
    if let Some(peer) = &peer {
        peer.warm_up();
    }
    let (outcome, peak) = memory::peak(|| ours.try_reconcile(&mut Laps::off()))?;
    outcome.map_err(|error| failure(args, &error))?;
    let ours = bench(&ours);
    let measured = ours.median(RUNS);
    let share = ours.initiators_share(measured.cpu, FEWER_RUNS);
    let row = Row::new(args, diffs, &measured, share, peak);
    Ok(match peer {
        Some(peer) => row.against(&peer.median(FEWER_RUNS)),
        None => row,
    })
}

/// The two sets as lists, and their differences.
fn sets(args: &BenchArgs, diffs: usize) -> Pair {
    let placement = match args.placement {
        PlacementArg::Spread => Placement::Spread,
        PlacementArg::Recent => Placement::Recent,
    };
    pair(args.items, diffs, placement, SEED)
}

/// What keeps two honest sides from an end: in the `waku` dialect, a frame limit that is too short.
fn failure(args: &BenchArgs, error: &SessionError) -> Failure {
    match error {
        SessionError::Limit { .. } if args.frame_limit > 0 => Failure::Usage(anyhow!(
            "--frame-limit {} is too short: one range with its fingerprint must fit, and so must \
             all items of one nanosecond; expected 200 bytes or more, or 0 for no limit",
            args.frame_limit
        )),
        error => Failure::Failed(anyhow!("the session failed: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_row_makes_the_program_fail() {
        assert!(matches!(verdict(0), Ok(code) if code == ExitCode::SUCCESS));
        assert!(matches!(verdict(1), Err(Failure::Failed(_))));
    }
}
