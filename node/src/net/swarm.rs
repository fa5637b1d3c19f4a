//! The task that owns the swarm: dials and listens on request, and keeps the peer table.

use std::collections::HashMap;
use std::sync::Arc;

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, stream};
use libp2p::identity::Keypair;
use libp2p::metrics::{Metrics, Recorder};
use libp2p::multiaddr::Protocol;
use libp2p::swarm::behaviour::toggle::Toggle;
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::swarm::{ConnectionId, DialError, NetworkBehaviour, Swarm, SwarmEvent};
use libp2p::{Multiaddr, PeerId, identify, ping};
use sync_net::{Admission, AdmissionLimits, ConnectionLimits};
use tokio::sync::{mpsc, oneshot};

use super::limits::{
    COMMANDS, DIAL_DEADLINE, DIALS_AT_ONCE, IDENTIFY_DEADLINE, PING_DEADLINE, PING_INTERVAL,
};
use super::liveness::Liveness;
use super::peer_info::{Kept, PeerDirection, peer_of};
use super::{Announced, PeerTable};
use crate::relay::{self, Driver, Gossipsub};

/// The version of libp2p's protocols that peers of the field identify with.
const PROTOCOL_VERSION: &str = "ipfs/0.1.0";

/// What the node says it is.
const AGENT: &str = concat!("wakustore/", env!("CARGO_PKG_VERSION"));

/// Why a peer can't be talked to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The address names no peer.
    #[error(
        "`{0}` names no peer: expected a multiaddress that ends in /p2p/PEER-ID, \
         like /ip4/127.0.0.1/tcp/60000/p2p/16Uiu2HAm..."
    )]
    NoPeerId(Multiaddr),
    /// The address is this node's.
    #[error("`{0}` is this node itself: expected the address of another")]
    Own(Multiaddr),
    /// No connection came about.
    #[error("{address} can't be reached: {reason}")]
    Unreachable {
        /// What was dialled.
        address: Multiaddr,
        /// What libp2p said.
        reason: String,
    },
    /// The peer didn't identify itself.
    #[error("{0} is connected, but hasn't said which protocols it speaks")]
    Silent(PeerId),
    /// The node is shutting down.
    #[error("the node is shutting down")]
    Stopped,
}

/// What came of a dial, or why there was none.
type Dialled = Result<(), DialError>;

enum Command {
    Dial(DialOpts, oneshot::Sender<Dialled>),
    Disconnect(PeerId),
}

/// Talks to the swarm's task; cheap to clone.
#[derive(Clone, Debug)]
pub struct SwarmHandle {
    local: PeerId,
    commands: mpsc::Sender<Command>,
    peers: Arc<PeerTable>,
}

impl SwarmHandle {
    /// The peer table.
    #[must_use]
    pub fn peers(&self) -> &PeerTable {
        &self.peers
    }

    /// Connects to the peer at `address`, unless it is connected, and waits until it has said
    /// what it speaks. It is kept in mind from then on.
    ///
    /// # Errors
    /// When the address names no peer, or the peer doesn't answer in time.
    pub async fn connect(&self, address: &Multiaddr) -> Result<PeerId, ConnectError> {
        let peer = peer_of(address).ok_or_else(|| ConnectError::NoPeerId(address.clone()))?;
        if peer == self.local {
            return Err(ConnectError::Own(address.clone()));
        }
        let addresses = std::slice::from_ref(address);
        self.peers.keep(peer, addresses, Kept::Dialled);
        self.reach(peer, addresses).await?;
        if self.peers.wait_identified(&peer, IDENTIFY_DEADLINE).await {
            Ok(peer)
        } else {
            Err(ConnectError::Silent(peer))
        }
    }

    /// Connects to every peer at `addresses` as [`connect`](Self::connect) does, a few at a time;
    /// gives what came of each, in their order.
    pub async fn connect_all(
        &self,
        addresses: Vec<Multiaddr>,
    ) -> Vec<(Multiaddr, Result<PeerId, ConnectError>)> {
        let connect = |address: Multiaddr| async move {
            let result = self.connect(&address).await;
            (address, result)
        };
        stream::iter(addresses)
            .map(connect)
            .buffered(DIALS_AT_ONCE)
            .collect()
            .await
    }

