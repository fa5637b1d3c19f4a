//! The REST server.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use tokio::sync::Semaphore;

use super::answering::{Answering, Shared};
use super::http::{HttpServer, Listening};
use super::limits::{ASKED_AT_ONCE, PAGE_BYTES, PAGES_AT_ONCE};
use super::{RestConfig, routes};
use crate::budget::Budget;
use crate::counts::limits::MADE_AT_ONCE;
use crate::health::Health;
use crate::page::Page;

/// The REST API of a node, or of one that is about to start; it ends when this is dropped, or cleanly by
/// [`RestServer::stop`].
pub struct RestServer {
    shared: Arc<Shared>,
    http: HttpServer,
}

impl std::fmt::Debug for RestServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RestServer")
            .field("address", &self.address())
            .finish_non_exhaustive()
    }
}

impl RestServer {
    /// Listens. Until a node is started with it, only `/health` is answered.
    ///
    /// # Errors
    /// When it can't listen there; the port is in use, say.
    pub async fn listen(config: RestConfig) -> anyhow::Result<Self> {
        let asked = SocketAddr::new(config.address, config.port);
        let listening = Listening::at(asked, "REST", "--rest-port").await?;
        let shared = Arc::new(Shared {
            config,
            health: Arc::new(Health::default()),
            node: OnceLock::new(),
            page: Arc::default(),
            page_bytes: Budget::new(PAGE_BYTES),
            pages: Semaphore::new(PAGES_AT_ONCE),
            counting: Semaphore::new(MADE_AT_ONCE),
            asking: Semaphore::new(ASKED_AT_ONCE),
        });
        let router = routes::router(Arc::clone(&shared));
        let http = listening.serve(router);
        Ok(Self { shared, http })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.http.address()
    }

    /// What it tells of the node's health.
    #[must_use]
    pub fn health(&self) -> &Arc<Health> {
        &self.shared.health
    }

    /// Whether it answers calls under `/admin`.
    pub(crate) fn answers_admin(&self) -> bool {
        self.shared.config.admin
    }

    /// What it shows to people.
    pub(crate) fn page(&self) -> &Arc<Page> {
        &self.shared.page
    }

    /// Has calls answered from `node`.
    pub(crate) fn answer_from(&self, node: Answering) {
        // There is one node for one server.
        let _ = self.shared.node.set(node);
    }

    /// Takes no more requests, and waits a moment for those under way.
    pub async fn stop(self) {
        self.shared.page.end();
        self.http.stop().await;
    }
}
