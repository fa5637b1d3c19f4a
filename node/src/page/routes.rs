//! What the server answers for the page.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::header::CACHE_CONTROL;
use axum::response::sse::{KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Json};
use sync_net::admission::Origin;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Page;
use super::assets;
use super::figures::PageState;
use super::limits::{KEEP_ALIVE, LISTENERS, LISTENERS_OF_HOST};
use super::places::Full;
use super::session::SessionRounds;
use crate::rest::{Always, From, Problem};

/// The page's calls, over what it is made of.
///
/// The page itself and `/page/events` aren't in the OpenAPI document: the one is for browsers, the other
/// has no end, and both are told of in `docs/page.md`.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>(page: Arc<Page>) -> OpenApiRouter<S> {
    OpenApiRouter::new()
        .routes(routes!(state))
        .routes(routes!(session))
        .route("/page/events", get(events))
        .with_state(page)
}

/// The page itself, which is given out as often as it is asked for: who looks whether a limit is reached needs it
/// most then.
pub(crate) fn files<S: Clone + Send + Sync + 'static>() -> OpenApiRouter<S> {
    assets::routes().into()
}

/// What the page shows: how the node is, its peers, its archive, its limits, and its sessions.
///
/// Answered from memory, however busy the archive is. Peers' addresses, and why they couldn't be reached,
/// are told only with `--rest-admin`.
#[utoipa::path(
    get,
    path = "/page/state",
    tag = "page",
    responses((status = 200, description = "The figures", body = PageState), Always),
)]
async fn state(State(page): State<Arc<Page>>) -> Result<Json<PageState>, Problem> {
    page.state().map(Json).ok_or_else(starting)
}

/// The rounds of a session of now or of late: the ranges of its frames.
#[utoipa::path(
    get,
    path = "/page/sessions/{id}",
    tag = "page",
    params(("id" = u64, Path, maximum = 9223372036854775807_i64, description = "The session's id, as /page/state tells it")),
    responses(
        (status = 200, description = "The session and its frames", body = SessionRounds),
        (status = 400, description = "That is no id", body = String, content_type = "text/plain"),
        (status = 404, description = "The session isn't kept any more, or never was", body = String,
            content_type = "text/plain"),
        Always,
    ),
)]
async fn session(
    State(page): State<Arc<Page>>,
    Path(id): Path<String>,
) -> Result<Json<SessionRounds>, Problem> {
    let id: u64 = id.parse().map_err(|_| {
        Problem::bad_request(format!(
            "Invalid argument: `{id}` is no session; expected a number from /page/state"
        ))
    })?;
    page.rounds(id).map(Json).ok_or_else(|| {
        Problem::not_found(format!(
            "Session {id} isn't kept; /page/state tells which are"
        ))
    })
}

/// What changes, as server-sent events.
async fn events(
    State(page): State<Arc<Page>>,
    Extension(From(host)): Extension<From>,
) -> Result<Response, Problem> {
    if page.node.get().is_none() {
        return Err(starting());
    }
    let events = page.hub.listen(Origin::of_ip(host)).map_err(crowded)?;
    let events = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    Ok(([(CACHE_CONTROL, "no-store")], events).into_response())
}

fn crowded(full: Full) -> Problem {
    Problem::unavailable(match full {
        Full::Host => format!(
            "{LISTENERS_OF_HOST} pages are open at your host already; close one, and this one goes on"
        ),
        Full::All => {
            format!("{LISTENERS} pages are open already; close one, and this one goes on")
        }
    })
}

fn starting() -> Problem {
    Problem::unavailable("The node is starting; /health says READY when it has")
}