    /// Connects to the peer at one of `addresses`, unless it is connected.
    pub(super) async fn reach(
        &self,
        peer: PeerId,
        addresses: &[Multiaddr],
    ) -> Result<(), ConnectError> {
        if self.peers.is_connected(&peer) {
            return Ok(());
        }
        let dial = DialOpts::peer_id(peer)
            .addresses(addresses.to_vec())
            .condition(PeerCondition::DisconnectedAndNotDialing)
            .build();
        let failures = self.peers.failures(&peer);
        let (done, result) = oneshot::channel();
        let sent = self.commands.send(Command::Dial(dial, done)).await;
        sent.map_err(|_| ConnectError::Stopped)?;
        let dialled = async {
            match result.await.map_err(|_| ConnectError::Stopped)? {
                // Somebody else dials it already.
                Err(DialError::DialPeerConditionFalse(_)) => self
                    .peers
                    .wait_dialled(&peer, failures)
                    .await
                    .map_err(|reason| unreachable(peer, addresses, &reason)),
                result => result.map_err(|error| unreachable(peer, addresses, &error)),
            }
        };
        let late = || format!("no answer in {} s", DIAL_DEADLINE.as_secs());
        tokio::time::timeout(DIAL_DEADLINE, dialled)
            .await
            .unwrap_or_else(|_| Err(unreachable(peer, addresses, &late())))
    }

    /// Ends all connections with the peer.
    pub async fn disconnect(&self, peer: PeerId) {
        // A task that is gone has no connections.
        let _ = self.commands.send(Command::Disconnect(peer)).await;
    }
}

fn unreachable(
    peer: PeerId,
    addresses: &[Multiaddr],
    reason: &dyn std::fmt::Display,
) -> ConnectError {
    let named = || Multiaddr::empty().with(Protocol::P2p(peer));
    ConnectError::Unreachable {
        address: addresses.first().cloned().unwrap_or_else(named),
        reason: reason.to_string(),
    }
}

/// Everything that the node does on a connection.
#[derive(NetworkBehaviour)]
pub(crate) struct NodeBehaviour {
    // First, so that nobody else does anything for a connection that is denied.
    admission: Admission,
    frames: sync_net::Behaviour,
    identify: identify::Behaviour,
    ping: ping::Behaviour,
    relay: Toggle<Gossipsub>,
}

impl NodeBehaviour {
    fn new(
        keypair: &Keypair,
        frames: sync_net::Behaviour,
        parts: &SwarmParts,
        relay: Option<Gossipsub>,
    ) -> Self {
        let identify = identify::Config::new(PROTOCOL_VERSION.into(), keypair.public())
            .with_agent_version(AGENT.into())
            .with_push_listen_addr_updates(true)
            .with_hide_listen_addrs(!parts.announced.tells_listening())
            // Peers are dialled where the node was told to, not where they say.
            .with_cache_size(0);
        let ping = ping::Config::new()
            .with_interval(PING_INTERVAL)
            .with_timeout(PING_DEADLINE);
        Self {
            admission: Admission::new(parts.admission, frames.counters()),
            frames,
            identify: identify::Behaviour::new(identify),
            ping: ping::Behaviour::new(ping),
            relay: relay.into(),
        }
    }
}

/// What the swarm's task works with.
pub(crate) struct SwarmParts {
    /// Bounds of the connections that others make.
    pub(crate) admission: AdmissionLimits,
    /// Who is connected.
    pub(crate) peers: Arc<PeerTable>,
    /// What the node tells of its addresses.
    pub(crate) announced: Arc<Announced>,
    /// What libp2p's events are counted by, if they are.
    pub(crate) metrics: Option<Metrics>,
}

struct SwarmTask {
    swarm: Swarm<NodeBehaviour>,
    commands: mpsc::Receiver<Command>,
    parts: SwarmParts,
    dials: HashMap<ConnectionId, oneshot::Sender<Dialled>>,
    liveness: Liveness,
    met: mpsc::Sender<PeerId>,
    relay: Option<Driver>,
}

