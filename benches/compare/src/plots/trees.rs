//! What work on the tree takes.

use plotters::style::RGBColor;

use super::chart::{Axis, Chart, Line, Mark};
use super::palette;
use crate::report::Report;
use crate::text::{count, seconds};
use crate::tree::{Figure, Shape, Work};

pub(super) fn by_items(report: &Report) -> Chart {
    let line = |name: &str, color: RGBColor, mark, dashed, work, shape, value| Line {
        name: name.to_owned(),
        color,
        mark,
        dashed,
        points: points(report, work, shape, value),
    };
    let ours: fn(&Figure) -> Option<f64> = |figure| Some(figure.value);
    let (grown, bulk) = (Shape::Grown, Shape::Bulk);
    let lines = vec![
        line(
            "summary, tree grown at random",
            palette::BLUE,
            Mark::Disc,
            false,
            Work::Summary,
            grown,
            ours,
        ),
        line(
            "summary, tree built in bulk",
            palette::BLUE,
            Mark::Ring,
            true,
            Work::Summary,
            bulk,
            ours,
        ),
        line(
            "summary, negentropy crate",
            palette::RED,
            Mark::Triangle,
            false,
            Work::Summary,
            bulk,
            |figure| figure.peer,
        ),
        line(
            "insert at random, tree grown at random",
            palette::GREEN,
            Mark::Disc,
            false,
            Work::Insert,
            grown,
            ours,
        ),
        line(
            "insert at random, tree built in bulk",
            palette::GREEN,
            Mark::Ring,
            true,
            Work::Insert,
            bulk,
            ours,
        ),
        line(
            "insert at the end",
            palette::ORANGE,
            Mark::Disc,
            false,
            Work::Append,
            bulk,
            ours,
        ),
    ];
    Chart {
        title: "The tree: one operation against the number of items".into(),
        x: Axis {
            label: "items in the tree, n".into(),
            show: |items| count(items as usize),
            zero: false,
        },
        y: Axis {
            label: "thread CPU time of one operation".into(),
            show: seconds,
            zero: false,
        },
        lines,
    }
}

fn points(
    report: &Report,
    work: Work,
    shape: Shape,
    value: fn(&Figure) -> Option<f64>,
) -> Vec<(f64, f64)> {
    let sizes = report.plan().trees();
    let figures = sizes
        .iter()
        .filter_map(|items| report.figure(work, shape, *items));
    figures
        .filter_map(|figure| Some((figure.items as f64, value(figure)?)))
        .collect()
}
