//! Sequences of operations on a tree, on trees read as one and on a part of a tree: each does what
//! the sorted vector does, and snapshots stay as they were.
#![no_main]

use std::ops::ControlFlow;

use arbitrary::Arbitrary;
use fuzz::reads;
use fuzz::sets::id;
use libfuzzer_sys::fuzz_target;
use sync_core::{
    Bound, Id, Item, ItemSet, ItemSetMut, Range, RangeTree, Slice, SortedItems, Summary, View,
    digest,
};

/// Most operations of a sequence.
const OPERATIONS: usize = 100;

/// Most items that a sequence adds: enough for a tree of three levels.
const ITEMS: usize = 9_000;

/// How many trees are read as one.
const SHARDS: usize = 3;

#[derive(Arbitrary, Debug)]
enum Operation {
    Insert(Key),
    InsertRun {
        from: Key,
        count: u16,
        step: u8,
        scattered: bool,
    },
    Remove(Key),
    RemoveRun {
        rank: u16,
        count: u8,
        nth: u8,
    },
    Prune(Position),
    Rebuild {
        sorted: bool,
    },
    Snapshot,
    Read(Vec<Position>),
    Walk {
        rank: u16,
        count: u16,
    },
}

/// One of few items, so that sequences meet those they have met before.
#[derive(Arbitrary, Debug, Clone, Copy)]
struct Key {
    timestamp: u8,
    id: u8,
}

#[derive(Arbitrary, Debug, Clone, Copy)]
enum Position {
    At(Key),
    After(Key),
    /// At the item of this rank.
    Rank(u16),
    /// Behind the item of this rank.
    Behind(u16),
    Time(u64),
    Infinity,
}

impl Key {
    fn item(self) -> Item {
        let timestamp = match self.timestamp {
            late @ 0xf0.. => u64::MAX - u64::from(0xff - late),
            early => u64::from(early),
        };
        Item::new(timestamp, Id([self.id; 32]))
    }
}

/// The same items in every form. The trees of the view share them unevenly, and the window hides
/// items at both ends of a tree.
#[derive(Clone, Default)]
struct Forms {
    oracle: SortedItems,
    tree: RangeTree,
    shards: [RangeTree; SHARDS],
}

impl Forms {
    fn shard(&mut self, item: &Item) -> &mut RangeTree {
        &mut self.shards[[0, 0, 0, 0, 0, 1, 1, 2][usize::from(item.id.0[31]) % 8]]
    }

    fn insert(&mut self, item: Item) {
        let new = self.oracle.insert(item);
        assert_eq!(self.tree.insert(item), new);
        assert_eq!(self.shard(&item).insert(item), new);
    }

    /// Inserts many, none of them twice. The sorted vector, which would move half of its items for
    /// each, gets them all at once.
    fn insert_run(&mut self, from: Key, count: u64, step: u8, scattered: bool) {
        let start = from.item().timestamp;
        let item = |number: u64| {
            let place = if scattered {
                number.reverse_bits() >> 50
            } else {
                number
            };
            let time = start.saturating_add(place * u64::from(step));
            Item::new(time, id(place, u64::from(from.id)))
        };
        let run: Vec<Item> = (0..count).map(item).collect();
        for item in &run {
            let rank = self.oracle.rank(&Bound::Before(*item));
            let new = item.timestamp < u64::MAX && self.oracle.select(rank) != Some(*item);
            assert_eq!(self.tree.insert(*item), new);
            assert_eq!(self.shard(item).insert(*item), new);
        }
        let held = self.oracle.as_slice().iter();
        self.oracle = held.copied().chain(run).collect();
    }

    fn remove(&mut self, item: &Item) {
        let held = self.oracle.remove(item);
        assert_eq!(self.tree.remove(item), held);
        assert_eq!(self.shard(item).remove(item), held);
    }

    fn prune(&mut self, bound: &Bound) {
        let gone = self.oracle.prune_before(bound);
        assert_eq!(self.tree.prune_before(bound), gone);
        let shards = self.shards.iter_mut();
        assert_eq!(
            shards.map(|tree| tree.prune_before(bound)).sum::<usize>(),
            gone
        );
    }

    fn rebuild(&mut self, sorted: bool) {
        let mut items = self.oracle.as_slice().to_vec();
        if sorted {
            self.tree = RangeTree::from_sorted(items).expect("they are in order");
        } else {
            items.reverse();
            items.extend_from_within(..items.len() / 2);
            self.tree = RangeTree::from_unsorted(items);
        }
    }

