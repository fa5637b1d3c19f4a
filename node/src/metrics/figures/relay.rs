//! What is relayed.

use crate::metrics::Sources;
use crate::metrics::collector::Figures;
use crate::metrics::families::{
    NODE_MESSAGES, RELAY_BYTES, RELAY_MESSAGES, RELAY_PEERS, RELAY_REFUSED,
};

pub(super) fn add(figures: &mut Figures, node: &Sources) {
    let Some(relay) = &node.relay else { return };
    let counters = relay.counters();
    figures.one(RELAY_PEERS, node.watched.latest().relaying);
    figures.by(NODE_MESSAGES, [("relay", counters.received.get())]);
    let outcomes = [
        ("published", counters.published.get()),
        ("unsent", counters.unsent.get()),
        ("archived", counters.archived.get()),
        ("duplicate", counters.duplicates.get()),
        ("ephemeral", counters.ephemeral.get()),
        ("dropped", counters.dropped.get()),
        ("unstored", counters.unstored.get()),
    ];
    figures.by(RELAY_MESSAGES, outcomes);
    let bytes = [
        ("in", counters.received_bytes.get()),
        ("out", counters.published_bytes.get()),
    ];
    figures.by(RELAY_BYTES, bytes);
    figures.by(RELAY_REFUSED, counters.refused());
}
