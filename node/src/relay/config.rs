//! What a relay is to be.

use std::collections::BTreeSet;
use std::sync::Arc;

use libp2p::metrics::Registry;
use parking_lot::Mutex;
use store_adapter::sharding::{Autosharding, Shard};

use super::{RelayLimits, Validator};

/// Messages that are kept for the next call; 50, as nwaku has it.
const CACHED: usize = 50;

/// Metrics of libp2p are registered here.
pub type SharedRegistry = Arc<Mutex<Registry>>;

/// What a relay is to be.
#[derive(Clone, Debug)]
pub struct RelayConfig {
    /// Topics that it subscribes to at the start.
    pub pubsub_topics: BTreeSet<String>,
    /// Content topics whose shards it subscribes to at the start; only with `autosharding`.
    pub content_topics: BTreeSet<String>,
    /// How content topics are spread over shards; without, shards are static.
    pub autosharding: Option<Autosharding>,
    /// Most messages that are kept for whoever asks what came since the last time, over all topics;
    /// 50.
    pub cache_capacity: usize,
    /// Bounds.
    pub limits: RelayLimits,
    /// Where gossipsub's own metrics are registered, if anywhere.
    pub registry: Option<SharedRegistry>,
    /// Which live messages of peers are taken; without, all are.
    pub validator: Option<Validator>,
}

impl Default for RelayConfig {
    /// Subscribed to nothing, of static shards.
    fn default() -> Self {
        Self {
            pubsub_topics: BTreeSet::new(),
            content_topics: BTreeSet::new(),
            autosharding: None,
            cache_capacity: CACHED,
            limits: RelayLimits::default(),
            registry: None,
            validator: None,
        }
    }
}

impl RelayConfig {
    /// A relay that subscribes to these topics.
    #[must_use]
    pub fn of_topics<T: Into<String>>(topics: impl IntoIterator<Item = T>) -> Self {
        Self {
            pubsub_topics: topics.into_iter().map(Into::into).collect(),
            ..Self::default()
        }
    }

    /// The shards that it subscribes to at the start.
    pub fn shards(&self) -> impl Iterator<Item = Shard> {
        let named = self.pubsub_topics.iter().filter_map(|t| t.parse().ok());
        let of_content = self
            .content_topics
            .iter()
            .filter_map(|topic| self.autosharding?.shard(topic).ok());
        named.chain(of_content)
    }
}
