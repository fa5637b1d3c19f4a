//! Nodes with a page, and messages for them.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use store_adapter::archive::MemoryArchive;
use store_adapter::{Archive, WakuMessage};
use sync_net::identity;
use wakustore::metrics::{MetricsConfig, MetricsServer, Prefix};
use wakustore::node::{Node, NodeConfig};
use wakustore::relay::RelayConfig;
use wakustore::resume::ResumeConfig;
use wakustore::store::Store;
use wakustore::traffic::Traffic;

/// The cluster of all nodes here.
pub(crate) const CLUSTER: u16 = 99;

/// A node and where its page is.
pub(crate) struct Measured {
    pub(crate) node: Node,
    pub(crate) store: Arc<Store>,
    pub(crate) page: SocketAddr,
}

impl Measured {
    /// A node with everything that has metrics.
    pub(crate) async fn start() -> Self {
        Self::start_with(Arc::new(MemoryArchive::new()), Prefix::default(), |_| {}).await
    }

    pub(crate) async fn start_with(
        archive: Arc<dyn Archive>,
        prefix: Prefix,
        change: impl FnOnce(&mut NodeConfig),
    ) -> Self {
        let store = Store::over(archive).await.unwrap();
        let server = MetricsServer::listen(MetricsConfig {
            port: 0,
            prefix,
            ..MetricsConfig::default()
        });
        let server = server.await.unwrap();
        let page = server.address();
        let mut config = NodeConfig::new(identity::generate(), Some(CLUSTER))
            .listening_on(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
        config.relay = Some(RelayConfig::of_topics(["/waku/2/rs/99/0"]));
        config.resume = Some(ResumeConfig::default());
        config.metrics = Some(server);
        change(&mut config);
        let node = Node::start(config, Arc::clone(&store)).await.unwrap();
        Self { node, store, page }
    }
}

/// So many messages of the last minute, each with its pubsub topic.
pub(crate) fn messages(count: usize, seed: u64) -> Vec<(String, WakuMessage)> {
    let mut traffic = Traffic::new(CLUSTER, seed);
    let now = wakustore::cli::time::now();
    (0..count)
        .map(|_| traffic.message(now - 60_000_000_000, now - 1_000_000_000))
        .collect()
}
