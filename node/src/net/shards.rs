//! Cluster and shards that the node tells others.

use std::collections::BTreeSet;

use parking_lot::RwLock;
use store_adapter::metadata::{MetadataError, WakuMetadata};

use super::limits::LAST_SHARD;

/// The cluster of the node, the shards that it keeps, and those that it is subscribed to. Metadata
/// and the node record tell both kinds, as they are when somebody asks.
#[derive(Debug)]
pub struct CurrentShards {
    cluster_id: u16,
    kept: BTreeSet<u16>,
    subscribed: RwLock<BTreeSet<u16>>,
}

impl CurrentShards {
    /// Those of a node that keeps `kept` and isn't subscribed to any.
    ///
    /// # Errors
    /// When there are more than fit into a metadata message.
    pub fn new(
        cluster_id: u16,
        kept: impl IntoIterator<Item = u16>,
    ) -> Result<Self, MetadataError> {
        let kept: BTreeSet<u16> = kept.into_iter().collect();
        metadata(cluster_id, kept.iter().copied())?;
        Ok(Self {
            cluster_id,
            kept,
            subscribed: RwLock::default(),
        })
    }

    /// The cluster.
    #[must_use]
    pub fn cluster_id(&self) -> u16 {
        self.cluster_id
    }

    /// The node is subscribed to these pubsub topics from now on, and to no others. Topics that
    /// aren't shards of its cluster don't count.
    pub fn set_subscribed<'a>(&self, topics: impl IntoIterator<Item = &'a str>) {
        let shards = topics.into_iter().filter_map(shard_of);
        let own = shards.filter(|(cluster_id, _)| *cluster_id == self.cluster_id);
        let subscribed = own.map(|(_, shard)| shard).collect();
        *self.subscribed.write() = subscribed;
    }

    /// The shards that the node keeps or is subscribed to.
    #[must_use]
    pub fn all(&self) -> BTreeSet<u16> {
        self.kept.union(&self.subscribed.read()).copied().collect()
    }

    /// What the node tells of itself: as many of the shards as fit, those that it keeps first.
    #[must_use]
    pub fn metadata(&self) -> WakuMetadata {
        let mut shards: Vec<u16> = self.kept.iter().copied().collect();
        let subscribed = self.subscribed.read();
        shards.extend(subscribed.difference(&self.kept));
        drop(subscribed);
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

/// Cluster and shard of a pubsub topic, if it is a static shard's: `/waku/2/rs/CLUSTER/SHARD`.
pub(crate) fn shard_of(pubsub_topic: &str) -> Option<(u16, u16)> {
    let (cluster_id, shard) = pubsub_topic.strip_prefix("/waku/2/rs/")?.split_once('/')?;
    let shard: u16 = shard.parse().ok()?;
    let cluster_id = cluster_id.parse().ok()?;
    (shard <= LAST_SHARD).then_some((cluster_id, shard))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_follows_the_subscriptions() {
        let shards = CurrentShards::new(99, [4, 2]).unwrap();
        let told = || shards.metadata().shards;
        assert_eq!(shards.metadata().cluster_id, Some(99));
        assert_eq!(told(), [2, 4]);
        shards.set_subscribed([
            "/waku/2/rs/99/3",
            "/waku/2/rs/99/4",
            "/waku/2/rs/1/7",
            "/waku/2/rs/99/1024",
            "/waku/2/named",
            "/waku/2/rs/99/8/9",
        ]);
        assert_eq!(told(), [2, 4, 3]);
        assert_eq!(shards.all(), BTreeSet::from([2, 3, 4]));
        shards.set_subscribed([]);
        assert_eq!(told(), [2, 4]);
    }

    #[test]
    fn more_subscriptions_than_a_message_holds_leave_the_kept_shards_told() {
        let shards = CurrentShards::new(99, [1_023]).unwrap();
        let topics: Vec<String> = (0..1_023)
            .map(|shard| format!("/waku/2/rs/99/{shard}"))
            .collect();
        shards.set_subscribed(topics.iter().map(String::as_str));
        assert_eq!(shards.all().len(), 1_024);
        let told = shards.metadata();
        assert_eq!(told.shards[0], 1_023);
        assert!(told.shards.len() > 200);
        assert!(WakuMetadata::decode(&told.encode()).is_ok());
        assert!(CurrentShards::new(99, 0..1_024).is_err());
    }
}
