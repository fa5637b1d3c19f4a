//! Reconciliations.

use super::{nothing, picture, times};
use crate::contest::Entry;
use crate::contestant::Contestant;
use crate::plan::FRAME_LIMIT;
use crate::plots::Plot;
use crate::report::Report;
use crate::setup::Setup;
use crate::text::{Table, bytes, count, ratio, seconds};
use crate::tree::{Shape, Work};

pub(super) fn by_differences(report: &Report) -> String {
    let plan = report.plan();
    format!(
        "## Reconciliation against the number of differences\n\n\
         {} items on each side, spread over thirty days; *d* of them are on one side only, half of \
         them on each, anywhere in time. Frames as long as they come.\n\n{}\n{}\n{}\n{}",
        count(plan.million),
        picture(Plot::CpuByDifferences, ""),
        picture(Plot::BytesByDifferences, ""),
        picture(Plot::RoundsByDifferences, ""),
        table(report, &plan.by_differences())
    )
}

pub(super) fn recent(report: &Report) -> String {
    format!(
        "### All differences in the newest hour\n\n{}",
        table(report, &report.plan().recent())
    )
}

pub(super) fn framed(report: &Report) -> String {
    format!(
        "### Frames of at most {}\n\n{}",
        bytes(FRAME_LIMIT as f64),
        table(report, &report.plan().framed())
    )
}

/// Everybody on each of `setups`.
fn table(report: &Report, setups: &[Setup]) -> String {
    let mut table = Table::new(&[
        ">d",
        "",
        ">CPU, both sides",
        ">cold",
        ">waku-store-sync / this",
        ">bytes",
        ">round trips",
        ">largest frame",
    ]);
    for setup in setups {
        let ours = report.session(setup, Contestant::Ours);
        for entry in Contestant::ALL
            .iter()
            .filter_map(|who| report.session(setup, *who))
        {
            table.row(cells(entry, ours));
        }
    }
    table.text()
}

fn cells(entry: &Entry, ours: Option<&Entry>) -> [String; 8] {
    let compared = match (ours.and_then(|ours| ours.cpu_s), entry.cpu_s) {
        (Some(ours), Some(theirs)) if entry.contestant != Contestant::Ours => ratio(ours / theirs),
        _ => nothing(),
    };
    let differences = match entry.contestant {
        Contestant::Ours => count(entry.setup.differences),
        _ => String::new(),
    };
    [
        differences,
        entry.contestant.name().to_owned(),
        entry.cpu_s.map_or_else(nothing, seconds),
        entry.cold_s.map_or_else(nothing, seconds),
        compared,
        bytes(entry.bytes() as f64),
        count(entry.round_trips()),
        bytes(entry.largest_frame as f64),
    ]
}

pub(super) fn by_items(report: &Report) -> String {
    let mut text = format!(
        "## CPU against the number of items\n\n\
         *d* stays the same, and *n* grows. A range that differs is split until it has few items, so \
         CPU should grow as log *n* at most, but for what cache misses explain: of a larger set, less \
         is in the caches. *Growth* is against the first row. Beside it stands that of log *n*; that of \
         the bytes sent, which go in steps as sets get deep enough for another split; and that of the \
         time for the fingerprint of one random range, which is what cache misses cost. Where \
         differences are many for so few items, as in the first rows of the second table, ranges hold \
         several of them each, and CPU grows until each lies by itself: as log *n*/*d*.\n\n{}\n",
        picture(Plot::CpuByItems, "")
    );
    for differences in [10, 1_000] {
        let setups = report.plan().by_items(differences);
        text += &growth(report, &setups);
        text += "\n";
    }
    text
}

fn growth(report: &Report, setups: &[Setup]) -> String {
    let mut table = Table::new(&[
        ">d",
        ">n",
        ">CPU, both sides",
        ">cold",
        ">growth",
        ">log n",
        ">log n/d",
        ">bytes sent",
        ">one fingerprint",
        ">negentropy crate",
        ">ratio",
    ]);
    let ours = |setup: &Setup| report.session(setup, Contestant::Ours);
    let Some(first) = setups.first().and_then(ours) else {
        return String::new();
    };
    for setup in setups {
        let entries = ours(setup).zip(report.session(setup, Contestant::NegentropyCrate));
        let Some((ours, peer)) = entries else {
            continue;
        };
        let (Some(our_cpu), Some(peer_cpu), Some(first_cpu)) =
            (ours.cpu_s, peer.cpu_s, first.cpu_s)
        else {
            continue;
        };
        let log = |setup: &Setup| (setup.items as f64).ln();
        let log_of_each = |setup: &Setup| log(setup) - (setup.differences as f64).ln();
        let fingerprint = |setup: &Setup| {
            let figure = report.figure(Work::Summary, Shape::Bulk, setup.items)?;
            Some(figure.value)
        };
        let fingerprints = fingerprint(setup).zip(fingerprint(&first.setup));
        table.row([
            count(setup.differences),
            count(setup.items),
            seconds(our_cpu),
            ours.cold_s.map_or_else(nothing, seconds),
            times(our_cpu / first_cpu),
            times(log(setup) / log(&first.setup)),
            times(log_of_each(setup) / log_of_each(&first.setup)),
            times(ours.bytes() as f64 / first.bytes() as f64),
            fingerprints.map_or_else(nothing, |(here, first)| times(here / first)),
            seconds(peer_cpu),
            ratio(our_cpu / peer_cpu),
        ]);
    }
    table.text()
}
