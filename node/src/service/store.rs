//! Store v3 queries of peers.

use std::sync::Arc;

use libp2p::PeerId;
use prost::Message;
use store_adapter::limits::StoreLimits;
use store_adapter::store::{StoreQueryResponse, StoredMessage, status};
use sync_core::Id;
use sync_net::{Inbound, warn_of_peer};
use tokio::sync::mpsc;

use super::limits::{LONG_RESPONSE, PART_OF_THE_REST};
use super::one_shot::{self, Answer, Desk};
use crate::budget::Budget;
use crate::store::Store;
use crate::sync::Syncer;

/// Answers queries until the queue closes; all responses together take about `response_bytes`.
pub(crate) async fn serve(
    inbound: mpsc::Receiver<Inbound>,
    archive: Arc<Store>,
    syncer: Arc<Syncer>,
    desk: Arc<Desk>,
    response_bytes: usize,
) {
    let budget = Budget::new(response_bytes);
    let answer = move |peer: PeerId, request: Vec<u8>| {
        let (archive, syncer) = (Arc::clone(&archive), Arc::clone(&syncer));
        let budget = Arc::clone(&budget);
        async move {
            let page = page_limits(archive.store_limits(), &budget);
            let making = budget.overdraw(page.page_bytes);
            let served = archive.answer(&page, &request).await;
            if served.status_code == status::BAD_REQUEST {
                syncer.counters().malformed_requests.increment();
                let error = &served.status_desc;
                warn_of_peer!(syncer.warnings, &peer, %error, "a store query was refused");
            }
            let given: Vec<Id> = served.messages.iter().filter_map(given).collect();
            let frame = encode(served).await?;
            syncer.served(&peer, &given, request.len(), frame.len());
            drop(making);
            Some(Answer {
                taken: Some(budget.overdraw(frame.len())),
                bulk: syncer.is_pulled_by(&peer),
                frame,
            })
        }
    };
    one_shot::serve(inbound, desk, answer).await;
}

/// Long responses are encoded on a blocking thread, so that others are heard meanwhile. `None` when the
/// node is ending.
async fn encode(response: StoreQueryResponse) -> Option<Vec<u8>> {
    if response.encoded_len() < LONG_RESPONSE {
        return Some(response.encode_to_vec());
    }
    let encoding = tokio::task::spawn_blocking(move || response.encode_to_vec());
    encoding.await.ok()
}

/// Peers that read their responses slowly, or not at all, have them kept: the more is kept, the
/// shorter are further pages. Everybody is served all the same, and gets on by the cursor.
pub(crate) fn page_limits(limits: &StoreLimits, budget: &Budget) -> StoreLimits {
    StoreLimits {
        page_bytes: limits.page_bytes.min(budget.left() / PART_OF_THE_REST),
        ..limits.clone()
    }
}

/// The hash of a message that was given with its data.
fn given(stored: &StoredMessage) -> Option<Id> {
    stored.message.as_ref()?;
    stored.message_hash.as_deref()?.try_into().ok().map(Id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::ServiceLimits;

    #[test]
    fn pages_get_shorter_the_more_responses_are_kept_for_peers() {
        let limits = StoreLimits::default();
        let budget = Budget::new(ServiceLimits::default().response_bytes);
        let mut kept = Vec::new();
        assert_eq!(
            page_limits(&limits, &budget).page_bytes,
            limits.page_bytes,
            "a single client gets full pages"
        );
        let mut last = usize::MAX;
        for _ in 0..1_000 {
            let page = page_limits(&limits, &budget).page_bytes;
            assert!(page <= last);
            last = page;
            kept.push(budget.overdraw(page));
        }
        assert!(last < 1_000, "{last}");
        drop(kept);
        assert_eq!(page_limits(&limits, &budget).page_bytes, limits.page_bytes);
    }
}
