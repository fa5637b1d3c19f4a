//! Gets what a reconciliation found missing: which peer to ask for what, when, and how often.
//!
//! Every hash that a peer announced is owed: it arrives and verifies, by whichever door, or stays
//! owed, is asked of somebody else, and in the end is reported as given up. Nothing here does I/O or
//! knows a clock: the time is an argument, counted from any moment that stays the same.

mod owed;
mod report;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::hash::Hash;
use std::time::Duration;

use sync_core::{Id, Range};

pub use report::{Announced, Answered, FetchRefusal, FetchReport};

pub use crate::limits::FetchLimits;

use self::owed::{Owed, Queue, State};
use self::report::Tally;
use crate::ingest::Refusal;
use crate::record::Record;
use crate::store::{StoreAnswer, StoreEntry};

/// nwaku answers a multiple of this many hashes with unrelated messages.
const UNLUCKY: usize = 100;
/// Deadlines that may be left of settled hashes before they are cleared away.
const STALE_DEADLINES: usize = 1_024;

/// What is owed, by which peers, and what has been asked of them. `P` names a peer.
///
/// Ask for the batches of [`FetchPlan::next_batch`]; hand every answer to [`FetchPlan::answered`]
/// or [`FetchPlan::failed`]; ingest the records that come of it, and tell what became of them by
/// [`FetchPlan::settled`] or [`FetchPlan::rejected`].
#[derive(Debug)]
pub struct FetchPlan<P> {
    window: Range,
    limits: FetchLimits,
    /// Where the queue of each peer is.
    places: HashMap<P, usize>,
    queues: Vec<Queue>,
    owed: HashMap<Id, Owed>,
    /// In the order of their deadlines; entries whose hash has settled, or has a later deadline
    /// by now, are stale.
    deadlines: VecDeque<(Duration, Id)>,
    tally: Tally,
}

impl<P: Eq + Hash> FetchPlan<P> {
    /// A plan for the items of `window`.
    #[must_use]
    pub fn new(window: Range, limits: FetchLimits) -> Self {
        Self {
            window,
            limits,
            places: HashMap::new(),
            queues: Vec::new(),
            owed: HashMap::new(),
            deadlines: VecDeque::new(),
            tally: Tally::default(),
        }
    }

    /// Notes that `peer` has these hashes and this side lacks them. A hash that was given up is
    /// tried again if this peer hasn't failed for it.
    pub fn announce(&mut self, peer: P, hashes: &[Id], now: Duration) -> Announced {
        let place = self.place_of(peer);
        let mut announced = Announced::default();
        for hash in hashes {
            if self.owed.contains_key(hash) {
                announced.known += 1;
            } else if self.owed.len() < self.limits.owed {
                announced.new += 1;
                self.owed.insert(*hash, Owed::new());
                self.tally.enter(State::Waiting);
            } else {
                announced.overflow += 1;
                continue;
            }
            self.add_holder(hash, place, now);
        }
        self.tally.overflow += announced.overflow as u64;
        announced
    }

    /// The next hashes to ask of `peer`, if there are any: few enough that a full answer fits a
    /// frame. They are asked of nobody else until they are answered or have failed.
    pub fn next_batch(&mut self, peer: &P, now: Duration) -> Option<Vec<Id>> {
        let place = *self.places.get(peer)?;
        let most = match self.limits.batch.max(1) {
            most if most % UNLUCKY == 0 => most - 1,
            most => most,
        };
        let mut batch = Vec::new();
        while batch.len() < most {
            match self.queues[place].first() {
                Some((from, hash)) if *from <= now => batch.push(*hash),
                _ => break,
            }
            self.ask(place, batch[batch.len() - 1]);
        }
        if !batch.is_empty() && batch.len() % UNLUCKY == 0 {
            let hash = batch.pop()?;
            self.release(&hash, place, None);
        }
        (!batch.is_empty()).then_some(batch)
    }

