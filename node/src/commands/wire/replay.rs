//! `wakustore wire replay`: a recorded session run again against a set.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use serde::Serialize;
use store_adapter::ArchiveUrl;
use tokio::task::spawn_blocking;

use super::table::table;
use crate::cli::{ReplayArgs, is_standard_stream};
use crate::commands::import::{Totals, import};
use crate::commands::{open_input, shown};
use crate::exit::Failure;
use crate::output::say;
use crate::recording::{Head, Recorded, Replayed, read, replay};
use crate::store::Store;

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    /// Of the recorded session.
    #[serde(flatten)]
    head: &'a Head,
    same: bool,
    #[serde(flatten)]
    replayed: &'a Replayed,
}

pub(super) async fn run(args: &ReplayArgs) -> Result<ExitCode, Failure> {
    let recorded = recorded(args)?;
    let store = store(args).await?;
    let source = Box::new(store.index().snapshot());
    let run = spawn_blocking(move || (replay(&recorded, source), recorded));
    let (replayed, recorded) = run.await.context("the session can't be run")?;
    let report = Report {
        head: &recorded.head,
        same: replayed.is_same(),
        replayed: &replayed,
    };
    if args.json {
        say(serde_json::to_string(&report)?)?;
    } else {
        say(format_args!(
            "{}\n{}",
            table(&replayed),
            verdict(&recorded, &replayed)
        ))?;
    }
    Ok(ExitCode::from(match (report.same, replayed.complete) {
        (false, _) => 3,
        (true, true) => 0,
        (true, false) => 1,
    }))
}

fn recorded(args: &ReplayArgs) -> Result<Recorded, Failure> {
    let both = [Some(&args.file), args.items.as_ref()];
    if both
        .into_iter()
        .flatten()
        .filter(|file| is_standard_stream(file))
        .count()
        > 1
    {
        return Err(Failure::Usage(anyhow!(
            "the recording and --items can't both come from standard input"
        )));
    }
    let name = shown(&args.file, "standard input");
    read(open_input(&args.file)?, args.session).map_err(|error| {
        let usage = error.is_usage();
        let error = anyhow::Error::from(error).context(format!("the recording {name}"));
        if usage {
            Failure::Usage(error)
        } else {
            Failure::Failed(error)
        }
    })
}

/// The set: an archive, or one made in memory of a file of messages.
async fn store(args: &ReplayArgs) -> Result<Arc<Store>, Failure> {
    let Some(file) = &args.items else {
        let url = args
            .archive
            .url()
            .map_err(|error| Failure::Usage(anyhow!(error)))?;
        return Ok(Store::open_existing(&url).await?);
    };
    let name = shown(file, "standard input");
    let input = open_input(file)?;
    let store = Store::open(&ArchiveUrl::Memory).await?;
    let mut totals = Totals::default();
    import(&store, input, &name, &mut totals).await?;
    if totals.refused > 0 {
        return Err(Failure::Failed(anyhow!(
            "{} lines of {name} were refused, so the set isn't the one that was meant",
            totals.refused
        )));
    }
    Ok(store)
}

fn verdict(recorded: &Recorded, replayed: &Replayed) -> String {
    let session = recorded.head.session;
    let mut lines = replayed.differences.clone();
    if let Some(error) = &replayed.error {
        lines.push(format!("The session failed: {error}."));
    }
    let same = if replayed.is_same() {
        "every frame is as it was"
    } else {
        "it differs from what was recorded"
    };
    lines.push(format!(
        "Session {session} run again: {same}; have {}, need {}.",
        replayed.have, replayed.need
    ));
    if !replayed.complete {
        lines.push(
            "The recording ends before the session does: it is cut off, or the session still ran."
                .to_owned(),
        );
    }
    lines.join("\n")
}
