//! A whole node: archive, network, services and schedule, put together.

use std::net::IpAddr;
use std::sync::Arc;

use anyhow::Context;
use futures::FutureExt;
use futures::future::BoxFuture;
use libp2p::identity::Keypair;
use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId, StreamProtocol};
use store_adapter::limits::{METADATA_BYTES, StoreClientLimits, TRANSFER_FRAME_BYTES};
use store_adapter::sharding::Shard;
use store_adapter::store::StoreCriteria;
use sync_core::{Range, Scope, TopicFilter};
use sync_net::{
    AdmissionLimits, Control, Deadlines, FrameLimits, NetLimits, ProtocolConfig, ReconcileConfig,
    Reconciler,
};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::cli::time::{nanoseconds, now};
use crate::health::Health;
use crate::logging::Levels;
use crate::metrics::{MetricsServer, Sources, Watched};
use crate::net::{
    AnnounceConfig, Announced, Capabilities, ConnectError, CurrentShards, Dialler, Kept,
    NodeRecord, PeerTable, StoreReader, SwarmHandle, SwarmParts, kept_peers, ports, protocols,
    spawn,
};
use crate::rates::{Limiter, RateConfig, Service};
use crate::relay::{self, Relay, RelayConfig};
use crate::rest::{self, Answering, RestServer};
use crate::resume::{Ledger, Resume, ResumeConfig};
use crate::retention;
use crate::service::{self, Desk, REQUEST_STREAMS_WAITING, ServiceLimits};
use crate::store::Store;
use crate::sync::{Schedule, SessionStorage, SyncLimits, Syncer, run_schedule};

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

    fn current_shards(
        &self,
        relay: Option<&relay::Mounted>,
    ) -> anyhow::Result<Option<Arc<CurrentShards>>> {
        let relay = relay.map(|relay| relay.handle.clone());
        let subscribed = move || relay.iter().flat_map(Relay::subscriptions).collect();
        let shards = |id| CurrentShards::new(id, self.shards.iter().copied(), subscribed);
        Ok(self.cluster_id.map(shards).transpose()?.map(Arc::new))
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            relay: self.relay.is_some(),
            store: self.serve.store,
            sync: self.serve.store && self.serve.sync,
        }
    }

    fn kept(&self) -> impl Iterator<Item = (Kept, Multiaddr)> {
        let of = |kept| move |address: &Multiaddr| (kept, address.clone());
        let static_nodes = self.stay_with.iter().map(of(Kept::StaticNode));
        static_nodes.chain(self.store_nodes.iter().map(of(Kept::StoreNode)))
    }

    fn served(&self) -> Scope {
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

/// A running node; it ends when this is dropped, or cleanly by [`Node::stop`].
pub struct Node {
    peer_id: PeerId,
    addresses: Vec<Multiaddr>,
    swarm: SwarmHandle,
    control: Control,
    syncer: Arc<Syncer>,
    limiter: Arc<Limiter>,
    resume: Option<Arc<Resume>>,
    announced: Arc<Announced>,
    record: Arc<NodeRecord>,
    shards: Option<Arc<CurrentShards>>,
    relay: Option<relay::Mounted>,
    health: Arc<Health>,
    rest: Option<RestServer>,
    metrics: Option<MetricsServer>,
    tasks: JoinSet<()>,
}

impl Node {
    /// Starts a node over `store`.
    ///
    /// # Errors
    /// When it can't listen where it should, or the archive can't be read.
    pub async fn start(config: NodeConfig, store: Arc<Store>) -> anyhow::Result<Self> {
        ports::check(&config.listen)?;
        let peer_id = config.keypair.public().to_peer_id();
        let limiter = Limiter::new(&config.rates).context("rate limits")?;
        let gate = Arc::<Limiter>::clone(&limiter);
        let mut behaviour = sync_net::Behaviour::gated(NetLimits::default(), gate);
        let control = behaviour.control();
        let peers = Arc::new(PeerTable::default());
        let mut tasks = JoinSet::new();

        let mut relay = config.relay.clone();
        if let (Some(relay), Some(metrics)) = (&mut relay, &config.metrics) {
            relay.registry = Some(Arc::clone(metrics.registry()));
        }
        let relay = relay.map(|relay| relay::mount(relay, &store)).transpose()?;
        let (relay, relaying) = relay.unzip();
        let own = config.current_shards(relay.as_ref())?;
        let announced = Arc::new(Announced::new(config.announce.clone()));

        let syncer = Syncer::new(
            Arc::clone(&store),
            control.clone(),
            Arc::clone(&peers),
            config.served(),
            SyncLimits {
                query: config.sync_limits.query + config.rates.longer(),
                ..config.sync_limits.clone()
            },
        );
        let resume = match config.resume.clone() {
            Some(mut resuming) => {
                resuming.limits.query += config.rates.longer();
                let relays = config.relay.is_some();
                Some(resume(resuming, relays, peer_id, &store, &syncer).await?)
            }
            None => None,
        };
        let serving = Serving {
            config: &config,
            store: &store,
            syncer: &syncer,
            limiter: &limiter,
        };
        serving
            .register(&mut behaviour, own.clone())
            .into_iter()
            .for_each(|service| drop(tasks.spawn(service)));
        tasks.spawn(Arc::clone(&syncer).follow_the_door());
        tasks.spawn(Arc::clone(&store).follow());
        let parts = SwarmParts {
            admission: config.admission,
            peers: Arc::clone(&peers),
            announced: Arc::clone(&announced),
            metrics: config.metrics.as_ref().map(MetricsServer::libp2p),
        };
        let spawned = spawn(&config.keypair, behaviour, &config.listen, parts, relaying).await?;
        let swarm = spawned.handle;
        tasks.spawn(spawned.run);
        let record = Arc::new(NodeRecord::new(
            &config.keypair,
            config.capabilities(),
            Arc::clone(&announced),
            own.clone(),
        )?);
        if let Some(own) = own.clone() {
            tasks.spawn(service::metadata::ask_new_peers(
                spawned.met,
                own,
                control.clone(),
                swarm.clone(),
                Arc::clone(&syncer),
            ));
        }
        for kept in kept_peers(peer_id, config.kept()) {
            peers.keep(kept.peer, &kept.addresses, kept.kept);
            tasks.spawn(kept.stay_connected(swarm.clone()));
        }
        if let Some(keeper) = store.take_keeper() {
            tasks.spawn(retention::run(keeper, Arc::clone(store.observed())));
        }
        if let Some(schedule) = config.schedule {
            tasks.spawn(run_schedule(Arc::clone(&syncer), schedule));
        }
        if let Some(resume) = &resume {
            tasks.spawn(Arc::clone(resume).keep_time());
            if resume.fills() {
                tasks.spawn(Arc::clone(resume).fill());
            }
        }
        let mut sources = Sources {
            store: Arc::clone(&store),
            syncer: Arc::clone(&syncer),
            limiter: Arc::clone(&limiter),
            rates: config.rates,
            admission: config.admission,
            control: control.clone(),
            peers: Arc::clone(&peers),
            relay: relay.as_ref().map(|relay| relay.handle.clone()),
            resume: resume.clone(),
            health: Arc::default(),
            watched: Arc::<Watched>::default(),
            started: Instant::now(),
        };
        let answering = Answering {
            peer_id,
            announced: Arc::clone(&announced),
            record: Arc::clone(&record),
            store,
            services: config.serve,
            levels: config.levels,
            relay: relay.as_ref().map(|relay| relay.handle.clone()),
            swarm: swarm.clone(),
            control: control.clone(),
            peers,
            limiter: Arc::clone(&limiter),
        };
        let (health, rest) = rest::mount(config.rest, answering);
        if let Some(metrics) = &config.metrics {
            sources.health = Arc::clone(&health);
            tasks.spawn(sources.watch());
            metrics.read_from(sources);
        }
        Ok(Self {
            resume,
            relay,
            peer_id,
            addresses: spawned.addresses,
            swarm,
            control,
            syncer,
            limiter,
            announced,
            record,
            shards: own,
            health,
            rest,
            metrics: config.metrics,
            tasks,
        })
    }

    /// How it is.
    #[must_use]
    pub fn health(&self) -> &Arc<Health> {
        &self.health
    }

    /// What answers REST calls for it, if anything does.
    #[must_use]
    pub fn rest(&self) -> Option<&RestServer> {
        self.rest.as_ref()
    }

    /// What serves its metrics, if anything does.
    #[must_use]
    pub fn metrics(&self) -> Option<&MetricsServer> {
        self.metrics.as_ref()
    }

    /// Its identity.
    #[must_use]
    pub fn peer_id(&self) -> PeerId {
        self.peer_id
    }

    /// Where it listens, with the peer id at the end.
    #[must_use]
    pub fn addresses(&self) -> &[Multiaddr] {
        &self.addresses
    }

    /// The addresses that it tells others to reach it at, as they are now.
    #[must_use]
    pub fn announced(&self) -> &Arc<Announced> {
        &self.announced
    }

    /// Its node record.
    #[must_use]
    pub fn record(&self) -> &Arc<NodeRecord> {
        &self.record
    }

    /// Its node record as it is now, as a text that begins with `enr:`.
    #[must_use]
    pub fn enr_uri(&self) -> String {
        self.record.uri()
    }

    /// The shards that it tells others; `None` for a node without a cluster.
    #[must_use]
    pub fn shards(&self) -> Option<&Arc<CurrentShards>> {
        self.shards.as_ref()
    }

    /// What it knows of its peers.
    #[must_use]
    pub fn peers(&self) -> &PeerTable {
        self.swarm.peers()
    }

    /// To ask its network for connections; cheap to clone.
    #[must_use]
    pub fn network(&self) -> &SwarmHandle {
        &self.swarm
    }

    /// Its syncer.
    #[must_use]
    pub fn syncer(&self) -> &Arc<Syncer> {
        &self.syncer
    }

    /// What peers may have of it in a time, and what they had.
    #[must_use]
    pub fn limiter(&self) -> &Arc<Limiter> {
        &self.limiter
    }

    /// What it knows of its absences, and how it makes up for them; if it does.
    #[must_use]
    pub fn resume(&self) -> Option<&Arc<Resume>> {
        self.resume.as_ref()
    }

    /// Its relay, if it takes part.
    #[must_use]
    pub fn relay(&self) -> Option<&Relay> {
        self.relay.as_ref().map(|relay| &relay.handle)
    }

    /// Connects to the peer at `address` and waits until it has said what it speaks.
    ///
    /// # Errors
    /// When the peer can't be reached.
    pub async fn connect(&self, address: &Multiaddr) -> Result<PeerId, ConnectError> {
        self.swarm.connect(address).await
    }

    /// Reads the stores of `peers`, which have to be connected; the first ones preferred.
    #[must_use]
    pub fn read_stores(&self, criteria: StoreCriteria, peers: Vec<PeerId>) -> StoreReader {
        let limits = StoreClientLimits::default();
        StoreReader::new(self.control.clone(), criteria, peers, limits)
    }

    /// Reads the stores of the peers at `addresses`, the first ones preferred. Each is connected with
    /// when it is its turn.
    ///
    /// # Errors
    /// When an address names no peer.
    pub fn read_stores_at(
        &self,
        criteria: StoreCriteria,
        addresses: &[Multiaddr],
    ) -> Result<StoreReader, ConnectError> {
        let cluster_id = self.shards.as_ref().map(|own| own.cluster_id());
        let (dialler, peers) = Dialler::new(self.swarm.clone(), cluster_id, addresses)?;
        Ok(self.read_stores(criteria, peers).dialling(dialler))
    }

    /// Ends every task and waits until it has ended; what was acknowledged is in the archive.
    pub async fn stop(mut self) {
        self.health.ending();
        if let Some(rest) = self.rest.take() {
            rest.stop().await;
        }
        if let Some(metrics) = self.metrics.take() {
            metrics.stop().await;
        }
        self.tasks.shutdown().await;
        if let Some(relay) = self.relay.take() {
            relay.stop().await;
        }
        if let Some(resume) = &self.resume {
            resume.stop().await;
        }
        self.syncer.stop().await;
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.syncer.abandon();
    }
}

/// Reads what the archive keeps of the node's absences, and has peers told of its gaps.
async fn resume(
    config: ResumeConfig,
    relays: bool,
    peer_id: PeerId,
    store: &Store,
    syncer: &Arc<Syncer>,
) -> anyhow::Result<Arc<Resume>> {
    let overlap = nanoseconds(config.limits.overlap);
    let archive = Arc::clone(store.archive());
    let ledger = Arc::new(Ledger::open(archive, peer_id, now(), overlap).await?);
    syncer.set_ledger(Arc::clone(&ledger));
    Ok(Resume::new(ledger, Arc::clone(syncer), config, relays))
}

/// What serving takes.
struct Serving<'a> {
    config: &'a NodeConfig,
    store: &'a Arc<Store>,
    syncer: &'a Arc<Syncer>,
    limiter: &'a Arc<Limiter>,
}

