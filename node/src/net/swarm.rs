//! The task that owns the swarm: dials and listens on request, and keeps the peer table.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use libp2p::identity::Keypair;
use libp2p::multiaddr::Protocol;
use libp2p::swarm::behaviour::toggle::Toggle;
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::swarm::{ConnectionId, NetworkBehaviour, Swarm, SwarmEvent};
use libp2p::{Multiaddr, PeerId, identify, ping};
use sync_net::{Admission, AdmissionLimits, ConnectionLimits};
use tokio::sync::{mpsc, oneshot};

use super::PeerTable;
use super::limits::{COMMANDS, DIAL_DEADLINE, IDENTIFY_DEADLINE};
use crate::relay::{self, Driver, Gossipsub};

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

enum Command {
    Dial(DialOpts, oneshot::Sender<Result<(), String>>),
    Disconnect(PeerId),
}

/// Talks to the swarm's task; cheap to clone.
#[derive(Clone, Debug)]
pub struct SwarmHandle {
    commands: mpsc::Sender<Command>,
    peers: Arc<PeerTable>,
}

impl SwarmHandle {
    /// Connects to the peer at `address`, unless it is connected, and waits until it has said
    /// what it speaks.
    ///
    /// # Errors
    /// When the address names no peer, or the peer doesn't answer in time.
    pub async fn connect(&self, address: &Multiaddr) -> Result<PeerId, ConnectError> {
        let Some(Protocol::P2p(peer)) = address.iter().last() else {
            return Err(ConnectError::NoPeerId(address.clone()));
        };
        if !self.peers.is_connected(&peer) {
            let dial = DialOpts::peer_id(peer)
                .addresses(vec![address.clone()])
                .condition(PeerCondition::NotDialing)
                .build();
            let (done, result) = oneshot::channel();
            let sent = self.commands.send(Command::Dial(dial, done)).await;
            sent.map_err(|_| ConnectError::Stopped)?;
            let unreachable = |reason| ConnectError::Unreachable {
                address: address.clone(),
                reason,
            };
            tokio::time::timeout(DIAL_DEADLINE, result)
                .await
                .map_err(|_| unreachable(format!("no answer in {} s", DIAL_DEADLINE.as_secs())))?
                .map_err(|_| ConnectError::Stopped)?
                .map_err(unreachable)?;
        }
        if self.peers.wait_identified(&peer, IDENTIFY_DEADLINE).await {
            Ok(peer)
        } else {
            Err(ConnectError::Silent(peer))
        }
    }

    /// Ends all connections with the peer.
    pub async fn disconnect(&self, peer: PeerId) {
        // A task that is gone has no connections.
        let _ = self.commands.send(Command::Disconnect(peer)).await;
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
        admission: AdmissionLimits,
        relay: Option<Gossipsub>,
    ) -> Self {
        let identify = identify::Config::new("/vac/waku/1.0.0".into(), keypair.public())
            .with_agent_version(format!("wakustore/{}", env!("CARGO_PKG_VERSION")));
        Self {
            admission: Admission::new(admission, frames.counters()),
            frames,
            identify: identify::Behaviour::new(identify),
            ping: ping::Behaviour::default(),
            relay: relay.into(),
        }
    }
}

struct SwarmTask {
    swarm: Swarm<NodeBehaviour>,
    commands: mpsc::Receiver<Command>,
    peers: Arc<PeerTable>,
    dials: HashMap<ConnectionId, oneshot::Sender<Result<(), String>>>,
    met: mpsc::Sender<PeerId>,
    relay: Option<Driver>,
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
    admission: AdmissionLimits,
    listen: &[Multiaddr],
    peers: Arc<PeerTable>,
    relay: Option<relay::SwarmPart>,
) -> anyhow::Result<Spawned> {
    let (gossipsub, relay) = relay.map(|part| (part.gossipsub, part.driver)).unzip();
    let behaviour = NodeBehaviour::new(keypair, frames, admission, gossipsub);
    let mut swarm = sync_net::build_swarm(keypair, behaviour, &ConnectionLimits::default())?;
    let addresses = start_listening(&mut swarm, listen).await?;
    let (commands, received) = mpsc::channel(COMMANDS);
    let (met, newly_met) = mpsc::channel(COMMANDS);
    let task = SwarmTask {
        swarm,
        commands: received,
        peers: Arc::clone(&peers),
        dials: HashMap::new(),
        met,
        relay,
    };
    let handle = SwarmHandle { commands, peers };
    Ok(Spawned {
        handle,
        addresses,
        met: newly_met,
        run: task.run().boxed(),
    })
}

/// Waits until every address is listened on, and gives what that made of ports and wildcards.
async fn start_listening(
    swarm: &mut Swarm<NodeBehaviour>,
    listen: &[Multiaddr],
) -> anyhow::Result<Vec<Multiaddr>> {
    let mut waiting = Vec::new();
    for address in listen {
        let id = swarm.listen_on(address.clone());
        waiting.push(id.map_err(|error| anyhow::anyhow!("can't listen on {address}: {error}"))?);
    }
    let mut addresses = Vec::new();
    while !waiting.is_empty() {
        match swarm.select_next_some().await {
            SwarmEvent::NewListenAddr {
                listener_id,
                address,
            } => {
                waiting.retain(|id| *id != listener_id);
                addresses.push(address.with(Protocol::P2p(*swarm.local_peer_id())));
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
            _ => {}
        }
    }
    Ok(addresses)
}

impl SwarmTask {
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
                    Err(error) => drop(done.send(Err(error.to_string()))),
                }
            }
            Command::Disconnect(peer) => {
                // Not connected is what was wanted.
                let _ = self.swarm.disconnect_peer_id(peer);
            }
        }
    }

    fn note(&mut self, event: SwarmEvent<NodeBehaviourEvent>) {
        match event {
            SwarmEvent::ConnectionEstablished {
                peer_id,
                connection_id,
                endpoint,
                ..
            } => {
                let address = endpoint.get_remote_address().clone();
                tracing::debug!(peer = %peer_id, %address, "connected");
                if self.peers.connected(peer_id, address) {
                    // A full queue means that nobody looks: the peer is in the table all the same.
                    let _ = self.met.try_send(peer_id);
                }
                if let Some(done) = self.dials.remove(&connection_id) {
                    let _ = done.send(Ok(()));
                }
            }
            SwarmEvent::ConnectionClosed { peer_id, cause, .. } => {
                let cause = cause.map_or_else(|| "closed".into(), |cause| cause.to_string());
                let last = self.peers.closed(&peer_id);
                tracing::debug!(peer = %peer_id, cause, last, "a connection ended");
            }
            SwarmEvent::NewListenAddr { address, .. } => tracing::info!(%address, "listening too"),
            SwarmEvent::OutgoingConnectionError {
                connection_id,
                error,
                ..
            } => {
                if let Some(done) = self.dials.remove(&connection_id) {
                    let _ = done.send(Err(error.to_string()));
                }
            }
            SwarmEvent::Behaviour(NodeBehaviourEvent::Identify(identify::Event::Received {
                peer_id,
                info,
                ..
            })) => {
                let protocols: BTreeSet<String> =
                    info.protocols.iter().map(ToString::to_string).collect();
                tracing::debug!(peer = %peer_id, agent = info.agent_version, "identified");
                self.peers.identified(&peer_id, protocols);
            }
            SwarmEvent::Behaviour(NodeBehaviourEvent::Relay(event)) => {
                self.relay(|relay, gossipsub| relay.note(event, gossipsub));
            }
            _ => {}
        }
    }
}
