//! Connections, streams and frames.

use crate::metrics::Sources;
use crate::metrics::collector::Figures;
use crate::metrics::families::{NETWORK_BYTES, NETWORK_EVENTS};

pub(super) fn add(figures: &mut Figures, node: &Sources) {
    let counters = node.control.counters();
    let elsewhere = |name: &str| name.starts_with("bytes_") || name.starts_with("sessions_");
    let events = counters.iter().filter(|(name, _)| !elsewhere(name));
    figures.by(NETWORK_EVENTS, events);
    let bytes = [
        ("in", counters.bytes_received.get()),
        ("out", counters.bytes_sent.get()),
    ];
    figures.by(NETWORK_BYTES, bytes);
}
