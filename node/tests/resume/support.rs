//! Nodes that were away.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use libp2p::identity::Keypair;
use libp2p::{Multiaddr, PeerId};
use store_adapter::archive::MemoryArchive;
use store_adapter::{Archive, Record, Span, WakuMessage};
use sync_net::identity;
use wakustore::node::{Node, NodeConfig};
use wakustore::resume::{ResumeConfig, ResumeCounters};
use wakustore::store::Store;

/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) const SECOND: u64 = 1_000_000_000;
pub(crate) const HOUR: u64 = 3_600 * SECOND;

/// What outlives a node: its key and its archive.
#[derive(Clone)]
pub(crate) struct Home {
    pub(crate) key: Keypair,
    pub(crate) archive: Arc<dyn Archive>,
}

impl Home {
    pub(crate) async fn new(messages: &[Record]) -> Self {
        let archive = MemoryArchive::new();
        archive.append(messages.to_vec()).await.unwrap();
        Self {
            key: identity::generate(),
            archive: Arc::new(archive),
        }
    }

    fn peer(&self) -> PeerId {
        self.key.public().to_peer_id()
    }

    /// As if the node had last been online at `time`, and known of `gaps`.
    pub(crate) async fn was_online_at(&self, time: u64, gaps: &[Span]) {
        let mut value = vec![1];
        value.extend(time.to_be_bytes());
        value.extend(u32::try_from(16 * gaps.len()).unwrap().to_be_bytes());
        for gap in gaps {
            value.extend(gap.since.to_be_bytes());
            value.extend(gap.until.to_be_bytes());
        }
        let name = format!("last-online/{}", self.peer());
        self.archive.set_state(&name, Some(value)).await.unwrap();
    }

    /// As if retention had given up what is before `time`.
    pub(crate) async fn keeps_from(&self, time: u64) {
        let floor = [&time.to_be_bytes()[..], &[0; 32]].concat();
        let name = store_adapter::floor::FLOOR_STATE;
        self.archive.set_state(name, Some(floor)).await.unwrap();
    }

    pub(crate) async fn start(&self, adjust: impl FnOnce(&mut NodeConfig)) -> Awake {
        let mut config =
            NodeConfig::new(self.key.clone(), None).listening_on(Ipv4Addr::LOCALHOST.into(), 0);
        config.resume = Some(quick(true));
        adjust(&mut config);
        let store = Store::over(Arc::clone(&self.archive)).await.unwrap();
        let node = Node::start(config, Arc::clone(&store)).await.unwrap();
        Awake { node, store }
    }
}

/// Settings under which failing is quick and all progress durable.
pub(crate) fn quick(fill: bool) -> ResumeConfig {
    let mut config = ResumeConfig {
        fill,
        ..ResumeConfig::default()
    };
    config.limits.progress = Duration::ZERO;
    config.limits.first_pause = Duration::from_millis(100);
    config.limits.first_retry = Duration::from_millis(200);
    config.limits.claims = Duration::ZERO;
    config
}

/// A running node.
pub(crate) struct Awake {
    pub(crate) node: Node,
    pub(crate) store: Arc<Store>,
}

impl Awake {
    pub(crate) fn address(&self) -> Multiaddr {
        self.node.addresses()[0].clone()
    }

    pub(crate) async fn meet(&self, other: &Self) {
        self.node.connect(&other.address()).await.unwrap();
    }

    pub(crate) fn counters(&self) -> &ResumeCounters {
        self.node.resume().unwrap().counters()
    }

    pub(crate) fn gaps(&self) -> Vec<Span> {
        self.node.resume().unwrap().ledger().gaps().iter().collect()
    }

    pub(crate) fn unconfirmed(&self) -> u64 {
        let unconfirmed = self.node.resume().unwrap().ledger().unconfirmed();
        unconfirmed.length()
    }

    pub(crate) fn last_online(&self) -> Option<u64> {
        self.node.resume().unwrap().ledger().last_online()
    }

    /// Waits until it was online and has no gaps any more.
    pub(crate) async fn has_resumed(&self) {
        eventually("the node resumes", || {
            self.counters().gaps.get() > 0 && self.gaps().is_empty()
        })
        .await;
    }
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

/// Messages from `since` on, so many, evenly until `until`.
pub(crate) fn messages(since: u64, until: u64, count: u64) -> Vec<Record> {
    let step = (until - since) / count;
    (0..count).map(|n| message(since + n * step)).collect()
}

pub(crate) fn message(timestamp: u64) -> Record {
    let message = WakuMessage {
        payload: timestamp.to_be_bytes().to_vec(),
        content_topic: "/test/1/resume/proto".into(),
        timestamp: i64::try_from(timestamp).ok(),
        ..WakuMessage::default()
    };
    Record::new("/waku/2/rs/99/0", message).unwrap()
}

pub(crate) fn now() -> u64 {
    wakustore::cli::time::now()
}

/// All but every third.
pub(crate) fn with_holes(messages: &[Record]) -> Vec<Record> {
    let numbered = messages.iter().enumerate();
    let kept = numbered.filter(|(number, _)| number % 3 != 1);
    kept.map(|(_, message)| message.clone()).collect()
}
