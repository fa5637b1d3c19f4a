//! A node for commands that only ask others.

use store_adapter::ArchiveUrl;

use crate::node::{Node, NodeConfig, Services};
use crate::store::Store;

/// Starts a node that holds nothing, serves nothing and takes nothing that is pushed.
pub(super) async fn asking_node(cluster_id: Option<u16>) -> anyhow::Result<Node> {
    let store = Store::open(&ArchiveUrl::Memory).await?;
    let mut config = NodeConfig::new(sync_net::identity::generate(), cluster_id);
    config.serve = Services {
        store: false,
        sync: false,
    };
    Node::start(config, store).await
}