/// Counts what happened among libp2p's own metrics.
fn count(metrics: &Metrics, event: &SwarmEvent<NodeBehaviourEvent>) {
    metrics.record(event);
    match event {
        SwarmEvent::Behaviour(NodeBehaviourEvent::Identify(event)) => metrics.record(event),
        SwarmEvent::Behaviour(NodeBehaviourEvent::Ping(event)) => metrics.record(event),
        SwarmEvent::Behaviour(NodeBehaviourEvent::Relay(event)) => metrics.record(event),
        _ => {}
    }
}

/// What `spawn` gives back.
pub(crate) struct Spawned {
    /// To ask the swarm for something.
    pub(crate) handle: SwarmHandle,
    /// The addresses that it listens on, with ports filled in and the peer id at the end.
    pub(crate) addresses: Vec<Multiaddr>,
    /// Peers as their first connection is made.
    pub(crate) met: mpsc::Receiver<PeerId>,
    /// Runs the swarm, until every handle is gone.
    pub(crate) run: BoxFuture<'static, ()>,
}

/// Starts a swarm with this key and behaviour, listening on `listen`.
///
/// # Errors
/// When it can't listen on one of the addresses.
pub(crate) async fn spawn(
    keypair: &Keypair,
    frames: sync_net::Behaviour,
    listen: &[Multiaddr],
    parts: SwarmParts,
    relay: Option<relay::SwarmPart>,
) -> anyhow::Result<Spawned> {
    let (gossipsub, relay) = relay.map(|part| (part.gossipsub, part.driver)).unzip();
    let behaviour = NodeBehaviour::new(keypair, frames, &parts, gossipsub);
    let swarm = sync_net::build_swarm(keypair, behaviour, &ConnectionLimits::default())?;
    let (commands, received) = mpsc::channel(COMMANDS);
    let (met, newly_met) = mpsc::channel(COMMANDS);
    let peers = Arc::clone(&parts.peers);
    let mut task = SwarmTask {
        swarm,
        commands: received,
        parts,
        dials: HashMap::new(),
        liveness: Liveness::default(),
        met,
        relay,
    };
    let addresses = task.start_listening(listen).await?;
    Ok(Spawned {
        handle: SwarmHandle {
            local: keypair.public().to_peer_id(),
            commands,
            peers,
        },
        addresses,
        met: newly_met,
        run: task.run().boxed(),
    })
}

impl SwarmTask {
    /// Waits until every address is listened on, and gives what that made of ports and wildcards. Peers may come
    /// meanwhile.
    async fn start_listening(&mut self, listen: &[Multiaddr]) -> anyhow::Result<Vec<Multiaddr>> {
        let mut waiting = Vec::new();
        for address in listen {
            let id = self.swarm.listen_on(address.clone());
            waiting
                .push(id.map_err(|error| anyhow::anyhow!("can't listen on {address}: {error}"))?);
        }
        let mut addresses = Vec::new();
        while !waiting.is_empty() {
            match self.swarm.select_next_some().await {
                SwarmEvent::NewListenAddr {
                    listener_id,
                    address,
                } => {
                    waiting.retain(|id| *id != listener_id);
                    self.announce(&address);
                    addresses.push(address.with(Protocol::P2p(*self.swarm.local_peer_id())));
                }
                SwarmEvent::ListenerClosed {
                    listener_id,
                    reason,
                    addresses,
                } if waiting.contains(&listener_id) => {
                    let reason = reason
                        .err()
                        .map_or_else(|| "closed".into(), |e| e.to_string());
                    anyhow::bail!("can't listen on {addresses:?}: {reason}");
                }
                SwarmEvent::ListenerError { error, .. } => anyhow::bail!("can't listen: {error}"),
                event => self.note(event),
            }
        }
        Ok(addresses)
    }

    async fn run(mut self) {
        loop {
            tokio::select! {
                command = self.commands.recv() => match command {
                    Some(command) => self.obey(command),
                    None => return,
                },
                command = Driver::next(&mut self.relay) => self.relay(|relay, gossipsub| {
                    relay.obey(command, gossipsub);
                }),
                event = self.swarm.select_next_some() => self.note(event),
            }
        }
    }

