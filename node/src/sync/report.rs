//! What a sync amounted to, as people and programs read it.

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{CellAlignment, Table};
use serde::Serialize;

/// Bytes that went over the wire, as the node that started counts them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Bytes {
    /// Frames of the reconciliation sent.
    pub reconcile_sent: u64,
    /// Frames of the reconciliation received.
    pub reconcile_received: u64,
    /// Sent to fill differences: messages pushed or served, and requests for them.
    pub fetch_sent: u64,
    /// Received to fill differences.
    pub fetch_received: u64,
}

/// One side of a sync. Numbers are of messages in the window that was synced.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct NodeReport {
    /// Which side.
    pub node: String,
    /// Held before.
    pub before: u64,
    /// Lacked before, and held by the other side.
    pub missing: u64,
    /// Arrived and verified.
    pub fetched: u64,
    /// Arrived and refused.
    pub refused: u64,
    /// Lacked, and didn't arrive.
    pub owed: u64,
    /// Held after.
    pub after: u64,
}

/// A whole sync between two nodes.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct SyncReport {
    /// Whether both archives hold the same messages, where both could be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub equal: Option<bool>,
    /// SHA-256 over every item of the local archive in order, in hex.
    pub digest: String,
    /// How many messages the local archive holds.
    pub messages: u64,
    /// How the nodes reconciled.
    pub dialect: &'static str,
    /// From the start of the reconciliation until both sides were done.
    pub seconds: f64,
    /// Frames received by the side that started.
    pub rounds: u64,
    /// What went over the wire.
    pub bytes: Bytes,
    /// Both sides.
    pub nodes: [NodeReport; 2],
}

impl SyncReport {
    /// How many messages stay owed, on both sides together.
    #[must_use]
    pub fn owed(&self) -> u64 {
        self.nodes.iter().map(|node| node.owed).sum()
    }

    /// The table for people.
    #[must_use]
    pub fn table(&self) -> String {
        let mut table = Table::new();
        table.load_style(UTF8_HORIZONTAL_ONLY);
        table.set_header([
            "node", "before", "missing", "fetched", "refused", "owed", "after",
        ]);
        for node in &self.nodes {
            let numbers = [
                node.before,
                node.missing,
                node.fetched,
                node.refused,
                node.owed,
                node.after,
            ];
            let mut row = vec![node.node.clone()];
            row.extend(numbers.map(grouped));
            table.add_row(row);
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        let bytes = &self.bytes;
        format!(
            "{table}\n{} dialect, {} rounds in {:.2} s; reconciliation {} sent, {} received; \
             messages {} sent, {} received",
            self.dialect,
            self.rounds,
            self.seconds,
            size(bytes.reconcile_sent),
            size(bytes.reconcile_received),
            size(bytes.fetch_sent),
            size(bytes.fetch_received),
        )
    }
}

/// A number with its thousands set apart: `20,000`.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A size in the unit that suits it: `1.5 MB`.
#[must_use]
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1_000 {
        return format!("{bytes} B");
    }
    let mut scaled = bytes as f64 / 1_000.0;
    let mut unit = 0;
    while scaled >= 999.95 && unit + 1 < UNITS.len() {
        scaled /= 1_000.0;
        unit += 1;
    }
    format!("{scaled:.1} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_sizes_have_units() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(20_000), "20,000");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(size(999), "999 B");
        assert_eq!(size(1_500), "1.5 kB");
        assert_eq!(size(999_960), "1.0 MB");
        assert_eq!(size(42_000_000), "42.0 MB");
    }
}
