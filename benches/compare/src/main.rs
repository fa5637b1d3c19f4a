//! The engine against other ways to reconcile, and the report on it.
//!
//! `compare report` measures everything and writes a page with tables and plots; `compare sessions`
//! runs single cases.

mod args;
mod competitors;
mod contest;
mod contestant;
mod exchange;
mod hash;
mod headline;
mod machine;
mod page;
mod plan;
mod plots;
mod report;
mod setup;
mod targets;
mod text;
mod timing;
mod tree;
mod versions;

use clap::Parser;

use args::{Args, Command};

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    benches::allocator::take_huge_pages();
    match args.command {
        Command::Report(args) => args.run(),
        Command::Sessions(args) => args.run(),
    }
}