    /// Takes the answer of `peer` to a batch. What it should have given and didn't is asked again,
    /// of this peer later and of others at once; unless the page was too small for all, in which
    /// case it is asked on.
    ///
    /// The records that come of it count as under way until they are told of by
    /// [`FetchPlan::settled`], [`FetchPlan::rejected`] or [`FetchPlan::failed`].
    pub fn answered(
        &mut self,
        peer: &P,
        asked: &[Id],
        answer: StoreAnswer,
        now: Duration,
    ) -> Answered {
        let mut missing: BTreeSet<Id> = asked.iter().copied().collect();
        let mut result = Answered::default();
        for entry in answer.entries {
            let hash = entry.hash;
            if !missing.contains(&hash) {
                result.refused.push((hash, FetchRefusal::NotAsked));
                continue;
            }
            match self.verify(entry) {
                Ok(record) => {
                    missing.remove(&hash);
                    // What came by another door meanwhile isn't needed twice.
                    if self.owed.contains_key(&hash) {
                        result.records.push(record);
                    }
                }
                Err(refusal) => result.refused.push((hash, refusal)),
            }
        }
        for (_, refusal) in &result.refused {
            self.tally.count_refused(refusal.kind());
        }
        let cut_short = answer.cursor.is_some() && missing.len() < asked.len();
        let wrong: BTreeSet<Id> = result.refused.iter().map(|(hash, _)| *hash).collect();
        for hash in missing {
            let failed = wrong.contains(&hash) || !cut_short;
            self.give_back(peer, &hash, failed.then_some(now));
        }
        result
    }

    /// Notes that `peer` didn't answer, or that what it gave couldn't be stored: its hashes are
    /// asked again, of this peer later and of others at once.
    pub fn failed(&mut self, peer: &P, asked: &[Id], now: Duration) {
        for hash in asked {
            self.give_back(peer, hash, Some(now));
        }
    }

    /// Notes that the message of `hash`, as `peer` gave it, was refused at the door. Since not every
    /// field is hashed, another peer may have a better copy; this one isn't asked again.
    pub fn rejected(&mut self, peer: &P, hash: &Id, refusal: &Refusal) {
        self.tally.count_refused(refusal.kind());
        let (Some(place), Some(owed)) = (self.places.get(peer), self.owed.get_mut(hash)) else {
            return;
        };
        owed.exhaust(hash, *place, &mut self.queues);
        self.queue_or_abandon(hash);
    }

    /// Notes that the message of `hash` is stored, by whichever door it came; gives whether it was
    /// owed.
    pub fn settled(&mut self, hash: &Id) -> bool {
        let Some(mut owed) = self.owed.remove(hash) else {
            return false;
        };
        owed.unqueue_all(hash, &mut self.queues);
        self.tally.leave(owed.state);
        self.tally.fetched += 1;
        self.drop_stale_deadlines();
        true
    }

    /// Notes that `peer` is gone: what is under way with it has failed, and it is asked no more.
    pub fn forget(&mut self, peer: &P) {
        let Some(place) = self.places.get(peer).copied() else {
            return;
        };
        let concerned = self.owed.iter().filter(|(_, owed)| owed.has_holder(place));
        let hashes: Vec<Id> = concerned.map(|(hash, _)| *hash).collect();
        for hash in hashes {
            if let Some(owed) = self.owed.get_mut(&hash) {
                owed.remove_holder(&hash, place, &mut self.queues);
            }
            self.queue_or_abandon(&hash);
        }
    }

    /// Gives up what wasn't settled in time; gives the hashes. They stay owed, and one that
    /// arrives nevertheless is settled.
    pub fn expire(&mut self, now: Duration) -> Vec<Id> {
        let mut expired = Vec::new();
        while let Some((deadline, hash)) = self.deadlines.front().copied() {
            if deadline > now {
                break;
            }
            self.deadlines.pop_front();
            let Some(owed) = self.owed.get_mut(&hash) else {
                continue;
            };
            if owed.state != State::Waiting || owed.deadline > now {
                continue;
            }
            owed.unqueue_all(&hash, &mut self.queues);
            owed.asked = None;
            owed.state = State::Expired;
            self.tally.leave(State::Waiting);
            self.tally.enter(State::Expired);
            expired.push(hash);
        }
        expired
    }

    /// When to look again at what [`FetchPlan::next_batch`] gives for `peer`; `None` if nothing can
    /// be asked of it.
    #[must_use]
    pub fn next_time(&self, peer: &P) -> Option<Duration> {
        let place = *self.places.get(peer)?;
        self.queues[place].first().map(|(from, _)| *from)
    }

