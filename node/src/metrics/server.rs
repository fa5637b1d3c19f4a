//! The server of the page.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use libp2p::metrics::Metrics;

use super::page::page;
use super::{MetricsConfig, Prefix, Sources};
use crate::health::HealthStatus;
use crate::relay::SharedRegistry;
use crate::rest::{HttpServer, Listening};

/// The text format of Prometheus.
pub(crate) const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Serves the metrics of a node, or of one that is about to start; it ends when this is dropped, or cleanly
/// by [`MetricsServer::stop`].
pub struct MetricsServer {
    shared: Arc<Shared>,
    http: HttpServer,
}

struct Shared {
    prefix: Prefix,
    libp2p: SharedRegistry,
    node: OnceLock<Arc<Sources>>,
}

impl fmt::Debug for MetricsServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MetricsServer")
            .field("address", &self.address())
            .finish_non_exhaustive()
    }
}

impl MetricsServer {
    /// Listens. Until a node is started with it, the page says that it is starting, and nothing else.
    ///
    /// # Errors
    /// When it can't listen there; the port is in use, say.
    pub async fn listen(config: MetricsConfig) -> anyhow::Result<Self> {
        let asked = SocketAddr::new(config.address, config.port);
        let listening = Listening::at(asked, "metrics", "--metrics-server-port").await?;
        let shared = Arc::new(Shared {
            prefix: config.prefix,
            libp2p: SharedRegistry::default(),
            node: OnceLock::new(),
        });
        let router = Router::new()
            .route("/metrics", get(metrics))
            .route("/health", get(health))
            .with_state(Arc::clone(&shared));
        let http = listening.serve(router);
        Ok(Self { shared, http })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.http.address()
    }

    /// What libp2p's events are counted by.
    pub(crate) fn libp2p(&self) -> Metrics {
        Metrics::new(&mut self.shared.libp2p.lock())
    }

    /// Where libp2p registers its own.
    pub(crate) fn registry(&self) -> &SharedRegistry {
        &self.shared.libp2p
    }

    /// Has the page read from `node`.
    pub(crate) fn read_from(&self, node: Arc<Sources>) {
        // There is one node for one server.
        let _ = self.shared.node.set(node);
    }

    /// Takes no more requests, and waits a moment for those under way.
    pub async fn stop(self) {
        self.http.stop().await;
    }
}

async fn metrics(State(shared): State<Arc<Shared>>) -> Response {
    let page = page(
        &shared.libp2p.lock(),
        shared.node.get().map(Arc::as_ref),
        shared.prefix,
    );
    match page {
        Ok(page) => ([(header::CONTENT_TYPE, TEXT)], page).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// The node's health as one word, with a status for whoever looks at that alone.
async fn health(State(shared): State<Arc<Shared>>) -> Response {
    let status = match shared.node.get() {
        Some(node) => node.health.report().await.node,
        None => HealthStatus::Initializing,
    };
    let code = match status {
        HealthStatus::Ready => StatusCode::OK,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    (code, status.name()).into_response()
}
