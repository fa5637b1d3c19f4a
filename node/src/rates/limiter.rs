//! Who may have how much: the buckets of all services.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use libp2p::PeerId;
use sync_net::admission::Origin;
use sync_net::reconcile::Direction;

use super::bandwidth::Bandwidth;
use super::clock::TokioClock;
use super::counters::{Reason, ServiceCounters};
use super::guard::Guard;
use super::limits::BULK_UNDER_WAY;
use super::{Rate, RateError, RateLimits, Service};

/// The rates that a node holds others to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RateConfig {
    /// Requests and bytes of each service.
    pub limits: RateLimits,
    /// Bytes a second that history may take in each direction: sessions, pushes, and the Store pages that
    /// fill what they found. `None` for no bound.
    pub bandwidth: Option<u64>,
}

impl RateConfig {
    /// How much longer than otherwise a query may take whose answer is history.
    pub(crate) fn longer(&self) -> Duration {
        let seconds = self.bandwidth.map(|bytes| BULK_UNDER_WAY / bytes.max(1));
        Duration::from_secs(seconds.unwrap_or_default())
    }
}

/// Who has a bucket of its own.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Client {
    /// A peer.
    Peer(PeerId),
    /// A host that calls by HTTP.
    Host(Origin),
}

/// Says what peers and clients may have, and counts it.
///
/// Peers' streams come by it as the [`Gate`](sync_net::Gate) of the network; requests on them and calls
/// over HTTP are asked about by who answers them.
#[derive(Debug)]
pub struct Limiter {
    guards: [Guard; Service::ALL.len()],
    pub(super) bandwidth: Option<Bandwidth>,
}

/// Something isn't served now.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("too much of {service} is asked for ({}); try again in {after:?}", .reason.name())]
pub struct Refused {
    /// Of what.
    pub service: Service,
    /// Why.
    pub reason: Reason,
    /// When there may be more, from now.
    pub after: Duration,
}

impl Limiter {
    /// All buckets full.
    ///
    /// # Errors
    /// When a rate is more than can be told apart.
    pub fn new(config: &RateConfig) -> Result<Arc<Self>, RateError> {
        let clock = TokioClock::start();
        let [streams, store, sync, transfer, metadata, rest] =
            Service::ALL.map(|service| Guard::new(config.limits.of(service), clock));
        let bandwidth = config.bandwidth.map(|bytes| Bandwidth::new(bytes, clock));
        Ok(Arc::new(Self {
            guards: [streams?, store?, sync?, transfer?, metadata?, rest?],
            bandwidth: bandwidth.transpose()?,
        }))
    }

    /// Takes a request of `service` for a peer; to be asked before the request is read.
    ///
    /// # Errors
    /// When the peer, or all together, have had theirs.
    pub fn admit(&self, service: Service, peer: &PeerId) -> Result<(), Refused> {
        self.take(service, Some(&Client::Peer(*peer)))
    }

    /// Takes a call over HTTP for the host `from`; to be asked before the body is read. This machine's own
    /// addresses have no bucket of their own, since many may be behind a proxy there: they are held to
    /// what all together may have.
    ///
    /// # Errors
    /// When the host, or all together, have had theirs: the answer is 429 then.
    pub fn rest(&self, from: IpAddr) -> Result<(), Refused> {
        self.take(Service::Rest, host(from).as_ref())
    }

    /// Counts the bytes of a call over HTTP.
    pub fn rest_bytes(&self, from: IpAddr, received: u64, sent: u64) {
        let guard = self.guard(Service::Rest);
        let counters = &guard.counters;
        counters.count_bytes(true, Direction::Received, received);
        counters.count_bytes(true, Direction::Sent, sent);
        guard.charge(host(from).as_ref(), received.saturating_add(sent));
    }

    /// Waits until there is a request of `service` for a peer, and takes it.
    pub async fn turn(&self, service: Service, peer: &PeerId) {
        let guard = self.guard(service);
        let client = Client::Peer(*peer);
        let mut paced = false;
        while let Err((_, after)) = guard.take(Some(&client)) {
            if !std::mem::replace(&mut paced, true) {
                guard.counters.paced.increment();
            }
            tokio::time::sleep(after).await;
        }
        guard.counters.served.increment();
    }

    /// Counts a request that found no place.
    pub(crate) fn no_place(&self, service: Service) {
        self.guard(service).counters.refuse(Reason::NoPlace);
    }

    /// What was counted of a service.
    #[must_use]
    pub fn counters(&self, service: Service) -> &ServiceCounters {
        &self.guard(service).counters
    }

    /// How many requests of a service all together may have, if that is limited.
    #[must_use]
    pub fn requests(&self, service: Service) -> Option<Rate> {
        self.guard(service).requests
    }

    pub(super) fn guard(&self, service: Service) -> &Guard {
        &self.guards[service.index()]
    }

    fn take(&self, service: Service, client: Option<&Client>) -> Result<(), Refused> {
        let guard = self.guard(service);
        match guard.take(client) {
            Ok(()) => {
                guard.counters.served.increment();
                Ok(())
            }
            Err((reason, after)) => {
                guard.counters.refuse(reason);
                Err(Refused {
                    service,
                    reason,
                    after,
                })
            }
        }
    }
}

fn host(from: IpAddr) -> Option<Client> {
    let origin = Origin::of_ip(from);
    (!origin.is_loopback()).then_some(Client::Host(origin))
}

#[cfg(test)]
#[path = "limiter_tests.rs"]
mod tests;
