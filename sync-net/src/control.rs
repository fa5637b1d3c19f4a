//! The handle by which any task opens streams to connected peers.

use std::io;
use std::sync::Arc;

use libp2p::{PeerId, StreamProtocol};
use tokio::sync::oneshot;

use crate::connections::{Connections, Open};
use crate::counters::Counters;
use crate::frame::{FrameError, FramedStream};
use crate::gate::{Flow, Gate, Gated};
use crate::limits::FrameLimits;
use crate::protocol::FrameTable;
use crate::room::Room;
use crate::warnings::Warnings;

/// Opens streams on the connections of one [`Behaviour`](crate::Behaviour). Cheap to clone.
///
/// Dialling is the program's part: calls for a peer that isn't connected fail at once.
#[derive(Clone, Debug)]
pub struct Control {
    connections: Arc<Connections>,
    frames: Arc<FrameTable>,
    counters: Arc<Counters>,
    warnings: Arc<Warnings>,
    room: Arc<Room>,
    gate: Arc<dyn Gate>,
    bulk: bool,
}

impl Control {
    pub(crate) fn new(
        connections: Arc<Connections>,
        frames: Arc<FrameTable>,
        counters: Arc<Counters>,
        warnings: Arc<Warnings>,
        room: Arc<Room>,
        gate: Arc<dyn Gate>,
    ) -> Self {
        Self {
            connections,
            frames,
            counters,
            warnings,
            room,
            gate,
            bulk: false,
        }
    }

    /// The same, but its streams carry much that nobody waits for, as
    /// [`Flow::bulk`](crate::Flow::bulk) has it.
    #[must_use]
    pub fn for_bulk(&self) -> Self {
        Self {
            bulk: true,
            ..self.clone()
        }
    }

    /// The same, but its long frames share a room of their own, as large as that of all others: so
    /// what is asked on behalf of some leaves the room of others alone.
    #[must_use]
    pub fn apart(&self) -> Self {
        Self {
            room: Room::new(self.room.most()),
            ..self.clone()
        }
    }

    /// Opens a stream. Its frame limits are those given to
    /// [`Behaviour::serve`](crate::Behaviour::serve) or [`speak`](crate::Behaviour::speak), or the
    /// defaults.
    ///
    /// # Errors
    /// When the peer isn't connected, doesn't speak `protocol`, or doesn't answer in time.
    pub async fn open(
        &self,
        peer: PeerId,
        protocol: StreamProtocol,
    ) -> Result<FramedStream, OpenError> {
        let (_, stream) = self.open_any(peer, vec![protocol]).await?;
        Ok(stream)
    }

    /// Opens a stream with the first of `protocols` that the peer speaks, and tells which one.
    ///
    /// # Errors
    /// As [`Control::open`].
    pub async fn open_any(
        &self,
        peer: PeerId,
        protocols: Vec<StreamProtocol>,
    ) -> Result<(StreamProtocol, FramedStream), OpenError> {
        let fail = |failure| OpenError {
            peer,
            protocols: names(&protocols),
            failure,
        };
        let handler = self
            .connections
            .newest(&peer)
            .ok_or_else(|| fail(OpenFailure::NotConnected))?;
        let (answer, opened) = oneshot::channel();
        let open = Open {
            protocols: protocols.clone(),
            answer,
        };
        let lost = |_| fail(OpenFailure::Disconnected);
        handler.send(open).await.map_err(|_| lost(()))?;
        let answered = opened.await.map_err(|_| lost(()))?;
        let (protocol, stream) = answered.map_err(fail)?;
        let counters = Arc::clone(&self.counters);
        let stream = FramedStream::counted(stream, self.frames.get(&protocol), counters);
        let gated = Gated {
            gate: Arc::clone(&self.gate),
            flow: Flow {
                peer,
                protocol: protocol.clone(),
                opened_by_peer: false,
                bulk: self.bulk,
            },
        };
        Ok((protocol, stream.within(&self.room).gated(gated)))
    }

    /// One question, one answer: opens a stream, sends `frame`, closes this side and gives the
    /// first frame of the answer, of at most `max_response` bytes.
    ///
    /// # Errors
    /// When the stream can't be opened, the peer closes it without an answer
    /// ([`RequestError::Refused`]), or one of the frames fails.
    pub async fn request(
        &self,
        peer: PeerId,
        protocol: StreamProtocol,
        frame: &[u8],
        max_response: usize,
    ) -> Result<Vec<u8>, RequestError> {
        let mut stream = self.open(peer, protocol.clone()).await?;
        stream.set_limits(FrameLimits {
            max_bytes: max_response,
            ..self.frames.get(&protocol)
        });
        // A peer that refuses may have reset the stream before it was written to the end, and its
        // answer may be there all the same: what reading says counts.
        let sent = async {
            stream.send(frame).await?;
            stream.close().await
        }
        .await;
        match (stream.receive().await, sent) {
            (Ok(Some(response)), _) => Ok(response),
            (_, Err(error)) | (Err(error), _) => Err(error.into()),
            (Ok(None), Ok(())) => Err(RequestError::Refused { peer, protocol }),
        }
    }

    /// Whether there is a connection to `peer`.
    #[must_use]
    pub fn is_connected(&self, peer: &PeerId) -> bool {
        self.connections.newest(peer).is_some()
    }

    /// The connected peers, in no order.
    #[must_use]
    pub fn connected_peers(&self) -> Vec<PeerId> {
        self.connections.peers()
    }

    /// What `peer` says that it speaks; `None` if it isn't connected or hasn't told yet. Peers tell
    /// by the identify protocol, so that behaviour has to be part of the swarm.
    #[must_use]
    pub fn protocols(&self, peer: &PeerId) -> Option<Vec<StreamProtocol>> {
        self.connections.protocols(peer)
    }

    /// What was counted so far, kept up to date.
    #[must_use]
    pub fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.counters)
    }

    /// The bounds of warnings about peers, shared by all that warn of them.
    #[must_use]
    pub fn warnings(&self) -> Arc<Warnings> {
        Arc::clone(&self.warnings)
    }
}

fn names(protocols: &[StreamProtocol]) -> String {
    let names: Vec<&str> = protocols.iter().map(AsRef::as_ref).collect();
    names.join(" or ")
}

/// A stream that couldn't be opened.
#[derive(Debug, thiserror::Error)]
#[error("no stream of {protocols} to {peer}: {failure}")]
pub struct OpenError {
    /// To whom.
    pub peer: PeerId,
    /// The protocols asked for, for people to read.
    pub protocols: String,
    /// Why.
    #[source]
    pub failure: OpenFailure,
}

/// Why a stream couldn't be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenFailure {
    /// There is no connection; dial the peer first.
    #[error("not connected, dial the peer first")]
    NotConnected,
    /// The connection closed meanwhile.
    #[error("the connection closed")]
    Disconnected,
    /// The peer speaks none of the protocols.
    #[error("the peer doesn't speak it")]
    Unsupported,
    /// The negotiation took longer than
    /// [`NetLimits::open_deadline`](crate::limits::NetLimits::open_deadline).
    #[error("the peer didn't answer in time")]
    Deadline,
    /// The stream failed in the middle of the negotiation.
    #[error("negotiation failed: {0}")]
    Io(io::Error),
}

/// Why a request got no response.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The stream couldn't be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The request or the response failed.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The peer took the request and closed the stream without a response.
    #[error("{peer} closed the stream of {protocol} without a response: refused, try later")]
    Refused {
        /// Who was asked.
        peer: PeerId,
        /// By which protocol.
        protocol: StreamProtocol,
    },
}
