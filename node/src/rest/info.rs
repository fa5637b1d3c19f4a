//! Who the node is, and which program.

use std::sync::Arc;

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answering::{Running, Shared};
use super::problem::Always;

pub(super) fn routes() -> OpenApiRouter<Arc<Shared>> {
    OpenApiRouter::new()
        .routes(routes!(info))
        .routes(routes!(debug_info))
        .routes(routes!(version))
        .routes(routes!(debug_version))
}

/// Who the node is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Info {
    /// The multiaddresses that it is reached at, with its peer id.
    listen_addresses: Vec<String>,
    /// Its record for discovery, `enr:` and base64.
    enr_uri: String,
}

/// Where the node is reached, and its record for discovery.
#[utoipa::path(
    get,
    path = "/info",
    tag = "info",
    responses(
        (status = 200, description = "Who the node is", body = Info),
        Always,
    ),
)]
async fn info(node: Running) -> Json<Info> {
    let addresses = node.announced.addresses_of(node.peer_id);
    Json(Info {
        listen_addresses: addresses.iter().map(ToString::to_string).collect(),
        enr_uri: node.record.uri(),
    })
}

/// As `/info`.
#[utoipa::path(
    get,
    path = "/debug/v1/info",
    tag = "info",
    responses(
        (status = 200, description = "Who the node is", body = Info),
        Always,
    ),
)]
async fn debug_info(node: Running) -> Json<Info> {
    info(node).await
}

/// The program's version.
#[utoipa::path(
    get,
    path = "/version",
    tag = "info",
    responses((status = 200, description = "The version", body = String, content_type = "text/plain"), Always),
)]
async fn version() -> &'static str {
    crate::VERSION
}

/// As `/version`.
#[utoipa::path(
    get,
    path = "/debug/v1/version",
    tag = "info",
    responses((status = 200, description = "The version", body = String, content_type = "text/plain"), Always),
)]
async fn debug_version() -> &'static str {
    version().await
}
