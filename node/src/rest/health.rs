//! `/health`.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answering::Shared;
use super::problem::Always;
use crate::health::{HealthReport, ProtocolHealth};

pub(super) fn routes() -> OpenApiRouter<Arc<Shared>> {
    OpenApiRouter::new().routes(routes!(health))
}

/// How the node is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Health {
    /// READY if the archive can be read and the node serves; otherwise INITIALIZING, NOT_READY or
    /// SHUTTING_DOWN.
    node_health: &'static str,
    /// Connected, PartiallyConnected or Disconnected: with how many peers that matter.
    connection_status: &'static str,
    /// For each protocol an object with its name as key and READY, NOT_READY or NOT_MOUNTED as value, and
    /// the reason as `desc` if there is one.
    protocols_health: Vec<BTreeMap<&'static str, &'static str>>,
}

impl From<HealthReport> for Health {
    fn from(report: HealthReport) -> Self {
        Self {
            node_health: report.node.name(),
            connection_status: report.connection.name(),
            protocols_health: report.protocols.iter().map(entry).collect(),
        }
    }
}

fn entry(health: &ProtocolHealth) -> BTreeMap<&'static str, &'static str> {
    let mut entry = BTreeMap::from([(health.protocol, health.status.name())]);
    entry.extend(health.desc.map(|desc| ("desc", desc)));
    entry
}

/// How the node is, how well it is connected, and how each of its protocols is.
///
/// Answered from the start of the program on, also while the archive is still being opened.
#[utoipa::path(
    get,
    path = "/health",
    tag = "health",
    responses((status = 200, description = "How the node is", body = Health), Always),
)]
async fn health(State(shared): State<Arc<Shared>>) -> Json<Health> {
    Json(shared.health.report().await.into())
}
