//! The results on standard output: a table, JSON lines or comma-separated values.

use anyhow::Context;

use super::row::Row;
use super::table::table;
use crate::cli::BenchArgs;
use crate::output::offer;

/// Where rows go as they are done.
pub(super) enum Output {
    /// Columns are as wide as their widest row, so all wait for the last.
    Table(Vec<Row>),
    /// An object a line.
    Json,
    /// Values, under a header in front of the first row.
    Csv { header: bool },
}

impl Output {
    pub(super) fn new(args: &BenchArgs) -> Self {
        match (args.json, args.csv) {
            (true, _) => Self::Json,
            (_, true) => Self::Csv { header: true },
            _ => Self::Table(Vec::new()),
        }
    }

    /// Takes the next row; gives whether anybody reads on.
    pub(super) fn row(&mut self, row: Row) -> anyhow::Result<bool> {
        match self {
            Self::Table(rows) => {
                rows.push(row);
                Ok(true)
            }
            Self::Json => Ok(offer(serde_json::to_string(&row)?)?),
            Self::Csv { header } => {
                let header = std::mem::take(header);
                Ok(offer(csv_of(&row, header)?.trim_end())?)
            }
        }
    }

    /// Writes what has waited for the last row.
    pub(super) fn end(self) -> anyhow::Result<()> {
        if let Self::Table(rows) = self {
            offer(table(&rows))?;
        }
        Ok(())
    }
}

fn csv_of(row: &Row, header: bool) -> anyhow::Result<String> {
    let mut writer = csv::WriterBuilder::new()
        .has_headers(header)
        .from_writer(Vec::new());
    writer.serialize(row)?;
    let bytes = writer.into_inner().context("a row in memory")?;
    Ok(String::from_utf8(bytes)?)
}
