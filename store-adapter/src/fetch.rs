//! The plan that fetches what a reconciliation found missing.
//!
//! Every announced hash is *owed*: until a message that verifies has arrived by any door, or until
//! nobody is left to ask, and then it is reported as refused (what came wasn't acceptable) or
//! expired (nothing came). The plan has no clock and no I/O: times are arguments, in nanoseconds of
//! any monotonic clock; queries and answers pass through the caller.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::fmt;
use std::hash::Hash;

use sync_core::{Id, Range};

use crate::limits::FetchLimits;
use crate::record::Record;

/// nwaku answers a hash lookup of a multiple of 100 hashes with unrelated messages (seen in its
/// releases up to 0.38), so no query has exactly so many.
const NWAKU_PAGE: usize = 100;

/// What is owed to one session, and whom to ask for it. `P` names a peer.
#[derive(Clone, Debug)]
pub struct FetchPlan<P> {
    window: Range,
    limits: FetchLimits,
    owed: BTreeMap<Id, Owed<P>>,
    /// What each peer can be asked for now, in the order announced.
    ready: HashMap<P, VecDeque<Id>>,
    /// What a peer can be asked for again, and from when on.
    waiting: BTreeMap<u64, Vec<(P, Id)>>,
    /// Hashes that all who announced them failed to deliver, and since when.
    orphans: BTreeMap<Id, u64>,
    report: FetchReport,
}

#[derive(Clone, Debug)]
struct Owed<P> {
    holders: Vec<Holder<P>>,
    /// Whom it is being asked of.
    asked: Option<P>,
    /// A message that verifies is on its way into the archive.
    arriving: bool,
    /// Something came for it that wasn't acceptable.
    refused: bool,
}

#[derive(Clone, Debug)]
struct Holder<P> {
    peer: P,
    failures: u32,
}

/// Why a message that came wasn't taken.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum FetchRefusal {
    /// Its fields don't hash to anything that was asked for.
    NotOwed,
    /// Its timestamp lies outside the window of the session.
    OutsideWindow,
    /// It is ephemeral: such messages aren't archived.
    Ephemeral,
    /// The archive's door refused it.
    AtTheDoor,
}

impl fmt::Display for FetchRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotOwed => "its fields hash to nothing that was asked for",
            Self::OutsideWindow => "it lies outside the window of the session",
            Self::Ephemeral => "it is ephemeral",
            Self::AtTheDoor => "the archive's door refused it",
        })
    }
}

/// How fetching stands.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct FetchReport {
    /// Hashes that were announced, each once.
    pub announced: u64,
    /// Announced beyond [`FetchLimits::owed`] and not taken on.
    pub over_limit: u64,
    /// Still being asked for.
    pub pending: u64,
    /// Fetched, verified and archived.
    pub fetched: u64,
    /// Archived by another door meanwhile.
    pub elsewhere: u64,
    /// Given up, after something unacceptable came.
    pub given_up_refused: u64,
    /// Given up, since nobody delivered.
    pub given_up_expired: u64,
    /// Messages that came and weren't taken, by reason.
    pub refusals: BTreeMap<FetchRefusal, u64>,
}

impl FetchReport {
    /// Announced hashes whose messages haven't arrived: pending, given up, or not taken on.
    #[must_use]
    pub fn owed(&self) -> u64 {
        self.pending + self.given_up_refused + self.given_up_expired + self.over_limit
    }

    /// Messages that came and weren't taken.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refusals.values().sum()
    }
}

impl<P: Copy + Eq + Hash> FetchPlan<P> {
    /// A plan for a session about `window`.
    #[must_use]
    pub fn new(window: Range, limits: FetchLimits) -> Self {
        Self {
            window,
            limits,
            owed: BTreeMap::new(),
            ready: HashMap::new(),
            waiting: BTreeMap::new(),
            orphans: BTreeMap::new(),
            report: FetchReport::default(),
        }
    }

