//! Every number that a peer can push against on the network, with its default.
//!
//! What a session itself is bounded by (ranges, items, rounds) stands in
//! [`sync_core::SessionLimits`].

use std::num::NonZeroU64;
use std::time::Duration;

/// How many bytes of a frame a stream reads at a time, and how much is allocated for a frame before any of
/// its bytes arrived. Frames grow by what arrives, never to the length that was claimed.
pub(crate) const READ_CHUNK: usize = CHUNK;

/// How many bytes of a frame a [`Gate`](crate::Gate) is asked about at a time; 16 KiB. Frames of several
/// streams that are held to one speed go by turns of so many.
pub const CHUNK: usize = 16 << 10;

/// Longest websocket message taken, in bytes. Noise cuts its records at 64 KiB and nobody puts
/// many into one message.
pub(crate) const WEBSOCKET_MESSAGE_BYTES: usize = 4 << 20;

/// Most bytes read from a key file: 64 digits, a prefix and line ends fit generously.
pub(crate) const KEY_FILE_BYTES: u64 = 256;

/// Frames up to this length, in bytes, are read whatever else is; longer ones share
/// [`NetLimits::long_frames_received`] or [`NetLimits::long_frames_fetched`].
pub(crate) const SHORT_FRAME: usize = 256 << 10;

/// How many bytes a stream may read beyond the end of a frame. Every open stream takes so many,
/// also those that never bring a frame.
pub(crate) const READ_AHEAD: usize = 512;

/// Most bytes read and thrown away from a stream whose session is over.
pub(crate) const LEFTOVER_BYTES: usize = 64 << 10;

/// Most bytes read and thrown away from a stream whose session was answered "busy".
pub(crate) const REFUSED_BYTES: usize = 1 << 20;

/// How long a frame may take, and how long a stream waits for the next one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Deadlines {
    /// Longest wait for the first byte of a frame.
    pub wait: Duration,
    /// Longest time without any byte in the middle of a frame, in either direction, and for a
    /// stream to close.
    pub idle: Duration,
    /// Time in which any frame may be slow; from then on
    /// [`bytes_per_second`](Self::bytes_per_second) holds.
    pub grace: Duration,
    /// Least speed of a frame, averaged since its first byte, once `grace` has passed.
    pub bytes_per_second: NonZeroU64,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            wait: Duration::from_secs(60),
            idle: Duration::from_secs(15),
            grace: Duration::from_secs(20),
            bytes_per_second: NonZeroU64::new(8 << 10).unwrap_or(NonZeroU64::MIN),
        }
    }
}

/// Bounds of the frames of one stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FrameLimits {
    /// Longest frame taken from a peer, in bytes without its length prefix.
    pub max_bytes: usize,
    /// Time bounds of reading, writing and closing.
    pub deadlines: Deadlines,
}

impl Default for FrameLimits {
    fn default() -> Self {
        Self {
            max_bytes: 4 << 20,
            deadlines: Deadlines::default(),
        }
    }
}

impl FrameLimits {
    /// The default deadlines with frames of at most `max_bytes`.
    #[must_use]
    pub fn of_bytes(max_bytes: usize) -> Self {
        Self {
            max_bytes,
            deadlines: Deadlines::default(),
        }
    }
}

/// Bounds of the [`Behaviour`](crate::Behaviour), for each connection but where it says otherwise.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NetLimits {
    /// Most refusals being written at once on one connection; streams beyond it are reset.
    pub refusals: usize,
    /// How long a refusal may take to be written and the refused stream to end.
    pub refusal_deadline: Duration,
    /// Most bytes read from a refused stream while it ends.
    pub refusal_drain_bytes: usize,
    /// Most streams being opened at once on one connection; further calls wait.
    pub opening: usize,
    /// How long the negotiation of a stream's protocol may take, in either direction.
    pub open_deadline: Duration,
    /// Most bytes of memory for the frames over 256 KiB that are being received on streams which
    /// peers opened, on all connections together.
    pub long_frames_received: usize,
    /// The same for streams that this side opened, by one [`Control`](crate::Control) and its clones.
    pub long_frames_fetched: usize,
    /// Bounds of the warnings about peers, over all connections.
    pub warnings: WarningLimits,
}

