//! Records made from few bytes, so that sequences meet those they have met before.

use arbitrary::Arbitrary;
use store_adapter::{Record, WakuMessage};

/// A message and its topics.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub struct Message {
    pubsub_topic: u8,
    content_topic: u8,
    time: Time,
    payload: u8,
    payload_bytes: u16,
    others: u8,
}

/// A time from few, or any.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Time {
    /// One of the first nanoseconds.
    Early(u8),
    /// One of the last.
    Late(u8),
    /// Any, the negative ones turned round.
    Any(i64),
}

impl Time {
    /// In nanoseconds, not negative.
    pub fn nanoseconds(self) -> i64 {
        match self {
            Self::Early(time) => i64::from(time % 32),
            Self::Late(back) => i64::MAX - i64::from(back % 8),
            Self::Any(time) => time & i64::MAX,
        }
    }
}

/// One of the pubsub topics of records, or one that none has.
pub fn pubsub_topic(number: u8) -> String {
    format!("/waku/2/rs/1/{}", number % 4)
}

/// One of the content topics of records, or one that none has.
pub fn content_topic(number: u8) -> String {
    format!("/app/1/topic-{}/proto", number % 4)
}

impl Message {
    /// The record. Only the first three of the topics are used, and a field in eight is present.
    pub fn record(&self) -> Record {
        let has = |bit: u8| self.others >> bit & 1 == 1;
        let message = WakuMessage {
            payload: vec![self.payload; usize::from(self.payload_bytes) % 2_000],
            content_topic: content_topic(self.content_topic % 3),
            version: has(0).then_some(u32::from(self.payload)),
            timestamp: Some(self.time.nanoseconds()),
            meta: has(1).then(|| vec![self.payload; usize::from(self.payload) % 64]),
            rate_limit_proof: has(2).then(|| b"\x0a\x01\x07".to_vec()),
            ephemeral: has(3).then_some(false),
            unknown: if has(4) {
                b"\xa0\x06\x07".to_vec()
            } else {
                Vec::new()
            },
        };
        let topic = pubsub_topic(self.pubsub_topic % 3);
        Record::new(topic, message).expect("times aren't negative")
    }
}
