//! A session that was run again, as a table for people.

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{CellAlignment, Table};

use crate::recording::{Direction, Replayed, Row, Verdict};
use crate::sync::report::grouped;

/// Columns of numbers.
const NUMBERS: [usize; 4] = [0, 2, 4, 5];

pub(super) fn table(replayed: &Replayed) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY);
    table.set_header(["round", "direction", "bytes", "now", "have", "need"]);
    for row in &replayed.frames {
        table.add_row(cells(row));
    }
    for column in NUMBERS {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.to_string()
}

fn cells(row: &Row) -> [String; 6] {
    let direction = match row.direction {
        Direction::Sent => "sent",
        Direction::Received => "received",
    };
    let number = |number: usize| grouped(number as u64);
    let replayed = number(row.replayed_bytes.unwrap_or_default());
    let (now, have, need) = match &row.verdict {
        Verdict::Taken { have, need } => (String::new(), grouped(*have), grouped(*need)),
        verdict => (in_words(verdict, &replayed), String::new(), String::new()),
    };
    let bytes = row.bytes.map(number).unwrap_or_default();
    [
        row.round.to_string(),
        direction.to_owned(),
        bytes,
        now,
        have,
        need,
    ]
}

fn in_words(verdict: &Verdict, replayed: &str) -> String {
    match verdict {
        Verdict::Taken { .. } => String::new(),
        Verdict::Refused => "refused".to_owned(),
        Verdict::NotTaken => "not taken: the session is over".to_owned(),
        Verdict::Same => "same".to_owned(),
        Verdict::Differs { at } => {
            format!(
                "differs at byte {} (now {replayed} bytes)",
                grouped(*at as u64)
            )
        }
        Verdict::NotSent => "not sent".to_owned(),
        Verdict::NotRecorded => format!("sent, {replayed} bytes, and wasn't"),
    }
}
