//! What holds of every set: the same properties, run against the tree, the sorted vector, a view of
//! several trees and a slice, each compared with a `BTreeSet`.

#[path = "support/cases.rs"]
mod cases;

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use cases::cases;
use proptest::collection::vec;
use proptest::prelude::*;
use sync_core::set::{VisitColumns, VisitEach};
use sync_core::{
    Bound, Cut, Id, Item, ItemSet, ItemSetMut, Part, Range, RangeTree, Section, Share, Slice,
    SortedItems, Summary, Tally, View, digest,
};

/// One step of a history.
#[derive(Clone, Debug)]
enum Op {
    Insert(Vec<Item>),
    /// Inserts so many new items in one go, at random or in ascending order behind `from`.
    InsertMany {
        count: usize,
        from: u64,
        ascending: bool,
    },
    Remove(Vec<Item>),
    /// Removes every `nth` item.
    Thin(usize),
    Prune(Bound),
    PruneRanks(usize),
    Snapshot,
    Query(Vec<(Bound, Bound)>),
}

/// A set that a history can start with.
trait Subject: ItemSetMut + Clone {
    fn empty() -> Self;
}

impl Subject for RangeTree {
    fn empty() -> Self {
        Self::new()
    }
}

impl Subject for SortedItems {
    fn empty() -> Self {
        Self::new()
    }
}

/// Trees of very different sizes, read as one; an item's id says where it belongs.
#[derive(Clone)]
struct Shards {
    trees: Vec<RangeTree>,
    view: View<RangeTree>,
}

impl Shards {
    fn shard_of(item: &Item) -> usize {
        [0, 0, 0, 0, 0, 1, 1, 2][usize::from(item.id.0[0] ^ item.id.0[31]) % 8]
    }

    fn edit<R>(&mut self, shard: usize, edit: impl FnOnce(&mut RangeTree) -> R) -> R {
        let result = edit(&mut self.trees[shard]);
        self.view = self.trees.iter().cloned().collect();
        result
    }
}

impl Subject for Shards {
    fn empty() -> Self {
        let trees = vec![RangeTree::new(); 4];
        let view = View::new(trees.clone());
        Self { trees, view }
    }
}

impl ItemSetMut for Shards {
    fn insert(&mut self, item: Item) -> bool {
        self.edit(Self::shard_of(&item), |tree| tree.insert(item))
    }

    fn remove(&mut self, item: &Item) -> bool {
        self.edit(Self::shard_of(item), |tree| tree.remove(item))
    }

    fn prune_before(&mut self, bound: &Bound) -> usize {
        (0..4)
            .map(|shard| self.edit(shard, |tree| tree.prune_before(bound)))
            .sum()
    }
}

/// Everything of a tree but the items at its ends, which lie outside of what the model sees.
#[derive(Clone)]
struct Inner {
    tree: RangeTree,
    slice: Slice<RangeTree>,
}

impl Inner {
    const WINDOW: Range = Range::of_times(1, u64::MAX - 1);

    fn edit<R>(&mut self, edit: impl FnOnce(&mut RangeTree) -> R) -> R {
        let result = edit(&mut self.tree);
        self.slice = Slice::new(self.tree.snapshot(), Self::WINDOW);
        result
    }
}

impl Subject for Inner {
    fn empty() -> Self {
        let outside = (0..700u16).map(|n| {
            let mut id = Id::ZERO;
            id.0[..2].copy_from_slice(&n.to_be_bytes());
            Item::new(if n % 2 == 0 { 0 } else { u64::MAX - 1 }, id)
        });
        let tree: RangeTree = outside.collect();
        let slice = Slice::new(tree.snapshot(), Self::WINDOW);
        Self { tree, slice }
    }
}

impl ItemSetMut for Inner {
    fn insert(&mut self, item: Item) -> bool {
        self.edit(|tree| tree.insert(item))
    }

    fn remove(&mut self, item: &Item) -> bool {
        self.edit(|tree| tree.remove(item))
    }

