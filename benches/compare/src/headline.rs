//! The headline figures in the project's README, between two comments.

use std::fs;
use std::path::Path;

use anyhow::Context;

use crate::contestant::Contestant;
use crate::page::picture;
use crate::plots::Plot;
use crate::report::Report;
use crate::setup::Setup;
use crate::text::{Table, bytes, count, ratio, seconds};
use crate::tree::{Shape, Work};

const BEGIN: &str = "<!-- bench-report: what follows is written by `make bench-report` -->\n";
const END: &str = "<!-- bench-report: end -->\n";

/// Replaces the headline in `readme` by the one of `report`, whose page lies in `directory` as seen
/// from there.
///
/// # Errors
/// When the file can't be read or written, or has no place for it.
pub(crate) fn replace(readme: &Path, report: &Report, directory: &str) -> anyhow::Result<()> {
    let name = readme.display();
    let old = fs::read_to_string(readme).with_context(|| format!("{name} can't be read"))?;
    let new = replaced(&old, &text(report, directory));
    let new =
        new.with_context(|| format!("{name} should have {BEGIN:?} and {END:?}, but hasn't"))?;
    fs::write(readme, new).with_context(|| format!("{name} can't be written"))
}

fn replaced(old: &str, text: &str) -> Option<String> {
    let (before, rest) = old.split_once(BEGIN)?;
    let (_, behind) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{text}\n{END}{behind}"))
}

fn text(report: &Report, directory: &str) -> String {
    let plan = report.plan();
    let mut sessions = Table::new(&[
        ">items on each side",
        ">differences",
        ">waku-store-sync",
        ">negentropy crate",
        ">ratio",
        ">bytes sent",
    ]);
    let spread = [0, 10, 1_000, 10_000].map(|differences| plan.spread(1_000_000, differences));
    let large = plan.spread(10_000_000, 1_000);
    for setup in spread.iter().chain([&large]) {
        if let Some(row) = row(report, setup) {
            sessions.row(row);
        }
    }
    format!(
        "{}\n{}\nCPU time of both sides together, everything in memory, one thread, medians ({}, {}). {}\n",
        picture(Plot::CpuByDifferences, directory),
        sessions.text(),
        report.machine.cpu,
        report.date,
        tree(report)
    )
}

fn row(report: &Report, setup: &Setup) -> Option<[String; 6]> {
    let ours = report.session(setup, Contestant::Ours)?;
    let peer = report.session(setup, Contestant::NegentropyCrate)?;
    let (our_cpu, peer_cpu) = (ours.cpu_s?, peer.cpu_s?);
    Some([
        count(setup.items),
        count(setup.differences),
        seconds(our_cpu),
        seconds(peer_cpu),
        ratio(our_cpu / peer_cpu),
        bytes(ours.bytes() as f64),
    ])
}

/// The tree and the whole exchange, in two sentences.
fn tree(report: &Report) -> String {
    let figure = |work, shape| {
        let figure = report.figure(work, shape, report.plan().million);
        figure.map_or_else(|| "–".to_owned(), |figure| seconds(figure.value))
    };
    let exchange = report.exchanges.first().map(|exchange| {
        format!(
            " Two whole nodes with {} messages, of which each lacks {}, are equal after {}.",
            count(exchange.messages),
            count(exchange.missing),
            seconds(exchange.seconds)
        )
    });
    format!(
        "In a tree of {} items grown at random, the fingerprint of a random range takes {}, an insert \
         {}.{}",
        count(report.plan().million),
        figure(Work::Summary, Shape::Grown),
        figure(Work::Insert, Shape::Grown),
        exchange.unwrap_or_default()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_marked_part_is_replaced() {
        let old = format!("before\n{BEGIN}old\n{END}behind\n");
        let new = replaced(&old, "new\n").unwrap();
        assert_eq!(new, format!("before\n{BEGIN}\nnew\n\n{END}behind\n"));
        assert_eq!(replaced(&new, "new\n").unwrap(), new);
    }

    #[test]
    fn a_file_without_marks_is_left_alone() {
        assert_eq!(replaced("text", "new"), None);
        assert_eq!(replaced(&format!("{END}{BEGIN}"), "new"), None);
    }
}
