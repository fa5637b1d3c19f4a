//! A hash that is owed, and who has it.

use std::collections::BTreeSet;

use sync_core::Id;

/// Hashes that can be asked of one peer, each from some time on.
pub(super) type Queue = BTreeSet<(u64, Id)>;

/// A hash that is owed. While it is free it stands in the queue of every holder that can be asked;
/// while it is asked of one, or is on its way into the archive, in none.
#[derive(Clone, Debug)]
pub(super) struct Owed {
    /// The place of the peer that it is asked of.
    pub(super) asked: Option<usize>,
    /// A message that verifies is on its way into the archive.
    pub(super) arriving: bool,
    /// Something came for it that wasn't acceptable.
    pub(super) refused: bool,
    /// It was put off once, while somebody else had it asked for.
    pub(super) deferred: bool,
    /// Since when nobody is left to be asked.
    pub(super) orphaned: Option<u64>,
    holders: Vec<Holder>,
}

#[derive(Clone, Debug)]
struct Holder {
    place: usize,
    failures: u32,
    /// Not to be asked before.
    from: u64,
    queued: bool,
}

impl Owed {
    pub(super) fn new() -> Self {
        Self {
            asked: None,
            arriving: false,
            refused: false,
            deferred: false,
            orphaned: None,
            // Mostly there is one.
            holders: Vec::with_capacity(1),
        }
    }

    /// Adds a holder, in the place of one that failed for good if there are `most`; gives whether
    /// it was added.
    pub(super) fn add_holder(&mut self, place: usize, most: usize, attempts: u32) -> bool {
        if self.has_holder(place) {
            return false;
        }
        let holder = Holder {
            place,
            failures: 0,
            from: 0,
            queued: false,
        };
        if self.holders.len() < most {
            self.holders.push(holder);
            return true;
        }
        let failed = self.holders.iter_mut().find(|h| h.failures >= attempts);
        failed.map(|failed| *failed = holder).is_some()
    }

    /// Whether the peer could be a further holder without taking anybody's place.
    pub(super) fn has_room_for(&self, place: usize, most: usize) -> bool {
        self.holders.len() < most && !self.has_holder(place)
    }

    fn has_holder(&self, place: usize) -> bool {
        self.holders.iter().any(|holder| holder.place == place)
    }

    /// Puts a free hash into the queues of its holders; gives whether it is in anybody's hands or
    /// queue.
    pub(super) fn queue(&mut self, hash: &Id, attempts: u32, queues: &mut [Queue]) -> bool {
        if self.asked.is_some() || self.arriving {
            return true;
        }
        let mut queued = false;
        for holder in &mut self.holders {
            if holder.failures < attempts {
                queues[holder.place].insert((holder.from, *hash));
                holder.queued = true;
                queued = true;
            }
        }
        queued
    }

    /// Takes the hash out of all queues.
    pub(super) fn unqueue(&mut self, hash: &Id, queues: &mut [Queue]) {
        for holder in &mut self.holders {
            if holder.queued {
                queues[holder.place].remove(&(holder.from, *hash));
                holder.queued = false;
            }
        }
    }

    /// Has nobody asked before `until`. The hash mustn't be queued.
    pub(super) fn defer(&mut self, until: u64) {
        self.deferred = true;
        for holder in &mut self.holders {
            holder.from = holder.from.max(until);
        }
    }

    /// Counts a failure of a holder, which isn't asked again for a time that doubles. The hash
    /// mustn't be queued.
    pub(super) fn count_failure(&mut self, place: usize, now: u64, backoff: u64) {
        let holder = self.holders.iter_mut().find(|h| h.place == place);
        if let Some(holder) = holder {
            let factor = 1_u64.checked_shl(holder.failures).unwrap_or(u64::MAX);
            holder.from = now.saturating_add(backoff.saturating_mul(factor));
            holder.failures = holder.failures.saturating_add(1);
        }
    }
}
