//! The tree by itself.

use super::{nothing, picture};
use crate::plots::Plot;
use crate::report::Report;
use crate::text::{Table, count, seconds};
use crate::tree::{Figure, Shape, Work};

const ROWS: [(Work, Shape); 15] = [
    (Work::Summary, Shape::Bulk),
    (Work::Summary, Shape::Grown),
    (Work::Insert, Shape::Bulk),
    (Work::Insert, Shape::Grown),
    (Work::InsertAfterSnapshot, Shape::Bulk),
    (Work::InsertAfterSnapshot, Shape::Grown),
    (Work::Append, Shape::Bulk),
    (Work::BuildSorted, Shape::Bulk),
    (Work::BuildUnsorted, Shape::Bulk),
    (Work::Prune, Shape::Bulk),
    (Work::Prune, Shape::Grown),
    (Work::Snapshot, Shape::Grown),
    (Work::Memory, Shape::Bulk),
    (Work::Memory, Shape::Appended),
    (Work::Memory, Shape::Grown),
];

pub(super) fn figures(report: &Report) -> String {
    let sizes = report.plan().trees();
    let names = sizes.map(|items| format!(">n = {}", count(items)));
    let [a, b, c, d] = names.each_ref().map(String::as_str);
    let peer = format!(">negentropy crate, n = {}", count(report.plan().million));
    let mut table = Table::new(&["work", "tree", a, b, c, d, &peer]);
    for (work, shape) in ROWS {
        let figures = sizes.map(|items| report.figure(work, shape, items));
        let [a, b, c, d] =
            figures.map(|figure| figure.map_or_else(nothing, |figure| show(figure, figure.value)));
        let peer = figures[2].and_then(|figure| Some(show(figure, figure.peer?)));
        table.row([
            work.name().to_owned(),
            shape.name().to_owned(),
            a,
            b,
            c,
            d,
            peer.unwrap_or_else(nothing),
        ]);
    }
    format!(
        "## The tree\n\n\
         Inserts are 100,000 at a time, or a tenth of the items if that is less, into trees that share \
         no node with others, unless a snapshot was taken. Memory is what the tree has allocated; what \
         the allocator adds isn't in it. The negentropy crate's vector can't change once it is sealed, so it has \
         no figure for edits.\n\n{}\n{}",
        picture(Plot::TreeByItems, ""),
        table.text()
    )
}

fn show(figure: &Figure, value: f64) -> String {
    match figure.work {
        Work::Memory => format!("{value:.1} B"),
        _ => seconds(value),
    }
}
