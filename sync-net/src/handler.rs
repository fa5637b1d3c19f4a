//! One connection's part of the [`Behaviour`](crate::Behaviour): negotiates streams, hands the
//! inbound ones to their queues and refuses by word what doesn't fit there.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::future::{self, BoxFuture};
use futures::stream::{FuturesUnordered, StreamExt};
use libp2p::core::upgrade::{InboundUpgrade, OutboundUpgrade, UpgradeInfo};
use libp2p::swarm::handler::{
    ConnectionEvent, DialUpgradeError, FullyNegotiatedInbound, FullyNegotiatedOutbound,
};
use libp2p::swarm::{
    ConnectionHandler, ConnectionHandlerEvent, StreamUpgradeError, SubstreamProtocol,
    SupportedProtocols,
};
use libp2p::{PeerId, Stream, StreamProtocol};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tracing::debug;

use crate::connections::{Answer, Entry, Open};
use crate::control::OpenFailure;
use crate::counters::Counters;
use crate::frame::FramedStream;
use crate::limits::{Deadlines, FrameLimits, NetLimits};
use crate::protocol::{Served, Unserved};
use crate::warn_of_peer;
use crate::warnings::Warnings;

/// The handler of one connection.
pub struct Handler {
    entry: Entry,
    served: Vec<Arc<Served>>,
    ids: Arc<[StreamProtocol]>,
    opens: mpsc::Receiver<Open>,
    /// Streams whose negotiation was asked for and isn't over.
    opening: usize,
    refusals: FuturesUnordered<BoxFuture<'static, ()>>,
    remote_protocols: SupportedProtocols,
    limits: NetLimits,
    counters: Arc<Counters>,
    warnings: Arc<Warnings>,
}

impl Handler {
    pub(crate) fn new(
        entry: Entry,
        served: Vec<Arc<Served>>,
        opens: mpsc::Receiver<Open>,
        limits: NetLimits,
        counters: Arc<Counters>,
        warnings: Arc<Warnings>,
    ) -> Self {
        Self {
            entry,
            ids: served
                .iter()
                .map(|served| served.config.id.clone())
                .collect(),
            served,
            opens,
            opening: 0,
            refusals: FuturesUnordered::new(),
            remote_protocols: SupportedProtocols::default(),
            limits,
            counters,
            warnings,
        }
    }

    fn accept(&mut self, id: &StreamProtocol, stream: Stream) {
        let Some(served) = self.served.iter().find(|served| served.config.id == *id) else {
            return;
        };
        let peer = self.entry.peer();
        let Some(Unserved { stream, why }) = served.offer(peer, stream) else {
            return;
        };
        if self.refusals.len() >= self.limits.refusals {
            self.counters.streams_reset.increment();
            warn_of_peer!(
                self.warnings,
                &peer,
                protocol = %id,
                "stream reset: too many refusals are being written"
            );
            return;
        }
        self.counters.streams_refused.increment();
        debug!(%peer, protocol = %id, why, "stream refused");
        let refusal = Refusal {
            peer,
            frame: served.config.refusal.clone(),
            limits: self.limits,
            counters: Arc::clone(&self.counters),
        };
        self.refusals.push(Box::pin(refusal.write(stream)));
    }

