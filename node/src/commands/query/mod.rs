//! `wakustore query`: messages in the stores of peers, looked up and shown.
//!
//! Pages are shown as they come, and nothing is kept of them. Results go to standard output, what
//! happens on the way to standard error.

mod full;
mod limits;
mod printer;
mod table;
pub(super) mod text;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use libp2p::Multiaddr;
use store_adapter::store::Ended;
use sync_core::Id;

use self::limits::MISSING_NAMED;
use self::printer::Printer;
use self::text::escaped;
use super::asking::asking_node;
use super::run::peer_address;
use crate::cli::QueryArgs;
use crate::cli::time::now;
use crate::exit::Failure;
use crate::net::{StoreEvent, StoreReader};
use crate::output::tell;
use crate::sync::report::grouped;

/// How far a query has come.
#[derive(Default)]
struct Progress {
    pages: u64,
    /// The message that was shown last.
    last: Option<Id>,
    /// `None` if nobody reads on.
    ended: Option<Ended>,
}

pub(super) async fn run(args: &QueryArgs) -> Result<ExitCode, Failure> {
    let addresses = args.peers.iter().map(|peer| peer_address(peer));
    let addresses: Vec<Multiaddr> = addresses.collect::<Result<_, _>>()?;
    let Some(criteria) = args.criteria(now()) else {
        tell(
            "The range is empty, its start (--since) lies behind its end (--until): no message matches.",
        );
        return Ok(ExitCode::SUCCESS);
    };
    let node = asking_node(args.cluster_id).await?;
    let mut reader = node
        .read_stores_at(criteria, &addresses)
        .map_err(|error| Failure::Usage(error.into()))?;
    let started = Instant::now();
    let progress = show(&mut reader, &mut Printer::new(args)).await?;
    let verdict = verdict(args, &reader, &progress, started.elapsed());
    node.stop().await;
    verdict
}

/// Shows pages until there are no more, or nobody reads on.
async fn show(reader: &mut StoreReader, printer: &mut Printer) -> anyhow::Result<Progress> {
    let mut progress = Progress::default();
    while let Some(event) = reader.next().await {
        match event {
            StoreEvent::Page(found) => {
                progress.pages += 1;
                progress.last = found.last().map(|found| found.hash);
                if !printer.print(&found)? {
                    return Ok(progress);
                }
            }
            // Peers say in it what they like.
            StoreEvent::Notice(notice) => tell(escaped(&notice.to_string())),
            StoreEvent::Ended(ended) => progress.ended = Some(ended),
        }
    }
    Ok(progress)
}

/// What came of it, in words and as an exit code.
fn verdict(
    args: &QueryArgs,
    reader: &StoreReader,
    progress: &Progress,
    took: Duration,
) -> Result<ExitCode, Failure> {
    let given = reader.walk().given();
    let read = format!(
        "{} in {}, {:.1} s",
        counted(given, "message"),
        counted(progress.pages, "page"),
        took.as_secs_f64()
    );
    match progress.ended {
        None => Ok(ExitCode::SUCCESS),
        Some(Ended::NobodyLeft) if !reader.has_met_any() => Err(Failure::Unreachable(anyhow!(
            "no peer can be reached: check the addresses, and whether this machine may connect to \
             them"
        ))),
        Some(Ended::NobodyLeft) => Err(Failure::Failed(anyhow!(
            "no peer is left that answers, and more may match; read so far: {read}{}",
            go_on(args, progress)
        ))),
        Some(Ended::Enough) => {
            tell(format_args!(
                "{read}; ended as asked for, more may match{}",
                go_on(args, progress)
            ));
            Ok(ExitCode::SUCCESS)
        }
        Some(Ended::Complete) if !args.wanted.hash.is_empty() => Ok(missing(reader, &read)),
        Some(Ended::Complete) if given == 0 => {
            tell("No message matches.");
            Ok(ExitCode::SUCCESS)
        }
        Some(Ended::Complete) => {
            tell(format_args!("{read}; no more match."));
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// How to have the rest.
fn go_on(args: &QueryArgs, progress: &Progress) -> String {
    match progress.last {
        Some(last) if args.wanted.hash.is_empty() => {
            format!("; to go on: the same with --cursor 0x{last}")
        }
        _ => String::new(),
    }
}

/// Names the hashes that nobody has.
fn missing(reader: &StoreReader, read: &str) -> ExitCode {
    let missing = reader.walk().missing();
    if missing.is_empty() {
        tell(format_args!("{read}; that is all that were asked for."));
        return ExitCode::SUCCESS;
    }
    for hash in missing.iter().take(MISSING_NAMED) {
        tell(format_args!("No peer that answered has 0x{hash}."));
    }
    if missing.len() > MISSING_NAMED {
        let more = grouped((missing.len() - MISSING_NAMED) as u64);
        tell(format_args!("Nor {more} more."));
    }
    tell(read);
    ExitCode::from(1)
}

fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(count))
}
