//! What reconciling takes.

use super::chart::{Axis, Chart, Line, Mark, ZERO};
use super::palette;
use crate::contest::Entry;
use crate::contestant::Contestant;
use crate::plan::FRAME_LIMIT;
use crate::report::Report;
use crate::setup::Setup;
use crate::text::{bytes, count, seconds};

use Contestant::{EveryHash, NegentropyCrate, Nwaku, Ours, OursView, OursWaku, Rateless};

pub(super) fn cpu_by_differences(report: &Report) -> Chart {
    let [spread, framed] = setups(report);
    let line = |who, setups| by_differences(report, who, setups, |entry| entry.cpu_s);
    Chart {
        title: format!("CPU of a reconciliation, n = {}", n(report)),
        x: differences(),
        y: Axis {
            label: "thread CPU time, both sides".into(),
            show: seconds,
            zero: false,
        },
        lines: vec![
            line(Ours, &spread),
            framed_line(line(Ours, &framed)),
            line(OursWaku, &spread),
            line(OursView, &spread),
            line(NegentropyCrate, &spread),
            framed_line(line(NegentropyCrate, &framed)),
            line(Rateless, &spread),
            line(EveryHash, &spread),
        ],
    }
}

pub(super) fn bytes_by_differences(report: &Report) -> Chart {
    let [spread, framed] = setups(report);
    let line =
        |who, setups| by_differences(report, who, setups, |entry| Some(entry.bytes() as f64));
    let ids = spread.iter().filter(|setup| setup.differences > 0);
    Chart {
        title: format!("Bytes of a reconciliation, n = {}", n(report)),
        x: differences(),
        y: Axis {
            label: "bytes, both ways".into(),
            show: bytes,
            zero: false,
        },
        lines: vec![
            negentropy(line(Ours, &spread)),
            framed_line(negentropy(line(Ours, &framed))),
            line(OursWaku, &spread),
            line(Nwaku, &spread),
            line(Rateless, &spread),
            line(EveryHash, &spread),
            Line {
                name: "the ids that differ, 32 bytes each".into(),
                color: palette::GREY,
                mark: Mark::None,
                dashed: true,
                points: ids
                    .map(|setup| (setup.differences as f64, 32.0 * setup.differences as f64))
                    .collect(),
            },
        ],
    }
}

pub(super) fn rounds_by_differences(report: &Report) -> Chart {
    let [spread, framed] = setups(report);
    let line = |who, setups| {
        by_differences(
            report,
            who,
            setups,
            |entry| Some(entry.round_trips() as f64),
        )
    };
    Chart {
        title: format!("Round trips of a reconciliation, n = {}", n(report)),
        x: differences(),
        y: Axis {
            label: "round trips".into(),
            show: |rounds| count(rounds as usize),
            zero: false,
        },
        lines: vec![
            negentropy(line(Ours, &spread)),
            framed_line(negentropy(line(Ours, &framed))),
            line(OursWaku, &spread),
            line(Nwaku, &spread),
            line(Rateless, &spread),
            line(EveryHash, &spread),
        ],
    }
}

pub(super) fn cpu_by_items(report: &Report) -> Chart {
    let plan = report.plan();
    let mut lines = Vec::new();
    for (differences, dashed) in [(1_000, false), (10, true)] {
        let setups = plan.by_items(differences);
        for who in [Ours, NegentropyCrate, EveryHash] {
            if who == EveryHash && dashed {
                continue;
            }
            let points = points(report, who, &setups, |entry| {
                Some((entry.setup.items as f64, entry.cpu_s?))
            });
            let line = line(who, points);
            lines.push(Line {
                name: format!("{}, d = {}", line.name, count(differences)),
                dashed,
                ..line
            });
        }
        lines.extend(logarithm(
            &lines[lines.len() - if dashed { 2 } else { 3 }],
            differences,
        ));
    }
    Chart {
        title: "CPU of a reconciliation against the number of items".into(),
        x: Axis {
            label: "items on each side, n".into(),
            show: |items| count(items as usize),
            zero: false,
        },
        y: Axis {
            label: "thread CPU time, both sides".into(),
            show: seconds,
            zero: false,
        },
        lines,
    }
}

/// What a line would be that begins like `line` and grows as log n.
fn logarithm(line: &Line, differences: usize) -> Option<Line> {
    let (first, start) = *line.points.first()?;
    let grown = |n: f64| start * n.ln() / first.ln();
    Some(Line {
        name: format!("growth as log n, d = {}", count(differences)),
        color: palette::GREY,
        mark: Mark::None,
        points: line.points.iter().map(|(n, _)| (*n, grown(*n))).collect(),
        ..line.clone()
    })
}

/// Without and with a limit for frames.
fn setups(report: &Report) -> [Vec<Setup>; 2] {
    let plan = report.plan();
    [plan.by_differences(), plan.framed()]
}

fn n(report: &Report) -> String {
    count(report.plan().million)
}

fn differences() -> Axis {
    Axis {
        label: "items that only one side has, d".into(),
        show: |differences| count(differences as usize),
        zero: true,
    }
}

fn by_differences(
    report: &Report,
    who: Contestant,
    setups: &[Setup],
    value: fn(&Entry) -> Option<f64>,
) -> Line {
    let points = points(report, who, setups, |entry| {
        let differences = (entry.setup.differences as f64).max(ZERO);
        Some((differences, value(entry)?))
    });
    line(who, points)
}

fn points(
    report: &Report,
    who: Contestant,
    setups: &[Setup],
    point: impl Fn(&Entry) -> Option<(f64, f64)>,
) -> Vec<(f64, f64)> {
    let entries = setups.iter().filter_map(|setup| report.session(setup, who));
    entries.filter_map(point).collect()
}

/// A line in the colour of `who`.
fn line(who: Contestant, points: Vec<(f64, f64)>) -> Line {
    let (color, mark) = match who {
        Ours => (palette::BLUE, Mark::Disc),
        OursView => (palette::GREEN, Mark::Disc),
        OursWaku => (palette::SKY, Mark::Disc),
        NegentropyCrate => (palette::RED, Mark::Triangle),
        Nwaku => (palette::PURPLE, Mark::Ring),
        Rateless => (palette::ORANGE, Mark::Triangle),
        EveryHash => (palette::GREY, Mark::Ring),
    };
    Line {
        name: who.name().into(),
        color,
        mark,
        dashed: false,
        points,
    }
}

/// The engine and the crate send the same bytes: one line stands for both.
fn negentropy(line: Line) -> Line {
    Line {
        name: "negentropy V1".into(),
        ..line
    }
}

fn framed_line(line: Line) -> Line {
    Line {
        name: format!("{}, frames of {}", line.name, bytes(FRAME_LIMIT as f64)),
        dashed: true,
        ..line
    }
}
