//! What a session reads: one state of the index, whatever is written meanwhile.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use sync_core::{Bound, ItemSet, Range, RangeTree, Scope, Slice, Source, SourceError, View};
use tokio::runtime::Handle;

use super::{items_of, tree_of};
use crate::archive::{Archive, ArchiveError, Scan};

/// One state of an [`Index`](super::Index).
///
/// A scope without content topics is answered from memory. One with content topics is read from
/// the archive, and blocks: open it on a thread where that is allowed, such as tokio's blocking
/// ones, never in an async function. What has been removed from the archive since the snapshot is
/// missing then.
#[derive(Clone)]
pub struct IndexSnapshot {
    pub(super) archive: Arc<dyn Archive>,
    pub(super) runtime: Handle,
    pub(super) trees: BTreeMap<Arc<str>, RangeTree>,
    /// The floor, at a whole time.
    pub(super) floor: Bound,
}

/// The floor that sessions keep to: where the real one lies among messages of one nanosecond, the
/// end of that. Waku's dialect has bounds at times only; a peer that holds those below the floor would
/// think in every session that they are lacking here, and push them.
pub(super) fn at_whole_time(floor: Bound) -> Bound {
    match floor {
        Bound::Before(item) if floor != Bound::at_time(item.timestamp) => item
            .timestamp
            .checked_add(1)
            .map_or(Bound::Infinity, Bound::at_time),
        floor => floor,
    }
}

impl IndexSnapshot {
    /// The pubsub topics that have items, in order.
    pub fn pubsub_topics(&self) -> impl Iterator<Item = &str> {
        self.trees.keys().map(|topic| &**topic)
    }

    /// How many items each pubsub topic has, in the order of the topics.
    pub fn lengths(&self) -> impl Iterator<Item = (&str, usize)> {
        self.trees
            .iter()
            .map(|(topic, tree)| (&**topic, tree.len()))
    }

    /// How many items of `range` each pubsub topic has, in the order of the topics.
    pub fn lengths_in(&self, range: &Range) -> impl Iterator<Item = (&str, usize)> {
        let range = *range;
        let len = move |tree: &RangeTree| {
            let end = tree.rank(&range.upper);
            end.saturating_sub(tree.rank(&range.lower))
        };
        self.trees
            .iter()
            .map(move |(topic, tree)| (&**topic, len(tree)))
    }

    /// The trees of the topics in `scope`.
    fn matching(&self, scope: &Scope) -> Vec<RangeTree> {
        self.trees
            .iter()
            .filter(|(topic, _)| scope.pubsub_topics.allows(topic))
            .map(|(_, tree)| tree.clone())
            .collect()
    }

    /// The items of content topics, which trees don't know.
    async fn filtered(&self, scope: Scope, window: Range) -> Result<RangeTree, ArchiveError> {
        let trees = self.matching(&scope);
        let mut scan = Scan {
            pubsub_topics: scope.pubsub_topics,
            content_topics: scope.content_topics,
            ..Scan::of_range(window)
        };
        let mut items = Vec::new();
        loop {
            let page = self.archive.scan(&scan).await?;
            // What came in after the snapshot isn't part of it.
            let held = |item: &_| trees.iter().any(|tree| tree.contains(item));
            items.extend(items_of(page.keys).filter(held));
            match page.rest {
                Some(rest) => scan = scan.on(rest),
                None => return Ok(tree_of(items)),
            }
        }
    }
}

impl Source for IndexSnapshot {
    fn open(&self, scope: &Scope) -> Result<Box<dyn ItemSet + Send>, SourceError> {
        let window = scope
            .window
            .intersect(&Range::new(self.floor, Bound::Infinity));
        if scope.is_nothing() || window.is_empty() {
            return Ok(Box::new(RangeTree::new()));
        }
        if !matches!(scope.content_topics, sync_core::TopicFilter::All) {
            let filtered = self.filtered(scope.clone(), window);
            let set = self.runtime.block_on(filtered);
            let set = set.map_err(|error| SourceError(error.to_string()))?;
            return Ok(Box::new(set));
        }
        let mut trees = self.matching(scope);
        Ok(match trees.pop() {
            Some(tree) if trees.is_empty() => Box::new(Slice::new(tree, window)),
            None => Box::new(RangeTree::new()),
            Some(tree) => {
                trees.push(tree);
                Box::new(Slice::new(View::new(trees), window))
            }
        })
    }

    fn floor(&self) -> Bound {
        self.floor
    }

    fn oldest(&self) -> Option<u64> {
        let firsts = self.trees.values().filter_map(|tree| tree.select(0));
        firsts.map(|item| item.timestamp).min()
    }
}

impl fmt::Debug for IndexSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lens = self.trees.iter().map(|(topic, tree)| (topic, tree.len()));
        f.debug_map().entries(lens).finish()
    }
}
