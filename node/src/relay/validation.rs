//! Which messages of peers are passed on.

use libp2p::gossipsub::MessageAcceptance;
use prost::Message;
use store_adapter::ingest::check_live;
use store_adapter::limits::IngestLimits;
use store_adapter::{Refusal, WakuMessage};

/// Why a message of a peer isn't passed on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(super) enum Fault {
    /// The node has just left its topic.
    #[error("the node isn't subscribed to its topic")]
    Unsubscribed,
    /// It is no Waku message.
    #[error("it is no Waku message")]
    Undecodable,
    /// The rules of whoever embeds the node.
    #[error("the node's validator doesn't admit it")]
    NotAdmitted,
    /// The rules of live messages.
    #[error(transparent)]
    Refused(Refusal),
}

impl Fault {
    /// The kinds that aren't [`Refusal::KINDS`].
    pub(super) const KINDS: [&'static str; 3] = ["unsubscribed", "undecodable", "not_admitted"];

    /// The kind, as a name for counters and logs.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Unsubscribed => Self::KINDS[0],
            Self::Undecodable => Self::KINDS[1],
            Self::NotAdmitted => Self::KINDS[2],
            Self::Refused(refusal) => refusal.kind(),
        }
    }

    /// What gossipsub is told. A peer is blamed only for what every node of the field rejects: an
    /// honest one passes on what others are less strict about, messages of another time say.
    pub(super) fn acceptance(&self) -> MessageAcceptance {
        match self {
            Self::Undecodable
            | Self::Refused(Refusal::MessageTooLong { .. } | Refusal::MetaTooLong { .. }) => {
                MessageAcceptance::Reject
            }
            Self::Unsubscribed | Self::NotAdmitted | Self::Refused(_) => MessageAcceptance::Ignore,
        }
    }
}

/// Reads what came on `topic` at the time `now`, in nanoseconds since 1970.
///
/// # Errors
/// When it isn't to be passed on.
pub(super) fn validate(
    topic: &str,
    data: &[u8],
    limits: &IngestLimits,
    now: u64,
) -> Result<WakuMessage, Fault> {
    if data.len() > limits.message_bytes {
        let bytes = data.len();
        return Err(Fault::Refused(Refusal::MessageTooLong { bytes }));
    }
    let message = WakuMessage::decode(data).map_err(|_| Fault::Undecodable)?;
    check_live(topic, &message, limits, now).map_err(Fault::Refused)?;
    Ok(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000_000_000_000;
    const SECOND: u64 = 1_000_000_000;

    fn message(timestamp: u64) -> WakuMessage {
        WakuMessage {
            payload: b"hi".to_vec(),
            content_topic: "/a/1/b/proto".into(),
            timestamp: i64::try_from(timestamp).ok(),
            ..WakuMessage::default()
        }
    }

    fn verdict(topic: &str, data: &[u8]) -> Result<WakuMessage, Fault> {
        validate(topic, data, &IngestLimits::default(), NOW)
    }

    /// Whether the peer is blamed for it.
    fn blamed(data: &[u8]) -> bool {
        match verdict("/t", data).unwrap_err().acceptance() {
            MessageAcceptance::Reject => true,
            MessageAcceptance::Ignore => false,
            MessageAcceptance::Accept => panic!("a fault isn't accepted"),
        }
    }

    #[test]
    fn live_messages_pass_ephemeral_ones_too() {
        let mut message = message(NOW - 20 * SECOND);
        assert_eq!(verdict("/t", &message.encode_to_vec()).unwrap(), message);
        message.ephemeral = Some(true);
        assert_eq!(verdict("/t", &message.encode_to_vec()).unwrap(), message);
    }

    #[test]
    fn the_sender_is_blamed_for_what_nobody_takes_and_not_for_what_is_late() {
        assert!(blamed(b"\xff\xff\xff"));
        assert!(blamed(&[0x0a, 0x7f]));
        let mut long = message(NOW);
        long.payload = vec![7; 153_600];
        assert!(blamed(&long.encode_to_vec()));
        let mut meta = message(NOW);
        meta.meta = Some(vec![1; 65]);
        assert!(blamed(&meta.encode_to_vec()));
        for late in [NOW - 20 * SECOND - 1, NOW + 20 * SECOND + 1, 0] {
            assert!(!blamed(&message(late).encode_to_vec()));
        }
        // No bytes are a message without fields.
        assert!(!blamed(&[]));
    }

    #[test]
    fn the_longest_message_passes_and_one_byte_more_does_not() {
        let mut long = message(NOW);
        long.payload = vec![7; 153_000];
        let rest = 153_600 - long.encoded_len();
        long.payload.resize(153_000 + rest, 7);
        assert_eq!(long.encoded_len(), 153_600);
        assert!(verdict("/t", &long.encode_to_vec()).is_ok());
        long.payload.push(7);
        let refused = Fault::Refused(Refusal::MessageTooLong { bytes: 153_601 });
        assert_eq!(verdict("/t", &long.encode_to_vec()), Err(refused));
    }
}
