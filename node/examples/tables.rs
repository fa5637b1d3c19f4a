//! Puts a table that the program knows into the documentation: `tables flags docs/configuration.md` or
//! `tables metrics docs/metrics.md` rewrites what stands between the table's marks in that file.

use std::error::Error;

use wakustore::{config, metrics};

/// A table, and what stands before and behind it in its file.
struct Table {
    text: String,
    begin: &'static str,
    end: &'static str,
}

impl Table {
    fn of_name(name: &str) -> Option<Self> {
        match name {
            "flags" => Some(Self {
                text: config::reference::markdown(),
                begin: "<!-- flags: written by `make configuration` -->\n",
                end: "<!-- end of flags -->",
            }),
            "metrics" => Some(Self {
                text: metrics::markdown(),
                begin: "<!-- metrics: written by `make metrics-table` -->\n",
                end: "<!-- end of metrics -->",
            }),
            _ => None,
        }
    }

    /// The file's text with this table in the place of the one it has.
    fn put_into(&self, file: &str) -> Option<String> {
        let Self { text, begin, end } = self;
        let (before, rest) = file.split_once(begin)?;
        let (_, after) = rest.split_once(end)?;
        Some(format!("{before}{begin}\n{text}\n{end}{after}"))
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let table = arguments.next().and_then(|name| Table::of_name(&name));
    let table = table.ok_or("expected `flags` or `metrics`, and the file to rewrite")?;
    let path = arguments.next().ok_or("expected the file to rewrite")?;
    let file = std::fs::read_to_string(&path)?;
    let written = table.put_into(&file);
    std::fs::write(&path, written.ok_or("the file has no marks for the table")?)?;
    Ok(())
}
