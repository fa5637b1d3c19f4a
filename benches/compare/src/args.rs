//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::ensure;
use clap::{Parser, Subcommand};

use crate::contest::{Entry, alone, contest};
use crate::contestant::Contestant;
use crate::exchange;
use crate::headline;
use crate::page::verdict;
use crate::plan::Plan;
use crate::report::Report;
use crate::setup::Setup;
use crate::targets;
use crate::text::{bytes, seconds};
use crate::timing::Patience;

/// The engine against other ways to reconcile.
#[derive(Debug, Parser)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Measure everything, write the report, and end with the table of targets
    Report(ReportArgs),
    /// Run single reconciliations, a line for each contestant
    Sessions(SessionsArgs),
}

/// What is measured, and where it goes.
#[derive(Debug, clap::Args)]
pub(crate) struct ReportArgs {
    /// Small sizes and few runs, only to see that everything works; the report goes to a temporary
    /// directory unless one is named
    #[arg(long)]
    quick: bool,
    /// The directory of the report
    #[arg(long, value_name = "DIRECTORY")]
    output: Option<PathBuf>,
    /// A README to write the headline figures into, between its two comments for them; it lies where
    /// the program runs, as does the report's directory
    #[arg(
        long,
        value_name = "FILE",
        requires = "output",
        conflicts_with = "quick"
    )]
    readme: Option<PathBuf>,
    /// The day that the report says it is of; by default today
    #[arg(long, value_name = "YYYY-MM-DD")]
    date: Option<jiff::civil::Date>,
    /// Draw and write the figures of an earlier report's results.json, and measure nothing
    #[arg(long, value_name = "FILE", conflicts_with_all = ["quick", "date"])]
    figures: Option<PathBuf>,
}

impl ReportArgs {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let report = match &self.figures {
            Some(file) => Report::read(file)?,
            None => self.measure()?,
        };
        let temporary = tempfile::tempdir()?;
        let directory = match (&self.output, self.quick) {
            (Some(directory), _) => directory,
            (None, true) => temporary.path(),
            (None, false) => "benches/report".as_ref(),
        };
        let targets = report.write(directory)?;
        if let Some(readme) = &self.readme {
            headline::replace(readme, &report, &format!("{}/", directory.display()))?;
        }
        let table = targets::table(&targets, report.full);
        println!("{}{}", table.text(), verdict(&report, &targets));
        Ok(())
    }

    fn measure(&self) -> anyhow::Result<Report> {
        let today = || jiff::Zoned::now().date();
        let date = self.date.unwrap_or_else(today).to_string();
        let plan = if self.quick {
            &Plan::QUICK
        } else {
            &Plan::FULL
        };
        Report::measure(plan, date, Some(&exchange::wakustore()?))
    }
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
    /// One contestant only, and all runs however long they take: for a profiler
    #[arg(long, value_enum, value_name = "WHO", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "ours")]
    alone: Option<Contestant>,
}

impl SessionsArgs {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let setups = Plan::FULL.setups();
        let exact = setups.iter().any(|setup| setup.name() == self.name);
        let picked = |setup: &&Setup| {
            let name = setup.name();
            name == self.name || !exact && name.contains(&self.name)
        };
        let picked: Vec<&Setup> = setups.iter().filter(picked).collect();
        ensure!(
            !picked.is_empty(),
            "no setup is called {:?}, or has that in its name; there are: {}",
            self.name,
            setups
                .iter()
                .map(Setup::name)
                .collect::<Vec<_>>()
                .join(", ")
        );
        for setup in picked {
            if let Some(contestant) = self.alone {
                let patience = Patience {
                    runs: self.runs,
                    time: Duration::MAX,
                };
                show(&alone(setup, patience, contestant));
            } else {
                let patience = Patience {
                    runs: self.runs,
                    ..Plan::FULL.patience
                };
                for entry in contest(setup, patience, &Contestant::ALL) {
                    show(&entry);
                }
            }
        }
        Ok(())
    }
}

fn show(entry: &Entry) {
    let time = |time: Option<f64>| time.map_or_else(|| "–".to_owned(), seconds);
    println!(
        "{:32} {:30} {:>10} {:>10} cold {:>10} {:>5} rounds {:>3} runs",
        entry.setup.name(),
        entry.contestant.name(),
        time(entry.cpu_s),
        time(entry.cold_s),
        bytes(entry.bytes() as f64),
        entry.round_trips(),
        entry.runs
    );
}
