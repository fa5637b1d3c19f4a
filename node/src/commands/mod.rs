//! What the program can be asked for.

mod asking;
mod bench;
mod check;
mod count;
mod db;
mod demo;
mod export;
mod import;
mod import_nwaku;
mod progress;
mod query;
mod run;
mod sync;
mod tended;
mod wire;

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use comfy_table::presets::NOTHING;
use comfy_table::{LineStyle, Table};
use tracing_subscriber::EnvFilter;

use crate::cli::Command;
use crate::config::{Loaded, Origin};
use crate::exit::Failure;
use crate::logging::{self, Format, Levels};

/// The log filter of commands that aren't a node, when `RUST_LOG` is unset: they tell only what goes
/// wrong.
const LOG: &str = "warn,libp2p=error";

/// Starts the log as a command and `RUST_LOG` want it: a node tells what it does.
///
/// `RUST_LOG` goes before everything but a level on the command line.
#[must_use]
pub fn start_log(loaded: &Loaded) -> Levels {
    let by_environment = EnvFilter::try_from_default_env();
    let Command::Run(args) = &loaded.cli.command else {
        return logging::start(
            Format::Text,
            by_environment.unwrap_or_else(|_| EnvFilter::new(LOG)),
        );
    };
    let level = args.log.log_level;
    let origin = loaded
        .effective
        .as_ref()
        .and_then(|all| all.origin("log-level"));
    let filter = match (origin, by_environment) {
        (Some(Origin::Line), _) | (_, Err(_)) => level.filter(),
        (_, Ok(filter)) => filter,
    };
    logging::start(args.log.log_format, filter)
}

/// Whether a command's arguments make sense together, without doing anything.
///
/// # Errors
/// What is wrong, and what was expected.
pub fn check(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Run(args) => run::check(args),
        _ => Ok(()),
    }
}

/// Carries out a command; `levels` set how much is logged meanwhile.
///
/// # Errors
/// When it can't be done; the failure tells the exit code.
pub async fn run(command: Command, levels: Levels) -> Result<ExitCode, Failure> {
    match command {
        Command::Demo(args) => demo::run(&args).await,
        Command::Run(args) => run::run(*args, levels).await,
        Command::Sync(args) => sync::run(args).await,
        Command::Query(args) => query::run(&args).await,
        Command::Count(args) => count::run(*args).await,
        Command::Import(args) => import::run(&args).await,
        Command::Export(args) => export::run(&args).await,
        Command::Check(args) => check::run(&args).await,
        Command::Db(command) => db::run(&command).await,
        Command::Bench(args) => bench::run(&args).await,
        Command::Wire(command) => wire::run(&command).await,
    }
}

/// Opens a file to read, or standard input.
fn open_input(path: &Path) -> anyhow::Result<Box<dyn BufRead + Send>> {
    if crate::cli::is_standard_stream(path) {
        return Ok(Box::new(BufReader::new(io::stdin())));
    }
    let file = File::open(path).with_context(|| format!("{} can't be read", path.display()))?;
    Ok(Box::new(BufReader::new(file)))
}

/// A path for messages: standard input and output by their names.
fn shown(path: &Path, standard: &str) -> String {
    if crate::cli::is_standard_stream(path) {
        standard.to_owned()
    } else {
        path.display().to_string()
    }
}

/// A table without lines but for one below the names of its columns.
fn ruled_table() -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING.header_separator(LineStyle::none().fill('─').junction('─')));
    table
}