    fn prune_before(&mut self, bound: &Bound) -> usize {
        let inside = self.slice.rank(bound);
        self.edit(|tree| tree.prune_before(bound));
        inside
    }
}

macro_rules! item_set_by_field {
    ($($outer:ty, $field:ident);*) => {$(
        impl ItemSet for $outer {
            fn len(&self) -> usize {
                self.$field.len()
            }

            fn rank(&self, bound: &Bound) -> usize {
                self.$field.rank(bound)
            }

            fn select(&self, rank: usize) -> Option<Item> {
                self.$field.select(rank)
            }

            fn summary(&self, ranks: std::ops::Range<usize>) -> Summary {
                self.$field.summary(ranks)
            }

            fn summary_of(&self, range: &Range) -> Summary {
                self.$field.summary_of(range)
            }

            fn visit(
                &self,
                ranks: std::ops::Range<usize>,
                visit: &mut dyn FnMut(Item) -> ControlFlow<()>,
            ) -> ControlFlow<()> {
                self.$field.visit(ranks, visit)
            }

            fn visit_range(
                &self,
                range: &Range,
                visit: &mut dyn FnMut(Item) -> ControlFlow<()>,
            ) -> ControlFlow<()> {
                self.$field.visit_range(range, visit)
            }

            fn visit_columns(
                &self,
                range: &Range,
                visit: &mut VisitColumns<'_>,
            ) -> ControlFlow<()> {
                self.$field.visit_columns(range, visit)
            }

            fn visit_each(&self, ranges: &[Range], visit: &mut VisitEach<'_>) {
                self.$field.visit_each(ranges, visit);
            }

            fn cut(&self, cuts: &[Cut], parts: &mut [Part]) {
                self.$field.cut(cuts, parts);
            }

            fn divide(&self, section: &Section, shares: &mut [Share]) {
                self.$field.divide(section, shares);
            }

            fn divide_all(&self, sections: &[Section], shares: &mut [Share]) {
                self.$field.divide_all(sections, shares);
            }
        }
    )*};
}

item_set_by_field!(Shards, view; Inner, slice);

/// Items of few ids at few times, so that histories meet items they have met before.
fn item() -> impl Strategy<Value = Item> {
    let time = prop_oneof![
        3 => Just(7u64),
        3 => 1u64..40,
        2 => (0u64..3, 0u64..4).prop_map(|(cluster, n)| 1_000_000 + cluster * 1_000 + n),
        1 => (2u64..5).prop_map(|back| u64::MAX - back),
    ];
    let id = prop_oneof![
        3 => (0u8..12).prop_map(|n| Id([n; 32])),
        1 => (0u8..12, any::<bool>()).prop_map(|(n, high)| {
            let mut id = Id([0xff; 32]);
            id.0[if high { 0 } else { 31 }] = n;
            id
        }),
    ];
    (time, id).prop_map(|(time, id)| Item::new(time, id))
}

