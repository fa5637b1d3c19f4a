//! A peer's list of ids against the set.

use alloc::vec;
use alloc::vec::Vec;
use core::ops::{ControlFlow, Range};

use crate::cut::Section;
use crate::item::Id;
use crate::session::{Differences, SessionError};
use crate::set::ItemSet;

/// Lists up to this length on both sides are compared pair by pair; at most 64, since what is held is
/// noted in the bits of a word. Honest ones are shorter, but where a range holds many items of one
/// side only.
const SHORT: usize = 64;

/// Finds out which ids of the section the peer hasn't listed, and which listed ones aren't there.
pub(super) fn compare(
    set: &impl ItemSet,
    section: &Section,
    theirs: &[[u8; 32]],
    found: &mut Differences,
) -> Result<(), SessionError> {
    if section.ranks.len() > SHORT || theirs.len() > SHORT {
        return compare_long(set, section, theirs, found);
    }
    let mut ours = Vec::with_capacity(section.ranks.len());
    let every = set.visit_columns(&section.range, &mut |_, ids| {
        ours.extend(ids.iter().map(|id| id.0));
        ControlFlow::Continue(())
    });
    debug_assert!(every.is_continue(), "nothing above breaks");
    compare_short(&ours, theirs, found)
}

/// Honest lists are in the same order, so each id is looked for from behind the last one found on,
/// and then from the start. Most ids differ in their first bytes: those are compared, by the word.
fn compare_short(
    ours: &[[u8; 32]],
    theirs: &[[u8; 32]],
    found: &mut Differences,
) -> Result<(), SessionError> {
    let (our_heads, their_heads) = (heads(ours), heads(theirs));
    let mut held = 0u64;
    let mut next = 0;
    for (id, head) in ours.iter().zip(our_heads) {
        let place = place_of(id, head, theirs, &their_heads, next..theirs.len())
            .or_else(|| place_of(id, head, theirs, &their_heads, 0..next));
        match place {
            Some(place) => {
                held |= 1 << place;
                next = place + 1;
            }
            None => found.have(Id(*id))?,
        }
    }
    for (place, id) in theirs.iter().enumerate() {
        // One that is listed twice may be held at another place.
        let listed = || place_of(id, their_heads[place], ours, &our_heads, 0..ours.len());
        if held >> place & 1 == 0 && listed().is_none() {
            found.need(Id(*id))?;
        }
    }
    Ok(())
}

/// The first word of each id; at most [`SHORT`].
fn heads(ids: &[[u8; 32]]) -> [u64; SHORT] {
    let mut heads = [0; SHORT];
    for (head, id) in heads.iter_mut().zip(ids) {
        *head = head_of(id);
    }
    heads
}

fn head_of(id: &[u8; 32]) -> u64 {
    id.first_chunk().map_or(0, |head| u64::from_le_bytes(*head))
}

/// The first of these `places` in `ids` that holds the id.
#[inline]
fn place_of(
    id: &[u8; 32],
    head: u64,
    ids: &[[u8; 32]],
    heads: &[u64; SHORT],
    places: Range<usize>,
) -> Option<usize> {
    let mut pairs = places.clone().zip(&heads[places]);
    pairs.find_map(|(place, other)| (*other == head && ids[place] == *id).then_some(place))
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
        compare_short(&ids(ours), &ids(theirs), &mut short).unwrap();
        let section = Section {
            range: Range::ALL,
            ranks: 0..ours.len(),
        };
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
}
