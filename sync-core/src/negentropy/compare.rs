//! A peer's list of ids against the set.

use alloc::vec;
use core::ops::ControlFlow;

use crate::cut::Section;
use crate::item::Id;
use crate::session::{Differences, SessionError};
use crate::set::ItemSet;

/// Peers' lists up to this length are looked up in a table that needs no memory of its own; at most
/// 64, since what is held is noted in the bits of a word. Honest ones are shorter, but where a range
/// holds many items of the peer only.
const SHORT: usize = 64;

/// Slots of the table: so many that a search ends after two steps on average at the most, and that
/// the number of a place, counted from 1, fits a byte.
const SLOTS: usize = 2 * SHORT;

/// Finds out which ids of the section the peer hasn't listed, and which listed ones aren't there. Those of the section
/// are `ours`, or what the set says.
pub(super) fn compare(
    set: &impl ItemSet,
    section: &Section,
    ours: Option<&[Id]>,
    theirs: &[[u8; 32]],
    found: &mut Differences,
) -> Result<(), SessionError> {
    if theirs.len() > SHORT {
        return compare_long(set, section, theirs, found);
    }
    let mut listed = Listed::of(theirs);
    let mut note = |ids: &[Id]| {
        let missing = ids.iter().filter(|id| !listed.take(id));
        missing.copied().try_for_each(|id| found.have(id))
    };
    if let Some(ours) = ours {
        note(ours)?;
    } else {
        let mut result = Ok(());
        let visited = set.visit_columns(&section.range, &mut |_, ids| {
            result = note(ids);
            if result.is_ok() {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        });
        debug_assert_eq!(visited.is_continue(), result.is_ok());
        result?;
    }
    listed.left().try_for_each(|id| found.need(id))
}

/// A short list of ids in a hash table with linear probing. Ids are hashes themselves, so their first
/// byte tells where to look; one who makes ids that crowd gets every search to take [`SHORT`] steps, no
/// more.
struct Listed<'a> {
    ids: &'a [[u8; 32]],
    /// Where an id lies in the list, counted from 1; 0 where nothing is.
    slots: [u8; SLOTS],
    /// The places whose ids haven't been taken; of an id that is listed twice, the first one.
    left: u64,
}

impl<'a> Listed<'a> {
    fn of(ids: &'a [[u8; 32]]) -> Self {
        let mut listed = Self {
            ids,
            slots: [0; SLOTS],
            left: 0,
        };
        for (place, id) in (1..).zip(ids) {
            let slot = listed.find(id);
            if listed.slots[slot] == 0 {
                listed.slots[slot] = place;
                listed.left |= 1 << (place - 1);
            }
        }
        listed
    }

    /// The slot that the id lies in, or the empty one that it would lie in: one is, since at least half
    /// of them are empty.
    #[inline]
    fn find(&self, id: &[u8; 32]) -> usize {
        let mut slot = usize::from(id[0]) % SLOTS;
        while let Some(place) = usize::from(self.slots[slot]).checked_sub(1) {
            if words(&self.ids[place]) == words(id) {
                break;
            }
            slot = (slot + 1) % SLOTS;
        }
        slot
    }

    /// Whether the id is listed; it isn't left then.
    #[inline]
    fn take(&mut self, id: &Id) -> bool {
        let place = self.slots[self.find(&id.0)];
        if place > 0 {
            self.left &= !(1 << (place - 1));
        }
        place > 0
    }

    /// The ids that haven't been taken.
    fn left(&self) -> impl Iterator<Item = Id> {
        let places = (0..self.ids.len()).filter(|place| self.left >> place & 1 == 1);
        places.map(|place| Id(self.ids[place]))
    }
}

/// The id by the word: to compare it so takes less than a call that compares memory.
#[inline]
fn words(id: &[u8; 32]) -> [u64; 4] {
    let (words, _) = id.as_chunks::<8>();
    [words[0], words[1], words[2], words[3]].map(u64::from_le_bytes)
}

