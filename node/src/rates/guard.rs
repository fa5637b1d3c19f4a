//! The buckets of one service.

use std::time::Duration;

use super::bucket::{Buckets, Key};
use super::clock::TokioClock;
use super::counters::{Reason, ServiceCounters};
use super::limiter::Client;
use super::limits::{BUCKETS, BYTES_PER_CELL};
use super::{Rate, RateError, Rates, ServiceRates};

#[derive(Debug)]
pub(super) struct Guard {
    peer: Pair<Client>,
    all: Pair<()>,
    /// What is shown of it.
    pub(super) requests: Option<Rate>,
    pub(super) counters: ServiceCounters,
}

/// Buckets of requests and of bytes; `None` where there is no limit.
#[derive(Debug)]
struct Pair<K: Key> {
    requests: Option<Buckets<K>>,
    bytes: Option<Buckets<K>>,
}

impl<K: Key> Pair<K> {
    fn new(rates: &Rates, keys: usize, clock: TokioClock) -> Result<Self, RateError> {
        let buckets = |quota| Buckets::new(quota, keys, clock);
        let requests = rates.requests.map(|rate| rate.requests()).transpose()?;
        let bytes = rates.bytes.map(|rate| rate.bytes()).transpose()?;
        Ok(Self {
            requests: requests.map(buckets),
            bytes: bytes.map(buckets),
        })
    }
}

fn wait<K: Key>(buckets: Option<&Buckets<K>>, key: &K) -> Duration {
    buckets.map_or(Duration::ZERO, |buckets| buckets.wait(key))
}

fn take<K: Key>(buckets: Option<&Buckets<K>>, key: &K) -> Result<(), Duration> {
    buckets.map_or(Ok(()), |buckets| buckets.take(key))
}

impl Guard {
    pub(super) fn new(rates: &ServiceRates, clock: TokioClock) -> Result<Self, RateError> {
        Ok(Self {
            peer: Pair::new(&rates.peer, BUCKETS, clock)?,
            all: Pair::new(&rates.overall, 1, clock)?,
            requests: rates.overall.requests,
            counters: ServiceCounters::default(),
        })
    }

    /// Takes one request, or tells why there is none and when there may be one. A client without a name
    /// is held to what all together have.
    ///
    /// Whoever is refused has nothing taken: waiting costs no turns.
    pub(super) fn take(&self, client: Option<&Client>) -> Result<(), (Reason, Duration)> {
        let all_requests = self.all.requests.as_ref();
        if let Some(client) = client {
            let owed = wait(self.peer.bytes.as_ref(), client);
            none(Reason::PeerBytes, owed)?;
        }
        none(Reason::AllBytes, wait(self.all.bytes.as_ref(), &()))?;
        none(Reason::AllRequests, wait(all_requests, &()))?;
        if let Some(client) = client {
            let taken = take(self.peer.requests.as_ref(), client);
            taken.map_err(|after| (Reason::PeerRequests, after))?;
        }
        take(all_requests, &()).map_err(|after| (Reason::AllRequests, after))
    }

    /// Counts bytes that have gone.
    pub(super) fn charge(&self, client: Option<&Client>, bytes: u64) {
        let cells = bytes.div_ceil(BYTES_PER_CELL);
        if let (Some(buckets), Some(client)) = (&self.peer.bytes, client) {
            buckets.charge(client, cells);
        }
        if let Some(buckets) = &self.all.bytes {
            buckets.charge(&(), cells);
        }
    }

    /// How long it takes until the client, and all together, owe no bytes.
    pub(super) fn debt(&self, client: &Client) -> Duration {
        let of_peer = wait(self.peer.bytes.as_ref(), client);
        of_peer.max(wait(self.all.bytes.as_ref(), &()))
    }
}

fn none(reason: Reason, wait: Duration) -> Result<(), (Reason, Duration)> {
    if wait.is_zero() {
        Ok(())
    } else {
        Err((reason, wait))
    }
}
