//! A Store server of another make, which reconciles with nobody and may keep to no rules.

use std::sync::Arc;

use futures::StreamExt;
use libp2p::swarm::{NetworkBehaviour, SwarmEvent};
use libp2p::{Multiaddr, StreamProtocol, identify};
use parking_lot::Mutex;
use prost::Message;
use store_adapter::archive::MemoryArchive;
use store_adapter::limits::StoreLimits;
use store_adapter::store::{self, StoreQueryRequest, StoreQueryResponse};
use store_adapter::{Archive, Record};
use sync_net::{
    Behaviour, ConnectionLimits, FrameLimits, Inbound, NetLimits, ProtocolConfig, build_swarm,
    identity,
};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;
use wakustore::net::protocols;

#[derive(NetworkBehaviour)]
struct ServerBehaviour {
    frames: Behaviour,
    identify: identify::Behaviour,
}

/// What the server was asked, and when.
pub(crate) type Asked = Arc<Mutex<Vec<(Instant, StoreQueryRequest)>>>;

/// A server that is connected to one node; its connection ends with it.
pub(crate) struct Server {
    asked: Asked,
    _tasks: JoinSet<()>,
}

impl Server {
    /// Connects to the node at `address` and answers it from `messages`.
    pub(crate) async fn honest(address: &Multiaddr, messages: &[Record]) -> Self {
        Self::with(address, messages, |_, response| Some(response)).await
    }

    /// The same, but `change` makes of each honest answer what is sent, given how many queries came
    /// before; `None` to let the node wait.
    pub(crate) async fn with(
        address: &Multiaddr,
        messages: &[Record],
        change: impl Fn(usize, StoreQueryResponse) -> Option<StoreQueryResponse> + Send + Sync + 'static,
    ) -> Self {
        let archive = MemoryArchive::new();
        archive.append(messages.to_vec()).await.unwrap();
        let (key, asked) = (identity::generate(), Asked::default());
        let mut frames = Behaviour::new(NetLimits::default());
        let inbound = frames.serve(ProtocolConfig {
            frame: FrameLimits::of_bytes(1 << 20),
            ..ProtocolConfig::new(StreamProtocol::new(protocols::STORE))
        });
        let config = identify::Config::new("/test/1".into(), key.public());
        let behaviour = ServerBehaviour {
            frames,
            identify: identify::Behaviour::new(config),
        };
        let mut swarm = build_swarm(&key, behaviour, &ConnectionLimits::default()).unwrap();
        swarm.dial(address.clone()).unwrap();
        while !matches!(
            swarm.select_next_some().await,
            SwarmEvent::ConnectionEstablished { .. }
        ) {}
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { while swarm.next().await.is_some() {} });
        tasks.spawn(answer(inbound, archive, Arc::clone(&asked), change));
        Self {
            asked,
            _tasks: tasks,
        }
    }

    /// What it was asked so far.
    pub(crate) fn asked(&self) -> Vec<(Instant, StoreQueryRequest)> {
        self.asked.lock().clone()
    }

    /// The first time that it was asked for messages of.
    pub(crate) fn asked_from(&self) -> Option<u64> {
        let asked = self.asked();
        let starts = asked.iter().filter_map(|(_, request)| request.time_start);
        starts.min().map(|start| u64::try_from(start).unwrap())
    }
}

async fn answer(
    mut inbound: mpsc::Receiver<Inbound>,
    archive: MemoryArchive,
    asked: Asked,
    change: impl Fn(usize, StoreQueryResponse) -> Option<StoreQueryResponse>,
) {
    let limits = StoreLimits::default();
    let mut waiting = Vec::new();
    while let Some(Inbound { mut stream, .. }) = inbound.recv().await {
        let Ok(Some(frame)) = stream.receive().await else {
            continue;
        };
        let request = StoreQueryRequest::decode(frame.as_slice()).unwrap();
        let before = {
            let mut asked = asked.lock();
            asked.push((Instant::now(), request));
            asked.len() - 1
        };
        let response = store::answer(&archive, &limits, &frame).await;
        match change(before, response) {
            Some(response) => {
                // A node that has ended meanwhile doesn't listen.
                let _ = stream.send(&response.encode_to_vec()).await;
                let _ = stream.close().await;
            }
            None => waiting.push(stream),
        }
    }
}
