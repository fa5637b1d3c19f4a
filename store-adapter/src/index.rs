//! The index that reconciliation reads: a tree of items for each pubsub topic, in memory.
//!
//! It follows the archive and never runs ahead of it: items come in after their commit and go
//! before their removal.

mod counting;
mod follow;
mod ranks;
mod snapshot;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use sync_core::{Bound, Item, ItemSet, ItemSetMut, RangeTree};
use tokio::runtime::Handle;

pub use counting::IndexCounts;
pub use follow::{Followed, Follower};
pub use snapshot::IndexSnapshot;

use crate::archive::{Archive, ArchiveError, ChangePosition};
use crate::counts::{CountedItems, hour_of};
use crate::floor;
use crate::record::Key;

use counting::Counting;

/// The items of an archive, by pubsub topic.
#[derive(Debug)]
pub struct Index {
    archive: Arc<dyn Archive>,
    /// To read the archive from threads that aren't the runtime's.
    runtime: Handle,
    state: RwLock<State>,
    /// Held while messages that were found to lie above the floor are stored, and while it is raised.
    raising: tokio::sync::Mutex<()>,
    /// Held while hours are counted anew.
    recounting: tokio::sync::Mutex<()>,
    /// Up to where the changes of a shared archive were read with it.
    position: Option<ChangePosition>,
}

#[derive(Debug)]
struct State {
    trees: BTreeMap<Arc<str>, RangeTree>,
    floor: Bound,
    counting: Counting,
}

impl State {
    /// Adds an item unless it lies below the floor; tells whether it is new.
    fn insert(&mut self, topic: &Arc<str>, item: Item) -> bool {
        if self.floor.is_after(&item) {
            return false;
        }
        match self.trees.get_mut(topic) {
            Some(tree) => tree.insert(item),
            None => {
                let tree = self.trees.entry(Arc::clone(topic)).or_default();
                tree.insert(item)
            }
        }
    }
}

impl Index {
    /// Reads the index of `archive` from it. Call it within a tokio runtime, and
    /// while nothing is written; what other nodes write to a shared archive meanwhile is found by a
    /// [`Follower`].
    ///
    /// # Errors
    /// When the archive can't be read.
    pub async fn rebuild(archive: Arc<dyn Archive>) -> Result<Self, ArchiveError> {
        let position = archive.changes(None).await?.map(|changes| changes.position);
        let floor = floor::load(&*archive).await?;
        let CountedItems {
            items,
            counter,
            doubtful,
        } = archive.counted_items(&floor).await?;
        let trees: BTreeMap<Arc<str>, RangeTree> = items
            .into_iter()
            .map(|(topic, items)| (topic, tree_of(items)))
            .collect();
        let len = trees.values().map(ItemSet::len).sum();
        let counting = counting::counting_of(counter, doubtful, len);
        Ok(Self {
            archive,
            runtime: Handle::current(),
            state: RwLock::new(State {
                trees,
                floor,
                counting,
            }),
            raising: tokio::sync::Mutex::default(),
            recounting: tokio::sync::Mutex::default(),
            position,
        })
    }

    /// Adds items that the archive holds now; those that are there or lie below the floor change
    /// nothing. Use [`Index::insert_counted`] where more is known of them: the hours of those that are new
    /// are counted anew, by the next [`Index::recount`].
    pub fn insert<'a>(&self, items: impl IntoIterator<Item = (&'a Arc<str>, Item)>) {
        let mut state = self.write();
        for (topic, item) in items {
            if state.insert(topic, item) {
                state.counting.doubt(hour_of(item.timestamp));
            }
        }
    }

    /// Raises the retention floor to `floor` and takes out everything before it; gives how many
    /// items that were. A floor is never lowered.
    pub fn remove_before(&self, floor: &Bound) -> usize {
        self.write().prune_before(*floor)
    }

    /// Has the floor stay where it is as long as the guard is held.
    pub(crate) async fn hold_floor(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.raising.lock().await
    }

    /// As [`Index::remove_before`], once nobody holds the floor.
    pub(crate) async fn raise(&self, floor: &Bound) -> usize {
        let _held = self.hold_floor().await;
        self.remove_before(floor)
    }

    /// The state of now, for a session to read. Costs little, whatever the size.
    #[must_use]
    pub fn snapshot(&self) -> IndexSnapshot {
        let (trees, floor) = {
            let state = self.read();
            (state.trees.clone(), state.floor)
        };
        IndexSnapshot {
            archive: Arc::clone(&self.archive),
            runtime: self.runtime.clone(),
            trees,
            floor: snapshot::at_whole_time(floor),
        }
    }

    /// The position before which nothing is kept.
    #[must_use]
    pub fn floor(&self) -> Bound {
        self.read().floor
    }

    /// How many items there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.read().trees.values().map(ItemSet::len).sum()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether `item` is there, under whichever topic.
    #[must_use]
    pub fn contains(&self, item: &Item) -> bool {
        self.read().trees.values().any(|tree| tree.contains(item))
    }

    // No change below panics half-way, so poison is no news.
    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A tree of what scans gave, which is in order.
fn tree_of(items: Vec<Item>) -> RangeTree {
    // Should an archive give them otherwise, the slow way is right still.
    RangeTree::from_sorted(items.iter().copied())
        .unwrap_or_else(|_| RangeTree::from_unsorted(items))
}

/// The items of keys.
fn items_of(keys: Vec<Key>) -> impl Iterator<Item = Item> {
    keys.into_iter().map(|key| key.item)
}

#[cfg(test)]
mod counting_tests;
#[cfg(test)]
mod tests;
