//! `wakustore count`: the messages of several nodes by time, and which of them lack which.
//!
//! Results go to standard output, or into a page for a browser, what happens on the way to standard error.

mod csv;
mod heat_map;
mod page;
mod shade;
mod table;
mod watch;

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, anyhow};

use super::asking::asking_node;
use super::run::peer_address;
use crate::census::{Report, Span, Subjects, Wanted, collect};
use crate::cli::CountArgs;
use crate::cli::time::now;
use crate::exit::Failure;
use crate::node::Node;
use crate::output::{offer, tell};

pub(super) async fn run(args: CountArgs) -> Result<ExitCode, Failure> {
    if let Some(fault) = args.fault() {
        return Err(Failure::Usage(anyhow!(fault)));
    }
    let addresses = args.peers.iter().map(|peer| peer_address(peer));
    let subjects = Subjects::new(addresses.collect::<Result<_, _>>()?);
    let subjects = subjects.map_err(|error| Failure::Usage(error.into()))?;
    if let Some(interval) = args.watching.watch {
        return watch::run(args, subjects, interval.0).await;
    }
    let span = args.counted.span(now());
    let Some(span) = span.map_err(|error| Failure::Usage(error.into()))? else {
        tell(
            "The range is empty: its start (--since) lies behind its end (--until, less the newest --delay). \
             There is nothing to count.",
        );
        return Ok(ExitCode::SUCCESS);
    };
    let node = asking_node(args.cluster_id).await?;
    let report = count(&node, &subjects, &args, span).await;
    node.stop().await;
    show(&args, &report)?;
    Ok(ExitCode::from(report.code()))
}

/// Counts once.
async fn count(node: &Node, subjects: &Subjects, args: &CountArgs, span: Span) -> Report {
    let started = Instant::now();
    let wanted = Wanted {
        span,
        pubsub_topic: args.counted.pubsub_topic.clone(),
        content_topics: args.counted.content_topic.clone(),
    };
    let collected = collect(node, subjects, &wanted).await;
    let seconds = started.elapsed().as_secs_f64();
    Report::new(subjects, &wanted, &collected, seconds)
}

/// Writes the page, and prints the rest. That nobody reads on is no failure.
fn show(args: &CountArgs, report: &Report) -> anyhow::Result<()> {
    if let Some(file) = &args.html {
        write_page(file, report, now())?;
    }
    let text = if args.json {
        serde_json::to_string(report)?
    } else if args.csv {
        csv::csv(report)?
    } else {
        table::text(report, &table::Terminal::of_standard_output())
    };
    offer(text.trim_end_matches('\n'))?;
    Ok(())
}

/// Writes the page, in the place of one that may be read meanwhile.
fn write_page(file: &Path, report: &Report, at: u64) -> anyhow::Result<()> {
    let page = page::page(report, at);
    let written = match file.metadata() {
        // A pipe, say, which nothing takes the place of.
        Ok(found) if !found.is_file() => std::fs::write(file, page),
        _ => {
            let mut part = file.as_os_str().to_owned();
            part.push(".part");
            std::fs::write(&part, page).and_then(|()| std::fs::rename(&part, file))
        }
    };
    written.with_context(|| format!("{} can't be written", file.display()))
}
