//! What calls are answered from, once the node runs.

use std::sync::{Arc, OnceLock};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use libp2p::PeerId;
use sync_net::Control;
use tokio::sync::Semaphore;

use super::problem::Problem;
use super::{RestConfig, RestServer};
use crate::budget::Budget;
use crate::counts::CountsHandle;
use crate::health::{self, Health};
use crate::logging::Levels;
use crate::net::{Announced, NodeRecord, PeerTable, SwarmHandle};
use crate::node::Services;
use crate::page::Page;
use crate::rates::Limiter;
use crate::relay::Relay;
use crate::store::Store;

/// The parts of a running node that calls are answered from.
pub(crate) struct Answering {
    /// Its identity.
    pub(crate) peer_id: PeerId,
    /// The addresses that it tells others.
    pub(crate) announced: Arc<Announced>,
    /// Its record for discovery.
    pub(crate) record: Arc<NodeRecord>,
    /// Its archive.
    pub(crate) store: Arc<Store>,
    /// What the archive holds, counted.
    pub(crate) counts: CountsHandle,
    /// What it does for its peers.
    pub(crate) services: Services,
    /// What sets how much is logged.
    pub(crate) levels: Levels,
    /// Its relay, if it takes part.
    pub(crate) relay: Option<Relay>,
    /// To dial.
    pub(crate) swarm: SwarmHandle,
    /// To ask peers.
    pub(crate) control: Control,
    /// Who is there.
    pub(crate) peers: Arc<PeerTable>,
    /// What says how much a client may have.
    pub(crate) limiter: Arc<Limiter>,
}

/// Has the health of a node told that runs now, and REST calls answered from it, if there is a server.
pub(crate) fn mount(
    server: Option<RestServer>,
    node: Answering,
) -> (Arc<Health>, Option<RestServer>) {
    let health = server.as_ref().map(|server| Arc::clone(server.health()));
    let health = health.unwrap_or_default();
    health.started(health::Parts {
        store: Arc::clone(&node.store),
        peers: Arc::clone(&node.peers),
        relay: node.relay.clone(),
        services: node.services,
    });
    if let Some(server) = &server {
        server.answer_from(node);
    }
    (health, server)
}

/// What the server's calls share.
pub(super) struct Shared {
    pub(super) config: RestConfig,
    pub(super) health: Arc<Health>,
    pub(super) node: OnceLock<Answering>,
    /// What is shown to people.
    pub(super) page: Arc<Page>,
    /// Bytes of pages, made or being sent.
    pub(super) page_bytes: Arc<Budget>,
    /// Turns to make a page.
    pub(super) pages: Semaphore,
    /// Turns to make counts.
    pub(super) counting: Semaphore,
    /// Turns to ask another node.
    pub(super) asking: Semaphore,
}

/// The running node, for calls that need it.
pub(super) struct Running(Arc<Shared>);

impl Running {
    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.0
    }
}

impl std::ops::Deref for Running {
    type Target = Answering;

    fn deref(&self) -> &Answering {
        let node = self.0.node.get();
        node.expect("invariant: only made once the node is there, which never goes")
    }
}

impl FromRequestParts<Arc<Shared>> for Running {
    type Rejection = Problem;

    async fn from_request_parts(_: &mut Parts, shared: &Arc<Shared>) -> Result<Self, Problem> {
        if shared.node.get().is_none() {
            return Err(Problem::unavailable(
                "The node is starting; /health says READY when it has",
            ));
        }
        Ok(Self(Arc::clone(shared)))
    }
}
