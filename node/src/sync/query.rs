//! One Store query to a peer.

use std::time::Duration;

use libp2p::{PeerId, StreamProtocol};
use prost::Message;
use store_adapter::limits::{MESSAGE_BYTES, STORE_RESPONSE_BYTES, TOPIC_BYTES};
use store_adapter::store::{StoreAnswer, StoreAnswerError, StoreQueryRequest};
use sync_net::{Control, RequestError};
use tokio::time::timeout;

use super::limits::{ENTRY_BYTES, RESPONSE_BYTES};
use crate::net::protocols;

/// Why a query gave no page.
#[derive(Debug, thiserror::Error)]
pub(crate) enum QueryError {
    /// The peer took too long.
    #[error("the peer hasn't answered a store query in {0:?}")]
    Deadline(Duration),
    /// No answer came.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The answer is no page.
    #[error(transparent)]
    Answer(#[from] StoreAnswerError),
}

impl QueryError {
    /// Whether the peer asks to be asked less often.
    pub(crate) fn is_rate_limit(&self) -> bool {
        matches!(self, Self::Answer(error) if error.is_rate_limit())
    }
}

/// A page, and what went over the wire for it, in bytes.
#[derive(Debug)]
pub(crate) struct Queried {
    pub(crate) answer: StoreAnswer,
    pub(crate) sent: usize,
    pub(crate) received: usize,
}

/// An id for a query, unlike any other.
pub(crate) fn request_id() -> String {
    hex::encode(rand::random::<[u8; 16]>())
}

/// Asks `peer`, which has `deadline` to answer with at most `messages` messages.
pub(crate) async fn query_store(
    control: &Control,
    peer: PeerId,
    request: &StoreQueryRequest,
    messages: usize,
    deadline: Duration,
) -> Result<Queried, QueryError> {
    let protocol = StreamProtocol::new(protocols::STORE);
    let most = response_bytes(messages, request.include_data);
    let frame = request.encode_to_vec();
    let asking = control.request(peer, protocol, &frame, most);
    let response = timeout(deadline, asking)
        .await
        .map_err(|_| QueryError::Deadline(deadline))??;
    Ok(Queried {
        sent: frame.len(),
        received: response.len(),
        answer: StoreAnswer::decode(&response, &request.request_id)?,
    })
}

/// The longest response with so many messages.
fn response_bytes(messages: usize, with_data: bool) -> usize {
    let content = if with_data {
        MESSAGE_BYTES + TOPIC_BYTES
    } else {
        0
    };
    let most = messages.saturating_mul(content + ENTRY_BYTES);
    STORE_RESPONSE_BYTES.min(most.saturating_add(RESPONSE_BYTES))
}
