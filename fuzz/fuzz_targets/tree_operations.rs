//! Sequences of operations on a tree, on trees read as one and on a part of a tree: each does what
//! the sorted vector does, and snapshots stay as they were.
#![no_main]

use std::ops::ControlFlow;

use arbitrary::Arbitrary;
use fuzz::sets::id;
use libfuzzer_sys::fuzz_target;
use sync_core::{
    Bound, Cut, Id, Item, ItemSet, ItemSetMut, Part, Range, RangeTree, Section, Share, Slice,
    SortedItems, Summary, Tally, View, digest,
};

/// Most operations of a sequence.
const OPERATIONS: usize = 200;

/// Most items that a sequence adds.
const ITEMS: usize = 20_000;

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
                let start = from.item().timestamp;
                for number in 0..count as u64 {
                    let number = if *scattered {
                        number.reverse_bits() >> 50
                    } else {
                        number
                    };
                    let time = start.saturating_add(number * u64::from(*step));
                    self.insert(Item::new(time, id(number, u64::from(from.id))));
                }
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
                self.check(&|set, oracle| check_reads(set, oracle, &bounds));
            }
            Operation::Walk { rank, count } => {
                let start = usize::from(*rank);
                let ranks = start..start + usize::from(*count);
                self.check(&|set, oracle| check_walk(set, oracle, ranks.clone()));
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
            assert_eq!(digest(set), digest(oracle));
        });
        assert_eq!(&self.tree.iter().collect::<SortedItems>(), &self.oracle);
        assert!(self.tree.iter().is_sorted());
    }
}

fn check_reads(set: &dyn ItemSet, oracle: &SortedItems, bounds: &[Bound]) {
    assert_eq!(set.len(), oracle.len());
    for bound in bounds {
        let rank = oracle.rank(bound);
        assert_eq!(set.rank(bound), rank);
        assert_eq!(set.select(rank), oracle.select(rank));
    }
    for pair in bounds.windows(2) {
        let range = Range::new(pair[0], pair[1]);
        let ranks = oracle.rank(&range.lower)..oracle.rank(&range.upper);
        let expected = oracle.summary(ranks.clone());
        assert_eq!(set.summary_of(&range), expected);
        assert_eq!(set.summary(ranks), expected);
        if range.lower <= range.upper {
            check_division(set, oracle, range);
        }
    }
    check_cuts(set, oracle, bounds);
}

/// Cuts at ascending positions, as the trait asks for.
fn check_cuts(set: &dyn ItemSet, oracle: &SortedItems, bounds: &[Bound]) {
    let mut bounds = bounds.to_vec();
    bounds.sort();
    let cuts = bounds.iter().enumerate().map(|(index, at)| Cut {
        at: *at,
        summed: index % 3 != 2,
    });
    let cuts: Vec<Cut> = cuts.collect();
    let mut parts = vec![Part::default(); cuts.len()];
    set.cut(&cuts, &mut parts);
    let mut start = None;
    for (cut, part) in cuts.iter().zip(&parts) {
        let end = oracle.rank(&cut.at);
        let tally = match start {
            Some(start) if cut.summed => oracle.summary(start..end).tally(),
            _ => Tally::default(),
        };
        assert_eq!(*part, Part { end, tally });
        start = Some(end);
    }
}

fn check_division(set: &dyn ItemSet, oracle: &SortedItems, range: Range) {
    let ranks = oracle.rank(&range.lower)..oracle.rank(&range.upper);
    let section = Section {
        range,
        ranks: ranks.clone(),
    };
    for parts in [1, 2, 16] {
        let mut shares = vec![Share::default(); parts];
        set.divide(&section, &mut shares);
        let mut start = ranks.start;
        for share in &shares {
            assert!(start <= share.end);
            assert_eq!(share.tally, oracle.summary(start..share.end).tally());
            if let Some(upper) = share.upper {
                assert_eq!(oracle.rank(&upper), share.end);
                assert!(range.lower <= upper && upper <= range.upper);
            }
            assert!(parts < 16 || ranks.len() < 32 || share.end - start <= ranks.len() / 4);
            start = share.end;
        }
        assert_eq!(start, ranks.end);
    }
}

fn check_walk(set: &dyn ItemSet, oracle: &SortedItems, ranks: std::ops::Range<usize>) {
    let end = ranks.end.min(oracle.len());
    let expected = &oracle.as_slice()[ranks.start.min(end)..end];
    let mut shown = Vec::new();
    let all = set.visit(ranks.clone(), &mut |item| {
        shown.push(item);
        ControlFlow::Continue(())
    });
    assert!(all.is_continue());
    assert_eq!(shown, expected);
    let (Some(first), Some(last)) = (expected.first(), expected.last()) else {
        return;
    };
    shown.clear();
    let range = Range::new(Bound::Before(*first), Bound::after(last));
    let half = expected.len().div_ceil(2);
    let stopped = set.visit_range(&range, &mut |item| {
        shown.push(item);
        if shown.len() < half {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    });
    assert!(stopped.is_break());
    assert_eq!(shown, expected[..half]);
}

fuzz_target!(|operations: Vec<Operation>| {
    let mut forms = Forms::default();
    let mut snapshots = Vec::new();
    let mut room = ITEMS;
    for operation in operations.iter().take(OPERATIONS) {
        if matches!(operation, Operation::Snapshot) && snapshots.len() < 4 {
            snapshots.push(forms.clone());
        }
        forms.apply(operation, &mut room);
    }
    forms.check_whole();
    snapshots.iter().for_each(Forms::check_whole);
});
