//! Foreign peers for the tests: swarms that the test itself drives, and that keep to no rules.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use libp2p::{Multiaddr, PeerId, StreamProtocol, Swarm};
use prost::Message;
use store_adapter::store::{StoreQueryRequest, StoreQueryResponse, StoredMessage, status};
use store_adapter::{Record, WakuMessage};
use sync_core::{Id, Item, ItemSet, Scope, Slice, SortedItems, Source, SourceError};
use sync_net::{
    Behaviour, ConnectionLimits, Control, FrameLimits, FramedStream, Inbound, NetLimits, Outcome,
    ProtocolConfig, ReconcileConfig, ReconcileError, Reconciler, SessionInfo, Storage, build_swarm,
    identity,
};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use wakustore::net::protocols;

/// How long anything may take before a test gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A foreign peer; its connections end with it.
pub(crate) struct Peer {
    pub(crate) id: PeerId,
    pub(crate) control: Control,
    /// Streams of Store queries that it is asked for.
    pub(crate) asked: Option<mpsc::Receiver<Inbound>>,
    driving: JoinHandle<()>,
}

impl Peer {
    /// Connects to the node at `address`; `None` if that doesn't let it in.
    pub(crate) async fn try_connect(address: &Multiaddr) -> Option<Self> {
        let mut behaviour = Behaviour::new(NetLimits::default());
        let asked = behaviour.serve(ProtocolConfig {
            frame: FrameLimits::of_bytes(1 << 20),
            ..ProtocolConfig::new(StreamProtocol::new(protocols::STORE))
        });
        let control = behaviour.control();
        let key = identity::generate();
        let limits = ConnectionLimits::default();
        let mut swarm: Swarm<Behaviour> = build_swarm(&key, behaviour, &limits).unwrap();
        swarm.dial(address.clone()).unwrap();
        while control.connected_peers().is_empty() {
            let event = swarm.select_next_some().await;
            if matches!(
                event,
                libp2p::swarm::SwarmEvent::OutgoingConnectionError { .. }
            ) {
                return None;
            }
        }
        let driving = tokio::spawn(async move { while swarm.next().await.is_some() {} });
        Some(Self {
            id: key.public().to_peer_id(),
            control,
            asked: Some(asked),
            driving,
        })
    }

    /// As `try_connect`, of a node that lets it in.
    pub(crate) async fn connect(address: &Multiaddr) -> Self {
        Self::try_connect(address).await.unwrap()
    }

    pub(crate) async fn open(&self, to: PeerId, protocol: &'static str) -> FramedStream {
        let protocol = StreamProtocol::new(protocol);
        self.control.open(to, protocol).await.unwrap()
    }

    /// Starts sessions about items that it claims to hold.
    pub(crate) fn claiming(&self, items: impl IntoIterator<Item = Item>) -> Reconciler {
        let storage = Arc::new(Claims(items.into_iter().collect()));
        let config = ReconcileConfig::default();
        Reconciler::new(self.control.clone(), self.id, storage, config)
    }

    /// Answers Store queries by what `answer` makes of the hashes asked for; `None` to let them
    /// wait for ever.
    pub(crate) fn answer_queries(
        &mut self,
        answer: impl Fn(Vec<Id>) -> Option<Vec<Record>> + Send + Sync + 'static,
    ) {
        let mut asked = self.asked.take().unwrap();
        let answer = Arc::new(answer);
        tokio::spawn(async move {
            while let Some(Inbound { mut stream, .. }) = asked.recv().await {
                let answer = Arc::clone(&answer);
                tokio::spawn(async move {
                    let request = stream.receive().await.ok()??;
                    let request = StoreQueryRequest::decode(request.as_slice()).unwrap();
                    let hashes = request.message_hashes.iter();
                    let hashes = hashes.map(|hash| Id(hash.as_slice().try_into().unwrap()));
                    let Some(records) = answer(hashes.collect()) else {
                        tokio::time::sleep(Duration::from_secs(3_600)).await;
                        return None;
                    };
                    let response = StoreQueryResponse {
                        request_id: request.request_id,
                        status_code: status::OK,
                        status_desc: "OK".into(),
                        messages: records.into_iter().map(stored).collect(),
                        ..StoreQueryResponse::default()
                    };
                    stream.send(&response.encode_to_vec()).await.ok()?;
                    stream.close().await.ok()
                });
            }
        });
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.driving.abort();
    }
}

fn stored(record: Record) -> StoredMessage {
    let hash = record.hash();
    let (topic, message) = record.into_parts();
    StoredMessage {
        message_hash: Some(hash.0.to_vec()),
        message: Some(message),
        pubsub_topic: Some(topic.to_string()),
    }
}

/// A message of some time, with so many bytes of payload.
pub(crate) fn record(timestamp: u64, bytes: usize) -> Record {
    record_of("/waku/2/rs/99/0", timestamp, bytes)
}

/// The same of some pubsub topic.
pub(crate) fn record_of(pubsub_topic: &str, timestamp: u64, bytes: usize) -> Record {
    let mut payload = timestamp.to_be_bytes().to_vec();
    payload.resize(bytes.max(8), 7);
    let message = WakuMessage {
        payload,
        content_topic: "/test/1/hostile/proto".into(),
        timestamp: i64::try_from(timestamp).ok(),
        ..WakuMessage::default()
    };
    Record::new(pubsub_topic, message).unwrap()
}

/// So many items of which nobody has the message, from `since` on, a microsecond apart.
pub(crate) fn phantoms(since: u64, count: u64) -> impl Iterator<Item = Item> {
    (0..count).map(move |number| {
        let mut id = Id([0xee; 32]);
        for (chunk, salt) in id.0.chunks_exact_mut(8).zip(1u64..) {
            let word = (since + number * salt).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            chunk.copy_from_slice(&word.rotate_left(31).to_be_bytes());
        }
        Item::new(since + number * 1_000, id)
    })
}

/// What a peer claims to hold.
#[derive(Clone)]
struct Claims(SortedItems);

impl Source for Claims {
    fn open(&self, scope: &Scope) -> Result<Box<dyn ItemSet + Send>, SourceError> {
        Ok(Box::new(Slice::new(self.0.clone(), scope.window)))
    }
}

#[async_trait]
impl Storage for Claims {
    fn source(&self) -> Box<dyn Source> {
        Box::new(self.clone())
    }

    async fn found(&self, _: &SessionInfo, _: Vec<Id>, _: Vec<Id>) {}

    async fn ended(&self, _: &SessionInfo, _: &Result<Outcome, ReconcileError>) {}
}
