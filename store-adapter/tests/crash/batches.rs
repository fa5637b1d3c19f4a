//! What the process writes: batches that are known by their number alone.

use store_adapter::{Record, WakuMessage};
use sync_core::{Bound, Range};

/// So many batches back the history reaches.
pub(crate) const KEPT: i64 = 150;

/// The records of a batch. Each says in its payload which batch it belongs to, and of how many records.
/// Some are of now, and others late, so that they fall into several units.
pub(crate) fn records(number: i64) -> Vec<Record> {
    let size = 1 + number * 7_919 % 40;
    (0..size)
        .map(|index| {
            let late = if index % 3 == 0 {
                (number * 31 + index) % 60
            } else {
                0
            };
            let batch = (number - late).max(0);
            let mut payload = [number, size, index].map(i64::to_be_bytes).concat();
            payload.resize(
                24 + (number * 577 + index * 131) as usize % 3_000,
                number as u8,
            );
            let message = WakuMessage {
                payload,
                content_topic: "/crash/1/test/proto".into(),
                timestamp: Some(100_000 * batch + 100 * (number % 1_000) + index),
                ..WakuMessage::default()
            };
            Record::new("/waku/2/rs/99/0", message).unwrap()
        })
        .collect()
}

/// The number of the batch that a stored record says it belongs to.
pub(crate) fn number_of(record: &Record) -> i64 {
    i64::from_be_bytes(record.message().payload[..8].try_into().unwrap())
}

/// The time of a batch, in nanoseconds.
pub(crate) fn time_of(number: i64) -> u64 {
    100_000 * number.max(0) as u64
}

/// What is removed after a batch.
pub(crate) fn span_below(number: i64) -> Range {
    Range::new(Bound::MIN, Bound::at_time(time_of(number - KEPT)))
}
