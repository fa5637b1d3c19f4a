//! A protocol as it is served: its name, its queue, and what a peer is told when that is full.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use libp2p::{PeerId, StreamProtocol};
use parking_lot::Mutex;
use tokio::sync::mpsc;

use crate::counters::Counters;
use crate::frame::FramedStream;
use crate::gate::{Flow, Gate, Gated};
use crate::limits::FrameLimits;
use crate::room::Room;

/// A protocol to serve.
#[derive(Clone, Debug)]
pub struct ProtocolConfig {
    /// The name that peers negotiate.
    pub id: StreamProtocol,
    /// Most streams waiting to be accepted; at least 1.
    pub inbound_queue: usize,
    /// Most streams of one peer, waiting and accepted together. A stream counts until its
    /// [`FramedStream`] is dropped.
    pub inbound_per_peer: usize,
    /// The frame that a refused peer is sent before its stream is closed; with `None` it is closed
    /// without a word.
    pub refusal: Option<Vec<u8>>,
    /// Bounds of the frames on streams of this protocol, inbound and outbound.
    pub frame: FrameLimits,
}

impl ProtocolConfig {
    /// A protocol with a queue of 64 streams, 16 of one peer, default frames and no refusal frame.
    #[must_use]
    pub fn new(id: StreamProtocol) -> Self {
        Self {
            id,
            inbound_queue: 64,
            inbound_per_peer: 16,
            refusal: None,
            frame: FrameLimits::default(),
        }
    }
}

/// A stream that a peer opened.
#[derive(Debug)]
pub struct Inbound {
    /// Who opened it.
    pub peer: PeerId,
    /// The protocol that was negotiated.
    pub protocol: StreamProtocol,
    /// The stream, with nothing read from it yet.
    pub stream: FramedStream,
}

/// The frame limits of the protocols that a program serves or speaks.
#[derive(Debug, Default)]
pub(crate) struct FrameTable(Mutex<HashMap<StreamProtocol, FrameLimits>>);

impl FrameTable {
    pub(crate) fn set(&self, protocol: StreamProtocol, limits: FrameLimits) {
        self.0.lock().insert(protocol, limits);
    }

    /// The defaults for a protocol that was never set.
    pub(crate) fn get(&self, protocol: &StreamProtocol) -> FrameLimits {
        self.0.lock().get(protocol).copied().unwrap_or_default()
    }
}

/// A protocol with the sending end of its queue.
pub(crate) struct Served {
    pub(crate) config: ProtocolConfig,
    queue: mpsc::Sender<Inbound>,
    shares: Mutex<HashMap<PeerId, usize>>,
    counters: Arc<Counters>,
    room: Arc<Room>,
    gate: Arc<dyn Gate>,
}

/// A stream that isn't served, and why.
pub(crate) struct Unserved {
    pub(crate) stream: libp2p::Stream,
    pub(crate) why: &'static str,
}

impl Served {
    pub(crate) fn new(
        config: ProtocolConfig,
        counters: Arc<Counters>,
        room: Arc<Room>,
        gate: Arc<dyn Gate>,
    ) -> (Arc<Self>, mpsc::Receiver<Inbound>) {
        let (queue, inbox) = mpsc::channel(config.inbound_queue.max(1));
        let served = Self {
            config,
            queue,
            shares: Mutex::default(),
            counters,
            room,
            gate,
        };
        (Arc::new(served), inbox)
    }

    /// Queues `stream`; gives it back when the gate doesn't admit it, the queue or the peer's share is
    /// full, or nobody accepts any more.
    pub(crate) fn offer(
        self: &Arc<Self>,
        peer: PeerId,
        stream: libp2p::Stream,
    ) -> Option<Unserved> {
        let id = &self.config.id;
        if !self.gate.admits(&peer, id) {
            self.counters.streams_gated.increment();
            let why = "the gate doesn't admit it";
            return Some(Unserved { stream, why });
        }
        let place = self.queue.try_reserve().ok();
        let Some((place, share)) = place.zip(Share::take(self, peer)) else {
            self.gate.no_place(&peer, id);
            let why = "the queue or the peer's share is full";
            return Some(Unserved { stream, why });
        };
        let counters = Arc::clone(&self.counters);
        place.send(Inbound {
            peer,
            protocol: id.clone(),
            stream: FramedStream::counted(stream, self.config.frame, counters)
                .within(&self.room)
                .gated(self.gated(peer))
                .holding(share),
        });
        self.counters.streams_accepted.increment();
        None
    }

    fn gated(&self, peer: PeerId) -> Gated {
        Gated {
            gate: Arc::clone(&self.gate),
            flow: Flow {
                peer,
                protocol: self.config.id.clone(),
                opened_by_peer: true,
                bulk: false,
            },
        }
    }
}

/// One stream of a peer's share of a protocol; given back when dropped.
pub(crate) struct Share {
    served: Arc<Served>,
    peer: PeerId,
}

impl Share {
    fn take(served: &Arc<Served>, peer: PeerId) -> Option<Self> {
        let mut shares = served.shares.lock();
        let taken = shares.entry(peer).or_default();
        if *taken >= served.config.inbound_per_peer.max(1) {
            return None;
        }
        *taken += 1;
        Some(Self {
            served: Arc::clone(served),
            peer,
        })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut shares = self.served.shares.lock();
        if let Some(taken) = shares.get_mut(&self.peer) {
            *taken -= 1;
            if *taken == 0 {
                shares.remove(&self.peer);
            }
        }
    }
}

impl fmt::Debug for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Share").field("peer", &self.peer).finish()
    }
}
