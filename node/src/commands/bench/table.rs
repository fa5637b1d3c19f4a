//! The results as a table for people.

use comfy_table::CellAlignment;

use super::row::Row;
use crate::commands::ruled_table;
use crate::sync::report::{grouped, size};

/// The rows in at most 100 columns, with what they have in common above, and what the columns mean
/// below.
pub(super) fn table(rows: &[Row]) -> String {
    let Some(first) = rows.first() else {
        return String::new();
    };
    let against = first.cpu_ratio.is_some();
    let mut table = ruled_table();
    let mut header = vec![
        "\ndiffs",
        "CPU of\ninitiator",
        "CPU of\nresponder",
        "bytes\nup",
        "bytes\ndown",
        "round\ntrips",
        "largest\nframe",
        "peak\nmemory",
    ];
    if against {
        header.extend(["peer's\nCPU", "peer's\nbytes", "ours to\npeer's"]);
    }
    table.set_header(header);
    for row in rows {
        table.add_row(cells(row));
    }
    for column in table.column_iter_mut() {
        column.set_cell_alignment(CellAlignment::Right);
        // With a peer, the columns in which all is wide would be too many for more.
        column.set_padding((u16::from(!against), 0));
    }
    format!("{}\n{table}\n{}", title(first), legend(rows, against))
}

fn title(row: &Row) -> String {
    let placement = match row.placement {
        "recent" => "differences in the newest hour",
        _ => "differences spread over 30 days",
    };
    let frames = match row.frame_limit {
        0 => "frames of any length".to_owned(),
        limit => format!("frames of {} bytes", grouped(limit as u64)),
    };
    format!(
        "{} items a side; {placement}; {} dialect; {frames}",
        grouped(row.items as u64),
        row.dialect
    )
}

fn cells(row: &Row) -> Vec<String> {
    let bytes = |bytes: usize| size(bytes as u64);
    let mut cells = vec![
        grouped(row.diffs as u64),
        time(row.cpu_initiator_s),
        time(row.cpu_responder_s),
        bytes(row.bytes_up),
        bytes(row.bytes_down),
        grouped(row.round_trips as u64),
        bytes(row.largest_frame),
        size(row.peak_bytes),
    ];
    cells.extend(row.peer_cpu_s.map(time));
    cells.extend(row.peer_bytes.map(bytes));
    cells.extend(row.cpu_ratio.map(ratio));
    cells
}

fn legend(rows: &[Row], against: bool) -> String {
    let mut lines = vec![
        "CPU: thread time, median of warm runs. Up: from initiator to responder. Peak memory: the \
         most that\nboth sides of a session together allocate, sets not counted.",
    ];
    if against {
        lines.push(
            "The peer is the `negentropy` crate, on the same sets in the same run; the last column \
             is of CPU.",
        );
    }
    let wrong: Vec<String> = rows
        .iter()
        .filter(|row| !row.correct)
        .map(|row| grouped(row.diffs as u64))
        .collect();
    let verdict = if wrong.is_empty() {
        "Every run found exactly the differences that there are.".to_owned()
    } else {
        format!(
            "WRONG differences were found at diffs {}.",
            wrong.join("; ")
        )
    };
    lines.push(&verdict);
    lines.join("\n")
}

/// A time in the unit that suits it, with three digits: `1.23 ms`.
pub(super) fn time(seconds: f64) -> String {
    let (scaled, unit) = match seconds {
        s if s < 0.999_5e-6 => (s * 1e9, "ns"),
        s if s < 0.999_5e-3 => (s * 1e6, "µs"),
        s if s < 0.999_5 => (s * 1e3, "ms"),
        s => (s, "s"),
    };
    format!("{} {unit}", three_digits(scaled))
}

/// How many times less, or more, ours takes: `1/12.3`, `1.23x`.
fn ratio(ratio: f64) -> String {
    if ratio < 1.0 {
        format!("1/{}", three_digits(1.0 / ratio))
    } else {
        format!("{}x", three_digits(ratio))
    }
}

fn three_digits(number: f64) -> String {
    let decimals = match number {
        n if n < 9.995 => 2,
        n if n < 99.95 => 1,
        _ => 0,
    };
    format!("{number:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn widest(correct: bool) -> Row {
        Row {
            items: 100_000_000,
            diffs: 1_000_000,
            placement: "recent",
            dialect: "negentropy",
            frame_limit: 60_000,
            cpu_initiator_s: 0.999_4,
            cpu_responder_s: 123.4,
            bytes_up: 999_900,
            bytes_down: 999_900_000,
            round_trips: 9_999,
            largest_frame: 888_800,
            peak_bytes: 999_900_000,
            correct,
            peer_cpu_s: Some(0.888_8),
            peer_bytes: Some(888_800),
            cpu_ratio: Some(1.0 / 1_234.0),
        }
    }

    #[test]
    fn the_widest_row_fits_into_a_hundred_columns() {
        let text = table(&[widest(true)]);
        for line in text.lines() {
            assert!(line.chars().count() <= 100, "{text}");
        }
        assert!(
            text.contains("999.9 kB") && text.contains("1/1234"),
            "{text}"
        );
    }

    #[test]
    fn a_wrong_row_is_named() {
        let text = table(&[widest(true), widest(false)]);
        assert!(
            text.ends_with("WRONG differences were found at diffs 1,000,000."),
            "{text}"
        );
        assert!(!table(&[widest(true)]).contains("WRONG"));
    }

    #[test]
    fn times_and_ratios_have_three_digits_and_a_unit() {
        assert_eq!(time(0.0), "0.00 ns");
        assert_eq!(time(999.4e-9), "999 ns");
        assert_eq!(time(999.6e-9), "1.00 µs");
        assert_eq!(time(12.345e-6), "12.3 µs");
        assert_eq!(time(1.234e-3), "1.23 ms");
        assert_eq!(time(0.999_6), "1.00 s");
        assert_eq!(ratio(1.0 / 523.4), "1/523");
        assert_eq!(ratio(0.25), "1/4.00");
        assert_eq!(ratio(1.3), "1.30x");
    }
}
