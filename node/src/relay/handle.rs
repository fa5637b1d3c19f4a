//! What others ask of the relay.

use std::collections::BTreeSet;
use std::sync::Arc;

use libp2p::PeerId;
use prost::Message;
use store_adapter::ingest::check_live;
use store_adapter::sharding::Autosharding;
use store_adapter::{Arrival, Ingested, Origin, Refusal, WakuMessage, message_hash};
use sync_core::Id;
use tokio::sync::{mpsc, oneshot};

use super::driver::Command;
use super::shared::Shared;
use super::subscriptions::{Change, sharded};
use super::{PublishError, RelayCounters, RelayError, intake};
use crate::cli::time::now;
use crate::store::Store;

/// A message that was published.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Published {
    /// Its hash.
    pub hash: Id,
    /// Why it isn't archived, if it isn't: it is ephemeral, say, or of another time than now.
    pub unarchived: Option<Refusal>,
}

/// A connected peer as the relay knows it.
#[derive(Clone, PartialEq, Debug)]
pub struct RelayPeer {
    /// The peer.
    pub peer: PeerId,
    /// The topics that it is subscribed to.
    pub topics: Vec<String>,
    /// The topics of this node in whose mesh it is.
    pub meshes: Vec<String>,
    /// Its score by gossipsub: below 0 it misbehaved.
    pub score: f64,
}

/// Talks to the node's relay; cheap to clone.
#[derive(Clone)]
pub struct Relay {
    pub(super) commands: mpsc::Sender<Command>,
    pub(super) shared: Arc<Shared>,
    pub(super) store: Arc<Store>,
    pub(super) autosharding: Option<Autosharding>,
}

impl Relay {
    /// Subscribes to pubsub topics, to all of them or to none.
    ///
    /// # Errors
    /// When one of them can't be a topic, or there would be too many.
    pub async fn subscribe(&self, topics: &[String]) -> Result<(), RelayError> {
        self.change(Change::Subscribe(topics.to_vec())).await
    }

    /// Unsubscribes from pubsub topics. Shards of content topics that are subscribed to stay.
    ///
    /// # Errors
    /// When the node is shutting down.
    pub async fn unsubscribe(&self, topics: &[String]) -> Result<(), RelayError> {
        self.change(Change::Unsubscribe(topics.to_vec())).await
    }

    /// Subscribes to the shards of content topics, of all of them or of none.
    ///
    /// # Errors
    /// When one of them has no shard, shards are static, or there would be too many subscriptions.
    pub async fn subscribe_content(&self, topics: &[String]) -> Result<(), RelayError> {
        let sharded = sharded(self.autosharding, topics)?;
        self.change(Change::SubscribeContent(sharded)).await
    }

    /// Unsubscribes from content topics, and so from shards that nothing else wants.
    ///
    /// # Errors
    /// When one of them has no shard, shards are static, or the node is shutting down.
    pub async fn unsubscribe_content(&self, topics: &[String]) -> Result<(), RelayError> {
        sharded(self.autosharding, topics)?;
        self.change(Change::UnsubscribeContent(topics.to_vec()))
            .await
    }

    /// Archives a message as one that was just published, and sends it to the peers that are
    /// subscribed to `pubsub_topic`. What isn't to be archived, by the rules of live messages, is sent
    /// all the same, as nwaku does. A message that the network has seen isn't sent again.
    ///
    /// # Errors
    /// When no peer would take it, the node isn't subscribed to its topic, or the archive can't be
    /// written; and when it is archived, but couldn't be sent.
    pub async fn publish(
        &self,
        pubsub_topic: &str,
        message: WakuMessage,
    ) -> Result<Published, PublishError> {
        if !self.shared.state.lock().subscriptions.takes(pubsub_topic) {
            return Err(PublishError::NotSubscribed(pubsub_topic.to_owned()));
        }
        let now = now();
        match check_live(pubsub_topic, &message, self.store.door().limits(), now) {
            Ok(()) | Err(Refusal::NotLive { .. }) => {}
            Err(refusal) => return Err(PublishError::Refused(refusal)),
        }
        let hash = message_hash(pubsub_topic, &message);
        let data = message.encode_to_vec();
        let bytes = data.len() as u64;
        let kept = self
            .shared
            .wanted([(&Arc::from(pubsub_topic), &message)].into_iter());
        let unarchived = self.archive(pubsub_topic, message, now).await?;
        let published = Published { hash, unarchived };
        self.shared.keep(kept);
        let sent = self.send(pubsub_topic, data, published).await;
        let counters = &self.shared.counters;
        match &sent {
            Ok(_) => {
                counters.published.increment();
                counters.published_bytes.add(bytes);
            }
            Err(_) => counters.unsent.increment(),
        }
        sent
    }

