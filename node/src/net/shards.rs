//! Cluster and shards that the node tells others.

use std::collections::BTreeSet;

use store_adapter::metadata::{MetadataError, WakuMetadata};
use store_adapter::sharding::Shard;

use super::limits::LAST_SHARD;

/// The pubsub topics that the node is subscribed to at the moment.
type Subscribed = Box<dyn Fn() -> BTreeSet<String> + Send + Sync>;

/// The cluster of the node, the shards that it keeps, and those that it is subscribed to. Metadata
/// and the node record tell both kinds, as they are when somebody asks.
pub struct CurrentShards {
    cluster_id: u16,
    kept: BTreeSet<u16>,
    subscribed: Subscribed,
}

impl CurrentShards {
    /// Those of a node that keeps `kept` and is subscribed to the pubsub topics that `subscribed`
    /// gives whenever it is asked. Topics that aren't shards of the cluster don't count.
    ///
    /// # Errors
    /// When it keeps more than fit into a metadata message.
    pub fn new(
        cluster_id: u16,
        kept: impl IntoIterator<Item = u16>,
        subscribed: impl Fn() -> BTreeSet<String> + Send + Sync + 'static,
    ) -> Result<Self, MetadataError> {
        let kept: BTreeSet<u16> = kept.into_iter().collect();
        metadata(cluster_id, kept.iter().copied())?;
        Ok(Self {
            cluster_id,
            kept,
            subscribed: Box::new(subscribed),
        })
    }

    /// The cluster.
    #[must_use]
    pub fn cluster_id(&self) -> u16 {
        self.cluster_id
    }

    /// The shards that the node keeps or is subscribed to.
    #[must_use]
    pub fn all(&self) -> BTreeSet<u16> {
        let mut all = self.subscribed();
        all.extend(&self.kept);
        all
    }

    fn subscribed(&self) -> BTreeSet<u16> {
        let topics = (self.subscribed)();
        let shards = topics.iter().filter_map(|topic| topic.parse().ok());
        let own = shards.filter(|shard: &Shard| shard.cluster_id == self.cluster_id);
        own.map(|shard| shard.index)
            .filter(|shard| *shard <= LAST_SHARD)
            .collect()
    }

    /// What the node tells of itself: as many of the shards as fit, those that it keeps first.
    #[must_use]
    pub fn metadata(&self) -> WakuMetadata {
        let mut shards: Vec<u16> = self.kept.iter().copied().collect();
        shards.extend(self.subscribed().difference(&self.kept));
        loop {
            match metadata(self.cluster_id, shards.iter().copied()) {
                Ok(metadata) => return metadata,
                // With none left it fits.
                Err(_) => drop(shards.pop()),
            }
        }
    }
}

fn metadata(
    cluster_id: u16,
    shards: impl Iterator<Item = u16>,
) -> Result<WakuMetadata, MetadataError> {
    WakuMetadata::new(Some(cluster_id.into()), shards.map(u32::from).collect())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parking_lot::Mutex;

    use super::*;

    /// Shards of cluster 99, and the topics that the node is subscribed to.
    fn shards(kept: &[u16]) -> (CurrentShards, Arc<Mutex<BTreeSet<String>>>) {
        let topics = Arc::new(Mutex::new(BTreeSet::new()));
        let subscribed = Arc::clone(&topics);
        let subscribed = move || subscribed.lock().clone();
        let shards = CurrentShards::new(99, kept.iter().copied(), subscribed).unwrap();
        (shards, topics)
    }

    #[test]
    fn what_is_told_follows_the_subscriptions() {
        let (shards, topics) = shards(&[4, 2]);
        let told = || shards.metadata().shards;
        assert_eq!(shards.metadata().cluster_id, Some(99));
        assert_eq!(told(), [2, 4]);
        let subscribed = [
            "/waku/2/rs/99/3",
            "/waku/2/rs/99/4",
            "/waku/2/rs/1/7",
            "/waku/2/rs/99/1024",
            "/waku/2/named",
            "/waku/2/rs/99/8/9",
        ];
        *topics.lock() = subscribed.map(str::to_owned).into();
        assert_eq!(told(), [2, 4, 3]);
        assert_eq!(shards.all(), BTreeSet::from([2, 3, 4]));
        topics.lock().clear();
        assert_eq!(told(), [2, 4]);
    }

    #[test]
    fn more_subscriptions_than_a_message_holds_leave_the_kept_shards_told() {
        let (shards, topics) = shards(&[1_023]);
        let all = (0..1_023).map(|shard| format!("/waku/2/rs/99/{shard}"));
        *topics.lock() = all.collect();
        assert_eq!(shards.all().len(), 1_024);
        let told = shards.metadata();
        assert_eq!(told.shards[0], 1_023);
        assert!(told.shards.len() > 200);
        assert!(WakuMetadata::decode(&told.encode()).is_ok());
        assert!(CurrentShards::new(99, 0..1_024, BTreeSet::new).is_err());
    }
}
