//! `/admin`: peers, and what is logged. Answered only with `--rest-admin`.

mod groups;
mod logging;
mod peers;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;

use super::answering::Shared;

pub(super) fn routes() -> OpenApiRouter<Arc<Shared>> {
    peers::routes()
        .merge(groups::routes())
        .merge(logging::routes())
}
