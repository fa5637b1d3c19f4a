//! The REST API of a node, over loopback, by the library.
#![expect(clippy::unwrap_used, reason = "a test that fails should stop")]

mod admin;
mod client;
mod counts;
#[path = "../faulty/mod.rs"]
mod faulty;
mod page;
mod relay;
mod server;
mod store;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use client::Client;
use store_adapter::{ArchiveUrl, Record};
use sync_net::identity;
use wakustore::node::{Node, NodeConfig};
use wakustore::rest::{RestConfig, RestServer};
use wakustore::store::Store;
use wakustore::traffic::Traffic;

/// How long anything may take before a test gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The cluster of all nodes here.
pub(crate) const CLUSTER: u16 = 99;

/// A node with its REST API and messages.
pub(crate) struct Place {
    pub(crate) node: Node,
    pub(crate) client: Client,
    /// What it holds, in order.
    pub(crate) records: Vec<Record>,
}

impl Place {
    /// A node that holds `count` messages of the last second.
    pub(crate) async fn holding(count: usize) -> Self {
        Self::start(messages(count, 1), RestConfig::default(), |_| {}).await
    }

    /// A node that holds these messages.
    pub(crate) async fn start(
        records: Vec<Record>,
        rest: RestConfig,
        change: impl FnOnce(&mut NodeConfig),
    ) -> Self {
        let store = Store::open(&ArchiveUrl::Memory).await.unwrap();
        Self::over(store, records, rest, change).await
    }

    /// As `start`, over this store.
    pub(crate) async fn over(
        store: Arc<Store>,
        records: Vec<Record>,
        rest: RestConfig,
        change: impl FnOnce(&mut NodeConfig),
    ) -> Self {
        let parts = records.iter().cloned().map(Record::into_parts);
        let messages = parts.map(|(topic, message)| (topic.to_string(), message));
        store.put(messages.collect()).await.unwrap();
        let rest = RestServer::listen(RestConfig { port: 0, ..rest })
            .await
            .unwrap();
        let client = Client(rest.address());
        let mut config = NodeConfig::new(identity::generate(), Some(CLUSTER))
            .listening_on(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
        config.rest = Some(rest);
        change(&mut config);
        let node = Node::start(config, Arc::clone(&store)).await.unwrap();
        Self {
            node,
            client,
            records,
        }
    }

    /// Where its node listens.
    pub(crate) fn address(&self) -> String {
        self.node.addresses()[0].to_string()
    }
}

/// So many messages of the last second, in order.
pub(crate) fn messages(count: usize, seed: u64) -> Vec<Record> {
    let mut traffic = Traffic::new(CLUSTER, seed);
    let now = wakustore::cli::time::now();
    let mut records: Vec<Record> = (0..count)
        .map(|_| {
            let (topic, message) = traffic.message(now - 1_000_000_000, now);
            Record::new(topic, message).unwrap()
        })
        .collect();
    records.sort_by_key(Record::item);
    records
}

/// A hash as REST has it.
pub(crate) fn hash_of(record: &Record) -> String {
    format!("0x{}", record.hash())
}
