//! A count as text that fits a terminal.

use std::io::IsTerminal;

use comfy_table::{CellAlignment, Table};
use unicode_width::UnicodeWidthStr;

use super::heat_map::{heat_map, minute};
use crate::census::Report;
use crate::census::report::{BucketReport, CellReport};
use crate::commands::query::text::{escaped, fitted};
use crate::commands::ruled_table;
use crate::sync::report::grouped;

/// How wide it is where there is no terminal.
const NO_TERMINAL: usize = 100;

/// Columns that stand between those of a table.
const PADDING: usize = 2;

/// Where text goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Terminal {
    /// In columns.
    pub(super) width: usize,
    pub(super) colour: bool,
}

impl Terminal {
    /// Standard output; with colours if it is a terminal and its user hasn't set `NO_COLOR`.
    pub(super) fn of_standard_output() -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        Self {
            width: Table::new().width().map_or(NO_TERMINAL, usize::from),
            colour: std::io::stdout().is_terminal() && !refused && !dumb,
        }
    }
}

/// The nodes, the heat map, the buckets, and what it comes to.
pub(super) fn text(report: &Report, terminal: &Terminal) -> String {
    let parts = [
        headline(report),
        nodes(report, terminal.width),
        heat_map(report, terminal),
        buckets(report, terminal.width),
        verdict(report),
    ];
    parts
        .map(|part| part.trim_end_matches('\n').to_owned())
        .join("\n\n")
}

/// A node by its number and name, in at most so many columns.
pub(super) fn node_label(report: &Report, node: usize, columns: usize) -> String {
    let name = report.nodes.get(node).map_or("", |node| &node.name);
    fitted(&format!("#{} {name}", node + 1), columns.max(4))
}

/// What was counted.
pub(super) fn headline(report: &Report) -> String {
    let topics = match (&report.pubsub_topic, report.content_topics.as_slice()) {
        (None, []) => String::new(),
        (pubsub, content) => {
            let all = pubsub.iter().chain(content);
            let named: Vec<String> = all.map(|topic| escaped(topic)).collect();
            format!(" of {}", named.join(", "))
        }
    };
    format!(
        "{}{topics} from {} to {} UTC, by {}; counted in {:.1} s",
        counted(report.messages, "message"),
        minute(report.since),
        minute(report.until),
        span_words(report.bucket_seconds),
        report.seconds
    )
}

/// What it comes to.
pub(super) fn verdict(report: &Report) -> String {
    let silent = report.nodes.iter().filter(|node| !node.is_whole()).count();
    let whole = report.nodes.len() - silent;
    let verb = if report.missing_messages == 1 {
        "is"
    } else {
        "are"
    };
    let messages = format!("{} {verb}", counted(report.missing_messages, "message"));
    let found = match (report.equal, report.missing_messages) {
        (true, 0) if whole > 1 => format!("{whole} nodes hold the same messages."),
        (true, 0) => "Nothing to compare with.".to_owned(),
        (true, _) => format!("{messages} perhaps missing somewhere."),
        (false, _) => format!("{messages} missing somewhere: --json and --html name them."),
    };
    match silent {
        0 => found,
        1 => format!("{found} 1 node isn't counted, or not in full."),
        silent => format!("{found} {silent} nodes aren't counted, or not in full."),
    }
}

/// How many there are, in words.
pub(super) fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(count))
}

/// A span of time in the largest unit that it is a whole number of.
pub(super) fn span_words(seconds: f64) -> String {
    for (unit, length) in [("d", 86_400.0), ("h", 3_600.0), ("min", 60.0)] {
        if seconds >= length && seconds % length == 0.0 {
            return format!("{} {unit}", seconds / length);
        }
    }
    format!("{seconds} s")
}

fn nodes(report: &Report, width: usize) -> String {
    let mut table = ruled_table();
    table.set_header(["node", "messages", "missing", "not sure", "counted by"]);
    let mut notes = Vec::new();
    for (number, node) in report.nodes.iter().enumerate() {
        let figure = |figure: u64| match node.has_answered() {
            true => grouped(figure),
            false => "?".to_owned(),
        };
        table.add_row([
            node_label(report, number, width / 3),
            figure(node.messages),
            figure(node.missing),
            figure(node.unsure),
            node.by.unwrap_or_else(|| node.state.words()).to_owned(),
        ]);
        let remarks = node.remarks(report.since);
        notes.extend(remarks.map(|remark| format!("#{} {}", number + 1, escaped(&remark))));
    }
    align(&mut table, 1..4);
    notes.insert(0, trimmed(&table));
    notes.join("\n")
}

