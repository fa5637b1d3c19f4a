//! The messages that an archive is filled with: each made from its number alone, so that none has to
//! be kept to be asked for.

use std::ops::Range;
use std::sync::Arc;

use benches::{SPAN, START};
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use store_adapter::{Record, WakuMessage};
use sync_core::Id;

/// Length of a payload.
pub(super) const PAYLOAD_BYTES: usize = 1_024;

/// Shards that messages are spread over.
const SHARDS: usize = 8;

/// Content topics that messages are spread over.
const CONTENT_TOPICS: u32 = 50;

/// Odd, so that multiplying by it keeps the seeds of all numbers apart.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// Messages in the order of their times, of which so many fill thirty days; those of further numbers
/// come later.
#[derive(Debug)]
pub(super) struct Corpus {
    seed: u64,
    /// Nanoseconds from one message to the next, about.
    step: u64,
    topics: [Arc<str>; SHARDS],
}

impl Corpus {
    pub(super) fn new(rows: u64, seed: u64) -> Self {
        Self {
            seed,
            step: SPAN / rows.max(1),
            topics: std::array::from_fn(|shard| format!("/waku/2/rs/1/{shard}").into()),
        }
    }

    /// The topic of a message, and the message.
    pub(super) fn message(&self, number: u64) -> (Arc<str>, WakuMessage) {
        let mut rng = StdRng::seed_from_u64(self.seed ^ number.wrapping_mul(SPREAD));
        let mut payload = vec![0; PAYLOAD_BYTES];
        rng.fill_bytes(&mut payload);
        let time = self.time(number) + rng.random_range(0..self.step.max(1));
        let topic = Arc::clone(&self.topics[rng.random_range(0..SHARDS)]);
        let message = WakuMessage {
            payload,
            content_topic: format!("/app/1/room-{}/proto", rng.random_range(0..CONTENT_TOPICS)),
            version: Some(0),
            timestamp: i64::try_from(time).ok(),
            ..WakuMessage::default()
        };
        (topic, message)
    }

    /// The messages of these numbers.
    pub(super) fn batch(&self, numbers: Range<u64>) -> Vec<(Arc<str>, WakuMessage)> {
        numbers.map(|number| self.message(number)).collect()
    }

    /// The hash of a message.
    pub(super) fn hash(&self, number: u64) -> Id {
        let (topic, message) = self.message(number);
        store_adapter::message_hash(&topic, &message)
    }

    /// A message as an archive holds it.
    pub(super) fn record(&self, number: u64) -> anyhow::Result<Record> {
        let (topic, message) = self.message(number);
        Ok(Record::new(topic, message)?)
    }

    /// No message of this number or a greater one is older, nor any of a smaller one as new.
    pub(super) fn time(&self, number: u64) -> u64 {
        START.saturating_add(number.saturating_mul(self.step))
    }

    /// Fewest messages in a span of so many nanoseconds that lies between the first and the last.
    pub(super) fn fewest_in(&self, nanoseconds: u64) -> u64 {
        (nanoseconds / self.step.max(1)).saturating_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_the_same_each_time_and_differs_by_number_and_seed() {
        let corpus = Corpus::new(1_000, 1);
        assert_eq!(corpus.message(7), Corpus::new(1_000, 1).message(7));
        assert_ne!(corpus.message(7), Corpus::new(1_000, 2).message(7));
        assert_ne!(corpus.message(7).1.payload, corpus.message(8).1.payload);
        assert_eq!(corpus.record(7).unwrap().hash(), corpus.hash(7));
    }

    #[test]
    fn numbers_are_in_the_order_of_times_and_fill_thirty_days() {
        for rows in [1, 3, 1_000, 1_000_000_000] {
            let corpus = Corpus::new(rows, 1);
            let time = |number| corpus.message(number).1.timestamp().unsigned_abs();
            for number in [0, rows / 2, rows - 1] {
                assert!(time(number) >= corpus.time(number));
                assert!(time(number) < corpus.time(number + 1));
            }
            assert!((START..START + SPAN).contains(&time(rows - 1)));
        }
        assert_eq!(Corpus::new(30 * 24 * 60, 1).fewest_in(benches::HOUR), 59);
    }
}
