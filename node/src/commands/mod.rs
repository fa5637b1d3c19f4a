//! What the program can be asked for.

mod bench;
mod check;
mod db;
mod demo;
mod export;
mod import;
mod import_nwaku;
mod progress;
mod run;
mod sync;
mod tended;
mod wire;

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;

use crate::cli::Command;
use crate::exit::Failure;

/// The log filter of a command when `RUST_LOG` is unset: a node tells what it does, others only
/// what goes wrong.
#[must_use]
pub fn default_log(command: &Command) -> &'static str {
    match command {
        Command::Run(_) => "info,libp2p=warn",
        _ => "warn,libp2p=error",
    }
}

/// Carries out a command.
///
/// # Errors
/// When it can't be done; the failure tells the exit code.
pub async fn run(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Demo(args) => demo::run(&args).await,
        Command::Run(args) => run::run(*args).await,
        Command::Sync(args) => sync::run(args).await,
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
