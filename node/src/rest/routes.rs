//! All calls together, and what stands before them.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::handler::Handler;
use axum::http::{StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::Response;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use super::answering::Shared;
use super::gate;
use super::limits::REQUEST_DEADLINE;
use super::openapi::{self, Document};
use super::origin::{self, Origins};
use super::problem::Problem;
use super::{admin, counts, health, info, relay, store};
use crate::page;

/// The whole API. Health is told and the page given out however often they are asked for, as those who watch a
/// node need them most when it has much to do.
pub(super) fn router(shared: Arc<Shared>) -> Router {
    let gate = middleware::from_fn_with_state(Arc::clone(&shared), gate::pass);
    let gated = |routes: OpenApiRouter<Arc<Shared>>| routes.route_layer(gate.clone());
    let mut api = OpenApiRouter::with_openapi(Document::openapi())
        .merge(health::routes())
        .merge(page::files())
        .merge(gated(info::routes()))
        .merge(gated(store::routes()))
        .merge(gated(counts::routes()))
        .merge(gated(relay::routes()))
        .merge(gated(page::routes(Arc::clone(&shared.page))));
    if shared.config.admin {
        api = api.merge(gated(admin::routes()));
    }
    let origins = Origins::new(&shared.config.allow_origin);
    let (router, document) = api.split_for_parts();
    router
        .with_state(Arc::clone(&shared))
        .merge(openapi::routes(&document).route_layer(gate.clone()))
        .fallback(unknown_path.layer(gate))
        .method_not_allowed_fallback(unknown_method)
        .layer(middleware::from_fn(within_deadline))
        .layer(middleware::from_fn_with_state(
            Arc::new(origins),
            origin::check,
        ))
}

async fn within_deadline(request: Request, next: Next) -> Result<Response, Problem> {
    let answered = tokio::time::timeout(REQUEST_DEADLINE, next.run(request)).await;
    answered.map_err(|_| {
        let seconds = REQUEST_DEADLINE.as_secs();
        Problem::unavailable(format!("No answer could be made in {seconds} s"))
    })
}

/// Names the setting that calls of this path need, where there is one.
async fn unknown_path(uri: Uri) -> Problem {
    let group = uri.path().split('/').nth(1).unwrap_or_default();
    Problem::not_found(match group {
        "admin" => {
            "/admin endpoints are not available. Please check your configuration: --rest-admin=true"
                .to_owned()
        }
        "filter" | "lightpush" => format!("/{group} endpoints are not available."),
        _ => "No such path; /openapi.json describes those there are".to_owned(),
    })
}

async fn unknown_method() -> Problem {
    let reason =
        "The path is known, but not with this method; /openapi.json describes those there are";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, reason)
}
