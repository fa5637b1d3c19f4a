//! The limiter as the network asks it.

use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use libp2p::{PeerId, StreamProtocol};
use sync_net::reconcile::Direction;
use sync_net::{Flow, Gate};

use super::limiter::{Client, Limiter};
use super::service::Service;

impl Gate for Limiter {
    fn admits(&self, peer: &PeerId, protocol: &StreamProtocol) -> bool {
        // A session is a stream; requests are asked about when they come, since clients open streams
        // long before they use them.
        let session = Service::of_protocol(protocol).filter(|service| *service == Service::Sync);
        let services = std::iter::once(Service::Streams).chain(session);
        let refused = services
            .map(|service| self.admit(service, peer))
            .find(Result::is_err);
        match refused {
            Some(Err(refused)) => {
                tracing::debug!(%peer, %protocol, %refused, "a stream is refused");
                false
            }
            _ => true,
        }
    }

    fn no_place(&self, _: &PeerId, protocol: &StreamProtocol) {
        let service = Service::of_protocol(protocol).unwrap_or(Service::Streams);
        self.no_place(service);
    }

    fn passes(
        &self,
        flow: &Flow,
        direction: Direction,
        bytes: usize,
    ) -> Option<BoxFuture<'static, ()>> {
        let service = Service::of_protocol(&flow.protocol)?;
        let bytes = bytes as u64;
        let guard = self.guard(service);
        guard
            .counters
            .count_bytes(flow.opened_by_peer, direction, bytes);
        let mut wait = Duration::ZERO;
        if flow.opened_by_peer {
            let client = Client::Peer(flow.peer);
            guard.charge(Some(&client), bytes);
            if service.is_long() {
                wait = guard.debt(&client);
            }
        }
        if let Some(bandwidth) = &self.bandwidth
            && (flow.bulk || service.is_long())
        {
            wait = wait.max(bandwidth.turn(direction, bytes));
        }
        if wait.is_zero() {
            return None;
        }
        guard.counters.paced.increment();
        Some(tokio::time::sleep(wait).boxed())
    }
}