impl Default for NetLimits {
    fn default() -> Self {
        Self {
            refusals: 256,
            refusal_deadline: Duration::from_secs(10),
            refusal_drain_bytes: 1 << 20,
            opening: 128,
            open_deadline: Duration::from_secs(15),
            long_frames_received: 16 << 20,
            long_frames_fetched: 16 << 20,
            warnings: WarningLimits::default(),
        }
    }
}

/// Bounds of the inbound connections of a node, for [`Admission`](crate::Admission).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AdmissionLimits {
    /// Most connections at once; 256.
    pub inbound: usize,
    /// Most connections at once from one IPv4 address, or one IPv6 network of 64 bits; 32. `None`
    /// for no bound, for nodes behind a proxy that hides where connections come from.
    pub inbound_per_ip: Option<usize>,
    /// Most connections at once with one peer; 4.
    pub inbound_per_peer: usize,
    /// Most connections at once whose peer hasn't proved yet who it is; 64.
    pub pending: usize,
}

impl Default for AdmissionLimits {
    fn default() -> Self {
        Self {
            inbound: 256,
            inbound_per_ip: Some(32),
            inbound_per_peer: 4,
            pending: 64,
        }
    }
}

/// Bounds of the warnings that peers can provoke, for [`Warnings`](crate::Warnings).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WarningLimits {
    /// Most warnings about one peer in a period; 10.
    pub per_peer: usize,
    /// Most warnings about all peers together in a period; 200.
    pub in_all: usize,
    /// How long a period is; a minute.
    pub period: Duration,
}

impl Default for WarningLimits {
    fn default() -> Self {
        Self {
            per_peer: 10,
            in_all: 200,
            period: Duration::from_secs(60),
        }
    }
}

/// Bounds of connections, for [`build_swarm`](crate::swarm::build_swarm).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ConnectionLimits {
    /// How long a connection without any stream is kept. Waku peers expect hours.
    pub idle_timeout: Duration,
    /// How long connecting, encryption and the choice of a muxer may take together.
    pub upgrade_deadline: Duration,
    /// Most streams of one connection, both directions together.
    pub streams: usize,
    /// Most frames, of up to 1 MiB each, that one stream of mplex may have unread; 8. Then nothing
    /// more is read from its connection. On yamux a stream may have 256 KiB unread.
    pub mplex_frames: usize,
    /// Most inbound streams of one connection whose protocol is being negotiated; further ones
    /// wait in the muxer.
    pub negotiating_streams: usize,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            idle_timeout: Duration::from_secs(12 * 3600),
            upgrade_deadline: Duration::from_secs(20),
            streams: 512,
            mplex_frames: 8,
            negotiating_streams: 256,
        }
    }
}

/// Bounds of reconciliation as a whole, for [`Reconciler`](crate::Reconciler).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReconcileLimits {
    /// Most sessions served at once; more are answered "busy", unless one is displaced.
    pub served: usize,
    /// How long a served session keeps its place while nothing comes from its peer, once there are
    /// [`served`](Self::served) and a peer that has none wants one.
    pub displaced_after: Duration,
    /// Most sessions served at once for one peer.
    pub served_per_peer: usize,
    /// Most ids that all served sessions together remember as reported; sessions that this side
    /// starts aren't touched by what peers do to those.
    pub served_differences: usize,
    /// Most inbound streams of one protocol that wait to be looked at; more are answered "busy".
    pub inbound_queue: usize,
    /// Most inbound streams of one protocol that one peer may hold.
    pub inbound_per_peer: usize,
    /// Time bounds of a session's frames.
    pub deadlines: Deadlines,
    /// Longest time a session takes, whatever it achieves.
    pub session: Duration,
    /// How long a peer that answered "busy" is given to show that it was busy with us, that is,
    /// for the session which it started at the same time to arrive.
    pub yield_grace: Duration,
    /// How long the end of a finished session's stream is waited for.
    pub linger: Duration,
}

impl Default for ReconcileLimits {
    fn default() -> Self {
        Self {
            served: 16,
            displaced_after: Duration::from_secs(5),
            served_per_peer: 2,
            served_differences: 100_000,
            inbound_queue: 32,
            inbound_per_peer: 8,
            deadlines: Deadlines::default(),
            session: Duration::from_secs(3600),
            yield_grace: Duration::from_secs(3),
            linger: Duration::from_secs(5),
        }
    }
}
