//! Telling the two header forms apart, which share one protocol id.
//!
//! A frame of the other form is usually malformed in one's own. But some can be read: the cluster
//! form's `01 02 00 07`, shards 0 and 7 of cluster 1, is a topic of two control characters in the
//! topics form, and the name of a single topic is a list of shards, each a character, in the
//! cluster form. Taken for what it isn't, such a header shares nothing with this side's scope: the
//! session would end well and name no difference, or all items.

use alloc::collections::BTreeSet;

use super::header::{Header, HeaderForm};
use super::payload::Payload;
use crate::limits::SessionLimits;
use crate::scope::{Scope, TopicFilter};
use crate::session::SessionError;

/// A cluster has shards below this number (WAKU2-RELAY-SHARDING).
const SHARDS: u16 = 1_024;

/// Reads a frame as [`Payload::decode`] does, and refuses one of the form that this side doesn't
/// speak by saying so. `scope` is what this side is willing to talk about.
pub(super) fn decode(
    form: HeaderForm,
    frame: &[u8],
    limits: &SessionLimits,
    scope: &Scope,
) -> Result<Payload, SessionError> {
    let read = Payload::decode(form, frame, limits);
    let is_ours = |payload: &Payload| is_likely(&payload.header, scope);
    if !read.as_ref().is_ok_and(is_ours) && is_of(other(form), frame, limits, scope) {
        return Err(SessionError::Protocol(match form {
            HeaderForm::Topics => {
                "the peer's header is in the cluster form, with a cluster and its shards, and this \
                 side speaks the topics form: set both to the same"
            }
            HeaderForm::Cluster(_) => {
                "the peer's header is in the topics form, with names of topics, and this side speaks \
                 the cluster form: set both to the same"
            }
        }));
    }
    read
}

fn other(form: HeaderForm) -> HeaderForm {
    match form {
        // Reading doesn't depend on the number.
        HeaderForm::Topics => HeaderForm::Cluster(0),
        HeaderForm::Cluster(_) => HeaderForm::Topics,
    }
}

/// Whether the frame is one of `form` from its first byte to its last, with a header as peers write
/// them.
fn is_of(form: HeaderForm, frame: &[u8], limits: &SessionLimits, scope: &Scope) -> bool {
    Payload::decode(form, frame, limits)
        .is_ok_and(|payload| !payload.ranges.is_empty() && is_likely(&payload.header, scope))
}

/// Whether a header is as peers write them. No list of shards reads as a likely topic, or the other
/// way round: shards are listed once each, so at most one of them is 47, which is a slash, and
/// Waku's names have several (`/waku/2/rs/1/0`). A topic with another name has to be known here.
fn is_likely(header: &Header, scope: &Scope) -> bool {
    match header {
        Header::Topics { pubsub, .. } => pubsub.iter().all(|topic| {
            topic.matches('/').count() >= 2
                || scope.pubsub_topics != TopicFilter::All && scope.pubsub_topics.allows(topic)
        }),
        Header::Cluster { shards, .. } => {
            let distinct: BTreeSet<u16> = shards.iter().copied().collect();
            distinct.len() == shards.len() && shards.iter().all(|shard| *shard < SHARDS)
        }
    }
}
