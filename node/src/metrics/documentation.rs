//! The metrics as a table for the documentation.

use super::{FAMILIES, Kind, Prefix};

/// Every metric of this program's with its names, kind, labels and meaning, in Markdown.
#[must_use]
pub fn markdown() -> String {
    let mut text = String::from(
        "| name | name up to nwaku 0.37 | kind | labels | what it is |\n|---|---|---|---|---|\n",
    );
    for family in FAMILIES {
        let suffix = match family.kind {
            Kind::Counter => "_total",
            Kind::Gauge | Kind::Histogram => "",
        };
        let names = |prefix| family.names(prefix).join("");
        let labels: Vec<String> = family
            .labels
            .iter()
            .map(|label| format!("`{label}`"))
            .collect();
        text.push_str(&format!(
            "| `{}{suffix}` | `{}{suffix}` | {} | {} | {} |\n",
            names(Prefix::LogosDelivery),
            names(Prefix::Waku),
            family.kind.name(),
            labels.join(", "),
            family.help,
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_documentation_has_every_metric_as_it_is() {
        let text = include_str!("../../../docs/metrics.md");
        assert!(
            text.contains(&super::markdown()),
            "docs/metrics.md isn't what the metrics are: run `make metrics-table`"
        );
    }
}
