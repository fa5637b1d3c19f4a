//! The [`Behaviour`] that a swarm is given.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use libp2p::core::transport::PortUse;
use libp2p::core::{Endpoint, Multiaddr};
use libp2p::swarm::{ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, ToSwarm};
use libp2p::{PeerId, StreamProtocol};
use tokio::sync::mpsc;

use crate::connections::Connections;
use crate::control::Control;
use crate::counters::Counters;
use crate::gate::Gate;
use crate::handler::Handler;
use crate::limits::{FrameLimits, NetLimits};
use crate::protocol::{FrameTable, Inbound, ProtocolConfig, Served};
use crate::room::Room;
use crate::warnings::Warnings;

/// Carries opaque frames over protocols of the program's choice.
///
/// Streams that peers open come out of the receivers that [`Behaviour::serve`] gives; own streams
/// are opened by a [`Control`]. Both work in any task as long as somebody polls the swarm. The
/// behaviour never dials and emits no events.
pub struct Behaviour {
    served: Vec<Arc<Served>>,
    connections: Arc<Connections>,
    frames: Arc<FrameTable>,
    limits: NetLimits,
    counters: Arc<Counters>,
    warnings: Arc<Warnings>,
    received: Arc<Room>,
    fetched: Arc<Room>,
    gate: Arc<dyn Gate>,
}

impl Behaviour {
    /// A behaviour that serves nothing yet.
    #[must_use]
    pub fn new(limits: NetLimits) -> Self {
        Self::gated(limits, Arc::new(()))
    }

    /// As [`Behaviour::new`], and `gate` decides about streams and bytes, in both directions.
    #[must_use]
    pub fn gated(limits: NetLimits, gate: Arc<dyn Gate>) -> Self {
        Self {
            served: Vec::new(),
            connections: Arc::default(),
            frames: Arc::default(),
            limits,
            counters: Arc::default(),
            warnings: Arc::new(Warnings::new(limits.warnings)),
            received: Room::new(limits.long_frames_received),
            fetched: Room::new(limits.long_frames_fetched),
            gate,
        }
    }

    /// Serves a protocol on the connections made from now on, so call this before the swarm
    /// listens or dials. Inbound streams come out of the receiver; when its queue or the peer's
    /// share is full, or it has been dropped, they are refused as `config` says. A protocol that is
    /// served already is served by `config` from now on.
    pub fn serve(&mut self, config: ProtocolConfig) -> mpsc::Receiver<Inbound> {
        self.speak(config.id.clone(), config.frame);
        let (counters, received) = (Arc::clone(&self.counters), Arc::clone(&self.received));
        self.served.retain(|served| served.config.id != config.id);
        let gate = Arc::clone(&self.gate);
        let (served, inbox) = Served::new(config, counters, received, gate);
        self.served.push(served);
        inbox
    }

    /// Sets the frame limits of own streams of a protocol that isn't served.
    pub fn speak(&mut self, protocol: StreamProtocol, frame: FrameLimits) {
        self.frames.set(protocol, frame);
    }

    /// A handle that opens streams.
    #[must_use]
    pub fn control(&self) -> Control {
        Control::new(
            Arc::clone(&self.connections),
            Arc::clone(&self.frames),
            Arc::clone(&self.counters),
            Arc::clone(&self.warnings),
            Arc::clone(&self.fetched),
            Arc::clone(&self.gate),
        )
    }

    /// What was counted so far, kept up to date.
    #[must_use]
    pub fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.counters)
    }

    fn handler(&self, connection: ConnectionId, peer: PeerId) -> Handler {
        let (sender, opens) = mpsc::channel(self.limits.opening.max(1));
        let entry = self.connections.enter(peer, connection, sender);
        let (counters, warnings) = (Arc::clone(&self.counters), Arc::clone(&self.warnings));
        let served = self.served.clone();
        Handler::new(entry, served, opens, self.limits, counters, warnings)
    }
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = Handler;
    type ToSwarm = Infallible;

    fn handle_established_inbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<Handler, ConnectionDenied> {
        Ok(self.handler(connection, peer))
    }

    fn handle_established_outbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<Handler, ConnectionDenied> {
        Ok(self.handler(connection, peer))
    }

    fn on_swarm_event(&mut self, _: FromSwarm<'_>) {}

    fn on_connection_handler_event(&mut self, _: PeerId, _: ConnectionId, event: Infallible) {
        match event {}
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Infallible, Infallible>> {
        Poll::Pending
    }
}
