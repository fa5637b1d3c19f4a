//! HTTP servers: connections, and their bounds.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio_io_timeout::TimeoutStream;

use super::gate;
use super::limits::{
    ACCEPT_PAUSE, CONNECTIONS, END_DEADLINE, HEAD_BYTES, HEAD_DEADLINE, WRITE_DEADLINE,
};

/// What listens and doesn't answer yet.
pub(crate) struct Listening {
    listener: TcpListener,
    address: SocketAddr,
}

impl Listening {
    /// Listens at `asked` to serve `what`; the flag `port_flag` sets the port.
    ///
    /// # Errors
    /// When it can't listen there; the port is in use, say.
    pub(crate) async fn at(asked: SocketAddr, what: &str, port_flag: &str) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(asked).await.with_context(|| {
            let port = asked.port();
            format!(
                "can't serve {what} on {asked}; is port {port} in use? {port_flag} sets another"
            )
        })?;
        let address = listener.local_addr()?;
        tracing::info!(%address, "serving {what}");
        Ok(Self { listener, address })
    }

    /// Answers calls.
    pub(crate) fn serve(self, router: Router) -> HttpServer {
        let (end, ended) = watch::channel(false);
        HttpServer {
            address: self.address,
            end,
            task: tokio::spawn(run(self.listener, router, ended)),
        }
    }
}

/// A server; it ends when this is dropped, or cleanly by [`HttpServer::stop`].
pub(crate) struct HttpServer {
    address: SocketAddr,
    end: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl HttpServer {
    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more requests, and waits a moment for those under way.
    pub(crate) async fn stop(mut self) {
        self.end.send_replace(true);
        // It panics with none of its tasks.
        let _ = (&mut self.task).await;
    }
}

impl Drop for HttpServer {
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
                let connection = serve(stream, from, router.clone(), end.clone());
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
        tracing::debug!("HTTP connections are ended with requests under way");
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
                tracing::warn!(%error, "an HTTP connection can't be taken");
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

async fn serve(stream: TcpStream, from: IpAddr, router: Router, mut end: watch::Receiver<bool>) {
    // Answers are written whole; there is nothing to wait for.
    let _ = stream.set_nodelay(true);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE_DEADLINE));
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(gate::From(from));
        router.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_DEADLINE)
        .max_header_size(HEAD_BYTES)
        .max_buf_size(2 * HEAD_BYTES)
        .serve_connection(TokioIo::new(Box::pin(stream)), service);
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
        tracing::debug!(%error, "an HTTP connection ended");
    }
}
