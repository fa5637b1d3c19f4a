//! What the handle, the swarm's task and the archiving share.

use std::sync::Arc;

use parking_lot::Mutex;
use store_adapter::WakuMessage;

use super::RelayCounters;
use super::cache::{Cache, Readers};
use super::subscriptions::Subscriptions;

/// What the handle, the swarm's task and the archiving share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) state: Mutex<State>,
    pub(super) counters: RelayCounters,
}

/// What the node is subscribed to, and what came.
#[derive(Debug)]
pub(super) struct State {
    pub(super) subscriptions: Subscriptions,
    pub(super) cache: Cache,
}

/// A message for the cache.
pub(super) type Kept = (Arc<str>, WakuMessage, Readers);

impl Shared {
    pub(super) fn new(subscriptions: Subscriptions, cache_capacity: usize) -> Self {
        let cache = Cache::new(cache_capacity);
        Self {
            state: Mutex::new(State {
                subscriptions,
                cache,
            }),
            counters: RelayCounters::default(),
        }
    }

    /// Copies of those messages that somebody may ask for.
    pub(super) fn wanted<'a>(
        &self,
        messages: impl Iterator<Item = (&'a Arc<str>, &'a WakuMessage)>,
    ) -> Vec<Kept> {
        let state = self.state.lock();
        messages
            .filter_map(|(topic, message)| {
                let readers = state.subscriptions.readers(topic, &message.content_topic);
                let wanted = state.cache.keeps_for(readers);
                wanted.then(|| (Arc::clone(topic), message.clone(), readers))
            })
            .collect()
    }

    pub(super) fn keep(&self, kept: Vec<Kept>) {
        let mut state = self.state.lock();
        for (topic, message, readers) in kept {
            state.cache.push(&topic, message, readers);
        }
    }
}