/// The buckets that there are messages of, in as many tables as the columns for nodes need.
fn buckets(report: &Report, width: usize) -> String {
    let shown: Vec<&BucketReport> = report
        .buckets
        .iter()
        .filter(|bucket| bucket.messages > 0)
        .collect();
    if shown.is_empty() {
        return String::new();
    }
    let columns: Vec<Vec<String>> = (0..report.nodes.len())
        .map(|node| column(node, &shown))
        .collect();
    let widths = columns
        .iter()
        .map(|cells| cells.iter().map(|cell| cell.width()).max().unwrap_or(0) + PADDING);
    let widths: Vec<usize> = widths.collect();
    let fixed = 16 + 2 * PADDING + grouped(report.messages).len().max(6);
    let mut tables = Vec::new();
    let mut first = 0;
    while first < columns.len() {
        let mut room = width.saturating_sub(fixed + widths[first]);
        let mut end = first + 1;
        while end < columns.len() && widths[end] <= room {
            room -= widths[end];
            end += 1;
        }
        tables.push(bucket_table(&shown, &columns[first..end]));
        first = end;
    }
    tables.join("\n\n")
}

/// The name of a node's column, and what stands in it.
fn column(node: usize, buckets: &[&BucketReport]) -> Vec<String> {
    let cells = buckets.iter().map(|bucket| bucket.nodes.get(node));
    let cells = cells.map(|cell| figures(cell.copied().flatten()));
    std::iter::once(format!("#{}", node + 1))
        .chain(cells)
        .collect()
}

fn figures(cell: Option<CellReport>) -> String {
    let Some(cell) = cell else {
        return "?".to_owned();
    };
    let mut text = grouped(cell.messages);
    if cell.missing > 0 {
        text = format!("{text} −{}", grouped(cell.missing));
    }
    if cell.unsure > 0 {
        text = format!("{text} ?{}", grouped(cell.unsure));
    }
    text
}

fn bucket_table(buckets: &[&BucketReport], columns: &[Vec<String>]) -> String {
    let mut table = ruled_table();
    let names = ["from (UTC)", "in all"].map(String::from).into_iter();
    table.set_header(names.chain(columns.iter().map(|cells| cells[0].clone())));
    for (row, bucket) in buckets.iter().enumerate() {
        let start = [minute(bucket.start), grouped(bucket.messages)].into_iter();
        table.add_row(start.chain(columns.iter().map(|cells| cells[row + 1].clone())));
    }
    align(&mut table, 1..columns.len() + 2);
    trimmed(&table)
}

/// Figures to the right, and no more room between columns than need be.
fn align(table: &mut Table, figures: std::ops::Range<usize>) {
    for (number, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 1));
        if figures.contains(&number) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

fn trimmed(table: &Table) -> String {
    let lines: Vec<String> = table
        .to_string()
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::census::report::tests::{nobody, three_nodes};

    const WIDE: Terminal = Terminal {
        width: 100,
        colour: false,
    };

    #[test]
    fn figures_stand_beside_their_nodes_and_buckets() {
        let text = text(&three_nodes(), &WIDE);
        let has = |words: &[&str]| {
            let mut lines = text.lines();
            let line = lines.find(|line| line.starts_with(words[0]));
            let line = line.unwrap_or_else(|| panic!("no {words:?} in:\n{text}"));
            let found: Vec<&str> = line.split_whitespace().collect();
            assert!(found.join(" ").contains(&words.join(" ")), "{line}");
        };
        has(&["#1 127.0.0.1:60000", "5 1 0 reconciliation"]);
        has(&["#3 127.0.0.1:60002", "2 0 0 Store queries"]);
        has(&["#3 counted in part:", "no answer for 2 buckets"]);
        has(&["2023-11-14 22:00", "2 2 2 2"]);
        has(&["2023-11-14 23:00", "2 1 −1 2 ?"]);
        assert!(text.ends_with(
            "2 messages are missing somewhere: --json and --html name them. 1 node isn't counted, \
             or not in full."
        ));
    }

    #[test]
    fn a_node_that_is_not_there_has_no_figures() {
        let text = text(&nobody(), &WIDE);
        assert!(text.contains("unreachable: connection refused"), "{text}");
        assert!(
            text.contains("Nothing to compare with. 1 node isn't"),
            "{text}"
        );
    }

    #[test]
    fn what_is_too_wide_goes_into_another_table() {
        let report = three_nodes();
        for width in [30, 40, 50, 60, 80] {
            let terminal = Terminal {
                width,
                colour: false,
            };
            let text = buckets(&report, terminal.width);
            for line in text.lines() {
                assert!(line.width() <= width.max(34), "{width}: {line}");
            }
            for node in ["#1", "#2", "#3"] {
                assert!(text.contains(node), "{text}");
            }
        }
    }

    #[test]
    fn lengths_are_told_in_the_unit_that_suits_them() {
        assert_eq!(span_words(3_600.0), "1 h");
        assert_eq!(span_words(5_400.0), "90 min");
        assert_eq!(span_words(172_800.0), "2 d");
        assert_eq!(span_words(0.5), "0.5 s");
    }
}