/// The peer's ids are sorted, and the own ones, of which there may be any number, looked up in them.
fn compare_long(
    set: &impl ItemSet,
    section: &Section,
    theirs: &[[u8; 32]],
    found: &mut Differences,
) -> Result<(), SessionError> {
    let mut theirs = theirs.to_vec();
    theirs.sort_unstable();
    theirs.dedup();
    let mut held = vec![false; theirs.len()];
    let mut result = Ok(());
    let visited = set.visit_range(&section.range, &mut |item| {
        match theirs.binary_search(&item.id.0) {
            Ok(place) => held[place] = true,
            Err(_) => result = found.have(item.id),
        }
        if result.is_ok() {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    });
    debug_assert_eq!(visited.is_continue(), result.is_ok());
    result?;
    let missing = theirs.iter().zip(held).filter(|(_, held)| !held);
    missing
        .map(|(id, _)| Id(*id))
        .try_for_each(|id| found.need(id))
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;
    use crate::item::{Item, Range};
    use crate::sorted::SortedItems;

    fn ids(numbers: &[u8]) -> Vec<[u8; 32]> {
        numbers.iter().map(|number| [*number; 32]).collect()
    }

    /// Have and need of the short and the long way, each in order.
    fn both_ways(ours: &[u8], theirs: &[u8]) -> [(Vec<Id>, Vec<Id>); 2] {
        let items = ours.iter().enumerate();
        let set: SortedItems = items
            .map(|(time, number)| Item::new(time as u64, Id([*number; 32])))
            .collect();
        let taken = |mut found: Differences| {
            let (mut have, mut need) = found.take();
            have.sort_unstable();
            need.sort_unstable();
            (have, need)
        };
        let (mut short, mut long) = (Differences::up_to(100), Differences::up_to(100));
        let section = Section {
            range: Range::ALL,
            ranks: 0..ours.len(),
        };
        compare(&set, &section, None, &ids(theirs), &mut short).unwrap();
        compare_long(&set, &section, &ids(theirs), &mut long).unwrap();
        [taken(short), taken(long)]
    }

    #[test]
    fn lists_in_any_order_with_any_repeats_give_the_difference_of_the_sets() {
        let lists: [&[u8]; 9] = [
            &[],
            &[1],
            &[1, 2, 3, 4, 5],
            &[1, 2, 4, 5],
            &[1, 2, 3, 9, 4, 5],
            &[5, 4, 3, 2, 1],
            &[1, 1, 2, 3, 5, 5],
            &[7, 1, 2, 2, 8],
            &[1, 2, 3, 4, 5, 5],
        ];
        let unique = |list: &[u8]| {
            let mut ids: Vec<Id> = list.iter().map(|number| Id([*number; 32])).collect();
            ids.sort_unstable();
            ids.dedup();
            ids
        };
        for ours in lists.iter().filter(|list| unique(list).len() == list.len()) {
            for theirs in lists {
                let (left, right) = (unique(ours), unique(theirs));
                let without = |ids: &[Id], others: &[Id]| -> Vec<Id> {
                    ids.iter()
                        .filter(|id| !others.contains(id))
                        .copied()
                        .collect()
                };
                let expected = (without(&left, &right), without(&right, &left));
                assert_eq!(both_ways(ours, theirs), [expected.clone(), expected]);
            }
        }
    }

    #[test]
    fn ids_that_crowd_in_the_table_are_told_apart() {
        let crowded = |last: u8| {
            let mut id = [7; 32];
            id[31] = last;
            id
        };
        let listed: Vec<_> = (0..64).map(crowded).collect();
        let mut table = Listed::of(&listed);
        let held = [crowded(3), crowded(63), crowded(64), [8; 32]];
        let taken = held.map(|id| table.take(&Id(id)));
        assert_eq!(taken, [true, true, false, false]);
        let left: Vec<Id> = table.left().collect();
        let expected: Vec<Id> = (0..63)
            .filter(|n| *n != 3)
            .map(|n| Id(crowded(n)))
            .collect();
        assert_eq!(left, expected);
    }
}