    /// Has the relay do something, if there is one.
    fn relay(&mut self, act: impl FnOnce(&Driver, &mut Gossipsub)) {
        let gossipsub = self.swarm.behaviour_mut().relay.as_mut();
        if let (Some(relay), Some(gossipsub)) = (&self.relay, gossipsub) {
            act(relay, gossipsub);
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Dial(dial, done) => {
                let connection = dial.connection_id();
                match self.swarm.dial(dial) {
                    Ok(()) => {
                        self.dials.insert(connection, done);
                    }
                    // Whoever asked may have stopped waiting.
                    Err(error) => drop(done.send(Err(error))),
                }
            }
            Command::Disconnect(peer) => {
                // Not connected is what was wanted.
                let _ = self.swarm.disconnect_peer_id(peer);
            }
        }
    }

    fn note(&mut self, event: SwarmEvent<NodeBehaviourEvent>) {
        if let Some(metrics) = &self.parts.metrics {
            count(metrics, &event);
        }
        let peers = &self.parts.peers;
        match event {
            SwarmEvent::ConnectionEstablished {
                peer_id,
                connection_id,
                endpoint,
                ..
            } => {
                let address = endpoint.get_remote_address();
                let direction = match endpoint.is_dialer() {
                    true => PeerDirection::Outbound,
                    false => PeerDirection::Inbound,
                };
                tracing::debug!(peer = %peer_id, %address, ?direction, "connected");
                if peers.connected(peer_id, address, direction) {
                    // A full queue means that nobody looks: the peer is in the table all the same.
                    let _ = self.met.try_send(peer_id);
                }
                if let Some(done) = self.dials.remove(&connection_id) {
                    let _ = done.send(Ok(()));
                }
            }
            SwarmEvent::ConnectionClosed {
                peer_id,
                connection_id,
                cause,
                ..
            } => {
                self.liveness.ended(&connection_id);
                let cause = cause.map(|cause| cause.to_string());
                let last = peers.closed(&peer_id, cause.as_deref());
                tracing::debug!(peer = %peer_id, cause, last, "a connection ended");
            }
            SwarmEvent::NewListenAddr { address, .. } => {
                tracing::info!(%address, "listening too");
                self.announce(&address);
            }
            SwarmEvent::ExpiredListenAddr { address, .. } => self.renounce(&address),
            SwarmEvent::OutgoingConnectionError {
                connection_id,
                peer_id,
                error,
            } => {
                if let Some(peer) = peer_id {
                    peers.dial_failed(&peer, &error.to_string());
                }
                if let Some(done) = self.dials.remove(&connection_id) {
                    let _ = done.send(Err(error));
                }
            }
            SwarmEvent::Behaviour(NodeBehaviourEvent::Identify(identify::Event::Received {
                peer_id,
                info,
                ..
            })) => {
                tracing::debug!(peer = %peer_id, agent = ?info.agent_version, "identified");
                peers.identified(&peer_id, &info);
            }
            SwarmEvent::Behaviour(NodeBehaviourEvent::Ping(event)) => self.pinged(&event),
            SwarmEvent::Behaviour(NodeBehaviourEvent::Relay(event)) => {
                self.relay(|relay, gossipsub| relay.note(event, gossipsub));
            }
            _ => {}
        }
    }

    /// The node listens on `address`: tells others where to reach it.
    fn announce(&mut self, address: &Multiaddr) {
        self.parts.announced.listens(address);
        for told in self.parts.announced.beyond_listening() {
            self.swarm.add_external_address(told);
        }
    }

    /// Tells others no more of an address that isn't listened on any longer, nor of what was made of it.
    fn renounce(&mut self, address: &Multiaddr) {
        let before = self.parts.announced.beyond_listening();
        self.parts.announced.ceases(address);
        let still = self.parts.announced.beyond_listening();
        for gone in before.iter().filter(|told| !still.contains(told)) {
            self.swarm.remove_external_address(gone);
        }
    }

    fn pinged(&mut self, event: &ping::Event) {
        if let Ok(round_trip) = event.result {
            self.parts.peers.pinged(&event.peer, round_trip);
        }
        if self.liveness.pinged(event.connection, &event.result) {
            tracing::debug!(peer = %event.peer, "closing a connection that doesn't answer pings");
            self.swarm.close_connection(event.connection);
        }
    }
}
