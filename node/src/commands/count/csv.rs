//! A count as CSV: a line for each bucket and node.

use anyhow::anyhow;

use crate::census::Report;
use crate::cli::time::utc;

const COLUMNS: [&str; 10] = [
    "start",
    "end",
    "messages_in_all",
    "node",
    "peer_id",
    "state",
    "counted_by",
    "messages",
    "missing",
    "unsure",
];

/// The lines, with the names of the columns above. Figures of nodes that haven't answered are empty.
pub(super) fn csv(report: &Report) -> anyhow::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS)?;
    for bucket in &report.buckets {
        for (node, cell) in report.nodes.iter().zip(&bucket.nodes) {
            let figure = |figure: Option<u64>| figure.map_or_else(String::new, |f| f.to_string());
            writer.write_record([
                utc(bucket.start),
                utc(bucket.end),
                bucket.messages.to_string(),
                node.name.clone(),
                node.peer_id.clone(),
                node.state.words().to_owned(),
                node.by.unwrap_or_default().to_owned(),
                figure(cell.map(|cell| cell.messages)),
                figure(cell.map(|cell| cell.missing)),
                figure(cell.map(|cell| cell.unsure)),
            ])?;
        }
    }
    let bytes = writer.into_inner().map_err(|error| anyhow!("{error}"))?;
    Ok(String::from_utf8(bytes)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::census::report::tests::three_nodes;

    #[test]
    fn there_is_a_line_for_each_bucket_and_node() {
        let report = three_nodes();
        let text = csv(&report).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 1 + 3 * 3);
        let id = |node: usize| report.nodes[node].peer_id.as_str();
        assert_eq!(
            lines[4],
            format!(
                "2023-11-14T23:00:00Z,2023-11-15T00:00:00Z,2,127.0.0.1:60000,{},counted,\
                 reconciliation,1,1,0",
                id(0)
            )
        );
        assert_eq!(
            lines[6],
            format!(
                "2023-11-14T23:00:00Z,2023-11-15T00:00:00Z,2,127.0.0.1:60002,{},counted in part,\
                 Store queries,,,",
                id(2)
            )
        );
    }
}
