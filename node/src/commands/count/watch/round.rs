//! What a watch tells of one count.

use super::super::heat_map::minute;
use super::super::table::{counted, span_words, verdict};
use super::super::write_page;
use crate::census::Report;
use crate::cli::CountArgs;
use crate::commands::query::text::escaped_json;
use crate::output::offer;
use crate::sync::report::grouped;

/// Writes the page, and prints a line.
pub(super) fn show(args: &CountArgs, report: &Report, at: u64) -> anyhow::Result<()> {
    if let Some(file) = &args.html {
        write_page(file, report, at)?;
    }
    let line = if args.json {
        escaped_json(&serde_json::to_string(report)?)
    } else {
        line(report, at)
    };
    // The figures are served whether or not anybody reads this.
    offer(line)?;
    Ok(())
}

fn line(report: &Report, at: u64) -> String {
    let length = (report.until - report.since) / 1_000_000_000;
    let nodes = report.nodes.iter().filter(|node| node.missing > 0);
    let nodes: Vec<String> = nodes
        .map(|node| format!("{} lacks {}", node.name, grouped(node.missing)))
        .collect();
    let lacking = match nodes.as_slice() {
        [] => String::new(),
        nodes => format!(" {}.", nodes.join(", ")),
    };
    let verdict = verdict(report).replace(": --json and --html name them", "");
    format!(
        "{} UTC: {} of {}. {verdict}{lacking}",
        minute(at),
        counted(report.messages, "message"),
        span_words((length / 60 * 60) as f64),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::census::report::tests::three_nodes;

    #[test]
    fn a_line_names_who_lacks_how_much() {
        let report = three_nodes();
        assert_eq!(
            line(&report, report.until),
            "2023-11-15 01:00 UTC: 6 messages of 3 h. 2 messages are missing somewhere. 1 node isn't \
             counted, or not in full. 127.0.0.1:60000 lacks 1, 127.0.0.1:60001 lacks 1."
        );
    }
}
