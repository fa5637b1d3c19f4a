//! A hash that is owed, and who has it.

use std::collections::BTreeSet;
use std::time::Duration;

use sync_core::Id;

/// Hashes that can be asked of one peer, each from some time on.
pub(super) type Queue = BTreeSet<(Duration, Id)>;

/// Whether a hash can still be got.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    /// It is asked for, or will be.
    Waiting,
    /// Every peer that announced it has failed for it.
    Abandoned,
    /// It hasn't come in time.
    Expired,
}

/// A hash that is owed. It stands in the queue of every holder that can be asked, or is asked of
/// one and stands in none.
#[derive(Debug)]
pub(super) struct Owed {
    pub(super) state: State,
    pub(super) deadline: Duration,
    /// The place of the peer that it is asked of.
    pub(super) asked: Option<usize>,
    holders: Vec<Holder>,
}

#[derive(Debug)]
struct Holder {
    place: usize,
    failures: u32,
    /// Not to be asked before.
    from: Duration,
    queued: bool,
}

impl Owed {
    pub(super) fn new() -> Self {
        Self {
            state: State::Waiting,
            deadline: Duration::ZERO,
            asked: None,
            // Mostly there is one.
            holders: Vec::with_capacity(1),
        }
    }

    /// Adds a holder, in the place of one that failed for good if there are `most`; gives whether
    /// it was added.
    pub(super) fn add_holder(
        &mut self,
        place: usize,
        most: usize,
        attempts: u32,
        now: Duration,
    ) -> bool {
        if self.has_holder(place) {
            return false;
        }
        let holder = Holder {
            place,
            failures: 0,
            from: now,
            queued: false,
        };
        if self.holders.len() < most {
            self.holders.push(holder);
            return true;
        }
        let failed = self.holders.iter_mut().find(|h| h.failures >= attempts);
        failed.map(|failed| *failed = holder).is_some()
    }

    pub(super) fn has_holder(&self, place: usize) -> bool {
        self.holders.iter().any(|holder| holder.place == place)
    }

    /// Puts the hash into the queues of its holders, unless it is asked of one now; gives whether
    /// anybody has been or can be asked.
    pub(super) fn queue_if_free(&mut self, hash: &Id, attempts: u32, queues: &mut [Queue]) -> bool {
        if self.asked.is_some() {
            return true;
        }
        let mut can_be_asked = false;
        for holder in &mut self.holders {
            if holder.failures < attempts {
                can_be_asked = true;
                if !holder.queued {
                    holder.queued = queues[holder.place].insert((holder.from, *hash));
                }
            }
        }
        can_be_asked
    }

    /// Takes the hash out of all queues.
    pub(super) fn unqueue_all(&mut self, hash: &Id, queues: &mut [Queue]) {
        for holder in &mut self.holders {
            holder.unqueue(hash, queues);
        }
    }

    /// Counts a failure of a holder, which isn't asked again for a time that doubles.
    pub(super) fn count_failure(&mut self, place: usize, now: Duration, backoff: Duration) {
        if let Some(holder) = self.holder(place) {
            let doubled = backoff.saturating_mul(1 << holder.failures.min(16));
            holder.from = now.saturating_add(doubled);
            holder.failures = holder.failures.saturating_add(1);
        }
    }

    /// A holder failed for good.
    pub(super) fn exhaust(&mut self, hash: &Id, place: usize, queues: &mut [Queue]) {
        if let Some(holder) = self.holder(place) {
            holder.unqueue(hash, queues);
            holder.failures = u32::MAX;
        }
        self.asked.take_if(|asked| *asked == place);
    }

    /// A holder is gone, and as good as new should it come back.
    pub(super) fn remove_holder(&mut self, hash: &Id, place: usize, queues: &mut [Queue]) {
        self.exhaust(hash, place, queues);
        self.holders.retain(|holder| holder.place != place);
    }

    fn holder(&mut self, place: usize) -> Option<&mut Holder> {
        self.holders.iter_mut().find(|holder| holder.place == place)
    }
}

impl Holder {
    fn unqueue(&mut self, hash: &Id, queues: &mut [Queue]) {
        if self.queued {
            queues[self.place].remove(&(self.from, *hash));
            self.queued = false;
        }
    }
}
