//! `wakustore db stats`: what an archive holds and takes.

use std::process::ExitCode;

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{CellAlignment, Table};
use serde::Serialize;
use store_adapter::{ArchiveStats, ArchiveUrl, RetentionPolicy, StorageUnit};
use sync_core::{Bound, Item};

use super::hours::{HOUR, Hours, shard};
use super::time_in_seconds;
use crate::cli::StatsArgs;
use crate::cli::time::utc;
use crate::exit::Failure;
use crate::output::say;
use crate::sync::report::{grouped, size};

/// Most rows of a table; with more, longer spans are shown.
const ROWS: usize = 48;

/// Nanoseconds of a day.
const DAY: u64 = 24 * HOUR;

/// Spans that the table may show, with their names, each longer than the one before.
const SPANS: [(u64, &str); 5] = [
    (HOUR, "hour"),
    (6 * HOUR, "6 hours"),
    (DAY, "day"),
    (7 * DAY, "7 days"),
    (28 * DAY, "28 days"),
];

#[derive(Serialize)]
struct Report {
    archive: String,
    messages: u64,
    message_bytes: u64,
    disk_bytes: u64,
    log_bytes: u64,
    first: Option<String>,
    last: Option<String>,
    units: Vec<UnitRow>,
    hours: Vec<HourRow>,
}

#[derive(Serialize)]
struct UnitRow {
    /// Start, included; `null` from the beginning of time.
    since: Option<String>,
    /// End, excluded; `null` to its end.
    until: Option<String>,
    messages: u64,
    disk_bytes: u64,
}

#[derive(Serialize)]
struct HourRow {
    hour: String,
    pubsub_topic: String,
    shard: Option<u16>,
    messages: u64,
    bytes: u64,
}

pub(super) async fn run(args: &StatsArgs) -> Result<ExitCode, Failure> {
    let (url, archive) = super::open(&args.archive, &RetentionPolicy::NONE).await?;
    let stats = archive.stats().await?;
    let units = archive.units().await?;
    let hours = Hours::read(&*archive).await?;
    if args.json {
        say(serde_json::to_string(&report(
            &url, &stats, &units, &hours,
        ))?)?;
    } else {
        say(summary(&url, &stats, &units, &hours))?;
        if stats.messages > 0 {
            say(tables(&units, &hours))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn report(url: &ArchiveUrl, stats: &ArchiveStats, units: &[StorageUnit], hours: &Hours) -> Report {
    let at = |item: &Item| utc(item.timestamp);
    let hour =
        |((start, topic), tally): (&(u64, std::sync::Arc<str>), &super::hours::Tally)| HourRow {
            hour: utc(*start),
            pubsub_topic: topic.to_string(),
            shard: shard(topic),
            messages: tally.messages,
            bytes: tally.bytes,
        };
    Report {
        archive: url.to_string(),
        messages: stats.messages,
        message_bytes: hours.total().bytes,
        disk_bytes: stats.disk_bytes,
        log_bytes: stats.log_bytes,
        first: stats.first.as_ref().map(at),
        last: stats.last.as_ref().map(at),
        units: units.iter().map(unit_row).collect(),
        hours: hours.0.iter().map(hour).collect(),
    }
}

fn unit_row(unit: &StorageUnit) -> UnitRow {
    let since = (unit.span.lower > Bound::MIN).then(|| utc(unit.span.lower.timestamp()));
    let until = (unit.span.upper < Bound::Infinity).then(|| utc(unit.span.upper.timestamp()));
    UnitRow {
        since,
        until,
        messages: unit.messages,
        disk_bytes: unit.disk_bytes,
    }
}

fn summary(url: &ArchiveUrl, stats: &ArchiveStats, units: &[StorageUnit], hours: &Hours) -> String {
    let logs = match stats.log_bytes {
        0 => String::new(),
        bytes => format!(", and {} of logs for recovery", size(bytes)),
    };
    let (Some(first), Some(last)) = (stats.first, stats.last) else {
        return format!("{url}: empty; {} on disk{logs}", size(stats.disk_bytes));
    };
    format!(
        "{url}: {} messages of {}, from {} to {}; {} on disk in {} part{}{logs}",
        grouped(stats.messages),
        size(hours.total().bytes),
        time_in_seconds(first.timestamp),
        time_in_seconds(last.timestamp),
        size(stats.disk_bytes),
        units.len(),
        if units.len() == 1 { "" } else { "s" }
    )
}

fn tables(units: &[StorageUnit], hours: &Hours) -> String {
    let mut text = by_shard(hours);
    if units.len() > 1 {
        text.push('\n');
        text.push_str(&by_unit(units));
    }
    text
}

/// Messages by time and shard, in the shortest spans of which there are few enough rows.
fn by_shard(hours: &Hours) -> String {
    let spans = SPANS.map(|(span, name)| (hours.by_span(span), name));
    let fits = spans.iter().find(|(rows, _)| rows.0.len() <= ROWS);
    let Some((rows, name)) = fits.or(spans.last()) else {
        return String::new();
    };
    let mut table = table(&[name, "shard", "messages", "bytes"]);
    let left_out = rows.0.len().saturating_sub(ROWS);
    for ((start, topic), tally) in rows.0.iter().skip(left_out) {
        table.add_row([
            utc(*start),
            shard(topic).map_or_else(|| topic.to_string(), |shard| shard.to_string()),
            grouped(tally.messages),
            size(tally.bytes),
        ]);
    }
    let mut text = aligned(table, 2);
    if left_out > 0 {
        text.push_str(&format!("\n{left_out} older rows are left out"));
    }
    if *name != "hour" {
        text.push_str("\n--json has every hour");
    }
    text
}

/// The newest units.
fn by_unit(units: &[StorageUnit]) -> String {
    let mut table = table(&["part from", "to before", "messages", "on disk"]);
    let left_out = units.len().saturating_sub(ROWS);
    for unit in &units[left_out..] {
        let row = unit_row(unit);
        table.add_row([
            row.since.unwrap_or_else(|| "the beginning".into()),
            row.until.unwrap_or_else(|| "the end".into()),
            grouped(unit.messages),
            size(unit.disk_bytes),
        ]);
    }
    let mut text = aligned(table, 2);
    if left_out > 0 {
        text.push_str(&format!(
            "\n{left_out} older parts are left out; --json has all"
        ));
    }
    text
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY);
    table.set_header(header);
    table
}

/// The table with all columns but the first ones to the right.
fn aligned(mut table: Table, left: usize) -> String {
    for column in table.column_iter_mut().skip(left) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.to_string()
}
