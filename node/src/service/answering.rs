//! Who is answered next.
//!
//! A client that asks now and then waits for nobody who reads a whole history: requests are taken in the
//! order of how much their peers were given lately, the least first; and those of peers that were given
//! much have a part of the places only, so that there is always one for the others.

use std::collections::BTreeMap;
use std::sync::Arc;

use hashlink::LruCache;
use libp2p::PeerId;
use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::limits::{BULK_BYTES, BULK_HALVED, PEERS_REMEMBERED, ServiceLimits};

/// A bound of the requests that are answered at a time, and the order of those that wait. How many wait is
/// bounded by the turns of each peer.
#[derive(Debug)]
pub(super) struct Answering {
    most: usize,
    most_bulk: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    busy: usize,
    busy_bulk: usize,
    next: u64,
    waiting: BTreeMap<Rank, oneshot::Sender<Place>>,
    given: LruCache<PeerId, Given>,
}

/// Requests are taken in this order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Rank {
    given: u64,
    number: u64,
}

impl Rank {
    /// Whether the peer was given so much that it has to leave places to others.
    const fn is_bulk(self) -> bool {
        self.given >= BULK_BYTES
    }
}

/// What a peer was given, of which half is forgotten every [`BULK_HALVED`].
#[derive(Clone, Copy, Debug)]
struct Given {
    bytes: f64,
    at: Instant,
}

impl Given {
    fn lately(self) -> f64 {
        let halvings = self.at.elapsed().as_secs_f64() / BULK_HALVED.as_secs_f64();
        self.bytes * (-halvings).exp2()
    }
}

/// A place among the requests being answered; free again when dropped.
#[derive(Debug)]
pub(super) struct Place {
    answering: Arc<Answering>,
    bulk: bool,
}

impl Answering {
    /// All places are free.
    pub(super) fn new(limits: &ServiceLimits) -> Arc<Self> {
        let most = limits.answers.max(1);
        Arc::new(Self {
            most,
            most_bulk: limits.bulk_answers.clamp(1, most),
            state: Mutex::new(State {
                busy: 0,
                busy_bulk: 0,
                next: 0,
                waiting: BTreeMap::new(),
                given: LruCache::new(PEERS_REMEMBERED),
            }),
        })
    }

    /// Waits until a request of `peer` may be answered.
    pub(super) async fn place(self: &Arc<Self>, peer: PeerId) -> Option<Place> {
        let (give, given) = oneshot::channel();
        self.state.lock().enqueue(&peer, give);
        self.call();
        // Whoever waits keeps its rank until it has a place, so this is never nothing.
        given.await.ok()
    }

    /// Notes that `peer` is given so many bytes.
    pub(super) fn given(&self, peer: PeerId, bytes: usize) {
        let given = &mut self.state.lock().given;
        let before = given.get(&peer).map_or(0.0, |given| given.lately());
        let bytes = before + bytes as f64;
        let at = Instant::now();
        given.insert(peer, Given { bytes, at });
    }

    /// Gives free places to those who are next.
    fn call(self: &Arc<Self>) {
        loop {
            let next = self.state.lock().next(self.most, self.most_bulk);
            let Some((give, bulk)) = next else { return };
            let answering = Arc::clone(self);
            // Whoever has gone meanwhile gives it back.
            drop(give.send(Place { answering, bulk }));
        }
    }
}

impl State {
    fn enqueue(&mut self, peer: &PeerId, give: oneshot::Sender<Place>) {
        let given = self.given.get(peer).map_or(0.0, |given| given.lately());
        let rank = Rank {
            given: given as u64,
            number: self.next,
        };
        self.next += 1;
        self.waiting.insert(rank, give);
    }

    /// Who is next, if there is a place, and whether it takes one of those for many bytes.
    fn next(&mut self, most: usize, most_bulk: usize) -> Option<(oneshot::Sender<Place>, bool)> {
        while self.busy < most {
            let entry = self.waiting.first_entry()?;
            if entry.get().is_closed() {
                entry.remove();
                continue;
            }
            let bulk = entry.key().is_bulk();
            if bulk && self.busy_bulk >= most_bulk {
                return None;
            }
            self.busy += 1;
            self.busy_bulk += usize::from(bulk);
            return Some((entry.remove(), bulk));
        }
        None
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        {
            let mut state = self.answering.state.lock();
            state.busy -= 1;
            state.busy_bulk -= usize::from(self.bulk);
        }
        self.answering.call();
    }
}

#[cfg(test)]
#[path = "answering_tests.rs"]
mod tests;
