//! Where requests are refused that come too often, and their bytes are counted.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::header::CONTENT_LENGTH;
use axum::middleware::Next;
use axum::response::Response;
use http_body_util::BodyExt;
use hyper::body::Frame;

use super::answering::Shared;
use super::problem::Problem;
use crate::rates::Limiter;

/// The host that a request came from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct From(pub(crate) IpAddr);

/// Lets a request pass, or answers it 429 before anything but its head was read. Until the node runs, there
/// is nothing behind the gate to protect.
pub(super) async fn pass(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let from = request.extensions().get::<From>().copied();
    let (Some(From(from)), Some(node)) = (from, shared.node.get()) else {
        return Ok(next.run(request).await);
    };
    if node.limiter.rest(from).is_err() {
        return Err(Problem::too_many_requests());
    }
    let received = length_of(&request);
    let response = next.run(request).await;
    let sent = response.body().size_hint().exact();
    node.limiter
        .rest_bytes(from, received, sent.unwrap_or_default());
    Ok(match sent {
        Some(_) => response,
        None => counted(response, from, &node.limiter),
    })
}

/// Counts what an answer has that is made as it goes, events say.
fn counted(response: Response, from: IpAddr, limiter: &Arc<Limiter>) -> Response {
    let limiter = Arc::clone(limiter);
    let count = move |frame: Frame<Bytes>| {
        let sent = frame.data_ref().map_or(0, Bytes::len);
        limiter.rest_bytes(from, 0, sent as u64);
        frame
    };
    response.map(|body| Body::new(body.map_frame(count)))
}

/// How long the body is to be. A body of no told length is bounded by what a call reads of it.
fn length_of(request: &Request) -> u64 {
    let length = request.headers().get(CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
    length.unwrap_or_else(|| request.body().size_hint().lower())
}
