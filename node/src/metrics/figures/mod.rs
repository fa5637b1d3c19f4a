//! The figures of one moment, read from where they are kept.

mod archive;
mod counts;
mod network;
mod peers;
mod relay;
mod resume;
mod service;
mod sync;

use std::borrow::Cow;

use super::Sources;
use super::collector::Figures;
use super::families::{CONNECTION, NODE_HEALTH, RESIDENT, UPTIME, VERSION};
use crate::health::{ConnectionStatus, HealthStatus};

/// What stands for those that aren't named.
const OTHER: &str = "other";

/// All figures of now; those of a node that hasn't started are few.
pub(super) fn of(node: Option<&Sources>) -> Figures {
    let mut figures = Figures::default();
    figures.by(VERSION, [(crate::VERSION, true)]);
    if let Some(bytes) = resident_bytes() {
        figures.one(RESIDENT, bytes);
    }
    health(&mut figures, node);
    if let Some(node) = node {
        figures.one(UPTIME, node.started.elapsed().as_secs_f64());
        archive::add(&mut figures, node);
        counts::add(&mut figures, node);
        sync::add(&mut figures, node);
        service::add(&mut figures, node);
        network::add(&mut figures, node);
        peers::add(&mut figures, node);
        relay::add(&mut figures, node);
        resume::add(&mut figures, node);
    }
    figures
}

fn health(figures: &mut Figures, node: Option<&Sources>) {
    let report = node.and_then(|node| Some(node.watched.latest().health?.0));
    let now = report
        .as_ref()
        .map_or(HealthStatus::Initializing, |report| report.node);
    let statuses = [
        HealthStatus::Initializing,
        HealthStatus::Ready,
        HealthStatus::NotReady,
        HealthStatus::ShuttingDown,
    ];
    figures.by(
        NODE_HEALTH,
        statuses.map(|status| (status.name(), status == now)),
    );
    let now = report.map_or(ConnectionStatus::Disconnected, |report| report.connection);
    let statuses = [
        ConnectionStatus::Disconnected,
        ConnectionStatus::PartiallyConnected,
        ConnectionStatus::Connected,
    ];
    figures.by(
        CONNECTION,
        statuses.map(|status| (status.name(), status == now)),
    );
}

/// What the process has in memory, where that can be read.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    kilobytes.checked_mul(1_024)
}

/// A text as a label: topics and names of others' may have anything in them.
fn label(text: &str) -> Cow<'static, str> {
    let plain = |c: char| c.is_ascii_graphic() && c != '"' && c != '\\';
    if text.chars().all(plain) {
        Cow::Owned(text.to_owned())
    } else {
        Cow::Borrowed(OTHER)
    }
}

/// The first `most` samples by their names, and the others summed up as `other`.
fn bounded(
    samples: impl IntoIterator<Item = (Cow<'static, str>, f64)>,
    most: usize,
    sum: impl Fn(f64, f64) -> f64,
) -> Vec<(Cow<'static, str>, f64)> {
    let mut named: Vec<(Cow<'static, str>, f64)> = Vec::new();
    let mut others: Option<f64> = None;
    for (name, value) in samples {
        if name != OTHER && named.len() < most {
            named.push((name, value));
        } else {
            others = Some(others.map_or(value, |others| sum(others, value)));
        }
    }
    named.extend(others.map(|others| (Cow::Borrowed(OTHER), others)));
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_are_named_and_all_are_counted() {
        let samples = (0..5).map(|place| (Cow::Owned(format!("p{place}")), f64::from(place)));
        let bounded = bounded(samples, 2, |a, b| a + b);
        let shown: Vec<_> = bounded.iter().map(|(n, v)| (n.as_ref(), *v)).collect();
        assert_eq!(shown, [("p0", 0.0), ("p1", 1.0), ("other", 9.0)]);
        assert_eq!(label("/waku/2/rs/1/0"), "/waku/2/rs/1/0");
        for foreign in ["a\"b", "a\nb", "ä", "a\\"] {
            assert_eq!(label(foreign), OTHER);
        }
    }
}
