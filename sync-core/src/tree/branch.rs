//! Branches: what is known of each child without looking at it.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::{mem, ops};

use triomphe::Arc;

use super::leaf::{self, Leaf};
use super::node::{Edges, Entry, Inserted, Node, Path};
use super::search::{lower_bound_from, lower_bound_warm};
use super::totals::{Lane, Totals};
use super::{BRANCH_MAX, BRANCH_MIN, LEAF_MAX, LEAF_MIN, LEAF_RELIEF};
use crate::item::{Id, Item};
use crate::summary::Summary;

/// Up to [`BRANCH_MAX`] children with their separators and summaries, an array for each part.
///
/// Slot 0 has the separator (0, zero): whatever is less than the others belongs there. Timestamps
/// of unused slots are `u64::MAX`, so that a search needn't look at `len`; the other parts of
/// unused slots mean nothing.
#[derive(Clone)]
pub(super) struct Branch {
    timestamps: [u64; BRANCH_MAX],
    totals: Totals,
    /// The ids of the separators; absent as long as all are zero, as they are where timestamps
    /// differ.
    ids: Option<Box<[Id; BRANCH_MAX]>>,
    children: Vec<Node>,
}

impl Branch {
    /// A branch of these children in order: at least one, at most [`BRANCH_MAX`].
    pub(super) fn from_entries(entries: impl IntoIterator<Item = Entry>) -> Self {
        let mut branch = Self {
            timestamps: [u64::MAX; BRANCH_MAX],
            totals: Totals::EMPTY,
            ids: None,
            children: Vec::with_capacity(BRANCH_MAX),
        };
        branch.extend(entries);
        branch
    }

    /// Inserts in order below this branch.
    pub(super) fn insert(&mut self, item: &Item, path: Path) -> Inserted {
        let mut child = match path {
            Path::Append => self.len() - 1,
            Path::RightEdge | Path::Inside => self.child(item),
        };
        if self.path_to(child, path) == Path::Inside && self.relieve(child) {
            child = self.child(item);
        }
        let near = self.near(child, item.timestamp);
        if let (Some(near), Node::Leaf(leaf)) = (near, &self.children[child]) {
            leaf.fetch_for(near, self.count_at(child));
        }
        let path_down = self.path_to(child, path);
        // Counted before it is placed: the totals are fetched while the child is still waited for.
        let (len, counted) = (self.len(), Summary::of(&item.id));
        if child + 1 < len {
            self.totals.add(child, len, &counted);
        }
        match self.children[child].insert(item, path_down, near) {
            Inserted::Present => {
                self.totals.sub(child, len, &counted);
                Inserted::Present
            }
            Inserted::Placed => Inserted::Placed,
            Inserted::Split(right) => {
                self.totals.sub(child, len, &right.summary);
                self.insert_entry(child + 1, right, path)
            }
        }
    }

    /// Takes `item` out below this branch; whether it was there.
    pub(super) fn remove(&mut self, item: &Item, edges: Edges) -> bool {
        let child = self.child(item);
        let below = Edges {
            left: edges.left && child == 0,
            right: edges.right && child == self.len() - 1,
        };
        if !self.children[child].remove(item, below) {
            return false;
        }
        self.totals.sub(child, self.len(), &Summary::of(&item.id));
        if self.children[child].len() == 0 {
            self.cut_out(child..child + 1);
        } else if !below.left && !below.right {
            self.mend(child);
        }
        true
    }

    /// Takes out everything before `key`; gives its summary. Whole children go unread.
    pub(super) fn prune(&mut self, key: &Item) -> Summary {
        let kept = self.child(key);
        let mut removed = self.totals.before(kept);
        self.cut_out(0..kept);
        let partly = self.children[0].prune(key);
        self.totals.sub(0, self.len(), &partly);
        if self.children[0].len() == 0 {
            self.cut_out(0..1);
        }
        removed += &partly;
        removed
    }

    pub(super) fn len(&self) -> usize {
        self.children.len()
    }

    /// The only child, if there is but one.
    pub(super) fn only_child(&self) -> Option<&Node> {
        match self.children.as_slice() {
            [child] => Some(child),
            _ => None,
        }
    }

    pub(super) fn children(&self) -> &[Node] {
        &self.children
    }

