//! Queries of other nodes' archives.

use std::time::Duration;

use axum::http::StatusCode;
use axum::response::Response;
use libp2p::{Multiaddr, PeerId, StreamProtocol};
use prost::Message;
use store_adapter::limits::STORE_RESPONSE_BYTES;
use store_adapter::store::{StoreQueryRequest, read_response, status};

use super::response;
use crate::net::{Kept, protocols};
use crate::rest::answering::Running;
use crate::rest::limits::STORE_DEADLINE;
use crate::rest::problem::Problem;

/// A connected node that answers Store queries: one of the configuration's store nodes before others.
pub(super) fn any(node: &Running) -> Result<PeerId, Problem> {
    let mut peers = node.peers.snapshot();
    peers.retain(|peer| peer.is_connected() && peer.speaks(&[protocols::STORE]));
    let preferred = peers
        .iter()
        .max_by_key(|peer| peer.kept == Some(Kept::StoreNode));
    preferred.map(|peer| peer.peer_id).ok_or_else(|| {
        let reason = "No suitable service peer & no discovery method";
        Problem::new(StatusCode::PRECONDITION_FAILED, reason)
    })
}

/// Connects with the node at `address`, unless it is connected.
pub(super) async fn connect(node: &Running, address: &Multiaddr) -> Result<PeerId, Problem> {
    let connected = within(STORE_DEADLINE, node.swarm.connect(address)).await?;
    connected.map_err(|error| {
        Problem::failed(format!(
            "Error occurred in queryFut.read() [PEER_DIAL_FAILURE: {error}]"
        ))
    })
}

/// Asks a connected node. What it answers is passed on, unless it asks for patience.
pub(super) async fn ask(
    node: &Running,
    peer: PeerId,
    request: &StoreQueryRequest,
) -> Result<Response, Problem> {
    let shared = node.shared();
    // Never closed.
    let _turn = shared.asking.acquire().await.ok();
    let frame = request.encode_to_vec();
    let protocol = StreamProtocol::new(protocols::STORE);
    let asking = node
        .control
        .request(peer, protocol, &frame, STORE_RESPONSE_BYTES);
    let failed = |error: String| {
        tracing::debug!(%peer, error, "a store that was asked by REST gave no answer");
        Problem::failed(format!(
            "Error occurred in queryFut.read() [BAD_RESPONSE: {error}]"
        ))
    };
    let frame = within(STORE_DEADLINE, asking)
        .await?
        .map_err(|error| failed(error.to_string()))?;
    let answer = read_response(&frame).map_err(|error| failed(error.to_string()))?;
    if answer.status_code == status::TOO_MANY_REQUESTS {
        return Err(Problem::too_many_requests());
    }
    Ok(response::of(answer, &shared.page_bytes))
}

async fn within<T>(time: Duration, asked: impl Future<Output = T>) -> Result<T, Problem> {
    tokio::time::timeout(time, asked)
        .await
        .map_err(|_| Problem::failed("No history response received (timeout)"))
}
