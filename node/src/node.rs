//! A whole node: archive, network, services and schedule, put together.

mod config;
mod serving;

use std::sync::Arc;

use anyhow::Context;
use libp2p::{Multiaddr, PeerId};
use store_adapter::limits::StoreClientLimits;
use store_adapter::store::StoreCriteria;
use sync_net::{Control, NetLimits};
use tokio::task::JoinSet;
use tokio::time::Instant;

pub use config::{NodeConfig, Services};
use serving::Serving;

use crate::cli::time::{nanoseconds, now};
use crate::counts::{self, CountsHandle};
use crate::health::Health;
use crate::metrics::{MetricsServer, Sources, Watched};
use crate::net::{
    Announced, ConnectError, CurrentShards, Dialler, NodeRecord, PeerTable, StoreReader,
    SwarmHandle, SwarmParts, kept_peers, ports, spawn,
};
use crate::page::{self, Shown};
use crate::rates::Limiter;
use crate::relay::{self, Relay};
use crate::rest::{self, Answering, RestServer};
use crate::resume::{Ledger, Resume, ResumeConfig};
use crate::retention;
use crate::service;
use crate::store::Store;
use crate::sync::{Schedule, SyncLimits, Syncer, run_schedule};

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
    counts: CountsHandle,
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
    pub async fn start(mut config: NodeConfig, store: Arc<Store>) -> anyhow::Result<Self> {
        ports::check(&config.listen)?;
        let peer_id = config.keypair.public().to_peer_id();
        let limiter = Limiter::new(&config.rates).context("rate limits")?;
        let gate = Arc::<Limiter>::clone(&limiter);
        let mut behaviour = sync_net::Behaviour::gated(NetLimits::default(), gate);
        let control = behaviour.control();
        let peers = Arc::new(PeerTable::default());
        let mut tasks = JoinSet::new();
        let history = page::watch(&mut config);

        let (relay, relaying) = config.mount_relay(&store)?.unzip();
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
        spawn_upkeep(
            &mut tasks,
            &store,
            &syncer,
            config.schedule,
            resume.as_ref(),
        );
        let counts = CountsHandle::of(&store);
        tasks.spawn(counts::keep(Arc::clone(&store), counts.clone()));
        let answering = Answering {
            peer_id,
            announced: Arc::clone(&announced),
            record: Arc::clone(&record),
            store: Arc::clone(&store),
            counts: counts.clone(),
            services: config.serve,
            levels: config.levels,
            relay: relay.as_ref().map(|relay| relay.handle.clone()),
            swarm: swarm.clone(),
            control: control.clone(),
            peers: Arc::clone(&peers),
            limiter: Arc::clone(&limiter),
        };
        let (health, rest) = rest::mount(config.rest, answering);
        let sources = Arc::new(Sources {
            store,
            counts: counts.clone(),
            syncer: Arc::clone(&syncer),
            limiter: Arc::clone(&limiter),
            rates: config.rates,
            admission: config.admission,
            control: control.clone(),
            peers,
            relay: relay.as_ref().map(|relay| relay.handle.clone()),
            resume: resume.clone(),
            health: Arc::clone(&health),
            watched: Arc::<Watched>::default(),
            started: Instant::now(),
        });
        if config.metrics.is_some() || rest.is_some() {
            tasks.spawn(sources.watch());
        }
        if let Some(metrics) = &config.metrics {
            metrics.read_from(Arc::clone(&sources));
        }
        if let (Some(rest), Some(history)) = (&rest, history) {
            let shown = Shown {
                peer_id,
                cluster_id: config.cluster_id,
                sync_interval: config.schedule.map(|schedule| schedule.interval),
                admin: rest.answers_admin(),
                sources,
            };
            tasks.spawn(page::mount(rest, history, shown));
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
            counts,
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

    /// What its archive holds, by hour, shard and content topic; answers at once, whatever the archive is at.
    #[must_use]
    pub fn counts(&self) -> &CountsHandle {
        &self.counts
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

    /// To open streams to its peers.
    pub(crate) const fn control(&self) -> &Control {
        &self.control
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

/// Starts what goes on for as long as the node does: removal, syncs by schedule, and making up for
/// absences.
fn spawn_upkeep(
    tasks: &mut JoinSet<()>,
    store: &Store,
    syncer: &Arc<Syncer>,
    schedule: Option<Schedule>,
    resume: Option<&Arc<Resume>>,
) {
    if let Some(keeper) = store.take_keeper() {
        tasks.spawn(retention::run(keeper, Arc::clone(store.observed())));
    }
    if let Some(schedule) = schedule {
        tasks.spawn(run_schedule(Arc::clone(syncer), schedule));
    }
    if let Some(resume) = resume {
        tasks.spawn(Arc::clone(resume).keep_time());
        if resume.fills() {
            tasks.spawn(Arc::clone(resume).fill());
        }
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
