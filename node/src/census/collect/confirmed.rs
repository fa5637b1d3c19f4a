//! Asks a node for what it seems to lack.

use std::collections::BTreeSet;

use parking_lot::Mutex;
use sync_core::Id;
use tokio::time::timeout;

use super::asker::Walked;
use crate::census::limits::{
    CONFIRMATION_PAUSE, CONFIRMATIONS, CONFIRMED, CONFIRMED_AT_ONCE, CONFIRMING_DEADLINE,
};
use crate::census::roll::Roll;
use crate::net::protocols::STORE;
use crate::sync::report::grouped;

/// Asks node `number` three times by hash, if it can be asked so; gives why it couldn't be asked for all, if that is
/// so. What lies before its bucket `first` it has said not to keep.
///
/// A message may have been on its way when the node was listed, and some stores answer one query less truly than the
/// next. `present` gives which of some ids the node holds.
pub(super) async fn ask(
    number: usize,
    first: usize,
    roll: &Mutex<Roll>,
    speaks_store: bool,
    present: impl AsyncFn(&[Id]) -> (BTreeSet<Id>, Walked),
) -> Option<String> {
    if !speaks_store {
        let (_, others) = roll.lock().absent(number, first, 0);
        return (others > 0)
            .then(|| format!("it can't be asked by hash: it doesn't speak {STORE}"));
    }
    let (mut absent, others) = roll.lock().absent(number, first, CONFIRMED);
    let asked = rounds(number, roll, &mut absent, present);
    let left = match timeout(CONFIRMING_DEADLINE, asked).await {
        Ok(left) => left,
        Err(_) => Some(format!(
            "it hasn't answered for all that it seems to lack after {CONFIRMING_DEADLINE:?}"
        )),
    };
    if left.is_some() {
        roll.lock().unsure(number, &absent);
        return left;
    }
    (others > 0).then(|| {
        format!(
            "it was asked again for {} of the {} messages that it seems to lack",
            grouped(CONFIRMED as u64),
            grouped((CONFIRMED + others) as u64)
        )
    })
}

/// Takes out of `absent` what turns up; gives why the node doesn't answer any more, if so.
async fn rounds(
    number: usize,
    roll: &Mutex<Roll>,
    absent: &mut Vec<Id>,
    present: impl AsyncFn(&[Id]) -> (BTreeSet<Id>, Walked),
) -> Option<String> {
    for round in 0..CONFIRMATIONS {
        if absent.is_empty() {
            break;
        }
        if round > 0 {
            tokio::time::sleep(CONFIRMATION_PAUSE).await;
        }
        let mut rest = Vec::new();
        for ids in absent.chunks(CONFIRMED_AT_ONCE) {
            let (present, walked) = present(ids).await;
            let (here, lacking): (Vec<Id>, Vec<Id>) =
                ids.iter().partition(|id| present.contains(id));
            roll.lock().turned_up(number, &here);
            rest.extend(lacking);
            if let Walked::Left(reason) = walked {
                return Some(reason);
            }
        }
        *absent = rest;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: usize) -> Id {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        Id(bytes)
    }

    /// The first of two nodes holds so many in each of two buckets, the other one none.
    fn roll(each: usize) -> Mutex<Roll> {
        let mut roll = Roll::new(2, 2, 1_000_000);
        for number in 0..2 * each {
            roll.holds(0, number / each, id(number)).unwrap();
        }
        (0..2).for_each(|node| roll.answered_all(node));
        Mutex::new(roll)
    }

    fn missing_and_unsure(roll: &Mutex<Roll>) -> (u64, u64) {
        let cells = roll.lock().rows().into_iter();
        let cells = cells.map(|row| row.cells[1].unwrap());
        cells.fold((0, 0), |sum, cell| {
            (sum.0 + cell.missing, sum.1 + cell.unsure)
        })
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_node_has_said_not_to_keep_is_missing_without_a_question() {
        let (roll, asked) = (roll(5), Mutex::new(Vec::new()));
        let told = ask(1, 1, &roll, true, async |ids: &[Id]| {
            asked.lock().extend_from_slice(ids);
            (BTreeSet::new(), Walked::Complete)
        });
        assert_eq!(told.await, None);
        let second: Vec<Id> = (5..10).map(id).collect();
        assert_eq!(*asked.lock(), second.repeat(CONFIRMATIONS as usize));
        assert_eq!(missing_and_unsure(&roll), (10, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_node_is_asked_for_so_many_at_most_and_in_slices() {
        let (roll, asked) = (roll(CONFIRMED), Mutex::new(Vec::new()));
        let told = ask(1, 0, &roll, true, async |ids: &[Id]| {
            asked.lock().push(ids.len());
            (BTreeSet::new(), Walked::Complete)
        });
        let told = told.await.unwrap();
        assert!(told.contains("10,000 of the 20,000 messages"), "{told}");
        assert!(asked.lock().iter().all(|ids| *ids <= CONFIRMED_AT_ONCE));
        let all: usize = asked.lock().iter().sum();
        assert_eq!(all, CONFIRMED * CONFIRMATIONS as usize);
        let most = CONFIRMED as u64;
        assert_eq!(missing_and_unsure(&roll), (most, most));
    }

    #[tokio::test(start_paused = true)]
    async fn a_node_that_takes_too_long_is_not_called_to_lack_anything() {
        let roll = roll(CONFIRMED_AT_ONCE);
        let told = ask(1, 0, &roll, true, async |ids: &[Id]| {
            tokio::time::sleep(CONFIRMING_DEADLINE * 2 / 5).await;
            let here = ids.iter().copied().filter(|here| *here == id(0));
            (here.collect(), Walked::Complete)
        });
        let told = told.await.unwrap();
        assert!(told.contains("after 300s"), "{told}");
        let all = 2 * CONFIRMED_AT_ONCE as u64;
        assert_eq!(missing_and_unsure(&roll), (0, all - 1), "one turned up");
    }

    #[tokio::test]
    async fn a_node_that_is_not_asked_by_hash_is_not_called_to_lack_anything() {
        let roll = roll(5);
        let told = ask(1, 1, &roll, false, async |_: &[Id]| {
            panic!("it doesn't speak this")
        });
        assert!(told.await.unwrap().contains(STORE));
        assert_eq!(missing_and_unsure(&roll), (5, 5));
    }
}
