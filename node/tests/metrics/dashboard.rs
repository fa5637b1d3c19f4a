//! The dashboard works with the names on the page.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::page::page_with;
use crate::support::Measured;

/// What begins the name of a metric.
const BEGINNINGS: [&str; 3] = ["logos_delivery_", "libp2p_", "process_"];

fn dashboard() -> Value {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../packaging/grafana/dashboards/wakustore.json"
    );
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn strings(value: &Value, key: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                match value {
                    Value::String(text) if name == key => found.push(text.clone()),
                    value => strings(value, key, found),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| strings(value, key, found)),
        _ => {}
    }
}

/// The names of metrics in a query.
fn names(query: &str) -> BTreeSet<String> {
    query
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| {
            BEGINNINGS
                .iter()
                .any(|beginning| word.starts_with(beginning))
        })
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn every_query_of_the_dashboard_is_about_metrics_of_the_page() {
    let dashboard = dashboard();
    let mut queries = Vec::new();
    strings(&dashboard, "expr", &mut queries);
    strings(&dashboard, "definition", &mut queries);
    assert!(queries.len() > 50, "{} queries", queries.len());
    let node = Measured::start().await;
    let page = page_with(node.page, |page| {
        page.has("logos_delivery_archive_disk_bytes")
    })
    .await;
    for query in &queries {
        let names = names(query);
        assert!(!names.is_empty(), "{query}");
        for name in names {
            assert!(page.has(&name), "no {name} on the page, for {query}");
        }
    }
    node.node.stop().await;
}

#[test]
fn every_panel_has_a_unit_and_queries() {
    let dashboard = dashboard();
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<u64> = panels
        .iter()
        .map(|panel| panel["id"].as_u64().unwrap())
        .collect();
    assert_eq!(ids.len(), panels.len(), "ids are unique");
    for panel in panels.iter().filter(|panel| panel["type"] != "row") {
        let title = &panel["title"];
        let unit = &panel["fieldConfig"]["defaults"]["unit"];
        assert!(
            unit.as_str().is_some_and(|unit| !unit.is_empty()),
            "{title}"
        );
        let targets = panel["targets"].as_array().unwrap();
        assert!(!targets.is_empty(), "{title}");
        for target in targets {
            assert_ne!(target["legendFormat"], "", "{title}");
        }
    }
}
