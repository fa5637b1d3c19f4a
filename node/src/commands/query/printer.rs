//! How pages are shown: as a table, as JSON lines, or one message in full.

use std::io;

use serde::Serialize;
use store_adapter::line::export_line;
use store_adapter::store::Found;

use super::full;
use super::limits::ROWS_AT_ONCE;
use super::table::PagedTable;
use crate::cli::QueryArgs;
use crate::output::offer;

/// Writes messages to standard output as they are found.
pub(super) enum Printer {
    /// A line for each.
    Table(PagedTable),
    /// A JSON object for each, as `export` has it.
    Json,
    /// All there is of each.
    Full,
}

/// The line of a hash without its message.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Bare {
    message_hash: String,
}

impl Printer {
    pub(super) fn new(args: &QueryArgs) -> Self {
        if args.json {
            Self::Json
        } else if args.is_about_one() {
            Self::Full
        } else {
            Self::Table(PagedTable::new(!args.no_data))
        }
    }

    /// Writes them; gives whether anybody reads on.
    pub(super) fn print(&mut self, found: &[Found]) -> io::Result<bool> {
        for found in found.chunks(ROWS_AT_ONCE) {
            let read = match self {
                Self::Table(table) => offer(table.page(found))?,
                Self::Json => offer(found.iter().map(line).collect::<Vec<_>>().join("\n"))?,
                Self::Full => offer_all(found)?,
            };
            if !read {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn offer_all(found: &[Found]) -> io::Result<bool> {
    for record in found.iter().filter_map(|found| found.record.as_ref()) {
        for part in full::parts(record) {
            if !offer(part)? {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

fn line(found: &Found) -> String {
    match &found.record {
        Some(record) => export_line(record),
        None => {
            let message_hash = format!("0x{}", found.hash);
            serde_json::to_string(&Bare { message_hash })
                .expect("invariant: a struct of texts can always be written")
        }
    }
}
