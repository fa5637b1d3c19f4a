//! `/admin`: peers, and what is logged. Answered only with `--rest-admin`.

mod groups;
mod logging;
mod peers;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;

use super::answering::{Running, Shared};
use crate::net::PeerInfo;

pub(super) fn routes() -> OpenApiRouter<Arc<Shared>> {
    peers::routes()
        .merge(groups::routes())
        .merge(logging::routes())
}

/// The peers that are known, with the scores that the relay gives them now.
async fn known(node: &Running) -> Vec<PeerInfo> {
    if let Some(relay) = &node.relay {
        let relaying = relay.peers().await;
        node.peers
            .set_scores(relaying.iter().map(|peer| (peer.peer, peer.score)));
    }
    node.peers.snapshot()
}
