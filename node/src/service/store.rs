//! Store v3 queries of peers.

use std::sync::Arc;

use libp2p::PeerId;
use store_adapter::store;
use sync_net::Inbound;
use tokio::sync::mpsc;

use super::one_shot;
use crate::store::Store;
use crate::sync::Syncer;

/// Queries answered at a time.
const AT_ONCE: usize = 32;

/// Answers queries until the queue closes.
pub(crate) async fn serve(
    inbound: mpsc::Receiver<Inbound>,
    archive: Arc<Store>,
    syncer: Arc<Syncer>,
) {
    let answer = move |peer: PeerId, request: Vec<u8>| {
        let (archive, syncer) = (Arc::clone(&archive), Arc::clone(&syncer));
        async move {
            let served = store::serve(archive.archive(), archive.store_limits(), &request).await;
            let response = served.response;
            syncer.served(&peer, &served.hashes_with_data, request.len(), response.len());
            Some(response)
        }
    };
    one_shot::serve(inbound, AT_ONCE, answer).await;
}
