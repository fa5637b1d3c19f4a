//! Where requests are refused that come too often.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;

use super::problem::Problem;

/// Says of a request, by its group of calls (`health`, `info`, `store`, `relay` or `admin`), whether it is to
/// be answered. It is asked before anything but the head of the request is read; what it turns away is answered
/// 429.
pub type Gate = Arc<dyn Fn(&'static str) -> bool + Send + Sync>;

/// The gate in front of one group.
#[derive(Clone)]
pub(super) struct GroupGate {
    pub(super) group: &'static str,
    pub(super) gate: Option<Gate>,
}

/// Lets a request pass, or not.
pub(super) async fn pass(
    State(GroupGate { group, gate }): State<GroupGate>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    match gate {
        Some(open) if !open(group) => Err(Problem::too_many_requests()),
        _ => Ok(next.run(request).await),
    }
}
