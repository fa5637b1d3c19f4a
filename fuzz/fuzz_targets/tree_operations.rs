//! Sequences of operations: the tree does what the sorted vector does, and snapshots stay.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use sync_core::{Bound, Id, Item, ItemSet, ItemSetMut, Range, RangeTree, SortedItems};

#[derive(Arbitrary, Debug)]
enum Operation {
    Insert(Key),
    InsertMany(Key, u8),
    Remove(Key),
    PruneBefore(Key),
    Snapshot,
    Compare(Key, Key),
}

#[derive(Arbitrary, Debug, Clone, Copy)]
struct Key {
    timestamp: u8,
    id: u8,
}

impl Key {
    fn item(self) -> Item {
        Item::new(u64::from(self.timestamp), Id([self.id; 32]))
    }
}

fuzz_target!(|operations: Vec<Operation>| {
    let (mut tree, mut oracle) = (RangeTree::default(), SortedItems::default());
    let mut snapshot = (tree.clone(), oracle.clone());
    for operation in operations.into_iter().take(500) {
        match operation {
            Operation::Insert(key) => {
                assert_eq!(tree.insert(key.item()), oracle.insert(key.item()));
            }
            Operation::InsertMany(key, count) => {
                for id in 0..count {
                    let item = Key { id, ..key }.item();
                    assert_eq!(tree.insert(item), oracle.insert(item));
                }
            }
            Operation::Remove(key) => {
                assert_eq!(tree.remove(&key.item()), oracle.remove(&key.item()));
            }
            Operation::PruneBefore(key) => {
                let bound = Bound::Before(key.item());
                assert_eq!(tree.prune_before(&bound), oracle.prune_before(&bound));
            }
            Operation::Snapshot => snapshot = (tree.clone(), oracle.clone()),
            Operation::Compare(lower, upper) => {
                let range = Range::new(Bound::Before(lower.item()), Bound::Before(upper.item()));
                assert_eq!(tree.summary_of(&range), oracle.summary_of(&range));
                let rank = oracle.rank(&range.lower);
                assert_eq!(tree.rank(&range.lower), rank);
                assert_eq!(tree.select(rank), oracle.select(rank));
            }
        }
        assert_eq!(tree.len(), oracle.len());
    }
    let (tree, oracle) = snapshot;
    assert_eq!(tree.summary(0..tree.len()), oracle.summary(0..oracle.len()));
});