    /// The child where `key` belongs: the last one whose separator isn't behind it.
    #[inline]
    pub(super) fn child(&self, key: &Item) -> usize {
        self.child_at_time(lower_bound_warm(&self.timestamps, key.timestamp), key)
    }

    /// As [`Branch::child`], where it is known to be `from` or behind it.
    #[inline]
    pub(super) fn child_from(&self, from: usize, key: &Item) -> usize {
        self.child_at_time(lower_bound_from(&self.timestamps, from, key.timestamp), key)
    }

    /// The child where `key` belongs, where separators before `start` have earlier timestamps, or
    /// belong to a child before that.
    #[inline]
    fn child_at_time(&self, start: usize, key: &Item) -> usize {
        if start >= self.len() || self.timestamps[start] != key.timestamp {
            return start - 1;
        }
        // Separators differ: by their times alone, as long as none has an id.
        let Some(ids) = &self.ids else { return start };
        let end = lower_bound_from(&self.timestamps, start, key.timestamp.saturating_add(1));
        start + ids[start..end].partition_point(|id| *id <= key.id) - 1
    }

    /// What is known of the children but for the last.
    #[inline]
    pub(super) fn totals(&self) -> &Totals {
        &self.totals
    }

    /// What all items below this branch amount to.
    pub(super) fn total(&self) -> Summary {
        self.start_of(self.len())
    }

    /// The summary of `child`.
    pub(super) fn summary_at(&self, child: usize) -> Summary {
        self.start_of(child + 1) - self.totals.before(child)
    }

    /// What lies before `child`, which may be one past the last.
    fn start_of(&self, child: usize) -> Summary {
        if child < self.len() {
            self.totals.before(child)
        } else {
            self.totals.before(child - 1) + self.children[child - 1].total()
        }
    }

    /// Bytes on the heap besides the branch itself.
    pub(super) fn heap_bytes(&self) -> usize {
        let ids = self.ids.as_ref().map_or(0, |ids| mem::size_of_val(&**ids));
        ids + self.children.capacity() * mem::size_of::<Node>()
    }

    /// What is less than the items of `child` and not less than those of the ones before.
    #[inline]
    pub(super) fn separator(&self, child: usize) -> Item {
        let id = self.ids.as_ref().map_or(Id::ZERO, |ids| ids[child]);
        Item::new(self.timestamps[child], id)
    }

    /// Where in `child`, a leaf, items of this time are likely to lie if those between its separators are
    /// spread evenly; `None` where there isn't a separator on both sides. The leaf isn't looked at: what
    /// will be read of it can be fetched all at once.
    #[inline]
    pub(super) fn near(&self, child: usize, timestamp: u64) -> Option<usize> {
        if child == 0 || child + 1 >= self.len() || !matches!(self.children[child], Node::Leaf(_)) {
            return None;
        }
        let (start, end) = (self.timestamps[child], self.timestamps[child + 1]);
        let (since, whole) = (timestamp.saturating_sub(start), (end - start).max(1));
        let count = self.count_at(child);
        let slot = match since.checked_mul(count as u64) {
            Some(product) => product / whole,
            None => since / (whole / count.max(1) as u64).max(1),
        };
        Some(Leaf::likely_place(count.min(slot as usize), count))
    }

    /// Where in `child`, a leaf and not the last one, the item of that slot is likely to lie.
    #[inline]
    pub(super) fn near_slot(&self, child: usize, slot: usize) -> Option<usize> {
        if child + 1 >= self.len() || !matches!(self.children[child], Node::Leaf(_)) {
            return None;
        }
        Some(Leaf::likely_place(slot, self.count_at(child)))
    }

    /// How many items `child` holds, which isn't the last one.
    #[inline]
    fn count_at(&self, child: usize) -> usize {
        self.totals.count_before(child + 1) - self.totals.count_before(child)
    }

    fn path_to(&self, child: usize, path: Path) -> Path {
        if child == self.len() - 1 {
            path
        } else {
            Path::Inside
        }
    }

    /// Sets a separator; that of slot 0 stays (0, zero).
    fn set_separator(&mut self, child: usize, separator: Item) {
        let separator = if child == 0 {
            Item::default()
        } else {
            separator
        };
        self.timestamps[child] = separator.timestamp;
        if separator.id != Id::ZERO && self.ids.is_none() {
            self.ids = Some(Box::new([Id::ZERO; BRANCH_MAX]));
        }
        if let Some(ids) = &mut self.ids {
            ids[child] = separator.id;
        }
    }