fn bound() -> impl Strategy<Value = Bound> {
    prop_oneof![
        6 => item().prop_map(Bound::Before),
        2 => item().prop_map(|item| Bound::after(&item)),
        2 => any::<u64>().prop_map(Bound::at_time),
        2 => (0u64..60).prop_map(Bound::at_time),
        1 => Just(Bound::Infinity),
        1 => Just(Bound::MIN),
        1 => Just(Bound::Before(Item::new(u64::MAX, Id([0xff; 32])))),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let many = (0usize..12_000, 1u64..2_000_000, any::<bool>());
    prop_oneof![
        6 => vec(item(), 1..40).prop_map(Op::Insert),
        3 => many.prop_map(|(count, from, ascending)| Op::InsertMany { count, from, ascending }),
        4 => vec(item(), 1..40).prop_map(Op::Remove),
        2 => (2usize..5).prop_map(Op::Thin),
        1 => bound().prop_map(Op::Prune),
        2 => (0usize..3_000).prop_map(Op::PruneRanks),
        2 => Just(Op::Snapshot),
        6 => vec((bound(), bound()), 1..8).prop_map(Op::Query),
    ]
}

/// `count` items with ids that no other call gives, and runs of equal timestamps.
fn many(count: usize, from: u64, ascending: bool, serial: &mut u64) -> Vec<Item> {
    let item = |n: u64| {
        *serial += 1;
        let mut id = Id::ZERO;
        let mixed = (*serial).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        id.0[..8].copy_from_slice(&mixed.to_be_bytes());
        id.0[31] = mixed as u8;
        let time = if ascending { n / 4 } else { mixed % 3_000 };
        Item::new(from + time, id)
    };
    (0..count as u64).map(item).collect()
}

/// Runs a history on a set and on the model; both must answer alike all the way.
fn agrees_with_the_model<S: Subject>(history: &[Op]) {
    let (mut set, mut model) = (S::empty(), BTreeSet::new());
    let mut snapshots = Vec::new();
    let mut serial = 0;
    for op in history {
        match op {
            Op::Insert(items) => insert_all(&mut set, &mut model, items),
            Op::InsertMany {
                count,
                from,
                ascending,
            } => {
                insert_all(
                    &mut set,
                    &mut model,
                    &many(*count, *from, *ascending, &mut serial),
                );
            }
            Op::Remove(items) => remove_all(&mut set, &mut model, items),
            Op::Thin(nth) => {
                let victims: Vec<Item> = model.iter().copied().step_by(*nth).collect();
                remove_all(&mut set, &mut model, &victims);
            }
            Op::Prune(bound) => prune(&mut set, &mut model, bound),
            Op::PruneRanks(rank) => {
                let bound = model.iter().nth(*rank).map(|item| Bound::Before(*item));
                if let Some(bound) = bound {
                    prune(&mut set, &mut model, &bound);
                }
            }
            Op::Snapshot => snapshots.push((set.clone(), model.clone())),
            Op::Query(ranges) => check_ranges(&set, &model, ranges),
        }
        assert_eq!(set.len(), model.len());
    }
    check_whole(&set, &model);
    for (set, model) in &snapshots {
        check_whole(set, model);
    }
}

fn insert_all(set: &mut impl Subject, model: &mut BTreeSet<Item>, items: &[Item]) {
    for item in items {
        assert_eq!(set.insert(*item), model.insert(*item));
    }
}

fn remove_all(set: &mut impl Subject, model: &mut BTreeSet<Item>, items: &[Item]) {
    for item in items {
        assert_eq!(set.remove(item), model.remove(item));
    }
}

fn prune(set: &mut impl Subject, model: &mut BTreeSet<Item>, bound: &Bound) {
    let before = model.len();
    model.retain(|item| !bound.is_after(item));
    assert_eq!(set.prune_before(bound), before - model.len());
}

fn check_ranges(set: &impl ItemSet, model: &BTreeSet<Item>, ranges: &[(Bound, Bound)]) {
    let sorted: Vec<Item> = model.iter().copied().collect();
    for (lower, upper) in ranges {
        for bound in [lower, upper] {
            let rank = sorted.iter().filter(|item| bound.is_after(item)).count();
            assert_eq!(set.rank(bound), rank);
            assert_eq!(set.select(rank), sorted.get(rank).copied());
        }
        // Both ways round: the second is empty, or the same.
        for range in [Range::new(*lower, *upper), Range::new(*upper, *lower)] {
            let inside = sorted.iter().filter(|item| range.contains(item));
            let expected: Summary = inside.map(|item| &item.id).collect();
            assert_eq!(set.summary_of(&range), expected, "{range:?}");
            let ranks = set.rank(&range.lower)..set.rank(&range.upper);
            assert_eq!(set.summary(ranks), expected, "{range:?}");
        }
        check_sections(
            set,
            &sorted,
            Range::new(*lower.min(upper), *lower.max(upper)),
        );
        let start = set.rank(lower);
        let ranks = start..start + 300;
        let end = sorted.len().min(ranks.end);
        assert_eq!(visited(set, ranks, usize::MAX), sorted[start..end]);
    }
    check_visit_each(set, &sorted, ranges);
}

/// Whether ranges that are read together show what lies in each: those given, both ways round, and such of a few dozen
/// items, as sessions list.
fn check_visit_each(set: &impl ItemSet, sorted: &[Item], ranges: &[(Bound, Bound)]) {
    let given = ranges
        .iter()
        .flat_map(|(lower, upper)| [Range::new(*lower, *upper), Range::new(*upper, *lower)]);
    let narrow = sorted.windows(30).step_by(23).map(|items| {
        let after = Bound::after(&items[items.len() - 1]);
        Range::new(Bound::Before(items[0]), after)
    });
    let ranges: Vec<Range> = given.chain(narrow).collect();
    let mut shown = vec![Vec::new(); ranges.len()];
    set.visit_each(&ranges, &mut |index, times, ids| {
        assert_eq!(times.len(), ids.len());
        let pairs = times.iter().zip(ids);
        let run: Vec<Item> = pairs.map(|(time, id)| Item::new(*time, *id)).collect();
        assert!(run.is_sorted());
        shown[index].extend(run);
        ControlFlow::Continue(())
    });
    for (range, mut shown) in ranges.iter().zip(shown) {
        shown.sort_unstable();
        let inside = sorted.iter().filter(|item| range.contains(item));
        assert!(shown.iter().eq(inside), "{range:?}");
    }
    // One that breaks loses the rest of that range and of no other.
    let mut firsts = vec![0; ranges.len()];
    set.visit_each(&ranges, &mut |index, times, _| {
        firsts[index] += times.len().min(1);
        ControlFlow::Break(())
    });
    for (range, first) in ranges.iter().zip(firsts) {
        let any = sorted.iter().any(|item| range.contains(item));
        assert_eq!(first > 0, any, "{range:?}");
    }
}

/// Whether a range is cut and divided as the items in it say, and shown.
fn check_sections(set: &impl ItemSet, sorted: &[Item], range: Range) {
    let inside: Vec<Item> = sorted
        .iter()
        .copied()
        .filter(|item| range.contains(item))
        .collect();
    let mut shown = Vec::new();
    let all = set.visit_range(&range, &mut |item| {
        shown.push(item);
        ControlFlow::Continue(())
    });
    assert!(all.is_continue());
    assert_eq!(shown, inside);
    let ranks = set.rank(&range.lower)..set.rank(&range.upper);
    let section = Section {
        range,
        ranks: ranks.clone(),
    };
    // Cut where some of the items are, close by and far apart, and where none may be.
    let steps = [1, 1, 2, 40, 300, 5, 1_000, 130];
    let mut cuts = vec![Cut {
        at: range.lower,
        summed: false,
    }];
    let mut place = 0;
    for (turn, step) in steps.iter().cycle().enumerate() {
        place += step;
        let Some(item) = inside.get(place) else { break };
        cuts.push(Cut {
            at: if turn % 3 == 0 {
                Bound::after(item)
            } else {
                Bound::Before(*item)
            },
            summed: turn % 5 != 2,
        });
    }
    cuts.push(Cut {
        at: range.upper,
        summed: true,
    });
    let mut parts = vec![Part::default(); cuts.len()];
    set.cut(&cuts, &mut parts);
    for (index, (cut, part)) in cuts.iter().zip(&parts).enumerate() {
        assert_eq!(part.end, set.rank(&cut.at));
        let mut tally = Tally::default();
        if index > 0 && cut.summed {
            tally = set.summary(parts[index - 1].end..part.end).tally();
        }
        assert_eq!(part.tally, tally, "{index} of {cuts:?}");
    }
    for parts in [1, 2, 16] {
        let mut shares = vec![Share::default(); parts];
        set.divide(&section, &mut shares);
        let mut start = ranks.start;
        for (index, share) in shares.iter().enumerate() {
            assert!(start <= share.end);
            assert_eq!(share.tally, set.summary(start..share.end).tally());
            match share.upper {
                Some(upper) => assert_eq!(set.rank(&upper), share.end),
                None => assert!(index + 1 == parts || share.end == 0 || share.end == set.len()),
            }
            assert!(parts < 16 || inside.len() < 32 || share.end - start <= inside.len() / 4);
            start = share.end;
        }
        assert_eq!(start, ranks.end);
    }
    check_divided_together(set, &section);
}

/// Whether the halves and an empty section between come out together as they do one by one.
fn check_divided_together(set: &impl ItemSet, section: &Section) {
    let middle = section.ranks.start + section.ranks.len() / 2;
    let inner = set.select(middle).filter(|_| middle < section.ranks.end);
    let border = inner.map_or(section.range.upper, Bound::Before);
    let middle = set.rank(&border);
    let piece = |range: Range, ranks: std::ops::Range<usize>| Section { range, ranks };
    let pieces = [
        piece(
            Range::new(section.range.lower, border),
            section.ranks.start..middle,
        ),
        piece(Range::new(border, border), middle..middle),
        piece(
            Range::new(border, section.range.upper),
            middle..section.ranks.end,
        ),
    ];
    for parts in [1, 3, 8] {
        let mut together = vec![Share::default(); parts * pieces.len()];
        set.divide_all(&pieces, &mut together);
        for (piece, together) in pieces.iter().zip(together.chunks(parts)) {
            let mut alone = vec![Share::default(); parts];
            set.divide(piece, &mut alone);
            assert_eq!(together, alone);
        }
    }
}

fn check_whole(set: &impl ItemSet, model: &BTreeSet<Item>) {
    let items: Vec<Item> = model.iter().copied().collect();
    let len = items.len();
    assert_eq!((set.len(), set.is_empty()), (len, len == 0));
    assert_eq!(visited(set, 0..usize::MAX, usize::MAX), items);
    assert_eq!(set.select(len), None);
    assert_eq!(set.select(usize::MAX), None);
    assert_eq!(set.summary(len..usize::MAX), Summary::EMPTY);
    let backward = std::ops::Range { start: len, end: 0 };
    assert_eq!(set.summary(backward.clone()), Summary::EMPTY);
    assert!(visited(set, backward, usize::MAX).is_empty());
    for rank in (0..len).step_by(len / 50 + 1) {
        assert_eq!(set.select(rank), Some(items[rank]));
        assert_eq!(set.rank(&Bound::Before(items[rank])), rank);
        assert_eq!(set.rank(&Bound::after(&items[rank])), rank + 1);
        let head: Summary = items[..rank].iter().map(|item| &item.id).collect();
        assert_eq!(set.summary(0..rank), head);
        let tail: Summary = items[rank..].iter().map(|item| &item.id).collect();
        assert_eq!(set.summary(rank..usize::MAX), tail);
        let part = &items[rank..len.min(rank + 10)];
        assert_eq!(visited(set, rank..len, 10), part);
    }
    check_sections(set, &items, Range::ALL);
    let naive: SortedItems = items.into_iter().collect();
    assert_eq!(digest(set), digest(&naive));
}

/// The items of these ranks, breaking off after `most`.
fn visited(set: &impl ItemSet, ranks: std::ops::Range<usize>, most: usize) -> Vec<Item> {
    let mut items = Vec::new();
    let end = set.visit(ranks, &mut |item| {
        items.push(item);
        if items.len() == most {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    assert_eq!(end.is_break(), items.len() == most);
    items
}

proptest! {
    #![proptest_config(cases(48))]

    #[test]
    fn the_tree_agrees_with_the_model(history in vec(op(), 1..24)) {
        agrees_with_the_model::<RangeTree>(&history);
    }

    #[test]
    fn the_sorted_vector_agrees_with_the_model(history in vec(op(), 1..12)) {
        agrees_with_the_model::<SortedItems>(&history);
    }

    #[test]
    fn a_view_of_trees_agrees_with_the_model(history in vec(op(), 1..24)) {
        agrees_with_the_model::<Shards>(&history);
    }

    #[test]
    fn a_slice_agrees_with_the_model(history in vec(op(), 1..24)) {
        agrees_with_the_model::<Inner>(&history);
    }

    #[test]
    fn built_trees_hold_what_they_were_built_from(items in vec(item(), 0..400), bulk in 0usize..9_000) {
        let mut all = items;
        all.extend(many(bulk, 5, false, &mut 0));
        let model: BTreeSet<Item> = all.iter().copied().collect();
        check_whole(&RangeTree::from_unsorted(all), &model);
        let sorted = RangeTree::from_sorted(model.iter().copied()).expect("a BTreeSet is sorted");
        check_whole(&sorted, &model);
    }

    #[test]
    fn iteration_starts_at_any_bound(items in vec(item(), 0..400), from in bound()) {
        let tree: RangeTree = items.iter().copied().collect();
        let model: BTreeSet<Item> = items.into_iter().collect();
        let expected: Vec<&Item> = model.iter().filter(|item| !from.is_after(item)).collect();
        prop_assert_eq!(tree.iter_from(&from).len(), expected.len());
        prop_assert!(tree.iter_from(&from).eq(expected.into_iter().copied()));
        prop_assert_eq!((tree.first(), tree.last()), (model.first().copied(), model.last().copied()));
        prop_assert!(model.iter().all(|item| tree.contains(item)));
    }

    #[test]
    fn copies_in_several_shards_count_each(shards in vec(vec(item(), 0..300), 1..5)) {
        let view: View<RangeTree> = shards.into_iter().map(RangeTree::from_unsorted).collect();
        let mut items: Vec<Item> = view.sets().iter().flatten().collect();
        items.sort();
        prop_assert_eq!(visited(&view, 0..usize::MAX, usize::MAX), items.clone());
        for (rank, item) in items.iter().enumerate() {
            prop_assert_eq!(view.select(rank), Some(*item));
            let head: Summary = items[..rank].iter().map(|item| &item.id).collect();
            prop_assert_eq!(view.summary(0..rank), head);
        }
    }
}

#[test]
fn items_of_the_reserved_timestamp_are_refused_by_every_set() {
    let reserved = Item::new(u64::MAX, Id::ZERO);
    assert!(!RangeTree::new().insert(reserved));
    assert!(!SortedItems::new().insert(reserved));
    assert!(RangeTree::from_unsorted(vec![reserved]).is_empty());
    assert!(SortedItems::from_iter([reserved]).is_empty());
    let error = RangeTree::from_sorted([Item::default(), reserved]).expect_err("reserved");
    assert_eq!(error.position, 1);
}

#[test]
fn building_from_items_out_of_order_names_the_first_that_is() {
    let items = [1, 2, 2, 3].map(|time| Item::new(time, Id::ZERO));
    assert_eq!(
        RangeTree::from_sorted(items).expect_err("twice 2").position,
        2
    );
    let items = [1, 5, 3].map(|time| Item::new(time, Id::ZERO));
    assert_eq!(
        RangeTree::from_sorted(items)
            .expect_err("3 behind 5")
            .position,
        2
    );
}

#[test]
fn a_view_of_nothing_is_empty() {
    check_whole(&View::<RangeTree>::default(), &BTreeSet::new());
    check_whole(&View::new(vec![RangeTree::new(); 3]), &BTreeSet::new());
}

#[test]
fn a_view_selects_exactly_among_shards_that_do_not_overlap_in_time() {
    let mut serial = 0;
    let shard = |from| RangeTree::from_unsorted(many(6_000, from, true, &mut serial));
    let view: View<RangeTree> = [9_000u64, 1, 100_000, 3_000]
        .into_iter()
        .map(shard)
        .collect();
    let model: BTreeSet<Item> = view.sets().iter().flatten().collect();
    check_whole(&view, &model);
}