    /// `peer` holds messages with these hashes, and they are missing here.
    pub fn announce(&mut self, peer: P, hashes: &[Id]) {
        for hash in hashes {
            if let Some(owed) = self.owed.get_mut(hash) {
                let known = owed.holders.iter().any(|holder| holder.peer == peer);
                if !known && owed.holders.len() < self.limits.holders {
                    owed.holders.push(Holder { peer, failures: 0 });
                    self.orphans.remove(hash);
                    self.ready.entry(peer).or_default().push_back(*hash);
                }
                continue;
            }
            self.report.announced += 1;
            if self.owed.len() >= self.limits.owed {
                self.report.over_limit += 1;
                continue;
            }
            let holders = vec![Holder { peer, failures: 0 }];
            let owed = Owed {
                holders,
                asked: None,
                arriving: false,
                refused: false,
            };
            self.owed.insert(*hash, owed);
            self.ready.entry(peer).or_default().push_back(*hash);
        }
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
        self.release(now);
        if self.ready.get(&peer).is_none_or(VecDeque::is_empty) {
            self.adopt_orphans(peer);
        }
        let most = match self.limits.batch.max(1) {
            // One fewer is as good.
            batch if batch.is_multiple_of(NWAKU_PAGE) => batch - 1,
            batch => batch,
        };
        let mut batch = Vec::new();
        let queue = self.ready.get_mut(&peer)?;
        while batch.len() < most {
            let Some(hash) = queue.pop_front() else { break };
            if let Some(owed) = self.owed.get_mut(&hash) {
                if owed.asked.is_none() && !owed.arriving {
                    owed.asked = Some(peer);
                    batch.push(hash);
                }
            }
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
        let batch: BTreeSet<&Id> = asked.iter().collect();
        let mut taken = Vec::new();
        for record in delivered {
            let hash = record.hash();
            if !batch.contains(&hash) {
                self.count(FetchRefusal::NotOwed);
            } else if self.accept(&record) {
                taken.push(record);
            }
        }
        // A page may have been cut by its bytes: what isn't in it is asked for again at once. Only
        // an answer that gets nobody on counts against the peer.
        let progress = !taken.is_empty();
        for hash in asked {
            let unanswered = self.owed.get_mut(hash).filter(|owed| !owed.arriving);
            let Some(owed) = unanswered else { continue };
            if progress && !owed.refused {
                owed.asked = None;
                self.ready.entry(peer).or_default().push_back(*hash);
            } else {
                self.fail(peer, hash, now);
            }
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
        asked.iter().for_each(|hash| self.fail(peer, hash, now));
    }

    /// A message with this hash is in the archive, by whatever door.
    pub fn settled(&mut self, hash: &Id) {
        if let Some(owed) = self.owed.remove(hash) {
            self.orphans.remove(hash);
            if owed.arriving {
                self.report.fetched += 1;
            } else {
                self.report.elsewhere += 1;
            }
        }
    }

    /// The archive's door refused what `peer` delivered; the hash stays owed.
    pub fn refused_at_the_door(&mut self, peer: Option<P>, hash: &Id, now: u64) {
        self.count(FetchRefusal::AtTheDoor);
        self.undo(peer, hash, true, now);
    }

    /// What was to be archived couldn't be, for a reason of this side; the hash stays owed.
    pub fn not_archived(&mut self, peer: Option<P>, hash: &Id, now: u64) {
        self.undo(peer, hash, false, now);
    }

    /// Gives up what nobody has been able to deliver for [`FetchLimits::patience`].
    pub fn expire(&mut self, now: u64) {
        let patience = self.limits.patience;
        let given_up: Vec<Id> = self
            .orphans
            .iter()
            .filter(|(_, since)| now.saturating_sub(**since) >= patience)
            .map(|(hash, _)| *hash)
            .collect();
        for hash in given_up {
            self.orphans.remove(&hash);
            if let Some(owed) = self.owed.remove(&hash) {
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

    /// Whether a record that is owed is acceptable; if so it is on its way.
    fn accept(&mut self, record: &Record) -> bool {
        let refusal = if record.message().is_ephemeral() {
            Some(FetchRefusal::Ephemeral)
        } else if !self.window.contains(&record.item()) {
            Some(FetchRefusal::OutsideWindow)
        } else {
            None
        };
        if let Some(refusal) = refusal {
            self.count(refusal);
        }
        let Some(owed) = self.owed.get_mut(&record.hash()) else {
            return false;
        };
        if refusal.is_some() {
            owed.refused = true;
            return false;
        }
        // Delivered twice: the first one is on its way.
        !std::mem::replace(&mut owed.arriving, true)
    }

    fn undo(&mut self, peer: Option<P>, hash: &Id, refused: bool, now: u64) {
        let Some(owed) = self.owed.get_mut(hash) else {
            return;
        };
        owed.arriving = false;
        owed.refused |= refused;
        // A push counts against the one who announced the hash.
        if let Some(peer) = peer.or_else(|| owed.holders.first().map(|holder| holder.peer)) {
            self.fail(peer, hash, now);
        }
    }

    /// Counts a failure of `peer`, and plans when to ask it again, if at all.
    fn fail(&mut self, peer: P, hash: &Id, now: u64) {
        let limits = &self.limits;
        let Some(owed) = self.owed.get_mut(hash) else {
            return;
        };
        owed.asked = None;
        let mut again = None;
        if let Some(holder) = owed.holders.iter_mut().find(|holder| holder.peer == peer) {
            holder.failures += 1;
            if holder.failures < limits.attempts {
                let factor = 1_u64.checked_shl(holder.failures - 1).unwrap_or(u64::MAX);
                again = Some(now.saturating_add(limits.backoff.saturating_mul(factor)));
            }
        }
        match again {
            Some(time) => self.waiting.entry(time).or_default().push((peer, *hash)),
            None if owed
                .holders
                .iter()
                .all(|holder| holder.failures >= limits.attempts) =>
            {
                self.orphans.entry(*hash).or_insert(now);
            }
            None => {}
        }
        // Another holder's turn may have come and gone while this one was being asked.
        let others = owed.holders.iter().filter(|other| other.peer != peer);
        for other in others.filter(|other| other.failures == 0) {
            self.ready.entry(other.peer).or_default().push_back(*hash);
        }
    }

    /// Moves what has waited long enough to where it can be asked for.
    fn release(&mut self, now: u64) {
        while let Some(entry) = self.waiting.first_entry() {
            if *entry.key() > now {
                return;
            }
            for (peer, hash) in entry.remove() {
                self.ready.entry(peer).or_default().push_back(hash);
            }
        }
    }

    /// Makes `peer` a holder of orphans that it hasn't been asked for.
    fn adopt_orphans(&mut self, peer: P) {
        let (owed, holders) = (&self.owed, self.limits.holders);
        let is_new = |hash: &&Id| {
            owed.get(hash).is_some_and(|owed| {
                owed.holders.len() < holders
                    && owed.holders.iter().all(|holder| holder.peer != peer)
            })
        };
        let adopted: Vec<Id> = self
            .orphans
            .keys()
            .filter(is_new)
            .take(self.limits.batch)
            .copied()
            .collect();
        self.announce(peer, &adopted);
    }

    fn count(&mut self, refusal: FetchRefusal) {
        *self.report.refusals.entry(refusal).or_default() += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::WakuMessage;

    const A: u8 = 1;
    const B: u8 = 2;

    fn record(timestamp: i64) -> Record {
        let message = WakuMessage {
            timestamp: Some(timestamp),
            ..WakuMessage::default()
        };
        Record::new("/t", message).unwrap()
    }

    fn plan(limits: FetchLimits) -> FetchPlan<u8> {
        FetchPlan::new(Range::of_times(10, 100), limits)
    }

    fn quick() -> FetchLimits {
        FetchLimits {
            attempts: 2,
            backoff: 10,
            patience: 100,
            ..FetchLimits::default()
        }
    }

    #[test]
    fn what_arrives_is_archived_and_settled() {
        let (mut plan, record) = (plan(quick()), record(50));
        plan.announce(A, &[record.hash()]);
        let batch = plan.next_batch(A, 0).unwrap();
        assert_eq!(batch, [record.hash()]);
        assert_eq!(plan.next_batch(A, 0), None, "it is being asked for");
        assert_eq!(
            plan.answered(A, &batch, vec![record.clone()], 1),
            [record.clone()]
        );
        assert!(!plan.is_done(), "it is owed until it is archived");
        plan.settled(&record.hash());
        assert!(plan.is_done());
        assert_eq!((plan.report().fetched, plan.report().owed()), (1, 0));
    }

    #[test]
    fn arrival_by_another_door_settles() {
        let (mut plan, record) = (plan(quick()), record(50));
        plan.announce(A, &[record.hash()]);
        plan.settled(&record.hash());
        assert_eq!(plan.next_batch(A, 0), None);
        assert_eq!((plan.report().elsewhere, plan.report().owed()), (1, 0));
    }

    #[test]
    fn other_messages_than_those_asked_for_are_refused_and_the_hash_stays_owed() {
        let (mut plan, wanted) = (plan(quick()), record(50));
        plan.announce(A, &[wanted.hash()]);
        let batch = plan.next_batch(A, 0).unwrap();
        assert_eq!(plan.answered(A, &batch, vec![record(51)], 0), []);
        assert_eq!(plan.report().refusals[&FetchRefusal::NotOwed], 1);
        assert!(plan.owes(&wanted.hash()));
        assert_eq!(
            plan.next_batch(A, 9),
            None,
            "not before the back-off has passed"
        );
        assert_eq!(plan.next_batch(A, 10), Some(batch));
    }

    #[test]
    fn messages_outside_the_window_and_ephemeral_ones_are_refused() {
        let mut plan = plan(quick());
        let late = record(100);
        let ephemeral = WakuMessage {
            timestamp: Some(50),
            ephemeral: Some(true),
            ..WakuMessage::default()
        };
        let ephemeral = Record::new("/t", ephemeral).unwrap();
        plan.announce(A, &[late.hash(), ephemeral.hash()]);
        let batch = plan.next_batch(A, 0).unwrap();
        assert_eq!(plan.answered(A, &batch, vec![late, ephemeral], 0), []);
        let refusals = plan.report().refusals;
        assert_eq!(refusals[&FetchRefusal::OutsideWindow], 1);
        assert_eq!(refusals[&FetchRefusal::Ephemeral], 1);
        let batch = plan.next_batch(A, 10).unwrap();
        plan.failed(A, &batch, 10);
        plan.expire(110);
        assert_eq!(
            (plan.report().given_up_refused, plan.report().owed()),
            (2, 2)
        );
    }

    #[test]
    fn what_one_peer_fails_to_deliver_is_asked_of_another() {
        let (mut plan, record) = (plan(quick()), record(50));
        plan.announce(A, &[record.hash()]);
        for now in [0, 10] {
            let batch = plan.next_batch(A, now).unwrap();
            assert_eq!(
                plan.next_batch(B, now),
                None,
                "as long as the first may deliver"
            );
            plan.failed(A, &batch, now);
        }
        assert_eq!(plan.next_batch(A, 1_000), None, "asked as often as allowed");
        let batch = plan.next_batch(B, 20).unwrap();
        assert_eq!(
            plan.answered(B, &batch, vec![record.clone()], 20),
            [record.clone()]
        );
        plan.expire(10_000);
        plan.settled(&record.hash());
        assert_eq!(plan.report().fetched, 1);
    }

    #[test]
    fn a_second_holder_is_asked_although_its_turn_came_while_the_first_was_asked() {
        let (mut plan, record) = (plan(quick()), record(50));
        plan.announce(A, &[record.hash()]);
        plan.announce(B, &[record.hash()]);
        let batch = plan.next_batch(A, 0).unwrap();
        assert_eq!(
            plan.next_batch(B, 0),
            None,
            "it is being asked of the first"
        );
        plan.failed(A, &batch, 0);
        assert_eq!(plan.next_batch(B, 0), Some(batch));
    }

    #[test]
    fn what_nobody_delivers_expires_and_is_reported() {
        let mut plan = plan(quick());
        plan.announce(A, &[record(50).hash()]);
        for now in [0, 10] {
            let batch = plan.next_batch(A, now).unwrap();
            plan.failed(A, &batch, now);
        }
        plan.expire(109);
        assert!(!plan.is_done());
        plan.expire(110);
        assert!(plan.is_done());
        assert_eq!(
            (plan.report().given_up_expired, plan.report().owed()),
            (1, 1)
        );
    }

    #[test]
    fn a_page_cut_by_its_bytes_is_continued_at_once() {
        let mut plan = plan(quick());
        let records: Vec<Record> = (20..30).map(record).collect();
        let hashes: Vec<Id> = records.iter().map(Record::hash).collect();
        plan.announce(A, &hashes);
        let batch = plan.next_batch(A, 0).unwrap();
        assert_eq!(plan.answered(A, &batch, records[..4].to_vec(), 0).len(), 4);
        let rest = plan.next_batch(A, 0).unwrap();
        assert_eq!(
            rest.iter().collect::<BTreeSet<_>>(),
            hashes[4..].iter().collect()
        );
    }

    #[test]
    fn what_is_delivered_twice_is_archived_once() {
        let (mut plan, record) = (plan(quick()), record(50));
        plan.announce(A, &[record.hash()]);
        let batch = plan.next_batch(A, 0).unwrap();
        let twice = vec![record.clone(), record.clone()];
        assert_eq!(plan.answered(A, &batch, twice, 0), [record]);
    }

    #[test]
    fn no_batch_has_exactly_a_hundred_hashes() {
        let limits = FetchLimits {
            batch: 100,
            ..quick()
        };
        let mut plan = plan(limits);
        let hashes: Vec<Id> = (0..250).map(|n| record(n).hash()).collect();
        plan.announce(A, &hashes);
        let sizes: Vec<usize> =
            std::iter::from_fn(|| plan.next_batch(A, 0).map(|batch| batch.len())).collect();
        assert_eq!(sizes, [99, 99, 52]);
    }

    #[test]
    fn no_more_is_owed_than_the_limit_and_the_rest_is_reported() {
        let limits = FetchLimits { owed: 3, ..quick() };
        let mut plan = plan(limits);
        let hashes: Vec<Id> = (0..4).map(|n| record(n).hash()).collect();
        plan.announce(A, &hashes[..3]);
        assert_eq!(plan.report().over_limit, 0);
        plan.announce(A, &hashes);
        assert_eq!((plan.report().over_limit, plan.report().owed()), (1, 4));
    }

    #[test]
    fn a_refusal_at_the_door_leaves_the_hash_owed() {
        let (mut plan, record) = (plan(quick()), record(50));
        plan.announce(A, &[record.hash()]);
        assert!(plan.accept_push(&record));
        assert!(!plan.accept_push(&record), "it is on its way");
        plan.refused_at_the_door(None, &record.hash(), 0);
        assert!(plan.owes(&record.hash()));
        assert_eq!(plan.report().refusals[&FetchRefusal::AtTheDoor], 1);
        assert!(plan.next_batch(A, 0).is_some(), "it was never asked for");
    }
}
