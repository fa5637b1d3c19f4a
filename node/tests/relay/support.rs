//! Nodes that relay, messages for them, and waiting until something is so.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use store_adapter::{ArchiveUrl, WakuMessage};
use sync_core::Id;
use sync_net::identity;
use wakustore::cli::time::now;
use wakustore::node::{Node, NodeConfig};
use wakustore::relay::{Relay, RelayConfig};
use wakustore::store::Store;

/// How long anything may take before a test gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// How often it is looked.
const LOOK: Duration = Duration::from_millis(20);

pub(crate) const CLUSTER: u16 = 99;
pub(crate) const TOPIC: &str = "/waku/2/rs/99/0";
pub(crate) const SECOND: i64 = 1_000_000_000;

/// A node that relays, and its archive in memory.
pub(crate) struct Relaying {
    pub(crate) node: Node,
    pub(crate) store: Arc<Store>,
}

impl Relaying {
    pub(crate) async fn start(config: RelayConfig) -> Self {
        let store = Store::open(&ArchiveUrl::Memory).await.unwrap();
        Self::over(config, store).await
    }

    pub(crate) async fn over(config: RelayConfig, store: Arc<Store>) -> Self {
        let config = Self::config(config);
        let node = Node::start(config, Arc::clone(&store)).await.unwrap();
        Self { node, store }
    }

    /// A node on loopback with this relay.
    pub(crate) fn config(relay: RelayConfig) -> NodeConfig {
        let config = NodeConfig {
            relay: Some(relay),
            ..NodeConfig::new(identity::generate(), Some(CLUSTER))
        };
        config.listening_on(IpAddr::V4(Ipv4Addr::LOCALHOST), 0)
    }

    /// Subscribed to [`TOPIC`].
    pub(crate) async fn plain() -> Self {
        Self::start(RelayConfig::of_topics([TOPIC])).await
    }

    pub(crate) fn relay(&self) -> &Relay {
        self.node.relay().unwrap()
    }

    /// Connects to `other`.
    pub(crate) async fn meet(&self, other: &Self) {
        let address = &other.node.addresses()[0];
        self.node.connect(address).await.unwrap();
    }

    /// Waits until so many peers are subscribed to `topic`, as far as this node knows.
    pub(crate) async fn sees(&self, topic: &str, peers: usize) {
        until(async || {
            let known = self.relay().peers().await;
            let subscribed = known
                .iter()
                .filter(|peer| peer.topics.iter().any(|known| known == topic));
            subscribed.count() == peers
        })
        .await;
    }

    pub(crate) async fn publishes(&self, message: WakuMessage) -> Id {
        let published = self.relay().publish(TOPIC, message).await.unwrap();
        published.hash
    }

    /// Whether the message of this hash is in the archive.
    pub(crate) async fn holds(&self, hash: Id) -> bool {
        let found = self.store.archive().lookup(&[hash]).await.unwrap();
        !found.is_empty()
    }

    /// Waits until it is.
    pub(crate) async fn gets(&self, hash: Id) {
        until(async || self.holds(hash).await).await;
    }
}

/// Waits until `holds`.
pub(crate) async fn until(holds: impl AsyncFn() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting)
        .await
        .expect("it should have come about by now");
}

/// Two nodes that are connected and see each other's subscription.
pub(crate) async fn pair() -> [Relaying; 2] {
    let (one, two) = (Relaying::plain().await, Relaying::plain().await);
    one.meet(&two).await;
    one.sees(TOPIC, 1).await;
    two.sees(TOPIC, 1).await;
    [one, two]
}

/// A message of so many nanoseconds from now.
pub(crate) fn message(payload: &[u8], from_now: i64) -> WakuMessage {
    WakuMessage {
        payload: payload.to_vec(),
        content_topic: "/toychat/2/huilong/proto".into(),
        timestamp: Some(i64::try_from(now()).unwrap() + from_now),
        ..WakuMessage::default()
    }
}