impl Serving<'_> {
    /// Registers the protocols that the node serves, and gives the tasks that serve them.
    fn register(
        &self,
        behaviour: &mut sync_net::Behaviour,
        own: Option<Arc<CurrentShards>>,
    ) -> Vec<BoxFuture<'static, ()>> {
        let limits = &self.config.service_limits;
        let mut tasks = Vec::new();
        let asked = behaviour.serve(one_shot(protocols::METADATA, METADATA_BYTES, limits));
        let desk = self.desk(Service::Metadata, None);
        let serving = service::metadata::serve(asked, own, Arc::clone(self.syncer), desk);
        tasks.push(serving.boxed());
        if self.config.serve.store {
            tasks.push(self.register_store(behaviour));
        }
        let storage = Arc::new(SessionStorage(Arc::clone(self.syncer)));
        let local = self.config.keypair.public().to_peer_id();
        let reconcile = self.config.reconcile.clone();
        if self.config.serve.store && self.config.serve.sync {
            let pushed = behaviour.serve(transfer(limits));
            let (syncer, limiter) = (Arc::clone(self.syncer), Arc::clone(self.limiter));
            let serving = service::transfer::serve(pushed, syncer, limiter, limits.clone());
            tasks.push(serving.boxed());
            let (reconciler, serving) = Reconciler::mount(behaviour, local, storage, reconcile);
            tasks.push(serving.boxed());
            self.syncer.set_reconciler(reconciler);
        } else {
            let control = behaviour.control();
            let reconciler = Reconciler::new(control, local, storage, reconcile);
            self.syncer.set_reconciler(reconciler);
        }
        tasks
    }

    fn register_store(&self, behaviour: &mut sync_net::Behaviour) -> BoxFuture<'static, ()> {
        let limits = &self.config.service_limits;
        let request_bytes = self.store.store_limits().request_bytes;
        let mut protocol = one_shot(protocols::STORE, request_bytes, limits);
        protocol.refusal = Some(store_adapter::store::too_many_requests());
        let desk = self.desk(Service::Store, protocol.refusal.clone());
        let asked = behaviour.serve(protocol);
        let (store, syncer) = (Arc::clone(self.store), Arc::clone(self.syncer));
        service::store::serve(asked, store, syncer, desk, limits.response_bytes).boxed()
    }

    fn desk(&self, service: Service, refusal: Option<Vec<u8>>) -> Arc<Desk> {
        let limits = &self.config.service_limits;
        Desk::new(service, Arc::clone(self.limiter), limits, refusal)
    }
}

fn transfer(limits: &ServiceLimits) -> ProtocolConfig {
    let deadlines = Deadlines {
        wait: limits.push_pause,
        ..Deadlines::default()
    };
    ProtocolConfig {
        inbound_per_peer: limits.push_streams_per_peer,
        frame: FrameLimits {
            max_bytes: TRANSFER_FRAME_BYTES,
            deadlines,
        },
        ..ProtocolConfig::new(StreamProtocol::new(protocols::TRANSFER))
    }
}

fn one_shot(id: &'static str, request_bytes: usize, limits: &ServiceLimits) -> ProtocolConfig {
    let deadlines = Deadlines {
        wait: limits.request_pause,
        ..Deadlines::default()
    };
    ProtocolConfig {
        inbound_queue: REQUEST_STREAMS_WAITING,
        inbound_per_peer: limits.request_streams_per_peer,
        frame: FrameLimits {
            max_bytes: request_bytes,
            deadlines,
        },
        ..ProtocolConfig::new(StreamProtocol::new(id))
    }
}
