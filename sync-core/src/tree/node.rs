//! Nodes of either kind, and what an edit of one tells its parent.

use triomphe::Arc;

use super::branch::Branch;
use super::leaf::Leaf;
use crate::item::Item;
use crate::summary::Summary;

/// A node, shared with snapshots; editing one that is shared copies it first.
#[derive(Clone)]
pub(super) enum Node {
    Leaf(Arc<Leaf>),
    Branch(Arc<Branch>),
}

/// A child as its parent keeps it.
pub(super) struct Entry {
    /// Not behind the first item of `node`, and behind every item of the nodes to its left.
    pub(super) separator: Item,
    /// What `node` holds.
    pub(super) summary: Summary,
    pub(super) node: Node,
}

/// What an insertion into a node came to.
pub(super) enum Inserted {
    /// The item was there.
    Present,
    /// The node has taken it.
    Placed,
    /// The node has taken it and given up its upper part, to become the next sibling.
    Split(Entry),
}

/// Where a node lies on the way to an insertion.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Path {
    /// On the right edge of the tree, and the item lies behind all others: nothing to search.
    Append,
    /// On the right edge of the tree.
    RightEdge,
    /// Elsewhere.
    Inside,
}

/// On which edges of the tree a node lies. Nodes on an edge may hold less than the minimum.
#[derive(Clone, Copy)]
pub(super) struct Edges {
    pub(super) left: bool,
    pub(super) right: bool,
}

impl Node {
    /// Inserts in order below this node; in a leaf, the item is likely to belong `near` that place.
    pub(super) fn insert(&mut self, item: &Item, path: Path, near: Option<usize>) -> Inserted {
        match self {
            Self::Leaf(leaf) => insert_into(leaf, item, path, near),
            Self::Branch(branch) => Arc::make_mut(branch).insert(item, path),
        }
    }

    /// Takes `item` out below this node; whether it was there.
    pub(super) fn remove(&mut self, item: &Item, edges: Edges) -> bool {
        match self {
            Self::Leaf(leaf) => {
                let slot = leaf.slot(item);
                let found = leaf.holds(slot, item);
                if found {
                    Arc::make_mut(leaf).remove(slot);
                }
                found
            }
            Self::Branch(branch) => Arc::make_mut(branch).remove(item, edges),
        }
    }

    /// Takes out everything before `key`; gives its summary.
    pub(super) fn prune(&mut self, key: &Item) -> Summary {
        match self {
            Self::Leaf(leaf) => Arc::make_mut(leaf).prune(key),
            Self::Branch(branch) => Arc::make_mut(branch).prune(key),
        }
    }

    /// What all items below this node amount to: the way down its right edge.
    pub(super) fn total(&self) -> Summary {
        match self {
            Self::Leaf(leaf) => leaf.total(),
            Self::Branch(branch) => branch.total(),
        }
    }

    /// How many slots are in use.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Leaf(leaf) => leaf.len(),
            Self::Branch(branch) => branch.len(),
        }
    }
}

/// The search comes before the copy: an item that is there costs none.
fn insert_into(leaf: &mut Arc<Leaf>, item: &Item, path: Path, near: Option<usize>) -> Inserted {
    let slot = match (path, near) {
        (Path::Append, _) => leaf.len(),
        (_, near) => {
            if near.is_none() {
                leaf.fetch_end();
            }
            leaf.slot_at(leaf.place_of(item, near))
        }
    };
    if leaf.holds(slot, item) {
        return Inserted::Present;
    }
    Arc::make_mut(leaf).insert(slot, item, path)
}
