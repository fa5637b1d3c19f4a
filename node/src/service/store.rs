//! Store v3 queries of peers.

use std::sync::Arc;

use libp2p::PeerId;
use prost::Message;
use store_adapter::store::{self, StoredMessage, status};
use sync_core::Id;
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
            let served =
                store::answer(&**archive.archive(), archive.store_limits(), &request).await;
            if served.status_code == status::BAD_REQUEST {
                syncer.counters().malformed_requests.increment();
                tracing::warn!(%peer, error = served.status_desc, "a store query was refused");
            }
            let response = served.encode_to_vec();
            let given: Vec<Id> = served.messages.iter().filter_map(given).collect();
            syncer.served(&peer, &given, request.len(), response.len());
            Some(response)
        }
    };
    one_shot::serve(inbound, AT_ONCE, answer).await;
}

/// The hash of a message that was given with its data.
fn given(stored: &StoredMessage) -> Option<Id> {
    stored.message.as_ref()?;
    stored.message_hash.as_deref()?.try_into().ok().map(Id)
}
