//! Items with topics in plain vectors: the source of the sessions under test.

use std::collections::BTreeSet;
use std::sync::Arc;

use sync_core::{
    Bound, Id, Item, ItemSet, RangeTree, Scope, Slice, SortedItems, Source, SourceError,
    TopicFilter,
};

/// An item with its topics.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Stored {
    pub(crate) item: Item,
    pub(crate) pubsub: String,
    pub(crate) content: String,
}

/// What one side holds.
#[derive(Clone, Debug)]
pub(crate) struct Archive {
    pub(crate) stored: Arc<BTreeSet<Stored>>,
    pub(crate) floor: Bound,
}

impl Archive {
    pub(crate) fn new(stored: impl IntoIterator<Item = Stored>) -> Self {
        Self {
            stored: Arc::new(stored.into_iter().collect()),
            floor: Bound::MIN,
        }
    }

    /// Items of one topic, for tests in which topics don't matter.
    pub(crate) fn of_items(items: impl IntoIterator<Item = Item>) -> Self {
        Self::new(items.into_iter().map(|item| Stored {
            item,
            pubsub: "/waku/2/rs/99/0".into(),
            content: "/test/1/a/proto".into(),
        }))
    }

    pub(crate) fn with_floor(self, floor: Bound) -> Self {
        Self { floor, ..self }
    }

    /// The ids in `scope` and above the floor, found the slow and obvious way.
    pub(crate) fn ids(&self, scope: &Scope) -> BTreeSet<Id> {
        self.items(scope).map(|item| item.id).collect()
    }

    fn items(&self, scope: &Scope) -> impl Iterator<Item = Item> {
        let allows = |filter: &TopicFilter, topic: &str| filter.allows(topic);
        self.stored
            .iter()
            .filter(move |stored| {
                scope.window.contains(&stored.item)
                    && !self.floor.is_after(&stored.item)
                    && allows(&scope.pubsub_topics, &stored.pubsub)
                    && allows(&scope.content_topics, &stored.content)
            })
            .map(|stored| stored.item)
    }
}

impl Source for Archive {
    fn open(&self, scope: &Scope) -> Result<Box<dyn ItemSet + Send>, SourceError> {
        Ok(Box::new(self.items(scope).collect::<SortedItems>()))
    }

    fn floor(&self) -> Bound {
        self.floor
    }
}

/// A tree as the source of a session whose topics don't matter.
pub(crate) struct Tree(pub(crate) RangeTree);

impl Source for Tree {
    fn open(&self, scope: &Scope) -> Result<Box<dyn ItemSet + Send>, SourceError> {
        Ok(Box::new(Slice::new(self.0.snapshot(), scope.window)))
    }
}
