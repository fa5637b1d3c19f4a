//! A whole node: archive, network, services and schedule, put together.

use std::net::{IpAddr, TcpListener};
use std::sync::Arc;

use anyhow::Context;
use futures::FutureExt;
use futures::future::BoxFuture;
use libp2p::identity::Keypair;
use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId, StreamProtocol};
use store_adapter::limits::{METADATA_BYTES, StoreClientLimits, TRANSFER_FRAME_BYTES};
use store_adapter::metadata::WakuMetadata;
use store_adapter::store::StoreCriteria;
use sync_core::{Range, Scope, TopicFilter};
use sync_net::{
    AdmissionLimits, Control, Deadlines, FrameLimits, NetLimits, ProtocolConfig, ReconcileConfig,
    Reconciler,
};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::cli::time::{nanoseconds, now};
use crate::net::limits::{FIRST_REDIAL, LAST_REDIAL, LOOK};
use crate::net::{ConnectError, PeerTable, StoreReader, SwarmHandle, protocols, spawn};
use crate::rates::{Limiter, RateConfig, Service};
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
    /// Peers to stay connected with.
    pub stay_with: Vec<Multiaddr>,
    /// When to sync on its own, if at all.
    pub schedule: Option<Schedule>,
    /// How it keeps track of its absences and makes up for them; without, it does neither.
    pub resume: Option<ResumeConfig>,
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
    /// syncs on its own, and doesn't resume.
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
            stay_with: Vec::new(),
            schedule: None,
            resume: None,
            sync_limits: SyncLimits::default(),
            reconcile: ReconcileConfig::default(),
            service_limits: ServiceLimits::default(),
            admission: AdmissionLimits::default(),
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

    fn metadata(&self) -> anyhow::Result<Option<Arc<WakuMetadata>>> {
        let shards = self.shards.iter().copied().map(u32::from).collect();
        let own = self
            .cluster_id
            .map(|id| WakuMetadata::new(Some(id.into()), shards));
        Ok(own.transpose()?.map(Arc::new))
    }

    fn served(&self) -> Scope {
        let cluster_id = self.cluster_id.unwrap_or_default();
        let topics = self
            .shards
            .iter()
            .map(|shard| format!("/waku/2/rs/{cluster_id}/{shard}"));
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
    tasks: JoinSet<()>,
}

impl Node {
    /// Starts a node over `store`.
    ///
    /// # Errors
    /// When it can't listen where it should, or the archive can't be read.
    pub async fn start(config: NodeConfig, store: Arc<Store>) -> anyhow::Result<Self> {
        config.listen.iter().try_for_each(check_port)?;
        let peer_id = config.keypair.public().to_peer_id();
        let limiter = Limiter::new(&config.rates).context("rate limits")?;
        let gate = Arc::<Limiter>::clone(&limiter);
        let mut behaviour = sync_net::Behaviour::gated(NetLimits::default(), gate);
        let control = behaviour.control();
        let peers = Arc::new(PeerTable::default());
        let mut tasks = JoinSet::new();

        let own = config.metadata()?;

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
                Some(resume(resuming, peer_id, &store, &syncer).await?)
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
        let spawned = spawn(
            &config.keypair,
            behaviour,
            config.admission,
            &config.listen,
            Arc::clone(&peers),
        )
        .await?;
        let swarm = spawned.handle;
        tasks.spawn(spawned.run);
        if let Some(own) = own {
            let (swarm, peers) = (swarm.clone(), Arc::clone(&peers));
            tasks.spawn(service::metadata::ask_new_peers(
                spawned.met,
                own,
                control.clone(),
                swarm,
                peers,
            ));
        }
        for address in config.stay_with {
            tasks.spawn(stay_with(swarm.clone(), address, Arc::clone(&peers)));
        }
        if let Some(keeper) = store.take_keeper() {
            tasks.spawn(retention::run(keeper));
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
        Ok(Self {
            resume,
            peer_id,
            addresses: spawned.addresses,
            swarm,
            control,
            syncer,
            limiter,
            tasks,
        })
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

    /// Ends every task and waits until it has ended; what was acknowledged is in the archive.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
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
    peer_id: PeerId,
    store: &Store,
    syncer: &Arc<Syncer>,
) -> anyhow::Result<Arc<Resume>> {
    let overlap = nanoseconds(config.limits.overlap);
    let archive = Arc::clone(store.archive());
    let ledger = Arc::new(Ledger::open(archive, peer_id, now(), overlap).await?);
    syncer.set_ledger(Arc::clone(&ledger));
    Ok(Resume::new(ledger, Arc::clone(syncer), config))
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
        own: Option<Arc<WakuMetadata>>,
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

/// Refuses a port that another program listens on. libp2p would share it silently, and each of the
/// two get some of the connections.
fn check_port(address: &Multiaddr) -> anyhow::Result<()> {
    let mut parts = address.iter();
    let ip = match parts.next() {
        Some(Protocol::Ip4(ip)) => IpAddr::from(ip),
        Some(Protocol::Ip6(ip)) => IpAddr::from(ip),
        _ => return Ok(()),
    };
    match parts.next() {
        Some(Protocol::Tcp(port)) if port != 0 => TcpListener::bind((ip, port))
            .map(drop)
            .with_context(|| format!("can't listen on {address}; is port {port} in use?")),
        _ => Ok(()),
    }
}

/// Keeps the peer at `address` connected, with growing pauses between dials that fail.
async fn stay_with(swarm: SwarmHandle, address: Multiaddr, peers: Arc<PeerTable>) {
    let mut pause = FIRST_REDIAL;
    loop {
        match swarm.connect(&address).await {
            Ok(peer) => {
                tracing::info!(%peer, %address, "connected");
                let since = Instant::now();
                while peers.is_connected(&peer) {
                    tokio::time::sleep(LOOK).await;
                }
                tracing::info!(%peer, %address, "connection lost");
                // A connection that doesn't last, with a peer of another cluster say, is as good
                // as none.
                if since.elapsed() >= LAST_REDIAL {
                    pause = FIRST_REDIAL;
                }
            }
            Err(ConnectError::NoPeerId(_) | ConnectError::Stopped) => return,
            Err(error) => tracing::warn!(%error, "trying again in {} s", pause.as_secs()),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LAST_REDIAL);
    }
}
