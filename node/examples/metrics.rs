//! Puts the table of metrics into the documentation: `metrics docs/metrics.md` rewrites what stands between
//! the marks in that file.

use std::error::Error;

use wakustore::metrics::markdown;

const BEGIN: &str = "<!-- metrics: written by `make metrics-table` -->\n";
const END: &str = "<!-- end of metrics -->";

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args()
        .nth(1)
        .ok_or("expected the file to rewrite")?;
    let text = std::fs::read_to_string(&path)?;
    let (before, rest) = text
        .split_once(BEGIN)
        .ok_or("the file has no mark for metrics")?;
    let (_, after) = rest
        .split_once(END)
        .ok_or("the metrics have no end in the file")?;
    let table = markdown();
    std::fs::write(&path, format!("{before}{BEGIN}\n{table}\n{END}{after}"))?;
    Ok(())
}