    fn bound(&self, position: Position) -> Bound {
        let at = |rank: u16| self.oracle.select(usize::from(rank));
        match position {
            Position::At(key) => Bound::Before(key.item()),
            Position::After(key) => Bound::after(&key.item()),
            Position::Rank(rank) => at(rank).map_or(Bound::MIN, Bound::Before),
            Position::Behind(rank) => at(rank).map_or(Bound::Infinity, |item| Bound::after(&item)),
            Position::Time(time) => Bound::at_time(time),
            Position::Infinity => Bound::Infinity,
        }
    }

    fn apply(&mut self, operation: &Operation, room: &mut usize) {
        match operation {
            Operation::Insert(key) => self.insert(key.item()),
            Operation::InsertRun {
                from,
                count,
                step,
                scattered,
            } => {
                let count = usize::from(*count).min(*room);
                *room -= count;
                self.insert_run(*from, count as u64, *step, *scattered);
            }
            Operation::Remove(key) => self.remove(&key.item()),
            Operation::RemoveRun { rank, count, nth } => {
                let behind = self.oracle.as_slice().iter().skip(usize::from(*rank));
                let every = behind.step_by(usize::from(*nth) + 1);
                let victims: Vec<Item> = every.take(usize::from(*count)).copied().collect();
                victims.iter().for_each(|item| self.remove(item));
            }
            Operation::Prune(position) => self.prune(&self.bound(*position)),
            Operation::Rebuild { sorted } => self.rebuild(*sorted),
            Operation::Snapshot => {}
            Operation::Read(positions) => {
                let positions = positions.iter().take(40);
                let bounds: Vec<Bound> = positions.map(|at| self.bound(*at)).collect();
                self.check(&|set, oracle| reads::check(set, oracle, &bounds));
            }
            Operation::Walk { rank, count } => {
                let start = usize::from(*rank);
                let ranks = start..start + usize::from(*count);
                self.check(&|set, oracle| reads::check_walk(set, oracle, ranks.clone()));
            }
        }
    }

    /// Checks every form against the oracle of its items.
    fn check(&self, check: &dyn Fn(&dyn ItemSet, &SortedItems)) {
        check(&self.tree, &self.oracle);
        check(&View::new(self.shards.to_vec()), &self.oracle);
        let items = self.oracle.as_slice();
        let at = |rank: usize| {
            items
                .get(rank)
                .map_or(Bound::Infinity, |item| Bound::Before(*item))
        };
        let window = Range::new(at(items.len() / 8), at(items.len() - items.len() / 8));
        let inside = items.iter().filter(|item| window.contains(item)).copied();
        let inside: SortedItems = inside.collect();
        check(&Slice::new(self.tree.snapshot(), window), &inside);
        check(
            &Slice::new(View::new(self.shards.to_vec()), window),
            &inside,
        );
    }

    fn check_whole(&self) {
        self.check(&|set, oracle| {
            let len = oracle.len();
            assert_eq!((set.len(), set.is_empty()), (len, len == 0));
            assert_eq!((set.select(len), set.select(usize::MAX)), (None, None));
            assert_eq!(set.summary(len..usize::MAX), Summary::EMPTY);
            assert_eq!(set.summary(0..len), oracle.summary(0..len));
            let mut items = oracle.as_slice().iter();
            let all = set.visit(0..usize::MAX, &mut |item| {
                assert_eq!(Some(&item), items.next());
                ControlFlow::Continue(())
            });
            assert!(all.is_continue() && items.next().is_none());
        });
        assert_eq!(digest(&self.tree), digest(&self.oracle));
        assert_eq!(&self.tree.iter().collect::<SortedItems>(), &self.oracle);
        assert!(self.tree.iter().is_sorted());
    }
}

fuzz_target!(|operations: Vec<Operation>| {
    let mut forms = Forms::default();
    let mut snapshots = Vec::new();
    let mut room = ITEMS;
    for operation in operations.iter().take(OPERATIONS) {
        if matches!(operation, Operation::Snapshot) && snapshots.len() < 3 {
            snapshots.push(forms.clone());
        }
        forms.apply(operation, &mut room);
    }
    forms.check_whole();
    snapshots.iter().for_each(Forms::check_whole);
});
