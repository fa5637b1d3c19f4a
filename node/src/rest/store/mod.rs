//! `/store`: queries of the archive, and of other nodes' by this one.

mod page;
mod query;
mod remote;
mod response;

use std::sync::Arc;

use axum::extract::Query;
use axum::response::Response;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::query::{Asked, StoreParams};
use self::response::StoreResponse;
use super::answering::{Running, Shared};
use super::problem::{Always, Problem};

pub(super) fn routes() -> OpenApiRouter<Arc<Shared>> {
    OpenApiRouter::new().routes(routes!(messages))
}

/// Messages of the archive, or of another node's.
///
/// With `peerAddr` that node is asked; without it this node's archive, or, if it serves none, the store node
/// of its configuration, or else any connected node that has one. A page is in the order (timestamp, hash),
/// whichever its direction; `paginationCursor`, which the last page lacks, is the `cursor` of the next one.
#[utoipa::path(
    get,
    path = "/store/v3/messages",
    tag = "store",
    params(StoreParams),
    responses(
        (status = 200, description = "A page, or what else another node answered: only the `statusCode` 200 is \
            success. With 503 and a cursor, the search goes on behind that.", body = StoreResponse),
        (status = 400, description = "A parameter can't be understood", body = String, content_type = "text/plain"),
        (status = 412, description = "There is no node to ask", body = String, content_type = "text/plain"),
        Always,
        (status = 500, description = "This node's archive can't answer, or doesn't know the cursor; or another node \
            can't be reached", body = String, content_type = "text/plain"),
    ),
)]
async fn messages(
    node: Running,
    parameters: Query<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let Asked { request, peer } = query::parse(parameters.0).map_err(Problem::bad_request)?;
    match peer {
        None if node.services.store => page::local(&node, &request).await,
        None => {
            let peer = remote::any(&node)?;
            remote::ask(&node, peer, &request).await
        }
        Some(address) => {
            let peer = remote::connect(&node, &address).await?;
            remote::ask(&node, peer, &request).await
        }
    }
}
