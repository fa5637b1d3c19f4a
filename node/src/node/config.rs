//! What a node is to be.

use std::net::IpAddr;
use std::sync::Arc;

use libp2p::Multiaddr;
use libp2p::identity::Keypair;
use libp2p::multiaddr::Protocol;
use store_adapter::sharding::Shard;
use sync_core::{Range, Scope, TopicFilter};
use sync_net::{AdmissionLimits, ReconcileConfig};

use crate::logging::Levels;
use crate::metrics::MetricsServer;
use crate::net::{AnnounceConfig, Capabilities, CurrentShards, Kept};
use crate::rates::RateConfig;
use crate::relay::{self, Relay, RelayConfig};
use crate::rest::RestServer;
use crate::resume::ResumeConfig;
use crate::service::ServiceLimits;
use crate::store::Store;
use crate::sync::{Schedule, SyncLimits};

/// What a node is to be.
#[derive(Debug)]
pub struct NodeConfig {
    /// Its identity.
    pub keypair: Keypair,
    /// Where it listens; nowhere if empty.
    pub listen: Vec<Multiaddr>,
    /// The cluster of its network; without one it is of whichever cluster its peers are.
    pub cluster_id: Option<u16>,
    /// The shards that it keeps; all if empty.
    pub shards: Vec<u16>,
    /// Whether it answers Store queries and syncs with others.
    pub serve: Services,
    /// What it tells of its addresses.
    pub announce: AnnounceConfig,
    /// Peers to stay connected with.
    pub stay_with: Vec<Multiaddr>,
    /// Store nodes to stay connected with.
    pub store_nodes: Vec<Multiaddr>,
    /// When to sync on its own, if at all.
    pub schedule: Option<Schedule>,
    /// How it keeps track of its absences and makes up for them; without, it does neither.
    pub resume: Option<ResumeConfig>,
    /// How it takes part in Waku's relay; without, it doesn't.
    pub relay: Option<RelayConfig>,
    /// Bounds of the work after a session.
    pub sync_limits: SyncLimits,
    /// Bounds of sessions.
    pub reconcile: ReconcileConfig,
    /// Bounds of what it does for its peers.
    pub service_limits: ServiceLimits,
    /// Bounds of the connections that others make.
    pub admission: AdmissionLimits,
    /// How much peers may have in a time.
    pub rates: RateConfig,
    /// What sets how much the process logs.
    pub levels: Levels,
    /// What answers REST calls for it, if anything.
    pub rest: Option<RestServer>,
    /// What serves its metrics, if anything.
    pub metrics: Option<MetricsServer>,
}

/// What a node does for its peers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Services {
    /// Answer Store queries.
    pub store: bool,
    /// Reconcile, and take pushes; only with `store`.
    pub sync: bool,
}

impl NodeConfig {
    /// A node of this identity that listens nowhere, keeps all shards, serves everything, never
    /// syncs on its own, and neither resumes nor relays.
    #[must_use]
    pub fn new(keypair: Keypair, cluster_id: Option<u16>) -> Self {
        Self {
            keypair,
            listen: Vec::new(),
            cluster_id,
            shards: Vec::new(),
            serve: Services {
                store: true,
                sync: true,
            },
            announce: AnnounceConfig::default(),
            stay_with: Vec::new(),
            store_nodes: Vec::new(),
            schedule: None,
            resume: None,
            relay: None,
            sync_limits: SyncLimits::default(),
            reconcile: ReconcileConfig::default(),
            service_limits: ServiceLimits::default(),
            admission: AdmissionLimits::default(),
            levels: Levels::default(),
            rest: None,
            metrics: None,
            rates: RateConfig::default(),
        }
    }

    /// Listens for tcp on this address; port 0 takes a free one.
    #[must_use]
    pub fn listening_on(mut self, address: IpAddr, port: u16) -> Self {
        self.listen
            .push(Multiaddr::from(address).with(Protocol::Tcp(port)));
        self
    }

    /// The relay, if the node takes part, and what drives it; its figures go where the metrics are.
    pub(super) fn mount_relay(
        &self,
        store: &Arc<Store>,
    ) -> anyhow::Result<Option<(relay::Mounted, relay::SwarmPart)>> {
        let Some(mut relay) = self.relay.clone() else {
            return Ok(None);
        };
        if let Some(metrics) = &self.metrics {
            relay.registry = Some(Arc::clone(metrics.registry()));
        }
        relay::mount(relay, store).map(Some)
    }

    pub(super) fn current_shards(
        &self,
        relay: Option<&relay::Mounted>,
    ) -> anyhow::Result<Option<Arc<CurrentShards>>> {
        let relay = relay.map(|relay| relay.handle.clone());
        let subscribed = move || relay.iter().flat_map(Relay::subscriptions).collect();
        let shards = |id| CurrentShards::new(id, self.shards.iter().copied(), subscribed);
        Ok(self.cluster_id.map(shards).transpose()?.map(Arc::new))
    }

    pub(super) fn capabilities(&self) -> Capabilities {
        Capabilities {
            relay: self.relay.is_some(),
            store: self.serve.store,
            sync: self.serve.store && self.serve.sync,
        }
    }

    pub(super) fn kept(&self) -> impl Iterator<Item = (Kept, Multiaddr)> {
        let of = |kept| move |address: &Multiaddr| (kept, address.clone());
        let static_nodes = self.stay_with.iter().map(of(Kept::StaticNode));
        static_nodes.chain(self.store_nodes.iter().map(of(Kept::StoreNode)))
    }

    pub(super) fn served(&self) -> Scope {
        let cluster_id = self.cluster_id.unwrap_or_default();
        let topics = self.shards.iter().map(|&index| {
            let shard = Shard { cluster_id, index };
            shard.to_string()
        });
        Scope {
            pubsub_topics: TopicFilter::from_wire(topics),
            ..Scope::of_window(Range::ALL)
        }
    }
}