    /// Places a new child, splitting a full branch: in halves, or for an append behind its last
    /// child, so that appends leave full branches behind.
    fn insert_entry(&mut self, at: usize, entry: Entry, path: Path) -> Inserted {
        let len = self.len();
        if len < BRANCH_MAX {
            let start = self.start_of(at);
            self.totals.insert(at, len, &start, &entry.summary);
            self.timestamps.copy_within(at..len, at + 1);
            if let Some(ids) = &mut self.ids {
                ids.copy_within(at..len, at + 1);
            }
            self.set_separator(at, entry.separator);
            self.children.insert(at, entry.node);
            return Inserted::Placed;
        }
        let cut = if path != Path::Inside && at == len {
            len
        } else {
            len / 2
        };
        let mut right = self.split_off(cut);
        if at > cut || cut == len {
            right.insert(at - cut, entry);
        } else {
            self.insert_entry(at, entry, path);
        }
        Inserted::Split(gather(right))
    }

    /// Adds children behind the last one.
    fn extend(&mut self, entries: impl IntoIterator<Item = Entry>) {
        let mut start = match self.len() {
            0 => Summary::EMPTY,
            len => self.start_of(len),
        };
        for entry in entries {
            let child = self.len();
            self.children.push(entry.node);
            self.set_separator(child, entry.separator);
            self.totals.set(child, &start);
            start += &entry.summary;
        }
    }

    /// Takes the children from `at` on.
    fn split_off(&mut self, at: usize) -> Vec<Entry> {
        let summaries: Vec<Summary> = (at..self.len())
            .map(|child| self.summary_at(child))
            .collect();
        let nodes = self.children.split_off(at);
        let parts = (at..).zip(summaries).zip(nodes);
        let entries = parts.map(|((child, summary), node)| Entry {
            separator: self.separator(child),
            summary,
            node,
        });
        let entries = entries.collect();
        self.timestamps[at..].fill(u64::MAX);
        self.totals.truncate(at);
        entries
    }

    /// Drops these children, and what they hold.
    fn cut_out(&mut self, gone: ops::Range<usize>) {
        if !gone.is_empty() {
            self.totals.remove(gone.start, gone.len(), self.len());
            self.close_up(gone);
        }
    }

    /// Takes out these children; the totals are left as they were.
    fn close_up(&mut self, gone: ops::Range<usize>) {
        let len = self.len();
        self.timestamps.copy_within(gone.end..len, gone.start);
        self.timestamps[len - gone.len()..].fill(u64::MAX);
        if let Some(ids) = &mut self.ids {
            ids.copy_within(gone.end..len, gone.start);
        }
        self.children.drain(gone);
        if self.len() > 0 {
            self.set_separator(0, Item::default());
        }
    }

    /// Makes room in a full leaf by sharing with the emptier of its neighbours, if that has some.
    /// Random inserts so fill leaves to more than four fifths, where splits alone leave 69 %.
    fn relieve(&mut self, child: usize) -> bool {
        if self.leaf_len(child) != Some(LEAF_MAX) {
            return false;
        }
        let left = child.checked_sub(1);
        let right = (child + 1 < self.len()).then_some(child + 1);
        let neighbours = left.into_iter().chain(right);
        let emptiest = neighbours
            .filter_map(|neighbour| Some((self.leaf_len(neighbour)?, neighbour)))
            .min();
        match emptiest {
            Some((len, neighbour)) if len <= LEAF_MAX - LEAF_RELIEF => {
                self.level(child.min(neighbour), LEAF_RELIEF);
                true
            }
            _ => false,
        }
    }

    fn leaf_len(&self, child: usize) -> Option<usize> {
        match &self.children[child] {
            Node::Leaf(_) if child + 1 < self.len() => Some(self.count_at(child)),
            Node::Leaf(leaf) => Some(leaf.len()),
            Node::Branch(_) => None,
        }
    }

    /// Merges a child that holds too little with a neighbour, or shares with it.
    fn mend(&mut self, child: usize) {
        let (min, max) = match &self.children[child] {
            Node::Leaf(_) => (LEAF_MIN, LEAF_MAX),
            Node::Branch(_) => (BRANCH_MIN, BRANCH_MAX),
        };
        if self.children[child].len() >= min {
            return;
        }
        let left = child.saturating_sub(1);
        if self.children[left].len() + self.children[left + 1].len() <= max {
            self.merge(left);
        } else {
            self.level(left, usize::MAX);
        }
    }

