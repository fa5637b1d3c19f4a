//! The roll against a twin that keeps a set for each node and looks at all of them.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

const NODES: usize = 4;
const BUCKETS: usize = 3;

/// Who holds what, as sets.
#[derive(Default)]
struct Twin {
    bucket: BTreeMap<u8, usize>,
    held: [BTreeSet<u8>; NODES],
    unsure: [BTreeSet<u8>; NODES],
    answered: BTreeSet<(usize, usize)>,
}

/// What can be told of nodes; ids are numbers.
#[derive(Clone, Debug)]
enum Told {
    Holds(usize, u8),
    HoldsAllBut(usize, BTreeSet<u8>),
    Answered(usize, usize),
    AnsweredAll(usize),
    TurnedUp(usize, BTreeSet<u8>),
    Unsure(usize, BTreeSet<u8>),
    Withdraw(usize),
}

fn told() -> impl Strategy<Value = Told> {
    let ids = || proptest::collection::btree_set(0u8..40, 0..10);
    let node = 0..NODES;
    prop_oneof![
        8 => (node.clone(), 0u8..40).prop_map(|(n, id)| Told::Holds(n, id)),
        1 => (node.clone(), ids()).prop_map(|(n, ids)| Told::HoldsAllBut(n, ids)),
        2 => (node.clone(), 0..BUCKETS).prop_map(|(n, b)| Told::Answered(n, b)),
        1 => node.clone().prop_map(Told::AnsweredAll),
        1 => (node.clone(), ids()).prop_map(|(n, ids)| Told::TurnedUp(n, ids)),
        1 => (node.clone(), ids()).prop_map(|(n, ids)| Told::Unsure(n, ids)),
        1 => node.prop_map(Told::Withdraw),
    ]
}

fn id(number: u8) -> Id {
    Id([number; 32])
}

fn list(ids: &BTreeSet<u8>) -> Vec<Id> {
    ids.iter().map(|number| id(*number)).collect()
}

impl Twin {
    fn take(&mut self, told: &Told) {
        let known: BTreeSet<u8> = self.bucket.keys().copied().collect();
        match told {
            Told::Holds(node, number) => {
                self.bucket.insert(*number, usize::from(*number) % BUCKETS);
                self.held[*node].insert(*number);
            }
            Told::HoldsAllBut(node, lacks) => self.held[*node].extend(&known - lacks),
            Told::Answered(node, bucket) => drop(self.answered.insert((*node, *bucket))),
            Told::AnsweredAll(node) => {
                self.answered
                    .extend((0..BUCKETS).map(|bucket| (*node, bucket)));
            }
            Told::TurnedUp(node, ids) => self.held[*node].extend(&known & ids),
            Told::Unsure(node, ids) => self.unsure[*node].extend(&known & ids),
            Told::Withdraw(node) => self.withdraw(*node),
        }
    }

    fn withdraw(&mut self, node: usize) {
        self.held[node].clear();
        self.unsure[node].clear();
        self.answered.retain(|(other, _)| *other != node);
        let held: BTreeSet<u8> = self.held.iter().flatten().copied().collect();
        self.bucket.retain(|number, _| held.contains(number));
        for unsure in &mut self.unsure {
            unsure.retain(|number| held.contains(number));
        }
    }

    fn answered(&self, node: usize, number: u8) -> bool {
        self.answered.contains(&(node, self.bucket[&number]))
    }

    fn absent(&self, node: usize) -> BTreeSet<u8> {
        let known = self.bucket.keys().copied();
        known
            .filter(|number| self.answered(node, *number) && !self.held[node].contains(number))
            .collect()
    }

    fn cell(&self, node: usize, bucket: usize) -> Option<Cell> {
        let of_bucket: BTreeSet<u8> = self
            .bucket
            .iter()
            .filter(|(_, b)| **b == bucket)
            .map(|(number, _)| *number)
            .collect();
        let (held, absent) = (&of_bucket & &self.held[node], &of_bucket - &self.held[node]);
        let unsure = &absent & &self.unsure[node];
        self.answered.contains(&(node, bucket)).then(|| Cell {
            messages: held.len() as u64,
            missing: (&absent - &unsure).len() as u64,
            unsure: unsure.len() as u64,
        })
    }
}

