//! Serves the figures of a watch.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use parking_lot::Mutex;

use super::figures::{self, Named};
use super::history::History;
use crate::cli::WatchArgs;
use crate::cli::time::now;
use crate::metrics::TEXT;
use crate::rest::{HttpServer, Listening};

/// Serves the figures, until this is dropped or stopped.
pub(super) struct FigureServer(HttpServer);

#[derive(Clone)]
struct Served {
    history: Arc<Mutex<History>>,
    nodes: Arc<Named>,
}

impl FigureServer {
    /// Listens where the arguments say.
    ///
    /// # Errors
    /// When it can't listen there; the port is in use, say.
    pub(super) async fn listen(
        args: &WatchArgs,
        history: Arc<Mutex<History>>,
        nodes: Named,
    ) -> anyhow::Result<Self> {
        let asked = SocketAddr::new(args.metrics_address, args.metrics_port);
        let listening = Listening::at(asked, "figures", "--metrics-port").await?;
        let served = Served {
            history,
            nodes: Arc::new(nodes),
        };
        let router = Router::new()
            .route("/metrics", get(page))
            .with_state(served);
        Ok(Self(listening.serve(router)))
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.0.address()
    }

    /// Takes no more requests, and waits a moment for those under way.
    pub(super) async fn stop(self) {
        self.0.stop().await;
    }
}

async fn page(State(served): State<Served>) -> Response {
    match figures::page(&served.history.lock(), &served.nodes, now()) {
        Ok(page) => ([(header::CONTENT_TYPE, TEXT)], page).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
