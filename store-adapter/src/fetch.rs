//! The plan that fetches what a reconciliation found missing.
//!
//! Every announced hash is *owed*: until a message that verifies has arrived by any door, or until
//! nobody is left to ask, and then it is reported as refused (what came wasn't acceptable) or
//! expired (nothing came). The plan has no clock and no I/O: times are arguments, in nanoseconds of
//! any monotonic clock; queries and answers pass through the caller.

mod owed;
mod report;

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

use sync_core::{Id, Scope};

pub use report::{FetchRefusal, FetchReport};

use self::owed::{Owed, Queue};
use crate::limits::{FetchLimits, ORPHANS_OFFERED};
use crate::record::Record;

/// nwaku answers a hash lookup of a multiple of 100 hashes with unrelated messages (seen in its
/// releases up to 0.38), so no query has exactly so many.
const NWAKU_PAGE: usize = 100;

/// What is owed to one session, and whom to ask for it. `P` names a peer.
///
/// Ask for the batches of [`next_batch`](Self::next_batch); hand every answer to
/// [`answered`](Self::answered) or [`failed`](Self::failed); ingest the records that come of it,
/// and tell what became of each by [`settled`](Self::settled),
/// [`refused_at_the_door`](Self::refused_at_the_door) or [`not_archived`](Self::not_archived).
#[derive(Clone, Debug)]
pub struct FetchPlan<P> {
    scope: Scope,
    limits: FetchLimits,
    owed: HashMap<Id, Owed>,
    /// Where the queue of each peer is.
    places: HashMap<P, usize>,
    queues: Vec<Queue>,
    /// How many hashes each peer is asked for in one query.
    batches: Vec<usize>,
    /// Hashes that nobody is left to be asked for, by when that came.
    orphans: BTreeSet<(u64, Id)>,
    report: FetchReport,
}

impl<P: Copy + Eq + Hash> FetchPlan<P> {
    /// A plan for a session about `scope`.
    #[must_use]
    pub fn new(scope: Scope, limits: FetchLimits) -> Self {
        Self {
            scope,
            limits,
            owed: HashMap::new(),
            places: HashMap::new(),
            queues: Vec::new(),
            batches: Vec::new(),
            orphans: BTreeSet::new(),
            report: FetchReport::default(),
        }
    }

    /// `peer` holds messages with these hashes, and they are missing here.
    pub fn announce(&mut self, peer: P, hashes: &[Id]) {
        let place = self.place_of(peer);
        for hash in hashes {
            if !self.owed.contains_key(hash) {
                self.report.announced += 1;
                if self.owed.len() >= self.limits.owed {
                    self.report.over_limit += 1;
                    continue;
                }
                self.owed.insert(*hash, Owed::new());
            }
            self.add_holder(hash, place);
        }
    }

    /// So many more hashes were announced than are taken on.
    pub fn decline(&mut self, hashes: u64) {
        self.report.announced += hashes;
        self.report.over_limit += hashes;
    }

    /// The session turned out to be about this part of the scope only.
    pub fn narrow(&mut self, scope: &Scope) {
        self.scope = self.scope.intersect(scope);
    }

    /// Whether a message with this hash is owed.
    #[must_use]
    pub fn owes(&self, hash: &Id) -> bool {
        self.owed.contains_key(hash)
    }

