//! What is missing where and when, as a picture of characters: a line for each node, time from left to right.

use std::fmt::Write;

use unicode_width::UnicodeWidthStr;

use super::shade::Shade;
use super::table::{Terminal, node_label};
use crate::census::Report;
use crate::commands::query::text::time_to;

/// Columns between a node's name and its line.
const GAP: usize = 2;

/// The least columns of a line.
const NARROWEST: usize = 10;

/// The picture, with a line above that tells the times and one below that tells the characters.
pub(super) fn heat_map(report: &Report, terminal: &Terminal) -> String {
    let labels: Vec<String> = (0..report.nodes.len())
        .map(|node| node_label(report, node, terminal.width / 3))
        .collect();
    let widest = labels.iter().map(|label| label.width()).max().unwrap_or(0);
    let room = terminal.width.saturating_sub(widest + GAP).max(NARROWEST);
    let together = report.buckets.len().div_ceil(room).max(1);
    let columns = report.buckets.len().div_ceil(together);
    let mut text = axis(report, widest + GAP, columns.max(NARROWEST));
    for (node, label) in labels.iter().enumerate() {
        let pad = widest + GAP - label.width();
        // Writing to a text can't fail.
        let _ = write!(text, "{label}{:pad$}", "");
        for buckets in report.buckets.chunks(together) {
            text.push_str(&drawn(Shade::of_buckets(buckets, node), terminal.colour));
        }
        text.push('\n');
    }
    text.push_str(&legend(Shade::in_use(&report.buckets, together), terminal));
    text
}

/// When the first bucket starts and the last one ends, above the ends of the lines where there is room.
fn axis(report: &Report, indent: usize, columns: usize) -> String {
    let (start, end) = (minute(report.since), minute(report.until));
    let between = columns.saturating_sub(start.width() + end.width());
    if between == 0 {
        return format!("{:indent$}{start} to {end}\n", "");
    }
    format!("{:indent$}{start}{:between$}{end}\n", "", "")
}

/// What the characters mean, in as many lines as that needs.
fn legend(in_use: impl Iterator<Item = Shade>, terminal: &Terminal) -> String {
    let mut text = String::from("missing:");
    let mut width = text.width();
    for shade in in_use {
        let needed = 4 + shade.words().width();
        if width + needed > terminal.width {
            text.push_str("\n        ");
            width = 8;
        }
        width += needed;
        text.push_str(&format!(
            "  {} {}",
            drawn(shade, terminal.colour),
            shade.words()
        ));
    }
    text.push('\n');
    text
}

fn drawn(shade: Shade, colour: bool) -> String {
    let character = character(shade);
    match background(shade).filter(|_| colour) {
        Some(background) => format!("\u{1b}[38;5;16;48;5;{background}m{character}\u{1b}[0m"),
        None => character.to_string(),
    }
}

const fn character(shade: Shade) -> char {
    match shade {
        Shade::Empty => ' ',
        Shade::Whole => '·',
        Shade::Little => '░',
        Shade::Some => '▒',
        Shade::Much => '▓',
        Shade::Most => '█',
        Shade::Unknown => '?',
    }
}

/// Of the 256 colours of terminals: light for little, dark for much.
const fn background(shade: Shade) -> Option<u8> {
    match shade {
        Shade::Empty => None,
        Shade::Whole => Some(151),
        Shade::Little => Some(229),
        Shade::Some => Some(215),
        Shade::Much => Some(203),
        Shade::Most => Some(160),
        Shade::Unknown => Some(250),
    }
}

/// A time in UTC to the minute, without what goes without saying.
pub(super) fn minute(time: u64) -> String {
    let text = time_to(time, 0);
    match text.get(..16) {
        Some(minute) if text.len() == 20 => minute.replace('T', " "),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::census::report::tests::three_nodes;

    #[test]
    fn a_line_shows_what_a_node_lacks_and_when() {
        let terminal = Terminal {
            width: 80,
            colour: false,
        };
        let text = heat_map(&three_nodes(), &terminal);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[1], "#1 127.0.0.1:60000  ·█·");
        assert_eq!(lines[2], "#2 127.0.0.1:60001  ··█");
        assert_eq!(lines[3], "#3 127.0.0.1:60002  ·??");
        assert!(lines[0].contains("2023-11-14 22:00 to 2023-11-15 01:00"));
        assert!(!text.contains('\u{1b}'));
        let coloured = Terminal {
            colour: true,
            ..terminal
        };
        let text = heat_map(&three_nodes(), &coloured);
        assert!(
            text.contains("\u{1b}[38;5;16;48;5;160m█\u{1b}[0m"),
            "{text}"
        );
    }

    #[test]
    fn many_buckets_share_the_columns_that_there_are() {
        let mut report = three_nodes();
        let bucket = report.buckets[1].clone();
        report.buckets = vec![bucket; 1_000];
        let terminal = Terminal {
            width: 40,
            colour: false,
        };
        let text = heat_map(&report, &terminal);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[1].width() <= 40, "{text}");
        assert!(lines[1].ends_with("██"), "{text}");
    }

    #[test]
    fn every_character_of_the_picture_is_explained() {
        let mut report = three_nodes();
        // In every other bucket half is missing, in the others nothing.
        let (whole, half) = (report.buckets[0].clone(), report.buckets[1].clone());
        report.buckets = vec![[whole, half]; 100].concat();
        let terminal = Terminal {
            width: 40,
            colour: false,
        };
        let text = heat_map(&report, &terminal);
        assert!(text.lines().nth(1).unwrap().ends_with("▓▓"), "{text}");
        assert!(text.contains("▓ under half"), "{text}");
        assert!(!text.contains("half or more"), "{text}");
    }
}