    /// Moves all that the child behind `left` holds into `left`.
    fn merge(&mut self, left: usize) {
        let separator = self.separator(left + 1);
        match self.pair(left) {
            Pair::Leaves(a, b) => a.append(b),
            Pair::Branches(a, b) => a.extend(b.take_all(separator)),
        }
        self.totals.join(left + 1, self.len());
        self.close_up(left + 1..left + 2);
    }

    /// Shares out evenly what `left` and the child behind it hold, as far as moving `most` entries
    /// of leaves does it.
    fn level(&mut self, left: usize, most: usize) {
        let separator = self.separator(left + 1);
        let ((moved, to_the_right), separator) = match self.pair(left) {
            Pair::Leaves(a, b) => {
                let moved = a.level(b, most);
                (moved, leaf::separator(a, b))
            }
            Pair::Branches(a, b) => a.level_with(b, separator),
        };
        self.totals
            .shift(left + 1, self.len(), &moved, to_the_right);
        self.set_separator(left + 1, separator);
    }

    /// Shares out evenly what this branch and `right`, whose separator is given, hold. Gives the
    /// summary of what moved, whether it moved to the right, and the new separator.
    fn level_with(&mut self, right: &mut Self, separator: Item) -> ((Summary, bool), Item) {
        let half = (self.len() + right.len()) / 2;
        let to_the_right = self.len() >= half;
        let (mut low, mut high) = (Vec::new(), right.take_all(separator));
        if to_the_right {
            low = self.split_off(half);
        } else {
            let rest = high.split_off(half - self.len());
            low.extend(mem::replace(&mut high, rest));
        }
        let moved = total_of(&low);
        if to_the_right {
            low.append(&mut high);
            high = low;
        } else {
            self.extend(low);
        }
        let separator = high.first().map_or(separator, |entry| entry.separator);
        right.extend(high);
        ((moved, to_the_right), separator)
    }

    /// Takes every child; the first one's separator is that of this branch in its parent.
    fn take_all(&mut self, separator: Item) -> Vec<Entry> {
        let mut entries = self.split_off(0);
        if let Some(first) = entries.first_mut() {
            first.separator = separator;
        }
        entries
    }

    /// The child `left` and the one behind it, to edit both.
    fn pair(&mut self, left: usize) -> Pair<'_> {
        match &mut self.children[left..left + 2] {
            [Node::Leaf(a), Node::Leaf(b)] => Pair::Leaves(Arc::make_mut(a), Arc::make_mut(b)),
            [Node::Branch(a), Node::Branch(b)] => {
                Pair::Branches(Arc::make_mut(a), Arc::make_mut(b))
            }
            _ => unreachable!("invariant: all children of a branch are of one kind"),
        }
    }
}

/// Where a node hangs.
#[derive(Clone, Copy)]
pub(super) struct Parent<'a> {
    pub(super) branch: &'a Branch,
    pub(super) child: usize,
}

impl Parent<'_> {
    /// What the ids of the child add up to, if the branch knows: of the last one it doesn't.
    #[inline]
    pub(super) fn total<L: Lane>(&self) -> Option<L> {
        let totals = self.branch.totals();
        (self.child + 1 < self.branch.len()).then(|| {
            let mut total: L = totals.ids_before(self.child + 1);
            total.sub(&totals.ids_before(self.child));
            total
        })
    }
}

/// Two neighbouring children.
enum Pair<'a> {
    Leaves(&'a mut Leaf, &'a mut Leaf),
    Branches(&'a mut Branch, &'a mut Branch),
}

/// A branch of these children, as its parent keeps it. There must be at least one.
pub(super) fn gather(entries: Vec<Entry>) -> Entry {
    let separator = entries
        .first()
        .map_or_else(Item::default, |first| first.separator);
    Entry {
        separator,
        summary: total_of(&entries),
        node: Node::Branch(Arc::new(Branch::from_entries(entries))),
    }
}

fn total_of(entries: &[Entry]) -> Summary {
    entries.iter().fold(Summary::EMPTY, |mut total, entry| {
        total += &entry.summary;
        total
    })
}