    /// Whether nothing is owed any more.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.owed.is_empty()
    }

    /// What to ask `peer` for next: what it announced, or else what those who announced it failed
    /// to deliver. The batch counts as asked until [`answered`](Self::answered) or
    /// [`failed`](Self::failed) is called for it.
    pub fn next_batch(&mut self, peer: P, now: u64) -> Option<Vec<Id>> {
        self.next_batch_of(peer, now, 0, |_| true)
    }

    /// As [`next_batch`](Self::next_batch), but a hash that isn't `free`, since another plan has
    /// it asked for, is put off by `overlap` nanoseconds: once, so that whoever has it asked for
    /// and never gets it doesn't keep this plan from asking.
    pub fn next_batch_of(
        &mut self,
        peer: P,
        now: u64,
        overlap: u64,
        mut free: impl FnMut(&Id) -> bool,
    ) -> Option<Vec<Id>> {
        if !self.places.contains_key(&peer) && self.orphans.is_empty() {
            return None;
        }
        let place = self.place_of(peer);
        if self.first_ready(place, now).is_none() {
            self.adopt_orphans(place);
        }
        let most = match self.limits.batch.min(self.batches[place]).max(1) {
            batch if batch.is_multiple_of(NWAKU_PAGE) => batch - 1,
            batch => batch,
        };
        let mut batch = Vec::new();
        while batch.len() < most {
            let Some(hash) = self.first_ready(place, now) else {
                break;
            };
            let attempts = self.limits.attempts.max(1);
            if let Some(owed) = self.owed.get_mut(&hash) {
                owed.unqueue(&hash, &mut self.queues);
                if overlap > 0 && !owed.deferred && !free(&hash) {
                    owed.defer(now.saturating_add(overlap));
                    owed.queue(&hash, attempts, &mut self.queues);
                    continue;
                }
                owed.asked = Some(place);
            }
            batch.push(hash);
        }
        if !batch.is_empty() && batch.len().is_multiple_of(NWAKU_PAGE) {
            // One fewer is as good.
            let hash = batch.pop()?;
            self.give_back(&hash, place, None, now);
        }
        (!batch.is_empty()).then_some(batch)
    }

    /// Takes what `peer` delivered for the batch `asked`; gives what is to be archived. Each
    /// record given stays owed until [`settled`](Self::settled) or
    /// [`refused`](Self::refused_at_the_door) is called for it.
    pub fn answered(
        &mut self,
        peer: P,
        asked: &[Id],
        delivered: Vec<Record>,
        now: u64,
    ) -> Vec<Record> {
        let place = self.place_of(peer);
        let batch: BTreeSet<&Id> = asked.iter().collect();
        let (mut taken, mut refused) = (Vec::new(), BTreeSet::new());
        let mut as_asked = true;
        for record in delivered {
            let hash = record.hash();
            if !batch.contains(&hash) {
                self.count(FetchRefusal::NotOwed);
                as_asked = false;
            } else if self.accept(&record) {
                taken.push(record);
            } else {
                refused.insert(hash);
            }
        }
        // A page may have been cut by its bytes: what isn't in it is asked for again at once. Only
        // an answer that gets nobody on counts against the peer.
        let progress = !taken.is_empty();
        self.batches[place] = if progress && as_asked {
            self.batches[place].saturating_mul(2).min(self.limits.batch)
        } else {
            self.limits.first_batch
        };
        for hash in asked {
            let failed = !progress || refused.contains(hash);
            self.give_back(hash, place, failed.then_some(now), now);
        }
        taken
    }

    /// Decides about a message that came without having been asked for: whether it is owed and
    /// acceptable. What was accepted stays owed until [`settled`](Self::settled).
    pub fn accept_push(&mut self, record: &Record) -> bool {
        self.owes(&record.hash()) && self.accept(record)
    }

    /// `peer` gave no answer to the batch `asked`.
    pub fn failed(&mut self, peer: P, asked: &[Id], now: u64) {
        let place = self.place_of(peer);
        self.batches[place] = self.limits.first_batch;
        for hash in asked {
            self.give_back(hash, place, Some(now), now);
        }
    }

    /// A message with this hash is in the archive, by whatever door.
    pub fn settled(&mut self, hash: &Id) {
        if let Some(owed) = self.remove(hash) {
            if owed.arriving {
                self.report.fetched += 1;
            } else {
                self.report.elsewhere += 1;
            }
        }
    }

    /// The archive's door refused what `peer` delivered, if it is known; the hash stays owed.
    pub fn refused_at_the_door(&mut self, peer: Option<P>, hash: &Id, now: u64) {
        self.count(FetchRefusal::AtTheDoor);
        self.undo(peer, hash, true, now);
    }

    /// What was to be archived couldn't be, for a reason of this side; the hash stays owed, and is
    /// asked of `peer` later.
    pub fn not_archived(&mut self, peer: Option<P>, hash: &Id, now: u64) {
        self.undo(peer, hash, false, now);
    }

    /// Gives up what nobody has been able to deliver for [`FetchLimits::patience`].
    pub fn expire(&mut self, now: u64) {
        while let Some((since, hash)) = self.orphans.first().copied() {
            if now.saturating_sub(since) < self.limits.patience {
                return;
            }
            self.orphans.pop_first();
            if let Some(owed) = self.remove(&hash) {
                if owed.refused {
                    self.report.given_up_refused += 1;
                } else {
                    self.report.given_up_expired += 1;
                }
            }
        }
    }

    /// How it stands.
    #[must_use]
    pub fn report(&self) -> FetchReport {
        FetchReport {
            pending: self.owed.len() as u64,
            ..self.report.clone()
        }
    }

    fn place_of(&mut self, peer: P) -> usize {
        let (queues, batches) = (&mut self.queues, &mut self.batches);
        let first = self.limits.first_batch;
        *self.places.entry(peer).or_insert_with(|| {
            queues.push(Queue::new());
            batches.push(first);
            queues.len() - 1
        })
    }

    fn first_ready(&self, place: usize, now: u64) -> Option<Id> {
        let (from, hash) = self.queues[place].first()?;
        (*from <= now).then_some(*hash)
    }

    fn add_holder(&mut self, hash: &Id, place: usize) {
        let (most, attempts) = (self.limits.holders.max(1), self.limits.attempts.max(1));
        let Some(owed) = self.owed.get_mut(hash) else {
            return;
        };
        if owed.add_holder(place, most, attempts) {
            owed.queue(hash, attempts, &mut self.queues);
            if let Some(since) = owed.orphaned.take() {
                self.orphans.remove(&(since, *hash));
            }
        }
    }

    /// Makes a peer a holder of orphans that it hasn't been asked for. It takes nobody's place, or
    /// peers could take turns for ever.
    fn adopt_orphans(&mut self, place: usize) {
        let most = self.limits.holders.max(1);
        let is_new = |hash: &Id| {
            let owed = self.owed.get(hash);
            owed.is_some_and(|owed| owed.has_room_for(place, most))
        };
        let offered = self.orphans.iter().take(ORPHANS_OFFERED);
        let adopted: Vec<Id> = offered
            .map(|(_, hash)| *hash)
            .filter(is_new)
            .take(self.limits.batch.max(1))
            .collect();
        for hash in adopted {
            self.add_holder(&hash, place);
        }
    }

    /// Whether a record that is owed is acceptable; if so it is on its way.
    fn accept(&mut self, record: &Record) -> bool {
        let message = record.message();
        let topics = (record.pubsub_topic(), &*message.content_topic);
        let refusal = if message.is_ephemeral() {
            Some(FetchRefusal::Ephemeral)
        } else if !self.scope.window.contains(&record.item()) {
            Some(FetchRefusal::OutsideWindow)
        } else if !self.scope.allows_topics(topics.0, topics.1) {
            Some(FetchRefusal::OutsideTopics)
        } else {
            None
        };
        if let Some(refusal) = refusal {
            self.count(refusal);
        }
        let hash = record.hash();
        let Some(owed) = self.owed.get_mut(&hash) else {
            return false;
        };
        if refusal.is_some() {
            owed.refused = true;
            return false;
        }
        owed.unqueue(&hash, &mut self.queues);
        // Delivered twice: the first one is on its way.
        !std::mem::replace(&mut owed.arriving, true)
    }

    /// Takes back a hash that was asked of a peer; `failed` tells when, if that is its fault.
    fn give_back(&mut self, hash: &Id, place: usize, failed: Option<u64>, now: u64) {
        let Some(owed) = self.owed.get_mut(hash) else {
            return;
        };
        if owed.asked != Some(place) {
            return;
        }
        owed.asked = None;
        // One that is on its way, from this peer or another, is no failure.
        if let Some(now) = failed.filter(|_| !owed.arriving) {
            owed.count_failure(place, now, self.limits.backoff);
        }
        self.queue_or_orphan(hash, now);
    }

    /// What was on its way didn't get into the archive.
    fn undo(&mut self, peer: Option<P>, hash: &Id, refused: bool, now: u64) {
        let place = peer.map(|peer| self.place_of(peer));
        let Some(owed) = self.owed.get_mut(hash) else {
            return;
        };
        owed.arriving = false;
        owed.refused |= refused;
        if let Some(place) = place {
            owed.unqueue(hash, &mut self.queues);
            owed.count_failure(place, now, self.limits.backoff);
        }
        self.queue_or_orphan(hash, now);
    }

    fn queue_or_orphan(&mut self, hash: &Id, now: u64) {
        let attempts = self.limits.attempts.max(1);
        let Some(owed) = self.owed.get_mut(hash) else {
            return;
        };
        if !owed.queue(hash, attempts, &mut self.queues) && owed.orphaned.is_none() {
            owed.orphaned = Some(now);
            self.orphans.insert((now, *hash));
        }
    }

    fn remove(&mut self, hash: &Id) -> Option<Owed> {
        let mut owed = self.owed.remove(hash)?;
        owed.unqueue(hash, &mut self.queues);
        if let Some(since) = owed.orphaned {
            self.orphans.remove(&(since, *hash));
        }
        Some(owed)
    }

    fn count(&mut self, refusal: FetchRefusal) {
        *self.report.refusals.entry(refusal).or_default() += 1;
    }
}

#[cfg(test)]
mod tests;
