//! One of the nodes: does what it is told on standard input, and answers on standard output, one JSON
//! object a line.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use store_adapter::ArchiveUrl;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;
use wakustore::cli::time::now;
use wakustore::loss::Lost;
use wakustore::node::{Node, NodeConfig};
use wakustore::relay::{Relay, RelayConfig};
use wakustore::store::Store;
use wakustore::traffic::Traffic;

use crate::Args;
use crate::trial::NODES;

/// A cluster that no public network has.
const CLUSTER: u16 = 99;

/// Shards that the traffic is spread over.
const SHARDS: u16 = 8;

/// What a node can be told.
pub(crate) const PUBLISH: &str = "publish";
/// As [`PUBLISH`]: to tell its state.
pub(crate) const STATE: &str = "state";

/// What a node answers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct State {
    /// Where it listens.
    pub(crate) address: String,
    /// Fewest peers in the mesh of a topic.
    pub(crate) mesh: usize,
    /// Messages that it published.
    pub(crate) published: u64,
    /// Messages that it lost on the way in.
    pub(crate) lost: u64,
    /// Messages in its archive.
    pub(crate) messages: u64,
    /// Digest of these.
    pub(crate) digest: String,
}

struct Soaked {
    node: Node,
    relay: Relay,
    store: Arc<Store>,
    published: Arc<AtomicU64>,
    lost: Lost,
}

/// Runs a node until standard input ends.
pub(crate) async fn run(args: &Args, directory: &Path) -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    let soaked = Soaked::start(args, directory).await?;
    let mut publishing: Option<JoinHandle<anyhow::Result<()>>> = None;
    let mut told = input();
    soaked.tell().await?;
    while let Some(line) = told.recv().await {
        match line.as_str() {
            PUBLISH => publishing = Some(tokio::spawn(soaked.publisher(args).run())),
            STATE => {}
            other => anyhow::bail!("`{other}` isn't {PUBLISH} or {STATE}"),
        }
        // Nobody asks any more of a node that couldn't publish.
        if let Some(published) = publishing.take_if(|publishing| publishing.is_finished()) {
            published.await??;
        }
        soaked.tell().await?;
    }
    soaked.node.stop().await;
    Ok(())
}

/// The lines of standard input. Reading them blocks, so a thread does.
fn input() -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel(1);
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    lines
}

impl Soaked {
    async fn start(args: &Args, directory: &Path) -> anyhow::Result<Self> {
        let lost = Lost::default();
        let store = Store::open(&ArchiveUrl::Redb(directory.to_owned())).await?;
        let key = sync_net::identity::generate();
        let mut config =
            NodeConfig::new(key, Some(CLUSTER)).listening_on(IpAddr::from(Ipv4Addr::LOCALHOST), 0);
        config.shards = (0..SHARDS).collect();
        let topics = (0..SHARDS).map(|shard| format!("/waku/2/rs/{CLUSTER}/{shard}"));
        config.relay = Some(RelayConfig {
            validator: Some(lost.validator(args.loss, args.seed)),
            ..RelayConfig::of_topics(topics)
        });
        let peers = args.peer.iter().map(|peer| peer.parse());
        config.stay_with = peers.collect::<Result<_, _>>()?;
        config.schedule = Some(args.schedule());
        let node = Node::start(config, Arc::clone(&store)).await?;
        let relay = node.relay().context("the node has no relay")?.clone();
        Ok(Self {
            node,
            relay,
            store,
            published: Arc::default(),
            lost,
        })
    }

    /// Tells its state.
    async fn tell(&self) -> anyhow::Result<()> {
        let meshes = self.relay.mesh().await;
        let address = self.node.addresses().first();
        let state = State {
            address: address.map(ToString::to_string).unwrap_or_default(),
            mesh: meshes
                .iter()
                .map(|(_, peers)| peers.len())
                .min()
                .unwrap_or(0),
            published: self.published.load(Ordering::Relaxed),
            lost: self.lost.count(),
            messages: self.store.len(),
            digest: hex::encode(self.store.digest()),
        };
        println!("{}", serde_json::to_string(&state)?);
        Ok(())
    }

    fn publisher(&self, args: &Args) -> Publisher {
        Publisher {
            relay: self.relay.clone(),
            traffic: Traffic::new(CLUSTER, args.seed),
            interval: Duration::from_secs(1) * NODES / args.rate.max(1),
            published: Arc::clone(&self.published),
            messages: args.share(),
        }
    }
}

/// Publishes a node's share of the traffic.
struct Publisher {
    relay: Relay,
    traffic: Traffic,
    interval: Duration,
    published: Arc<AtomicU64>,
    /// How many are its share.
    messages: u64,
}

impl Publisher {
    /// Publishes so many messages, later where the node can't keep pace.
    async fn run(mut self) -> anyhow::Result<()> {
        let mut ticks = tokio::time::interval(self.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        for _ in 0..self.messages {
            ticks.tick().await;
            let now = now();
            let (topic, message) = self.traffic.message(now, now + 1);
            self.relay.publish(&topic, message).await?;
            self.published.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }
}
