//! Whether a tree is what the rest of the module takes it to be.

use alloc::vec::Vec;

use triomphe::Arc;

use super::branch::Branch;
use super::leaf::Leaf;
use super::node::{Edges, Node};
use super::{BRANCH_MAX, BRANCH_MIN, LEAF_MAX, LEAF_MIN, RangeTree};
use crate::item::{Bound, Id, Item};
use crate::set::{ItemSet, ItemSetMut};
use crate::summary::Summary;

impl RangeTree {
    /// Panics unless order, separators, counts, sums, depth and occupancy are as they should be.
    pub(super) fn check(&self) {
        let mut items = Vec::new();
        let edges = Edges {
            left: true,
            right: true,
        };
        check_node(&self.root, edges, &mut items);
        assert!(items.is_sorted_by(|a, b| a < b), "items out of order");
        assert!(items.iter().all(|item| item.timestamp < u64::MAX));
        assert_eq!(self.last, items.last().copied());
        assert_eq!(self.total, items.iter().map(|item| &item.id).collect());
        if let Node::Branch(branch) = &self.root {
            assert!(branch.len() > 1, "a root of one child");
        }
    }
}

/// Adds the items below `node`; gives its height.
fn check_node(node: &Node, edges: Edges, items: &mut Vec<Item>) -> usize {
    let on_edge = edges.left || edges.right;
    let branch = match node {
        Node::Leaf(leaf) => {
            assert!(on_edge || leaf.len() >= LEAF_MIN, "{} items", leaf.len());
            leaf.check();
            items.extend(leaf.items(0..leaf.len()));
            return 0;
        }
        Node::Branch(branch) => branch,
    };
    assert!(branch.len() >= if on_edge { 1 } else { BRANCH_MIN });
    assert_eq!(branch.separator(0), Item::default());
    let mut heights = Vec::new();
    let first = items.len();
    for (index, child) in branch.children().iter().enumerate() {
        let start = items.len();
        assert!(index == 0 || items.iter().all(|item| *item < branch.separator(index)));
        let below = Edges {
            left: edges.left && index == 0,
            right: edges.right && index + 1 == branch.len(),
        };
        heights.push(check_node(child, below, items));
        assert!(items.len() > start, "an empty child");
        assert!(items[start] >= branch.separator(index));
        let ids = items[start..].iter().map(|item| &item.id);
        assert_eq!(branch.summary_at(index), ids.collect::<Summary>());
        let before: usize = branch.totals().count_before(index);
        assert_eq!(before, start - first);
    }
    assert!(heights.iter().all(|height| *height == heights[0]));
    heights[0] + 1
}

/// Deterministic pseudo-random numbers (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// An item of one of `times` timestamps.
    fn item(&mut self, times: u64) -> Item {
        let mut id = Id::ZERO;
        id.0[..8].copy_from_slice(&self.next().to_be_bytes());
        Item::new(self.next() % times, id)
    }

    fn items(&mut self, count: usize, times: u64) -> Vec<Item> {
        (0..count).map(|_| self.item(times)).collect()
    }
}

fn height(tree: &RangeTree) -> usize {
    check_node(
        &tree.root,
        Edges {
            left: true,
            right: true,
        },
        &mut Vec::new(),
    )
}

/// Enough for two levels of branches whatever the occupancy.
const MANY: usize = 2 * LEAF_MAX * BRANCH_MAX;

/// Timestamps from all equal to all different.
const SPREADS: [u64; 4] = [1, 20, 1_000, u64::MAX];

#[test]
fn random_inserts_and_removals_keep_the_shape() {
    for times in SPREADS {
        let mut numbers = Numbers(times);
        let mut items = numbers.items(MANY, times);
        let mut tree = RangeTree::new();
        for (done, item) in items.iter().enumerate() {
            assert!(tree.insert(*item));
            assert!(!tree.insert(*item));
            if done % 4_096 == 0 {
                tree.check();
            }
        }
        tree.check();
        assert_eq!(height(&tree), 2);
        items.sort_unstable_by_key(|item| item.id);
        for (done, item) in items.iter().enumerate() {
            assert!(tree.remove(item));
            assert!(!tree.remove(item));
            if done % 4_096 == 0 {
                tree.check();
            }
        }
        tree.check();
        assert_eq!((tree.len(), height(&tree)), (0, 0));
    }
}

