//! All that is measured, and where it is written.

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::contest::{Entry, contest};
use crate::contestant::Contestant;
use crate::exchange::{self, Exchange};
use crate::hash::{self, Hashing};
use crate::machine::Machine;
use crate::plan::Plan;
use crate::setup::Setup;
use crate::targets::{Met, Target, targets};
use crate::text::count;
use crate::tree::{self, Figure, Shape, Work};
use crate::{page, plots};

/// The payload that message hashes are measured with, in bytes.
const PAYLOAD: usize = 1_024;

/// All figures of a run.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    /// The day of the run.
    pub(crate) date: String,
    /// Whether the sizes are those that targets are stated for.
    pub(crate) full: bool,
    /// Where it ran.
    pub(crate) machine: Machine,
    /// The reconciliations.
    pub(crate) sessions: Vec<Entry>,
    /// The tree by itself.
    pub(crate) tree: Vec<Figure>,
    /// The message hash.
    pub(crate) hashing: Hashing,
    /// Two whole nodes.
    pub(crate) exchanges: Vec<Exchange>,
}

/// What is written for programs.
#[derive(Serialize)]
struct Results<'a> {
    #[serde(flatten)]
    report: &'a Report,
    targets: Vec<Judged<'a>>,
}

#[derive(Serialize)]
struct Judged<'a> {
    #[serde(flatten)]
    target: &'a Target,
    ratio: Option<f64>,
    met: Met,
}

impl Report {
    /// Measures everything; what it is at goes to standard error. Without the program `wakustore`
    /// no nodes run.
    ///
    /// # Errors
    /// When the nodes don't do as they should.
    pub(crate) fn measure(
        plan: &Plan,
        date: String,
        wakustore: Option<&Path>,
    ) -> anyhow::Result<Self> {
        let start = Instant::now();
        let progress = |what: &str| eprintln!("{:4} s: {what}", start.elapsed().as_secs());
        let setups = plan.setups();
        let sessions = setups.iter().enumerate().map(|(number, setup)| {
            progress(&format!(
                "reconciliation {} of {}, {}",
                number + 1,
                setups.len(),
                setup.name()
            ));
            contest(setup, plan.patience, &Contestant::ALL)
        });
        let mut sessions: Vec<Entry> = sessions.flatten().collect();
        let trees = plan.trees().into_iter().map(|items| {
            progress(&format!("tree of {}", count(items)));
            tree::measure(items, plan.runs)
        });
        let mut tree: Vec<Figure> = trees.flatten().collect();
        progress("message hash");
        let hashing = hash::measure(PAYLOAD, plan.runs);
        progress("exchange of two nodes");
        let exchanges = match wakustore {
            Some(program) => exchange::measure(program, plan)?,
            None => Vec::new(),
        };
        let (mut others, mut other_trees) = (Vec::new(), Vec::new());
        for pass in 2..=plan.passes {
            progress(&format!("pass {pass} of {}", plan.passes));
            for setup in plan.repeated() {
                others.extend(contest(&setup, plan.patience, &Contestant::REPEATED));
            }
            other_trees.extend(tree::measure(plan.million, plan.runs));
        }
        sessions.iter_mut().for_each(|entry| entry.settle(&others));
        tree.iter_mut()
            .for_each(|figure| figure.settle(&other_trees));
        progress("done");
        Ok(Self {
            date,
            full: plan.is_full(),
            machine: Machine::read(),
            sessions,
            tree,
            hashing,
            exchanges,
        })
    }

    /// Reads what [`Report::write`] wrote for programs.
    ///
    /// # Errors
    /// When the file can't be read, or isn't one of those.
    pub(crate) fn read(file: &Path) -> anyhow::Result<Self> {
        let json = fs::read(file).with_context(|| format!("{} can't be read", file.display()))?;
        serde_json::from_slice(&json)
            .with_context(|| format!("{} should be a report's results.json", file.display()))
    }

    /// The sizes that it was measured in.
    pub(crate) const fn plan(&self) -> &'static Plan {
        if self.full { &Plan::FULL } else { &Plan::QUICK }
    }

    /// What a contestant took for a setup, if it joined.
    pub(crate) fn session(&self, setup: &Setup, contestant: Contestant) -> Option<&Entry> {
        let wanted = |entry: &&Entry| entry.setup == *setup && entry.contestant == contestant;
        self.sessions.iter().find(wanted)
    }

    /// What work on a tree took.
    pub(crate) fn figure(&self, work: Work, shape: Shape, items: usize) -> Option<&Figure> {
        self.tree
            .iter()
            .find(|figure| figure.work == work && figure.shape == shape && figure.items == items)
    }

    /// Writes the page, its plots and the figures for programs into `directory`; gives the targets.
    ///
    /// # Errors
    /// When it can't be written.
    pub(crate) fn write(&self, directory: &Path) -> anyhow::Result<Vec<Target>> {
        let targets = targets(self);
        let in_directory = || format!("{} can't be written", directory.display());
        fs::create_dir_all(directory).with_context(in_directory)?;
        plots::draw(self, directory)?;
        let page = page::text(self, &targets);
        fs::write(directory.join("README.md"), page).with_context(in_directory)?;
        let results = Results {
            report: self,
            targets: targets.iter().map(Judged::new).collect(),
        };
        let json = serde_json::to_string_pretty(&results)? + "\n";
        fs::write(directory.join("results.json"), json).with_context(in_directory)?;
        Ok(targets)
    }
}

impl<'a> Judged<'a> {
    fn new(target: &'a Target) -> Self {
        Self {
            target,
            ratio: target.ratio(),
            met: target.met(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_has_every_target_and_is_read_as_it_was_written() {
        let report = Report::measure(&Plan::QUICK, "2026-01-02".into(), None).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let targets = report.write(directory.path()).unwrap();
        // Nodes didn't run.
        assert_eq!(targets.len(), 31);
        for target in &targets {
            assert!(
                target.measured.is_finite() && target.measured > 0.0,
                "{target:?}"
            );
        }

        let page = fs::read_to_string(directory.path().join("README.md")).unwrap();
        for text in ["2026-01-02", "quick run", "riblt 0", &targets[0].work] {
            assert!(page.contains(text), "{text}");
        }
        assert!(!page.contains("NaN") && !page.contains("inf"));
        let links: Vec<&str> = page.split("](").skip(1).collect();
        assert_eq!(links.len(), 6);
        for link in links {
            let (file, _) = link.split_once(')').unwrap();
            assert!(directory.path().join(file).is_file(), "{file}");
        }

        let read = Report::read(&directory.path().join("results.json")).unwrap();
        let again = tempfile::tempdir().unwrap();
        read.write(again.path()).unwrap();
        let second = fs::read_to_string(again.path().join("README.md")).unwrap();
        assert_eq!(second, page);
    }
}
