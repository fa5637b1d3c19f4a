//! Pages of this node's own archive.

use axum::response::Response;
use prost::Message;
use store_adapter::store::{StoreQueryRequest, status};

use super::response;
use crate::rest::answering::Running;
use crate::rest::problem::Problem;
use crate::service::store::page_limits;

/// Answers from the archive, by what answers other nodes.
pub(super) async fn local(
    node: &Running,
    request: &StoreQueryRequest,
) -> Result<Response, Problem> {
    let shared = node.shared();
    // Never closed.
    let _turn = shared.pages.acquire().await.ok();
    let limits = page_limits(node.store.store_limits(), &shared.page_bytes);
    let making = shared.page_bytes.overdraw(limits.page_bytes);
    let answer = node.store.answer(&limits, &request.encode_to_vec()).await;
    match answer.status_code {
        status::OK => {}
        // A search that isn't through: the cursor is where it goes on.
        status::SERVICE_UNAVAILABLE if answer.pagination_cursor.is_some() => {}
        status::BAD_REQUEST => return Err(Problem::bad_request(answer.status_desc)),
        _ => return Err(Problem::failed(answer.status_desc)),
    }
    let response = response::of(answer, &shared.page_bytes);
    drop(making);
    Ok(response)
}