    /// Takes the next wish that somebody still waits for.
    fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<Open> {
        while self.opening < self.limits.opening.max(1) {
            match self.opens.poll_recv(cx) {
                Poll::Ready(Some(open)) if open.answer.is_closed() => {}
                Poll::Ready(Some(open)) => return Poll::Ready(open),
                Poll::Ready(None) | Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Pending
    }

    fn opened(&mut self, answer: Answer, id: StreamProtocol, stream: Stream) {
        self.opening = self.opening.saturating_sub(1);
        self.counters.streams_opened.increment();
        // Nobody waiting any more is fine: the stream is dropped, and so reset.
        let _ = answer.send(Ok((id, stream)));
    }

    fn not_opened(&mut self, answer: Answer, error: StreamUpgradeError<Infallible>) {
        self.opening = self.opening.saturating_sub(1);
        self.counters.opens_failed.increment();
        let failure = match error {
            StreamUpgradeError::Timeout => OpenFailure::Deadline,
            StreamUpgradeError::NegotiationFailed => OpenFailure::Unsupported,
            StreamUpgradeError::Io(error) => OpenFailure::Io(error),
            StreamUpgradeError::Apply(never) => match never {},
        };
        let _ = answer.send(Err(failure));
    }
}

impl ConnectionHandler for Handler {
    type FromBehaviour = Infallible;
    type ToBehaviour = Infallible;
    type InboundProtocol = AnyOf;
    type OutboundProtocol = AnyOf;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = Answer;

    fn listen_protocol(&self) -> SubstreamProtocol<AnyOf> {
        SubstreamProtocol::new(AnyOf(Arc::clone(&self.ids)), ())
            .with_timeout(self.limits.open_deadline)
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<ConnectionHandlerEvent<AnyOf, Answer, Infallible>> {
        while let Poll::Ready(Some(())) = self.refusals.poll_next_unpin(cx) {}
        self.poll_open(cx).map(|open| {
            self.opening += 1;
            ConnectionHandlerEvent::OutboundSubstreamRequest {
                protocol: SubstreamProtocol::new(AnyOf(open.protocols.into()), open.answer)
                    .with_timeout(self.limits.open_deadline),
            }
        })
    }

    fn on_behaviour_event(&mut self, event: Infallible) {
        match event {}
    }

    fn on_connection_event(&mut self, event: ConnectionEvent<'_, AnyOf, AnyOf, (), Answer>) {
        match event {
            ConnectionEvent::FullyNegotiatedInbound(FullyNegotiatedInbound {
                protocol: (id, stream),
                ..
            }) => self.accept(&id, stream),
            ConnectionEvent::FullyNegotiatedOutbound(FullyNegotiatedOutbound {
                protocol: (id, stream),
                info,
            }) => self.opened(info, id, stream),
            ConnectionEvent::DialUpgradeError(DialUpgradeError { info, error }) => {
                self.not_opened(info, error);
            }
            ConnectionEvent::RemoteProtocolsChange(change) => {
                self.remote_protocols.on_protocols_change(change);
                let protocols = self.remote_protocols.iter().cloned().collect();
                self.entry.set_protocols(protocols);
            }
            _ => {}
        }
    }
}

/// Negotiates the first protocol of a list that the peer speaks too.
#[derive(Clone, Debug)]
pub struct AnyOf(Arc<[StreamProtocol]>);

impl UpgradeInfo for AnyOf {
    type Info = StreamProtocol;
    type InfoIter = std::vec::IntoIter<StreamProtocol>;

    fn protocol_info(&self) -> Self::InfoIter {
        let protocols: Vec<_> = self.0.iter().cloned().collect();
        protocols.into_iter()
    }
}

impl InboundUpgrade<Stream> for AnyOf {
    type Output = (StreamProtocol, Stream);
    type Error = Infallible;
    type Future = future::Ready<Result<Self::Output, Infallible>>;

    fn upgrade_inbound(self, stream: Stream, id: StreamProtocol) -> Self::Future {
        future::ready(Ok((id, stream)))
    }
}

impl OutboundUpgrade<Stream> for AnyOf {
    type Output = (StreamProtocol, Stream);
    type Error = Infallible;
    type Future = future::Ready<Result<Self::Output, Infallible>>;

    fn upgrade_outbound(self, stream: Stream, id: StreamProtocol) -> Self::Future {
        future::ready(Ok((id, stream)))
    }
}

/// What it takes to turn a stream away so that the peer notices.
struct Refusal {
    peer: PeerId,
    frame: Option<Vec<u8>>,
    limits: NetLimits,
    counters: Arc<Counters>,
}

impl Refusal {
    async fn write(self, stream: Stream) {
        let deadline = self.limits.refusal_deadline;
        let frame_limits = FrameLimits {
            max_bytes: 0,
            deadlines: Deadlines {
                idle: deadline,
                grace: deadline,
                ..Deadlines::default()
            },
        };
        let mut stream = FramedStream::new(stream, frame_limits);
        let refusing = stream.refuse(self.frame.as_deref(), self.limits.refusal_drain_bytes);
        let refused = timeout(deadline, refusing).await;
        if !matches!(refused, Ok(Ok(()))) {
            self.counters.refusals_failed.increment();
            debug!(peer = %self.peer, ?refused, "the peer didn't take a refusal");
        }
    }
}
