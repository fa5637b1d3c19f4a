//! The engine against other ways to reconcile.
//!
//! `compare sessions [NAME]` runs the setups whose name contains NAME and prints a line for each
//! contestant; with `--alone` only the engine runs, for a profiler.

mod args;
mod competitors;
mod contest;
mod contestant;
mod setup;

use clap::Parser;

use args::{Args, Command};

fn main() -> anyhow::Result<()> {
    match Args::parse().command {
        Command::Sessions(args) => args.run(),
    }
}
