//! What is logged.

use std::sync::Arc;

use axum::response::Response;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::logging::Level;
use crate::rest::answering::{Running, Shared};
use crate::rest::problem::{self, Always, Problem};
use crate::rest::segment::Segment;

pub(super) fn routes() -> OpenApiRouter<Arc<Shared>> {
    OpenApiRouter::new().routes(routes!(log_level))
}

/// Log what is of this level or a graver one from now on.
#[utoipa::path(
    post,
    path = "/admin/v1/log-level/{level}",
    tag = "admin",
    params(("level" = String, Path, description = "TRACE, DEBUG, INFO, NOTICE, WARN, ERROR or FATAL",
            pattern = "^([tT][rR][aA][cC][eE]|[dD][eE][bB][uU][gG]|[iI][nN][fF][oO]|[nN][oO][tT][iI][cC][eE]|[wW][aA][rR][nN]|[eE][rR][rR][oO][rR]|[fF][aA][tT][aA][lL])$",
            example = "DEBUG")),
    responses(
        (status = 200, description = "It is so", body = String, content_type = "text/plain"),
        (status = 400, description = "There is no such level", body = String, content_type = "text/plain"),
        Always,
    ),
)]
async fn log_level(node: Running, Segment(level): Segment) -> Result<Response, Problem> {
    let level: Level = level
        .parse()
        .map_err(|error| Problem::bad_request(format!("Invalid log-level: {error}")))?;
    let set = node.levels.set(level);
    set.map_err(|error| Problem::unavailable(error.to_string()))?;
    tracing::info!(%level, "the log level was set by REST");
    Ok(problem::ok())
}