    /// The pubsub topics that the node is subscribed to, those of content topics too.
    #[must_use]
    pub fn subscriptions(&self) -> BTreeSet<String> {
        self.shared.state.lock().subscriptions.topics()
    }

    /// Takes what came on a pubsub topic since the last call, the oldest first; `None` when the node
    /// isn't subscribed to it as such.
    #[must_use]
    pub fn cached(&self, pubsub_topic: &str) -> Option<Vec<WakuMessage>> {
        let mut state = self.shared.state.lock();
        let subscribed = state.subscriptions.has_pubsub(pubsub_topic);
        subscribed.then(|| state.cache.take_pubsub(pubsub_topic))
    }

    /// Takes what came with a content topic since the last call, the oldest first; `None` when the
    /// node isn't subscribed to it.
    #[must_use]
    pub fn cached_content(&self, content_topic: &str) -> Option<Vec<WakuMessage>> {
        let mut state = self.shared.state.lock();
        let subscribed = state.subscriptions.has_content(content_topic);
        subscribed.then(|| state.cache.take_content(content_topic))
    }

    /// The connected peers that speak the relay's protocol; none when the node is shutting down.
    pub async fn peers(&self) -> Vec<RelayPeer> {
        let (done, peers) = oneshot::channel();
        if self.commands.send(Command::Peers(done)).await.is_err() {
            return Vec::new();
        }
        peers.await.unwrap_or_default()
    }

    /// The topics that the node is subscribed to, each with the peers in its mesh.
    pub async fn mesh(&self) -> Vec<(String, Vec<PeerId>)> {
        let peers = self.peers().await;
        let in_mesh = |topic: &String| {
            let members = peers.iter().filter(|peer| peer.meshes.contains(topic));
            members.map(|peer| peer.peer).collect()
        };
        let topics = self.subscriptions().into_iter();
        topics
            .map(|topic| {
                let members = in_mesh(&topic);
                (topic, members)
            })
            .collect()
    }

    /// How content topics are spread over shards; `None` when shards are static.
    #[must_use]
    pub fn autosharding(&self) -> Option<Autosharding> {
        self.autosharding
    }

    /// What was counted so far.
    #[must_use]
    pub fn counters(&self) -> &RelayCounters {
        &self.shared.counters
    }

    async fn change(&self, change: Change) -> Result<(), RelayError> {
        let (done, changed) = oneshot::channel();
        let command = Command::Change(change, done);
        let sent = self.commands.send(command).await;
        sent.map_err(|_| RelayError::Stopped)?;
        changed.await.map_err(|_| RelayError::Stopped)?
    }

    /// Brings a message to the door; gives why it isn't archived, if it isn't.
    async fn archive(
        &self,
        pubsub_topic: &str,
        message: WakuMessage,
        now: u64,
    ) -> Result<Option<Refusal>, PublishError> {
        let counters = &self.shared.counters;
        if message.is_ephemeral() {
            counters.ephemeral.increment();
            return Ok(Some(Refusal::Ephemeral));
        }
        let arrivals = vec![Arrival::new(pubsub_topic, message)];
        let report = self.store.ingest(Origin::Live { now }, arrivals).await?;
        intake::count(&report, counters);
        Ok(report.outcomes.first().and_then(|outcome| match outcome {
            Ingested::Refused(refusal) => Some(*refusal),
            Ingested::New(_) | Ingested::Duplicate(_) => None,
        }))
    }

    async fn send(
        &self,
        pubsub_topic: &str,
        data: Vec<u8>,
        published: Published,
    ) -> Result<Published, PublishError> {
        use libp2p::gossipsub::PublishError as NotSent;

        let (done, sent) = oneshot::channel();
        let command = Command::Publish(pubsub_topic.to_owned(), data, done);
        let queued = self.commands.send(command).await;
        queued.map_err(|_| PublishError::Stopped)?;
        match sent.await.map_err(|_| PublishError::Stopped)? {
            Ok(()) | Err(NotSent::Duplicate) => Ok(published),
            Err(NotSent::NoPeersSubscribedToTopic) => Err(PublishError::NoPeers(published)),
            Err(error) => {
                tracing::warn!(%error, "a message wasn't sent");
                Err(PublishError::Busy(published))
            }
        }
    }
}
