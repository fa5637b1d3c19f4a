//! Positions among all items of an index, whatever their topics.

use sync_core::{Bound, Item, ItemSet, RangeTree, View};

use super::Index;

impl Index {
    /// The item of this rank in the order (timestamp, hash), counted from 0.
    #[must_use]
    pub fn select(&self, rank: usize) -> Option<Item> {
        self.all().select(rank)
    }

    /// How many items lie before `bound`.
    #[must_use]
    pub fn rank(&self, bound: &Bound) -> usize {
        self.read()
            .trees
            .values()
            .map(|tree| tree.rank(bound))
            .sum()
    }

    /// The oldest item.
    #[must_use]
    pub fn first(&self) -> Option<Item> {
        self.read()
            .trees
            .values()
            .filter_map(RangeTree::first)
            .min()
    }

    /// The newest item before `bound`.
    #[must_use]
    pub fn last_before(&self, bound: &Bound) -> Option<Item> {
        let last = |tree: &RangeTree| tree.select(tree.rank(bound).checked_sub(1)?);
        self.read().trees.values().filter_map(last).max()
    }

    /// The digest of all items.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        sync_core::digest(&self.all())
    }

    /// All items as one set; trees are cheap to copy.
    fn all(&self) -> View<RangeTree> {
        View::new(self.read().trees.values().cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;
    use sync_core::Id;

    use super::*;
    use crate::archive::MemoryArchive;

    proptest! {
        #[test]
        fn positions_are_those_of_all_items_in_one_order(
            items in proptest::collection::btree_map((0..40u64, any::<[u8; 2]>()), 0..4u8, 0..80),
            bound in (0..42u64, any::<[u8; 2]>()),
        ) {
            let item = |(time, id): (u64, [u8; 2])| {
                let mut bytes = [0; 32];
                bytes[..2].copy_from_slice(&id);
                Item::new(time, Id(bytes))
            };
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let index = runtime
                .block_on(Index::rebuild(Arc::new(MemoryArchive::new())))
                .unwrap();
            let topics: Vec<Arc<str>> = ["/a", "/b", "/c", "/d"].map(Arc::from).to_vec();
            let placed = items.iter().map(|(key, topic)| (&topics[usize::from(*topic)], item(*key)));
            index.insert(placed);
            let all: Vec<Item> = items.keys().map(|key| item(*key)).collect();
            for rank in 0..=all.len() {
                prop_assert_eq!(index.select(rank), all.get(rank).copied());
            }
            let bound = Bound::Before(item(bound));
            let before = all.iter().filter(|item| bound.is_after(item)).count();
            prop_assert_eq!(index.rank(&bound), before);
            prop_assert_eq!(index.first(), all.first().copied());
            prop_assert_eq!(index.last_before(&bound), all[..before].last().copied());
        }
    }
}
