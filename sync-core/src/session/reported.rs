//! A set of ids that tells what is new in it.

use alloc::collections::BTreeSet;
use alloc::vec;
use alloc::vec::Vec;

use crate::item::Id;

/// How many slots are looked at for an id before it goes to the tree.
const PROBES: usize = 16;

/// Slots of the first table.
const SLOTS_MIN: usize = 64;

/// Ids in the order in which they came, each once.
///
/// They are found by a table of slots, at most half of them in use, from where the id itself says,
/// being a hash. A peer who chooses ids could have them all say the same; so a search gives up after
/// [`PROBES`] slots, and ids that find no place there are kept in a tree, where no choice is worse
/// than another. Which of the two an id goes to may change as the table grows, so both are asked.
#[derive(Clone, Debug, Default)]
pub(super) struct Reported {
    ids: Vec<Id>,
    /// How many of `ids` have been taken.
    taken: usize,
    /// 0 for free, or the upper half of an id's hash, and its place in `ids` plus one. A power of
    /// two of them.
    slots: Vec<u64>,
    crowded: BTreeSet<Id>,
}

/// What a search in the table ends with.
enum Found {
    /// The id is there.
    Id,
    /// It isn't, and would go to this slot.
    Free(usize),
    /// It isn't among those looked at.
    Crowded,
}

impl Reported {
    /// Adds `id` unless it is there.
    #[inline]
    pub(super) fn insert(&mut self, id: Id) {
        if 2 * self.ids.len() >= self.slots.len() {
            self.grow();
        }
        match self.find(&id) {
            Found::Id => return,
            _ if !self.crowded.is_empty() && self.crowded.contains(&id) => return,
            Found::Free(slot) => match entry(&id, self.ids.len()) {
                Some(entry) => self.slots[slot] = entry,
                None => _ = self.crowded.insert(id),
            },
            Found::Crowded => _ = self.crowded.insert(id),
        }
        self.ids.push(id);
    }

    /// How many ids there are.
    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    /// The ids that came since the last call.
    pub(super) fn take(&mut self) -> Vec<Id> {
        let new = self.ids[self.taken..].to_vec();
        self.taken = self.ids.len();
        new
    }

    #[inline]
    fn find(&self, id: &Id) -> Found {
        let (hash, mask) = (hash(id), self.slots.len() - 1);
        for probe in 0..PROBES {
            let slot = (hash as usize).wrapping_add(probe) & mask;
            let entry = self.slots[slot];
            if entry == 0 {
                return Found::Free(slot);
            }
            let place = (entry as u32 - 1) as usize;
            if (entry ^ hash) >> 32 == 0 && self.ids[place] == *id {
                return Found::Id;
            }
        }
        Found::Crowded
    }

    /// Takes a table of twice the size.
    #[cold]
    fn grow(&mut self) {
        self.slots = vec![0; SLOTS_MIN.max(2 * self.slots.len())];
        let ids = core::mem::take(&mut self.ids);
        for (place, id) in ids.iter().enumerate() {
            if !self.crowded.is_empty() && self.crowded.contains(id) {
                continue;
            }
            match (self.free(id), entry(id, place)) {
                (Some(slot), Some(entry)) => self.slots[slot] = entry,
                _ => _ = self.crowded.insert(*id),
            }
        }
        self.ids = ids;
    }

    /// A free slot for an id that isn't in the table.
    fn free(&self, id: &Id) -> Option<usize> {
        let (hash, mask) = (hash(id), self.slots.len() - 1);
        let slots = (0..PROBES).map(|probe| (hash as usize).wrapping_add(probe) & mask);
        slots.into_iter().find(|slot| self.slots[*slot] == 0)
    }
}

/// Takes part of the id for all of it: ids are hashes, and those that aren't find room in the tree.
#[inline]
fn hash(id: &Id) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&id.0[8..16]);
    u64::from_le_bytes(word)
}

/// The slot's content for the id at `place`, if that can be written.
#[inline]
fn entry(id: &Id, place: usize) -> Option<u64> {
    let number = u32::try_from(place + 1).ok()?;
    Some(hash(id) & !0xffff_ffff | u64::from(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(ids: &[Id]) -> Reported {
        let (mut reported, mut model, mut expected) =
            (Reported::default(), BTreeSet::new(), vec![]);
        let mut taken = Vec::new();
        for (number, id) in ids.iter().enumerate() {
            reported.insert(*id);
            if model.insert(*id) {
                expected.push(*id);
            }
            assert_eq!(reported.len(), model.len());
            if number % 7 == 0 {
                taken.extend(reported.take());
            }
        }
        taken.extend(reported.take());
        assert_eq!(taken, expected);
        reported
    }

    #[test]
    fn every_id_is_told_once_and_in_order_however_often_it_comes() {
        let id = |number: u64| {
            let mut id = Id::ZERO;
            for (index, chunk) in id.0.chunks_exact_mut(8).enumerate() {
                let mixed = (number + index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                chunk.copy_from_slice(&mixed.to_le_bytes());
            }
            id
        };
        let ids: Vec<Id> = (0..6_000)
            .map(|number| id(number * number % 2_999))
            .collect();
        assert!(check(&ids).crowded.is_empty());
    }

    #[test]
    fn ids_made_to_meet_in_one_slot_are_told_apart_all_the_same() {
        let id = |number: u32| {
            let mut id = Id([7; 32]);
            id.0[..4].copy_from_slice(&number.to_le_bytes());
            id
        };
        let ids: Vec<Id> = (0..5_000).chain(0..5_000).map(id).collect();
        assert_eq!(check(&ids).crowded.len(), 5_000 - PROBES);
    }
}
