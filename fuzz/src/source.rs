//! What sessions read from: items under three pubsub topics, held in sets of every kind.

use std::ops::{self, ControlFlow};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arbitrary::Arbitrary;
use sync_core::{
    Bound, Cut, Item, ItemSet, Part, Range, RangeTree, Scope, Section, Share, Slice, SortedItems,
    Source, SourceError, Summary, TopicFilter, View,
};

/// The cluster that the topics are of.
pub const CLUSTER: u16 = 1;

/// How many pubsub topics there are.
pub const TOPICS: usize = 3;

/// The pubsub topic of an item: an id commits to it.
pub fn topic_of(item: &Item) -> String {
    topic(usize::from(item.id.0[31]) % TOPICS)
}

/// A pubsub topic by its number.
pub fn topic(shard: usize) -> String {
    format!("/waku/2/rs/{CLUSTER}/{shard}")
}

/// How a set is held.
#[derive(Arbitrary, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// As a sorted vector.
    Sorted,
    /// As a tree.
    Tree,
    /// As a tree for each topic, read as one.
    Topics,
    /// As trees of consecutive times, read as one.
    Times,
}

impl Kind {
    /// Into how many parts such a set is sure to be divided when it is divided into eight or more.
    pub fn parts(self) -> usize {
        match self {
            Self::Sorted | Self::Tree => 8,
            Self::Topics | Self::Times => 4,
        }
    }

    /// The part of `items`, which are in order, that lies in `window`.
    pub fn set(self, items: &[Item], window: Range) -> Box<dyn ItemSet + Send> {
        let trees = |of: &dyn Fn(&Item, usize) -> bool| -> View<RangeTree> {
            let shards = 0..TOPICS;
            shards
                .map(|shard| {
                    items
                        .iter()
                        .copied()
                        .filter(|item| of(item, shard))
                        .collect()
                })
                .collect()
        };
        match self {
            Self::Sorted => {
                let inside = items.iter().copied().filter(|item| window.contains(item));
                Box::new(inside.collect::<SortedItems>())
            }
            Self::Tree => Box::new(Slice::new(
                items.iter().copied().collect::<RangeTree>(),
                window,
            )),
            Self::Topics => {
                let view = trees(&|item, shard| topic_of(item) == topic(shard));
                Box::new(Slice::new(view, window))
            }
            Self::Times => {
                let third = items.len() / TOPICS;
                let starts = [0, third, 2 * third].map(|rank| items.get(rank).copied());
                let shard_of = |item: &Item| {
                    let begun = starts.iter().flatten().filter(|start| *start <= item);
                    begun.count().saturating_sub(1)
                };
                Box::new(Slice::new(
                    trees(&|item, shard| shard_of(item) == shard),
                    window,
                ))
            }
        }
    }
}

/// Items in order, and how they are read. No item is of any content topic.
#[derive(Clone)]
pub struct Held {
    items: Arc<[Item]>,
    kind: Kind,
    floor: Bound,
    work: Arc<AtomicU64>,
}

impl Held {
    /// `items`, which are in order, nothing before `floor` being offered or asked for.
    pub fn new(items: &[Item], kind: Kind, floor: Bound) -> Self {
        Self {
            items: items.into(),
            kind,
            floor,
            work: Arc::default(),
        }
    }

    /// How much was done to read from it so far: positions looked for, ranges summed, items shown.
    pub fn work(&self) -> u64 {
        self.work.load(Ordering::Relaxed)
    }

    /// The set of all items.
    pub fn everything(&self) -> Counted {
        Counted {
            set: self.kind.set(&self.items, Range::ALL),
            work: Arc::clone(&self.work),
        }
    }
}

impl Source for Held {
    fn open(&self, scope: &Scope) -> Result<Box<dyn ItemSet + Send>, SourceError> {
        let known = scope.content_topics == TopicFilter::All;
        let allowed = |item: &&Item| known && scope.pubsub_topics.allows(&topic_of(item));
        let items: Vec<Item> = self.items.iter().filter(allowed).copied().collect();
        Ok(Box::new(Counted {
            set: self.kind.set(&items, scope.window),
            work: Arc::clone(&self.work),
        }))
    }

    fn floor(&self) -> Bound {
        self.floor
    }
}

/// A set that counts what is asked of it.
pub struct Counted {
    set: Box<dyn ItemSet + Send>,
    work: Arc<AtomicU64>,
}

impl Counted {
    fn count(&self, work: usize) {
        self.work.fetch_add(work as u64, Ordering::Relaxed);
    }
}

impl ItemSet for Counted {
    fn len(&self) -> usize {
        self.set.len()
    }

    fn rank(&self, bound: &Bound) -> usize {
        self.count(1);
        self.set.rank(bound)
    }

    fn select(&self, rank: usize) -> Option<Item> {
        self.count(1);
        self.set.select(rank)
    }

    fn summary(&self, ranks: ops::Range<usize>) -> Summary {
        self.count(1);
        self.set.summary(ranks)
    }

    fn summary_of(&self, range: &Range) -> Summary {
        self.count(1);
        self.set.summary_of(range)
    }

    fn visit(
        &self,
        ranks: ops::Range<usize>,
        visit: &mut dyn FnMut(Item) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        self.count(1);
        self.set.visit(ranks, &mut |item| {
            self.count(1);
            visit(item)
        })
    }

    fn visit_range(
        &self,
        range: &Range,
        visit: &mut dyn FnMut(Item) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        self.count(1);
        self.set.visit_range(range, &mut |item| {
            self.count(1);
            visit(item)
        })
    }

    fn cut(&self, cuts: &[Cut], parts: &mut [Part]) {
        self.count(cuts.len());
        self.set.cut(cuts, parts);
    }

    fn divide(&self, section: &Section, shares: &mut [Share]) {
        self.count(shares.len());
        self.set.divide(section, shares);
    }

    fn divide_all(&self, sections: &[Section], shares: &mut [Share]) {
        self.count(shares.len());
        self.set.divide_all(sections, shares);
    }
}
