//! The figures as a table for people.

use comfy_table::{CellAlignment, Table};

use super::super::table::time;
use super::fill::BATCH;
use super::report::{IngestFigures, Percentiles, ReadFigures, Report};
use super::target::Targets;
use crate::commands::ruled_table;
use crate::sync::report::{grouped, size};

/// The report in at most 100 columns.
pub(super) fn table(report: &Report) -> String {
    let targets = Targets::of(report.backend, report.rows);
    let mut lines = vec![
        format!(
            "{}: {} messages of {} payload, over 30 days",
            report.backend,
            grouped(report.rows),
            size(report.payload_bytes as u64)
        ),
        ingest_table(report, targets.as_ref()),
        read_table(report, targets.as_ref()),
        disk(report),
        format!(
            "Ingest: durable batches of {}, through the door of a node with its index; the time to make \
             them\nisn't counted. Reads: from the bytes of a Store v3 request to those of its response, \
             each checked.",
            grouped(BATCH)
        ),
    ];
    if let Some(meaning) = report.meaning_of_cold {
        lines.push(format!(
            "Cold: {meaning} Warm: its files read once, and as many other questions asked before."
        ));
    }
    lines.push(match &report.kept {
        Some(url) => {
            format!("The archive stays at {url}; remove it when it isn't needed any more.")
        }
        None => "The archive was temporary and is gone.".to_owned(),
    });
    lines.join("\n")
}

fn new_table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = ruled_table();
    table.set_header(header);
    table
}

/// With the first column to the left and the others to the right.
fn aligned(mut table: Table) -> String {
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.to_string()
}

fn ingest_table(report: &Report, targets: Option<&Targets>) -> String {
    let mut table = new_table([
        "ingest", "rows", "removed", "rows/s", "median", "slowest", "target",
    ]);
    let mut row = |name: &str, figures: &IngestFigures| {
        let target = targets.map(|targets| {
            let met = figures.rows_per_s >= targets.rows_per_s;
            verdict(&format!("{}/s", grouped(targets.rows_per_s as u64)), met)
        });
        table.add_row([
            name.to_owned(),
            grouped(figures.rows),
            grouped(figures.removed),
            grouped(figures.rows_per_s as u64),
            grouped(figures.median_rows_per_s as u64),
            time(figures.slowest_batch_s),
            target.unwrap_or_default(),
        ]);
    };
    row("filling", &report.ingest);
    if let Some(figures) = &report.ingest_under_retention {
        row("retention running", figures);
    }
    aligned(table)
}

fn read_table(report: &Report, targets: Option<&Targets>) -> String {
    let mut table = new_table(["read", "", "p50", "p90", "p95", "p99", "most", "target"]);
    let cold = report.cold.iter().map(|figures| ("cold", figures));
    for (state, figures) in cold.chain([("warm", &report.warm)]) {
        let of_warm = targets.filter(|_| state == "warm");
        for (name, times, target) in rows(figures, of_warm) {
            let percentiles = [
                times.p50_s,
                times.p90_s,
                times.p95_s,
                times.p99_s,
                times.max_s,
            ];
            let cells = percentiles.map(time);
            table.add_row(
                [name.to_owned(), state.to_owned()]
                    .into_iter()
                    .chain(cells)
                    .chain([target]),
            );
        }
        let rebuild = ["index rebuild".to_owned(), state.to_owned()];
        table.add_row(rebuild.into_iter().chain([time(figures.index_rebuild_s)]));
    }
    aligned(table)
}

/// The rows of reads, each with the words on its target.
fn rows<'a>(
    figures: &'a ReadFigures,
    targets: Option<&Targets>,
) -> [(&'static str, &'a Percentiles, String); 3] {
    let judged = |percent: u32, time_s: f64, most_s: Option<f64>| {
        most_s.map_or(String::new(), |most| {
            verdict(&format!("p{percent} {}", time(most)), time_s <= most)
        })
    };
    let lookup = targets.map(|targets| targets.lookup_p95_s);
    let page = targets.map(|targets| targets.page_p90_s);
    [
        (
            "10 hashes",
            &figures.lookup,
            judged(95, figures.lookup.p95_s, lookup),
        ),
        (
            "page of 100",
            &figures.page,
            judged(90, figures.page.p90_s, page),
        ),
        ("presence of 100", &figures.presence, String::new()),
    ]
}

fn verdict(target: &str, met: bool) -> String {
    let word = if met { "met" } else { "MISSED" };
    format!("{target} {word}")
}

fn disk(report: &Report) -> String {
    let log = match report.log_bytes {
        0 => String::new(),
        bytes => format!(" Logs for recovery: {}.", size(bytes)),
    };
    let units = match report.units {
        1 => "1 unit".to_owned(),
        count => format!("{} units", grouped(count as u64)),
    };
    format!(
        "Disk: {} for {} messages in {units}, {:.0} bytes each.{log}",
        size(report.disk_bytes),
        grouped(report.messages),
        report.disk_bytes_per_row
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn widest(backend: &'static str) -> Report {
        let times = Percentiles {
            count: 1_000,
            p50_s: 0.000_888,
            p90_s: 0.000_888,
            p95_s: 0.000_888,
            p99_s: 0.000_888,
            max_s: 0.000_888,
        };
        let reads = ReadFigures {
            lookup: times,
            page: Percentiles {
                p90_s: 0.888,
                ..times
            },
            presence: times,
            index_rebuild_s: 123.0,
        };
        let ingest = IngestFigures {
            rows: 1_000_000_000,
            removed: 100_000_000,
            rows_per_s: 9_999.0,
            median_rows_per_s: 123_456.0,
            slowest_batch_s: 0.888,
        };
        Report {
            backend,
            rows: 1_000_000_000,
            seed: 1,
            payload_bytes: 1_024,
            ingest: ingest.clone(),
            ingest_under_retention: Some(ingest),
            cold: Some(reads.clone()),
            meaning_of_cold: None,
            warm: reads,
            messages: 1_000_000_000,
            units: 1_000,
            disk_bytes: 1_888_000_000_000,
            log_bytes: 1 << 30,
            disk_bytes_per_row: 1_888.0,
            kept: Some("redb:///var/lib/archive.redb".into()),
        }
    }

    #[test]
    fn the_widest_report_fits_into_a_hundred_columns() {
        let text = table(&widest("redb"));
        for line in text.lines() {
            assert!(line.chars().count() <= 100, "{text}");
        }
    }

    #[test]
    fn targets_are_judged_where_the_backend_has_some() {
        let text = table(&widest("redb"));
        assert!(text.contains("p95 1.00 ms met"), "{text}");
        assert!(text.contains("p90 5.00 ms MISSED"), "{text}");
        assert!(text.contains("10,000/s MISSED"), "{text}");
        let text = table(&widest("memory"));
        assert!(!text.contains("met") && !text.contains("MISSED"), "{text}");
    }
}
