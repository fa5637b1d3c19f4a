//! The command line.

use std::time::Duration;

use anyhow::ensure;
use clap::{Parser, Subcommand};

use crate::contest::{Entry, Patience, alone, contest};
use crate::contestant::Contestant;
use crate::setup::Setup;

/// The engine against other ways to reconcile.
#[derive(Debug, Parser)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Reconciliations only, a line for each
    Sessions(SessionsArgs),
}

/// Which reconciliations, and how often.
#[derive(Debug, clap::Args)]
pub(crate) struct SessionsArgs {
    /// Those of this name, or else those whose name contains it: `n1000000 d1000 recent framed`
    #[arg(default_value = "")]
    name: String,
    /// Most runs of each; fewer if they take long
    #[arg(long, default_value_t = 45)]
    runs: usize,
    /// This engine only, and all runs however long they take: for a profiler
    #[arg(long)]
    alone: bool,
}

impl SessionsArgs {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let exact = SETUPS.iter().any(|setup| setup.name() == self.name);
        let picked = |setup: &&Setup| {
            let name = setup.name();
            name == self.name || !exact && name.contains(&self.name)
        };
        let picked: Vec<&Setup> = SETUPS.iter().filter(picked).collect();
        ensure!(
            !picked.is_empty(),
            "no setup has {:?} in its name",
            self.name
        );
        for setup in picked {
            let patience = Patience {
                runs: self.runs.max(1),
                time: Duration::from_secs(if self.alone { 3_600 } else { 3 }),
            };
            if self.alone {
                show(&alone(setup, patience, Contestant::Ours));
            } else {
                contest(setup, patience, &Contestant::ALL)
                    .iter()
                    .for_each(show);
            }
        }
        Ok(())
    }
}

fn show(entry: &Entry) {
    let us = |seconds: Option<f64>| seconds.map_or("-".into(), |s| format!("{:.1}", s * 1e6));
    println!(
        "{:32} {:34} {:>12} us {:>12} us cold {:>10} B {:>4} rounds {:>3} runs",
        entry.setup.name(),
        entry.contestant.name(),
        us(entry.cpu_s),
        us(entry.cold_s),
        entry.bytes(),
        entry.round_trips(),
        entry.runs
    );
}

const SETUPS: [Setup; 8] = [
    Setup::spread(10_000, 100),
    Setup::spread(100_000, 10),
    Setup::spread(100_000, 1_000),
    Setup::spread(1_000_000, 0),
    Setup::spread(1_000_000, 10),
    Setup::spread(1_000_000, 1_000),
    Setup::spread(1_000_000, 1_000).recent(),
    Setup::spread(1_000_000, 10_000).framed(60_000),
];
