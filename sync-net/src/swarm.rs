//! A swarm as Waku's peers expect it, around any behaviour.

use std::io;

use libp2p::Swarm;
use libp2p::identity::Keypair;
use libp2p::swarm::{Config, NetworkBehaviour};

use crate::limits::ConnectionLimits;
use crate::transport::{self, Muxers};

/// A swarm over tcp and websocket, noise, yamux and mplex, whose connections stay open when idle.
/// It runs on tokio, listens nowhere yet and dials nobody.
///
/// # Errors
/// When the transport can't be set up with `keypair`.
pub fn build_swarm<B: NetworkBehaviour>(
    keypair: &Keypair,
    behaviour: B,
    limits: &ConnectionLimits,
) -> io::Result<Swarm<B>> {
    build_swarm_with(keypair, behaviour, limits, Muxers::default())
}

/// As [`build_swarm`], with a choice of muxers.
///
/// # Errors
/// As [`build_swarm`].
pub fn build_swarm_with<B: NetworkBehaviour>(
    keypair: &Keypair,
    behaviour: B,
    limits: &ConnectionLimits,
    muxers: Muxers,
) -> io::Result<Swarm<B>> {
    let transport = transport::build(keypair, muxers, limits)?;
    let config = Config::with_tokio_executor()
        .with_idle_connection_timeout(limits.idle_timeout)
        .with_max_negotiating_inbound_streams(limits.negotiating_streams);
    let local = keypair.public().to_peer_id();
    Ok(Swarm::new(transport, behaviour, local, config))
}
