//! `/admin`: peers, and what is logged. Answered only with `--rest-admin`.

mod groups;
mod logging;
mod peers;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;

use super::answering::{Running, Shared};
use crate::net::PeerInfo;
use crate::relay::RelayPeer;

pub(super) fn routes() -> OpenApiRouter<Arc<Shared>> {
    peers::routes()
        .merge(groups::routes())
        .merge(logging::routes())
}

/// The peers that are known, with the scores that the relay gives them now.
async fn known(node: &Running) -> Vec<PeerInfo> {
    rated(node).await;
    node.peers.snapshot()
}

/// Has the peer table know the scores that the relay gives now. Gives the peers that relay; none where the
/// node doesn't.
async fn rated(node: &Running) -> Vec<RelayPeer> {
    let Some(relay) = &node.relay else {
        return Vec::new();
    };
    let relaying = relay.peers().await;
    let scores = relaying.iter().map(|peer| (peer.peer, peer.score));
    node.peers.set_scores(scores);
    relaying
}
