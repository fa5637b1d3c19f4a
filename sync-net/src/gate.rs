//! What a program may say to what its peers want: which streams are served, and how fast bytes go.
//!
//! This crate bounds what is there at one time; how much may come in a time is the program's to say.

use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;
use libp2p::{PeerId, StreamProtocol};

use crate::reconcile::Direction;

/// Decides about streams and bytes. It is asked from many tasks at once, and should answer at once.
///
/// ```
/// use libp2p::{PeerId, StreamProtocol};
/// use sync_net::{Behaviour, Gate, NetLimits};
///
/// #[derive(Debug)]
/// struct NobodyIsServed;
///
/// impl Gate for NobodyIsServed {
///     fn admits(&self, _: &PeerId, _: &StreamProtocol) -> bool {
///         false
///     }
/// }
///
/// let behaviour = Behaviour::gated(NetLimits::default(), std::sync::Arc::new(NobodyIsServed));
/// # drop(behaviour);
/// ```
pub trait Gate: fmt::Debug + Send + Sync + 'static {
    /// Whether a stream that `peer` has opened is served. Asked once for each, before anything that
    /// the peer wants is read; one that isn't is refused as if there were no place for it.
    fn admits(&self, _peer: &PeerId, _protocol: &StreamProtocol) -> bool {
        true
    }

    /// A stream that was admitted found no place: the queue or the peer's share is full.
    fn no_place(&self, _peer: &PeerId, _protocol: &StreamProtocol) {}

    /// So many bytes of a stream are about to be sent, or were received; at most
    /// [`CHUNK`](crate::limits::CHUNK) at a time. The stream goes on once the future is through, at
    /// once without one. The deadlines of the peer are put off by that.
    fn passes(
        &self,
        _flow: &Flow,
        _direction: Direction,
        _bytes: usize,
    ) -> Option<BoxFuture<'static, ()>> {
        None
    }
}

/// What a stream is for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Flow {
    /// The other side.
    pub peer: PeerId,
    /// What is spoken.
    pub protocol: StreamProtocol,
    /// Whether the peer opened the stream; this side did otherwise.
    pub opened_by_peer: bool,
    /// Whether it carries much that nobody waits for, such as history; see
    /// [`Control::for_bulk`](crate::Control::for_bulk) and
    /// [`FramedStream::set_bulk`](crate::FramedStream::set_bulk).
    pub bulk: bool,
}

/// Lets everything through.
impl Gate for () {}

/// A stream's part of a gate.
#[derive(Clone, Debug)]
pub(crate) struct Gated {
    pub(crate) gate: Arc<dyn Gate>,
    pub(crate) flow: Flow,
}

impl Gated {
    pub(crate) fn passes(
        &self,
        direction: Direction,
        bytes: usize,
    ) -> Option<BoxFuture<'static, ()>> {
        self.gate.passes(&self.flow, direction, bytes)
    }
}
