//! The HTTP server: connections, and their bounds.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};

use anyhow::Context;
use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio_io_timeout::TimeoutStream;

use super::answering::{Answering, Shared};
use super::limits::{
    ACCEPT_PAUSE, ASKED_AT_ONCE, CONNECTIONS, END_DEADLINE, HEAD_BYTES, HEAD_DEADLINE, PAGE_BYTES,
    PAGES_AT_ONCE, WRITE_DEADLINE,
};
use super::{RestConfig, gate, routes};
use crate::budget::Budget;
use crate::health::Health;

/// The REST API of a node, or of one that is about to start; it ends when this is dropped, or cleanly by
/// [`RestServer::stop`].
pub struct RestServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    end: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl std::fmt::Debug for RestServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RestServer")
            .field("address", &self.address)
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
        let listener = TcpListener::bind(asked).await.with_context(|| {
            let port = config.port;
            format!("can't serve REST on {asked}; is port {port} in use? --rest-port sets another")
        })?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            config,
            health: Arc::new(Health::default()),
            node: OnceLock::new(),
            page_bytes: Budget::new(PAGE_BYTES),
            pages: Semaphore::new(PAGES_AT_ONCE),
            asking: Semaphore::new(ASKED_AT_ONCE),
        });
        let (end, ended) = watch::channel(false);
        let router = routes::router(Arc::clone(&shared));
        let task = tokio::spawn(run(listener, router, ended));
        tracing::info!(%address, "serving REST");
        Ok(Self {
            address,
            shared,
            end,
            task,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it tells of the node's health.
    #[must_use]
    pub fn health(&self) -> &Arc<Health> {
        &self.shared.health
    }

    /// Has calls answered from `node`.
    pub(crate) fn answer_from(&self, node: Answering) {
        // There is one node for one server.
        let _ = self.shared.node.set(node);
    }

    /// Takes no more requests, and waits a moment for those under way.
    pub async fn stop(mut self) {
        self.end.send_replace(true);
        // It panics with none of its tasks.
        let _ = (&mut self.task).await;
    }
}

impl Drop for RestServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn run(listener: TcpListener, router: Router, mut end: watch::Receiver<bool>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    // They end with this task.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = told(&mut end) => break,
            (stream, from, place) = accept(&listener, &places) => {
                let router = router.clone().layer(Extension(gate::From(from)));
                let connection = serve(stream, router, end.clone());
                connections.spawn(async move {
                    connection.await;
                    drop(place);
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    let ending = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(END_DEADLINE, ending).await.is_err() {
        tracing::debug!("REST connections are ended with requests under way");
    }
    connections.shutdown().await;
}

/// The next connection that there is a place for, and the host it comes from.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> (TcpStream, IpAddr, Option<OwnedSemaphorePermit>) {
    // The semaphore is never closed.
    let place = Arc::clone(places).acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, from)) => return (stream, from.ip(), place),
            Err(error) => {
                tracing::warn!(%error, "a REST connection can't be taken");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Waits for the end.
async fn told(end: &mut watch::Receiver<bool>) {
    // The server being gone is an end too.
    let _ = end.wait_for(|ended| *ended).await;
}

async fn serve(stream: TcpStream, router: Router, mut end: watch::Receiver<bool>) {
    // Answers are written whole; there is nothing to wait for.
    let _ = stream.set_nodelay(true);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE_DEADLINE));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_DEADLINE)
        .max_header_size(HEAD_BYTES)
        .max_buf_size(2 * HEAD_BYTES)
        .serve_connection(
            TokioIo::new(Box::pin(stream)),
            TowerToHyperService::new(router),
        );
    let mut connection = std::pin::pin!(connection);
    let served = tokio::select! {
        served = connection.as_mut() => Some(served),
        () = told(&mut end) => None,
    };
    let served = match served {
        Some(served) => served,
        None => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, "a REST connection ended");
    }
}