fn take(roll: &mut Roll, told: &Told) {
    match told {
        Told::Holds(node, number) => {
            let bucket = usize::from(*number) % BUCKETS;
            roll.holds(*node, bucket, id(*number)).unwrap();
        }
        Told::HoldsAllBut(node, lacks) => {
            roll.holds_all_but(*node, &|id| lacks.contains(&id.0[0]));
        }
        Told::Answered(node, bucket) => roll.answered(*node, *bucket),
        Told::AnsweredAll(node) => roll.answered_all(*node),
        Told::TurnedUp(node, ids) => roll.turned_up(*node, &list(ids)),
        Told::Unsure(node, ids) => roll.unsure(*node, &list(ids)),
        Told::Withdraw(node) => roll.withdraw(*node),
    }
}

proptest! {
    #[test]
    fn a_roll_says_what_sets_say(all in proptest::collection::vec(told(), 0..200)) {
        let (mut roll, mut twin) = (Roll::new(NODES, BUCKETS, 40), Twin::default());
        for told in &all {
            take(&mut roll, told);
            twin.take(told);
        }
        for node in 0..NODES {
            let (absent, others) = roll.absent(node, 0, usize::MAX);
            prop_assert_eq!((absent, others), (list(&twin.absent(node)), 0));
        }
        for (bucket, row) in roll.rows().iter().enumerate() {
            let in_all = twin.bucket.values().filter(|b| **b == bucket).count();
            prop_assert_eq!(row.messages, in_all as u64);
            for node in 0..NODES {
                prop_assert_eq!(row.cells[node], twin.cell(node, bucket));
            }
        }
        let missing = roll.missing();
        prop_assert!(missing.is_sorted_by_key(|missing| (missing.bucket, missing.id)));
        for node in 0..NODES {
            let (absent, unsure) = (twin.absent(node), &twin.unsure[node] - &twin.held[node]);
            let lacking: BTreeSet<u8> = &absent - &unsure;
            let named = |of: fn(&Missing) -> NodeSet| -> BTreeSet<u8> {
                let here = missing.iter().filter(|missing| of(missing).contains(node));
                here.map(|missing| missing.id.0[0]).collect()
            };
            prop_assert_eq!(named(|missing| missing.lacking), lacking);
            prop_assert_eq!(named(|missing| missing.unsure), unsure);
        }
    }
}

#[test]
fn no_more_messages_are_held_than_may_be() {
    let mut roll = Roll::new(2, 1, 2);
    assert_eq!(roll.holds(0, 0, id(1)), Ok(()));
    assert_eq!(roll.holds(0, 0, id(2)), Ok(()));
    assert_eq!(roll.holds(1, 0, id(2)), Ok(()), "it is known");
    assert_eq!(roll.holds(1, 0, id(3)), Err(TooMany(2)));
    assert_eq!(roll.rows()[0].messages, 2);
}

#[test]
fn no_more_is_asked_for_again_than_may_be_and_the_others_are_unsure() {
    let mut roll = Roll::new(2, BUCKETS, 100);
    for number in 0..30 {
        let bucket = usize::from(number) % BUCKETS;
        roll.holds(0, bucket, id(number)).unwrap();
    }
    roll.answered_all(1);
    let (ids, others) = roll.absent(1, 1, 15);
    assert_eq!((ids.len(), others), (15, 5), "of the last two buckets");
    assert!(ids.is_sorted() && ids.iter().all(|id| id.0[0] % 3 > 0));
    let cells = roll.rows().into_iter().map(|row| row.cells[1].unwrap());
    let (missing, unsure) = cells
        .map(|cell| (cell.missing, cell.unsure))
        .fold((0, 0), |sum, cell| (sum.0 + cell.0, sum.1 + cell.1));
    assert_eq!((missing, unsure), (25, 5));
    assert_eq!(roll.rows()[0].cells[1].unwrap().missing, 10);
}