    /// Whether the message of `hash` has been announced and hasn't arrived.
    #[must_use]
    pub fn owes(&self, hash: &Id) -> bool {
        self.owed.contains_key(hash)
    }

    /// The hashes that have been announced and haven't arrived, in no order.
    pub fn owed(&self) -> impl Iterator<Item = &Id> {
        self.owed.keys()
    }

    /// Whether nothing can be asked or waited for any more: everything has arrived or been given
    /// up.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.tally.waiting() == 0
    }

    /// How it goes.
    #[must_use]
    pub fn report(&self) -> FetchReport {
        self.tally.report()
    }

    fn place_of(&mut self, peer: P) -> usize {
        if let Some(place) = self.places.get(&peer) {
            return *place;
        }
        let place = self.queues.len();
        self.places.insert(peer, place);
        self.queues.push(Queue::new());
        place
    }

    fn add_holder(&mut self, hash: &Id, place: usize, now: Duration) {
        let Some(owed) = self.owed.get_mut(hash) else {
            return;
        };
        let (most, attempts) = (self.limits.holders.max(1), self.limits.attempts.max(1));
        if !owed.add_holder(place, most, attempts, now) {
            return;
        }
        owed.deadline = now.saturating_add(self.limits.patience);
        self.deadlines.push_back((owed.deadline, *hash));
        self.tally.leave(owed.state);
        owed.state = State::Waiting;
        self.tally.enter(owed.state);
        owed.queue_if_free(hash, attempts, &mut self.queues);
    }

    /// Bounds the deadlines by what is owed.
    fn drop_stale_deadlines(&mut self) {
        if self.deadlines.len() > 2 * self.owed.len() + STALE_DEADLINES {
            let owed = &self.owed;
            self.deadlines.retain(|(deadline, hash)| {
                owed.get(hash)
                    .is_some_and(|owed| owed.deadline == *deadline)
            });
        }
    }

    fn ask(&mut self, place: usize, hash: Id) {
        if let Some(owed) = self.owed.get_mut(&hash) {
            owed.unqueue_all(&hash, &mut self.queues);
            owed.asked = Some(place);
        }
    }

    fn verify(&self, entry: StoreEntry) -> Result<Record, FetchRefusal> {
        let (topic, message) = entry.content.ok_or(FetchRefusal::NoData)?;
        if message.is_ephemeral() {
            return Err(FetchRefusal::Ephemeral);
        }
        let record = Record::new(topic, message)
            .map_err(|error| FetchRefusal::NegativeTimestamp(error.0))?;
        if record.hash() != entry.hash {
            let actual = record.hash();
            return Err(FetchRefusal::WrongHash { actual });
        }
        if !self.window.contains(&record.item()) {
            let timestamp = record.item().timestamp;
            return Err(FetchRefusal::OutsideWindow { timestamp });
        }
        Ok(record)
    }

    /// Takes back a hash that was asked of `peer`; `failed` tells when, if that is its fault.
    fn give_back(&mut self, peer: &P, hash: &Id, failed: Option<Duration>) {
        if let Some(place) = self.places.get(peer).copied() {
            self.release(hash, place, failed);
        }
    }

    fn release(&mut self, hash: &Id, place: usize, failed: Option<Duration>) {
        let Some(owed) = self.owed.get_mut(hash) else {
            return;
        };
        if owed.asked != Some(place) {
            return;
        }
        owed.asked = None;
        if let Some(now) = failed {
            owed.count_failure(place, now, self.limits.backoff);
        }
        self.queue_or_abandon(hash);
    }

    fn queue_or_abandon(&mut self, hash: &Id) {
        let Some(owed) = self.owed.get_mut(hash) else {
            return;
        };
        let attempts = self.limits.attempts.max(1);
        if owed.state == State::Waiting && !owed.queue_if_free(hash, attempts, &mut self.queues) {
            owed.state = State::Abandoned;
            self.tally.leave(State::Waiting);
            self.tally.enter(State::Abandoned);
        }
    }
}

#[cfg(test)]
mod tests;
