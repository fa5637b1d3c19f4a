//! The figures of a watch for Prometheus.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::text;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::history::{History, WINDOWS};
use crate::metrics::plain;

/// Nodes, each with its peer id and name.
pub(super) type Named = Vec<(String, String)>;

type Labels = Vec<(&'static str, String)>;
type Gauges = Family<Labels, Gauge<f64, AtomicU64>>;

/// The page, as it is at `now`, in nanoseconds since 1970.
///
/// # Errors
/// When it can't be written, which only happens if there is no memory.
pub(super) fn page(history: &History, nodes: &Named, now: u64) -> Result<String, std::fmt::Error> {
    let mut registry = Registry::with_prefix("wakustore_count");
    windows(&mut registry, history, nodes, now);
    last(&mut registry, history, nodes);
    let mut page = String::new();
    text::encode(&mut page, &registry)?;
    Ok(plain(&page))
}

/// What is told of the last hour, day and week.
fn windows(registry: &mut Registry, history: &History, nodes: &Named, now: u64) {
    let missing = family(
        registry,
        "missing_messages",
        "Messages that others hold and the node lacks, in the buckets that reach into the window, as last counted",
    );
    let messages = family(
        registry,
        "messages",
        "Messages that any node holds in the same buckets",
    );
    let availability = family(
        registry,
        "node_availability_ratio",
        "Share of the counts begun in the window in which the node answered for everything",
    );
    for window in WINDOWS {
        let of_window = ("window", window.name.to_owned());
        let count = history.messages(window, now) as f64;
        set(&messages, vec![of_window.clone()], count);
        for node in nodes {
            let mut labels = labels(node);
            labels.push(of_window.clone());
            if let Some(count) = history.missing(&node.0, window, now) {
                set(&missing, labels.clone(), count as f64);
            }
            if let Some(share) = history.availability(&node.0, window, now) {
                set(&availability, labels, share);
            }
        }
    }
}

/// What is told of the last count, and of the last one of a week.
fn last(registry: &mut Registry, history: &History, nodes: &Named) {
    let available = family(
        registry,
        "node_available",
        "Whether the node answered for everything in the last count",
    );
    let begun = family(
        registry,
        "last_comparison_timestamp_seconds",
        "When the last count began",
    );
    let took = family(
        registry,
        "last_comparison_duration_seconds",
        "How long the last count took",
    );
    let full = family(
        registry,
        "last_full_comparison_timestamp_seconds",
        "When the last count of a whole week began in which every node answered",
    );
    if let Some(round) = history.last() {
        set(&begun, Vec::new(), seconds(round.at));
        set(&took, Vec::new(), round.seconds);
        for node in nodes {
            let answered = round
                .answered
                .get(&node.0)
                .is_some_and(|answered| *answered);
            set(&available, labels(node), f64::from(u8::from(answered)));
        }
    }
    if let Some(at) = history.last_full() {
        set(&full, Vec::new(), seconds(at));
    }
}

fn family(registry: &mut Registry, name: &str, help: &str) -> Gauges {
    let gauges = Gauges::default();
    registry.register(name, help, gauges.clone());
    gauges
}

fn labels((peer, name): &(String, String)) -> Labels {
    vec![("node", name.clone()), ("peer_id", peer.clone())]
}

fn set(gauges: &Gauges, labels: Labels, value: f64) {
    gauges.get_or_create(&labels).set(value);
}

fn seconds(time: u64) -> f64 {
    time as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use super::super::history::Round;
    use super::*;
    use crate::census::report::tests::three_nodes;

    #[test]
    fn the_page_has_a_figure_for_each_node_and_window() {
        let report = three_nodes();
        let mut history = History::new(3_600_000_000_000);
        let nodes: Named = report
            .nodes
            .iter()
            .map(|node| (node.peer_id.clone(), node.name.clone()))
            .collect();
        let empty = page(&history, &nodes, report.until).unwrap();
        assert!(!empty.contains("missing_messages{"), "{empty}");
        let round = Round::new(&report, report.until, true);
        history.note(&report, round);
        let text = page(&history, &nodes, report.until).unwrap();
        let id = &nodes[0].0;
        for line in [
            format!(
                "wakustore_count_missing_messages{{node=\"127.0.0.1:60000\",peer_id=\"{id}\",window=\"1d\"}} 1.0"
            ),
            format!(
                "wakustore_count_missing_messages{{node=\"127.0.0.1:60000\",peer_id=\"{id}\",window=\"1h\"}} 0.0"
            ),
            format!(
                "wakustore_count_node_available{{node=\"127.0.0.1:60000\",peer_id=\"{id}\"}} 1.0"
            ),
            format!(
                "wakustore_count_node_availability_ratio{{node=\"127.0.0.1:60000\",peer_id=\"{id}\",window=\"7d\"}} 1.0"
            ),
            "wakustore_count_messages{window=\"7d\"} 6.0".to_owned(),
            "wakustore_count_last_comparison_duration_seconds 1.5".to_owned(),
            "# TYPE wakustore_count_missing_messages gauge".to_owned(),
        ] {
            assert!(
                text.lines().any(|found| found == line),
                "{line} isn't in\n{text}"
            );
        }
        assert!(
            !text.contains("last_full_comparison_timestamp_seconds 1"),
            "one is silent: {text}"
        );
    }
}
