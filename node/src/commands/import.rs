//! `wakustore import`: messages from a file of JSON lines into an archive.

use std::io::{self, BufRead, IsTerminal};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use store_adapter::Refusal;
use store_adapter::line::{ImportLine, LineReader};

use super::tended::Tended;
use super::{import_nwaku, open_input, shown};
use crate::cli::ImportArgs;
use crate::exit::Failure;
use crate::output::tell;
use crate::store::Store;
use crate::sync::report::grouped;

/// Messages in one transaction.
pub(super) const BATCH: usize = 1_000;

/// Bytes of messages in one transaction, about.
pub(super) const BATCH_BYTES: usize = 16 << 20;

/// What became of the lines.
#[derive(Default)]
pub(super) struct Totals {
    stored: u64,
    duplicates: u64,
    pub(super) refused: u64,
    /// Whether what is older than what is kept is refused as the operator has asked for.
    keeps: bool,
    /// How many that were.
    too_old: u64,
    warned: bool,
}

pub(super) async fn run(args: &ImportArgs) -> Result<ExitCode, Failure> {
    match (&args.from, &args.file) {
        (Some(database), _) => import_nwaku::run(database, args).await,
        (None, Some(file)) => run_file(file, args).await,
        (None, None) => Err(Failure::Usage(anyhow::anyhow!(
            "name a file to read, or a database by --from"
        ))),
    }
}

async fn run_file(file: &Path, args: &ImportArgs) -> Result<ExitCode, Failure> {
    let name = shown(file, "standard input");
    let input = open_input(file)?;
    let url = args.archive.url_to_create()?;
    let archive = Tended::open(&url, args.store_message_retention_policy).await?;
    let mut totals = Totals {
        keeps: !args.store_message_retention_policy.is_none(),
        ..Totals::default()
    };
    let result = import(&archive.store, input, &name, &mut totals).await;
    tell(format_args!(
        "{}: {} messages stored, {} there already, {} lines refused{}",
        name,
        grouped(totals.stored),
        grouped(totals.duplicates),
        grouped(totals.refused),
        too_old(totals.too_old)
    ));
    result?;
    Ok(if totals.refused == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    })
}

/// Reads lines of messages from `input`, called `name`, into a store.
pub(super) async fn import(
    store: &Store,
    input: Box<dyn BufRead + Send>,
    name: &str,
    totals: &mut Totals,
) -> Result<(), Failure> {
    let mut lines = LineReader::new(input);
    let bar = spinner();
    let (mut batch, mut bytes) = (Vec::new(), 0);
    loop {
        let line = lines
            .next_line()
            .with_context(|| format!("{name} can't be read further"))?;
        let number = lines.number();
        let end = line.is_none();
        if let Some(line) = line {
            match line {
                Ok(line) => {
                    totals.warn_of_unknown_keys(number, &line);
                    bytes += line.message.payload.len();
                    batch.push((number, line));
                }
                Err(error) => totals.refuse(number, &error),
            }
        }
        if batch.len() >= BATCH || bytes >= BATCH_BYTES || end {
            store_batch(store, std::mem::take(&mut batch), totals).await?;
            bytes = 0;
            bar.set_message(format!("{} messages", grouped(totals.stored)));
        }
        if end {
            bar.finish_and_clear();
            return Ok(());
        }
    }
}

async fn store_batch(
    store: &Store,
    batch: Vec<(u64, ImportLine)>,
    totals: &mut Totals,
) -> Result<(), Failure> {
    let outcomes = store.import(batch).await?;
    totals.stored += outcomes.stored;
    totals.duplicates += outcomes.duplicates;
    for (number, reason) in outcomes.refused {
        match reason {
            Refusal::BelowFloor { .. } if totals.keeps => totals.too_old += 1,
            reason => totals.refuse(number, &reason),
        }
    }
    Ok(())
}

/// How many were older than what a policy keeps, in words.
pub(super) fn too_old(count: u64) -> String {
    match count {
        0 => String::new(),
        count => format!(", {} older than what is kept", grouped(count)),
    }
}

impl Totals {
    fn refuse(&mut self, number: u64, reason: &dyn std::fmt::Display) {
        self.refused += 1;
        tell(format_args!("line {number}: refused: {reason}"));
    }

    fn warn_of_unknown_keys(&mut self, number: u64, line: &ImportLine) {
        if !line.unknown_keys.is_empty() && !self.warned {
            self.warned = true;
            tell(format_args!(
                "line {number}: warning: unknown keys are ignored, here and further on: {}",
                line.unknown_keys.join(", ")
            ));
        }
    }
}

fn spinner() -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}
