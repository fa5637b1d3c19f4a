//! Single peers, and all of them.

use std::sync::Arc;

use axum::Json;
use axum::response::Response;
use libp2p::{Multiaddr, PeerId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{known, rated};
use crate::net::PeerInfo;
use crate::rest::answering::{Running, Shared};
use crate::rest::body::JsonBody;
use crate::rest::limits::PEERS;
use crate::rest::peer_address;
use crate::rest::problem::{self, Always, OfBodies, Problem};
use crate::rest::segment::Segment;

pub(super) fn routes() -> OpenApiRouter<Arc<Shared>> {
    OpenApiRouter::new()
        .routes(routes!(peers, connect))
        .routes(routes!(peer))
}

/// All peers that are known.
#[utoipa::path(
    get,
    path = "/admin/v1/peers",
    tag = "admin",
    responses((status = 200, description = "The peers", body = Vec<PeerInfo>), Always),
)]
async fn peers(node: Running) -> Json<Vec<PeerInfo>> {
    Json(known(&node).await)
}

/// One peer.
#[utoipa::path(
    get,
    path = "/admin/v1/peer/{id}",
    tag = "admin",
    params(("id" = String, Path, description = "The peer's id", 
            pattern = "^16Uiu2HA[1-9A-HJ-NP-Za-km-z]{45}$")),
    responses(
        (status = 200, description = "The peer", body = PeerInfo),
        (status = 400, description = "That is no peer id", body = String, content_type = "text/plain"),
        (status = 404, description = "The peer isn't known", body = String, content_type = "text/plain"),
        Always,
    ),
)]
async fn peer(node: Running, Segment(id): Segment) -> Result<Json<PeerInfo>, Problem> {
    let peer: PeerId = id.parse().map_err(|error| {
        Problem::bad_request(format!(
            "Invalid argument: `{id}` is no peer id: {error}; expected one like 16Uiu2HAm..."
        ))
    })?;
    rated(&node).await;
    let found = node.peers.info(&peer);
    found
        .map(Json)
        .ok_or_else(|| Problem::not_found(format!("Peer with ID {peer} not found")))
}

/// Connect with peers, one after the other; the first that can't be reached ends it.
#[utoipa::path(
    post,
    path = "/admin/v1/peers",
    tag = "admin",
    request_body(content = PeerAddresses, description = "Multiaddresses with peer ids"),
    responses(
        (status = 200, description = "All are connected", body = String, content_type = "text/plain"),
        (status = 400, description = "One isn't a peer's address, or can't be reached", body = String,
            content_type = "text/plain"),
        OfBodies,
        Always,
    ),
)]
async fn connect(
    node: Running,
    JsonBody(texts): JsonBody<Vec<String>>,
) -> Result<Response, Problem> {
    if texts.len() > PEERS {
        let reason = format!(
            "Too many peers: expected at most {PEERS}, got {}",
            texts.len()
        );
        return Err(Problem::bad_request(reason));
    }
    let parse = |text: &String| {
        let unread = |error| format!("Couldn't parse remote peer info: {error}");
        peer_address::parse(text).map_err(|error| Problem::bad_request(unread(error)))
    };
    let addresses: Vec<Multiaddr> = texts.iter().map(parse).collect::<Result<_, _>>()?;
    for (index, address) in addresses.iter().enumerate() {
        node.swarm.connect(address).await.map_err(|error| {
            Problem::bad_request(format!(
                "Failed to connect to peer at index: {index} - {address}: {error}"
            ))
        })?;
    }
    Ok(problem::ok())
}

/// Multiaddresses with peer ids.
#[derive(utoipa::ToSchema)]
#[schema(max_items = 32)]
#[expect(dead_code, reason = "describes the list that the call reads")]
struct PeerAddresses(Vec<PeerAddress>);

/// A multiaddress with a peer id, like /ip4/127.0.0.1/tcp/60000/p2p/16Uiu2HAm...
#[derive(utoipa::ToSchema)]
#[schema(format = "multiaddr")]
#[expect(
    dead_code,
    reason = "describes an entry of the list that the call reads"
)]
struct PeerAddress(String);
