//! How bytes get to a peer: tcp and websocket, encrypted by noise, split into streams by yamux or,
//! for peers that know nothing else, mplex.

use std::io;

use futures::{AsyncRead, AsyncWrite};
use libp2p::core::muxing::StreamMuxerBox;
use libp2p::core::transport::Boxed;
use libp2p::core::upgrade::{SelectUpgrade, Version};
use libp2p::identity::Keypair;
use libp2p::{PeerId, Transport, dns, noise, tcp, websocket, yamux};
use tracing::warn;

use crate::limits::{ConnectionLimits, WEBSOCKET_MESSAGE_BYTES};

/// Which muxers are offered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Muxers {
    /// Yamux, and mplex where the peer knows no yamux.
    #[default]
    Both,
    /// Yamux alone.
    Yamux,
    /// Mplex alone, for tests and for peers that can't do better. One stream that isn't read stalls
    /// all others of the connection, and the reset of a dropped stream stays in the writing buffer
    /// until anything else is sent on the connection (`libp2p-mplex` 0.44).
    Mplex,
}

/// Tcp (`/tcp/60000`) and websocket (`/tcp/8000/ws`), names resolved by the system's resolver.
///
/// # Errors
/// When noise can't be set up with `keypair`.
pub fn build(
    keypair: &Keypair,
    muxers: Muxers,
    limits: &ConnectionLimits,
) -> io::Result<Boxed<(PeerId, StreamMuxerBox)>> {
    let mut websocket = websocket::Config::new(resolved_tcp());
    websocket.set_max_data_size(WEBSOCKET_MESSAGE_BYTES);
    let websocket = secured(websocket, keypair, muxers, limits)?;
    let tcp = secured(resolved_tcp(), keypair, muxers, limits)?;
    Ok(websocket
        .or_transport(tcp)
        .map(|connection, _| connection.into_inner())
        .boxed())
}

type ResolvedTcp = dns::tokio::Transport<tcp::tokio::Transport>;

/// Small frames go back and forth, so nothing is held back to fill packets (`nodelay`).
fn resolved_tcp() -> ResolvedTcp {
    let tcp = || tcp::tokio::Transport::new(tcp::Config::new().nodelay(true));
    dns::tokio::Transport::system(tcp()).unwrap_or_else(|error| {
        warn!(%error, "no resolver configured: peers can be dialled by IP address only");
        let nobody = dns::ResolverConfig::from_parts(None, Vec::new(), Vec::new());
        dns::tokio::Transport::custom(tcp(), nobody, dns::ResolverOpts::default())
    })
}

fn secured<T>(
    transport: T,
    keypair: &Keypair,
    muxers: Muxers,
    limits: &ConnectionLimits,
) -> io::Result<Boxed<(PeerId, StreamMuxerBox)>>
where
    T: Transport + Send + Unpin + 'static,
    T::Output: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    T::Error: Send + Sync + 'static,
    T::Dial: Send,
    T::ListenerUpgrade: Send,
{
    let noise = noise::Config::new(keypair).map_err(io::Error::other)?;
    let mut yamux = yamux::Config::default();
    yamux.set_max_num_streams(limits.streams);
    let mut mplex = libp2p_mplex::Config::new();
    mplex.set_max_num_streams(limits.streams);
    mplex.set_max_buffer_size(limits.mplex_frames);
    let secured = transport.upgrade(Version::V1).authenticate(noise);
    let deadline = limits.upgrade_deadline;
    Ok(match muxers {
        Muxers::Both => secured
            .multiplex(SelectUpgrade::new(yamux, mplex))
            .timeout(deadline)
            .map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer)))
            .boxed(),
        Muxers::Yamux => secured
            .multiplex(yamux)
            .timeout(deadline)
            .map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer)))
            .boxed(),
        Muxers::Mplex => secured
            .multiplex(mplex)
            .timeout(deadline)
            .map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer)))
            .boxed(),
    })
}
