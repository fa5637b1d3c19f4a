//! The OpenAPI document, made from the descriptions beside the calls.

use axum::Router;
use axum::body::Bytes;
use axum::http::header;
use axum::routing::get;
use utoipa::OpenApi;

/// What the document says of the whole API.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "wakustore",
        description = "The REST API of a Waku Store node, as nwaku has it. What isn't a success is \
                       answered in plain text.",
        license(name = "MIT OR Apache-2.0"),
    ),
    tags(
        (name = "health", description = "How the node is"),
        (name = "info", description = "Who the node is"),
        (name = "store", description = "Messages of the archive, or of another node's"),
        (name = "relay", description = "Messages that are passed on now"),
        (name = "page", description = "What the page at / shows"),
        (name = "admin", description = "Peers and logging; only with --rest-admin"),
    ),
)]
pub(super) struct Document;

/// Serves the document.
pub(super) fn routes(document: &utoipa::openapi::OpenApi) -> Router {
    let document = document.to_json();
    let document = document.expect("invariant: all of its keys are strings and nothing can fail");
    let document = Bytes::from(document);
    let answer = move || async move { ([(header::CONTENT_TYPE, "application/json")], document) };
    Router::new().route("/openapi.json", get(answer))
}
