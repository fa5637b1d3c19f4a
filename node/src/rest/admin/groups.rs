//! Peers by what they are to the node.

use std::sync::Arc;

use axum::Json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{known, rated};
use crate::net::{PeerInfo, PeerStats, PeersOfShard, peer_stats, peers_of_shards, service_peers};
use crate::relay::RelayPeer;
use crate::rest::answering::{Running, Shared};
use crate::rest::problem::{Always, Problem};
use crate::rest::segment::Segment;

pub(super) fn routes() -> OpenApiRouter<Arc<Shared>> {
    OpenApiRouter::new()
        .routes(routes!(connected))
        .routes(routes!(connected_on_shard))
        .routes(routes!(service))
        .routes(routes!(relaying))
        .routes(routes!(relaying_on_shard))
        .routes(routes!(mesh))
        .routes(routes!(mesh_on_shard))
        .routes(routes!(stats))
}

/// The connected peers.
#[utoipa::path(
    get,
    path = "/admin/v1/peers/connected",
    tag = "admin",
    responses((status = 200, description = "The peers", body = Vec<PeerInfo>), Always),
)]
async fn connected(node: Running) -> Json<Vec<PeerInfo>> {
    Json(of_connected(&node).await)
}

async fn of_connected(node: &Running) -> Vec<PeerInfo> {
    let mut peers = known(node).await;
    peers.retain(PeerInfo::is_connected);
    peers
}

/// The connected peers of a shard.
#[utoipa::path(
    get,
    path = "/admin/v1/peers/connected/on/{shard}",
    tag = "admin",
    params(("shard" = u16, Path, description = "The shard's index", minimum = 0, maximum = 65535)),
    responses(
        (status = 200, description = "The peers", body = Vec<PeerInfo>),
        (status = 400, description = "That is no shard", body = String, content_type = "text/plain"),
        Always,
    ),
)]
async fn connected_on_shard(
    node: Running,
    Segment(shard): Segment,
) -> Result<Json<Vec<PeerInfo>>, Problem> {
    let shard = shard_of(&shard)?;
    let mut peers = of_connected(&node).await;
    peers.retain(|peer| peer.shards.contains(&shard));
    Ok(Json(peers))
}

fn shard_of(text: &str) -> Result<u16, Problem> {
    let digits = text.bytes().all(|digit| digit.is_ascii_digit());
    let shard = text.parse().ok().filter(|_| digits);
    shard.ok_or_else(|| {
        Problem::bad_request(format!(
            "Invalid shardId: expected 0 to {}, got {text}",
            u16::MAX
        ))
    })
}

/// The peers that serve anything.
#[utoipa::path(
    get,
    path = "/admin/v1/peers/service",
    tag = "admin",
    responses((status = 200, description = "The peers", body = Vec<PeerInfo>), Always),
)]
async fn service(node: Running) -> Json<Vec<PeerInfo>> {
    Json(service_peers(known(&node).await))
}

/// The peers that relay with this node, by shard.
#[utoipa::path(
    get,
    path = "/admin/v1/peers/relay",
    tag = "admin",
    responses((status = 200, description = "The peers of each shard", body = Vec<PeersOfShard>), Always),
)]
async fn relaying(node: Running) -> Result<Json<Vec<PeersOfShard>>, Problem> {
    Ok(Json(mounted(Shards::of(&node).await.relay)?))
}

/// The peers that relay a shard with this node.
#[utoipa::path(
    get,
    path = "/admin/v1/peers/relay/on/{shard}",
    tag = "admin",
    params(("shard" = u16, Path, description = "The shard's index", minimum = 0, maximum = 65535)),
    responses(
        (status = 200, description = "The peers", body = PeersOfShard),
        (status = 400, description = "That is no shard", body = String, content_type = "text/plain"),
        Always,
    ),
)]
async fn relaying_on_shard(
    node: Running,
    Segment(shard): Segment,
) -> Result<Json<PeersOfShard>, Problem> {
    let shard = shard_of(&shard)?;
    Ok(one(mounted(Shards::of(&node).await.relay)?, shard))
}

/// The peers in this node's mesh, by shard: those that get every message at once.
#[utoipa::path(
    get,
    path = "/admin/v1/peers/mesh",
    tag = "admin",
    responses((status = 200, description = "The peers of each shard", body = Vec<PeersOfShard>), Always),
)]
async fn mesh(node: Running) -> Result<Json<Vec<PeersOfShard>>, Problem> {
    Ok(Json(mounted(Shards::of(&node).await.mesh)?))
}

/// The peers in this node's mesh of a shard.
#[utoipa::path(
    get,
    path = "/admin/v1/peers/mesh/on/{shard}",
    tag = "admin",
    params(("shard" = u16, Path, description = "The shard's index", minimum = 0, maximum = 65535)),
    responses(
        (status = 200, description = "The peers", body = PeersOfShard),
        (status = 400, description = "That is no shard", body = String, content_type = "text/plain"),
        Always,
    ),
)]
async fn mesh_on_shard(
    node: Running,
    Segment(shard): Segment,
) -> Result<Json<PeersOfShard>, Problem> {
    let shard = shard_of(&shard)?;
    Ok(one(mounted(Shards::of(&node).await.mesh)?, shard))
}

/// Counts of peers, by group and name.
#[utoipa::path(
    get,
    path = "/admin/v1/peers/stats",
    tag = "admin",
    responses(
        (status = 200, description = "The counts", body = std::collections::HashMap<String, std::collections::HashMap<String, usize>>),
        Always,
    ),
)]
async fn stats(node: Running) -> Json<PeerStats> {
    let Shards { peers, relay, mesh } = Shards::of(&node).await;
    let (relay, mesh) = (relay.unwrap_or_default(), mesh.unwrap_or_default());
    Json(peer_stats(&peers, &relay, &mesh))
}

/// Peers, and which of them relay; `None` where the node doesn't.
struct Shards {
    peers: Vec<PeerInfo>,
    relay: Option<Vec<PeersOfShard>>,
    mesh: Option<Vec<PeersOfShard>>,
}

impl Shards {
    async fn of(node: &Running) -> Self {
        let relaying = rated(node).await;
        let peers = node.peers.snapshot();
        let by_shard = |topics_of: fn(&RelayPeer) -> &Vec<String>| {
            let of_topic = |topic: String| {
                let theirs = relaying
                    .iter()
                    .filter(|peer| topics_of(peer).contains(&topic));
                let theirs = theirs.map(|peer| peer.peer).collect();
                (topic, theirs)
            };
            let subscriptions = node.relay.as_ref()?.subscriptions();
            let by_topic: Vec<_> = subscriptions.into_iter().map(of_topic).collect();
            Some(peers_of_shards(&peers, &by_topic))
        };
        Self {
            relay: by_shard(|peer| &peer.topics),
            mesh: by_shard(|peer| &peer.meshes),
            peers,
        }
    }
}

fn mounted(shards: Option<Vec<PeersOfShard>>) -> Result<Vec<PeersOfShard>, Problem> {
    shards.ok_or_else(|| Problem::unavailable("Error: Relay Protocol is not mounted to the node"))
}

/// One of the shards; without peers if the node isn't subscribed to it.
fn one(shards: Vec<PeersOfShard>, shard: u16) -> Json<PeersOfShard> {
    let found = shards.into_iter().find(|of| of.shard == shard);
    Json(found.unwrap_or(PeersOfShard {
        shard,
        peers: Vec::new(),
    }))
}
