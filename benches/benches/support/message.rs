//! Messages to hash.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use store_adapter::WakuMessage;

pub(crate) const PUBSUB_TOPIC: &str = "/waku/2/rs/1/4";

/// A message with a payload of so many bytes.
pub(crate) fn message(payload_bytes: usize) -> WakuMessage {
    let mut payload = vec![0; payload_bytes];
    StdRng::seed_from_u64(5).fill_bytes(&mut payload);
    WakuMessage {
        payload,
        content_topic: "/toy-chat/2/huilong/proto".into(),
        timestamp: Some(1_700_000_000_123_456_789),
        ..WakuMessage::default()
    }
}
