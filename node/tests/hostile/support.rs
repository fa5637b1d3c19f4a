//! A node to be attacked.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use libp2p::Multiaddr;
use store_adapter::{ArchiveUrl, Record};
use sync_core::{Range, Scope};
use sync_net::identity;
use tokio::sync::broadcast;
use wakustore::node::{Node, NodeConfig};
use wakustore::store::Store;
use wakustore::sync::JobReport;

use crate::log;
use crate::peers::{PATIENCE, record};

pub(crate) const HOUR: u64 = 3_600_000_000_000;

/// A node with its archive in memory.
pub(crate) struct Target {
    pub(crate) node: Node,
    pub(crate) store: Arc<Store>,
    finished: broadcast::Receiver<JobReport>,
    seen: Vec<JobReport>,
}

impl Target {
    /// With limits that make failing quick.
    pub(crate) fn config() -> NodeConfig {
        let mut config = NodeConfig::new(identity::generate(), None)
            .listening_on(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
        config.sync_limits.fetch.backoff = 20_000_000;
        config.sync_limits.fetch.patience = 1_500_000_000;
        config.sync_limits.push_patience = Duration::from_millis(300);
        config.sync_limits.query = Duration::from_millis(500);
        config
    }

    pub(crate) async fn start(config: NodeConfig, messages: &[Record]) -> Self {
        log::keep();
        let store = Store::open(&ArchiveUrl::Memory).await.unwrap();
        let messages = messages.iter().cloned().map(|record| {
            let (topic, message) = record.into_parts();
            (topic.to_string(), message)
        });
        store.put(messages.collect()).await.unwrap();
        let node = Node::start(config, Arc::clone(&store)).await.unwrap();
        Self {
            finished: node.syncer().finished(),
            seen: Vec::new(),
            node,
            store,
        }
    }

    pub(crate) fn address(&self) -> Multiaddr {
        self.node.addresses()[0].clone()
    }

    /// The report of a job with `peer`, once it has finished.
    pub(crate) async fn job_with(&mut self, peer: libp2p::PeerId) -> JobReport {
        let report = async {
            loop {
                if let Some(place) = self.seen.iter().position(|report| report.peer == peer) {
                    return self.seen.remove(place);
                }
                self.seen.push(self.finished.recv().await.unwrap());
            }
        };
        tokio::time::timeout(PATIENCE, report).await.unwrap()
    }
}

/// So many messages of the last hour.
pub(crate) fn messages(count: u64) -> Vec<Record> {
    let since = an_hour_ago();
    (0..count)
        .map(|number| record(since + number * 1_000_000, 50))
        .collect()
}

/// Some time in the last hour, the same for the whole run.
pub(crate) fn an_hour_ago() -> u64 {
    static NOW: std::sync::OnceLock<u64> = std::sync::OnceLock::new();
    *NOW.get_or_init(wakustore::cli::time::now) - HOUR
}

/// All of the last two hours.
pub(crate) fn window() -> Scope {
    Scope::of_window(Range::of_times(an_hour_ago() - HOUR, an_hour_ago() + HOUR))
}

/// Waits for `condition`, and fails if it doesn't come true in time.
pub(crate) async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let waiting = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let came = tokio::time::timeout(PATIENCE, waiting).await;
    assert!(came.is_ok(), "didn't come true: {what}");
}
