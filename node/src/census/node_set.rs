//! A set of the nodes that are counted, by their numbers.

use super::limits::NODES;

/// Some of the nodes, of which there are 64 at most.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct NodeSet(u64);

const _: () = assert!(NODES <= u64::BITS as usize, "a bit for each node");

impl NodeSet {
    /// Puts a node in.
    pub(crate) const fn insert(&mut self, node: usize) {
        self.0 |= 1 << node;
    }

    /// Takes a node out.
    pub(crate) const fn remove(&mut self, node: usize) {
        self.0 &= !(1 << node);
    }

    /// Whether a node is in it.
    pub(crate) const fn contains(self, node: usize) -> bool {
        self.0 >> node & 1 == 1
    }

    /// Those in it, in order.
    pub(crate) fn iter(self) -> impl Iterator<Item = usize> {
        (0..NODES).filter(move |node| self.contains(*node))
    }

    /// Whether none is in it.
    pub(crate) const fn is_empty(self) -> bool {
        self.0 == 0
    }
}