#[test]
fn removals_in_order_from_either_end_and_from_the_middle_keep_the_shape() {
    let items: Vec<Item> = (0..MANY as u64)
        .map(|n| Item::new(n / 3, id_of(n)))
        .collect();
    let full = RangeTree::from_sorted(items.iter().copied()).expect("sorted");
    full.check();
    let (low, high) = items.split_at(MANY / 2);
    let forward: Vec<&Item> = items.iter().collect();
    let backward: Vec<&Item> = items.iter().rev().collect();
    let inside_out: Vec<&Item> = high.iter().chain(low.iter().rev()).collect();
    for order in [forward, backward, inside_out] {
        let mut tree = full.snapshot();
        for (done, item) in order.into_iter().enumerate() {
            assert!(tree.remove(item));
            if done % 4_096 == 0 {
                tree.check();
            }
        }
        tree.check();
    }
    full.check();
}

#[test]
fn edits_after_pruning_keep_the_shape() {
    for times in SPREADS {
        let mut numbers = Numbers(times ^ 77);
        let mut tree: RangeTree = numbers.items(MANY, times).into_iter().collect();
        while !tree.is_empty() {
            let rank = (numbers.next() % 9_000) as usize;
            let bound = tree.select(rank).map_or(Bound::Infinity, Bound::Before);
            let before = tree.len();
            assert_eq!(tree.prune_before(&bound), rank.min(before));
            tree.check();
            for _ in 0..500 {
                let item = numbers.item(times);
                tree.insert(item);
                let victim = (numbers.next() % tree.len() as u64) as usize;
                let victim = tree.select(victim).expect("not empty");
                assert!(tree.remove(&victim));
            }
            tree.check();
            if bound == Bound::Infinity {
                break;
            }
        }
    }
}

#[test]
fn appends_and_bulk_builds_leave_full_leaves() {
    let items = (0..MANY as u64).map(|n| Item::new(n, id_of(n)));
    let built = RangeTree::from_sorted(items.clone()).expect("sorted");
    let mut appended = RangeTree::new();
    appended.extend(items);
    appended.check();
    for tree in [built, appended] {
        let per_item = tree.memory_bytes() as f64 / tree.len() as f64;
        assert!(per_item < 43.0, "{per_item} bytes an item");
    }
}

#[test]
fn memory_counts_what_branches_hold_on_the_heap() {
    let items = (0..2 * LEAF_MAX as u64).map(|n| Item::new(n, id_of(n)));
    let tree = RangeTree::from_sorted(items).expect("sorted");
    let children = BRANCH_MAX * size_of::<Node>();
    let nodes = 2 * size_of::<Leaf>() + size_of::<Branch>() + children;
    assert_eq!(tree.memory_bytes(), nodes + 3 * size_of::<usize>());
}

#[test]
fn nearly_ordered_arrivals_leave_leaves_nearly_full() {
    let mut numbers = Numbers(5);
    let mut tree = RangeTree::new();
    for n in 0..MANY as u64 {
        let late = numbers.next() % 16;
        tree.insert(Item::new(100 + n - late.min(n), id_of(n)));
    }
    tree.check();
    let per_item = tree.memory_bytes() as f64 / tree.len() as f64;
    assert!(per_item < 50.0, "{per_item} bytes an item");
}

#[test]
fn random_inserts_fill_leaves_better_than_splits_alone() {
    let tree = {
        let mut tree = RangeTree::new();
        tree.extend(Numbers(9).items(MANY, u64::MAX));
        tree
    };
    let per_item = tree.memory_bytes() as f64 / tree.len() as f64;
    assert!(per_item < 55.0, "{per_item} bytes an item");
}

#[test]
fn an_edit_after_a_snapshot_copies_its_path_only() {
    let items = (0..MANY as u64).map(|n| Item::new(n, id_of(n)));
    let mut tree = RangeTree::from_sorted(items).expect("sorted");
    let snapshot = tree.snapshot();
    assert!(tree.remove(&Item::new(5_000, id_of(5_000))));
    let (Node::Branch(new), Node::Branch(old)) = (&tree.root, &snapshot.root) else {
        panic!("too small");
    };
    let shared = |pair: &(&Node, &Node)| match pair {
        (Node::Branch(new), Node::Branch(old)) => Arc::ptr_eq(new, old),
        _ => false,
    };
    let pairs = new.children().iter().zip(old.children());
    assert_eq!(pairs.filter(shared).count(), old.len() - 1);
    tree.check();
    snapshot.check();
}

fn id_of(n: u64) -> Id {
    let mut id = Id::ZERO;
    id.0[24..].copy_from_slice(&n.to_be_bytes());
    id
}
