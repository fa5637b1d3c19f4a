//! Messages and doors for the tests.

use std::sync::Arc;

use store_adapter::limits::IngestLimits;
use store_adapter::{Archive, Arrival, Index, Ingest, Record, RetentionPolicy, WakuMessage};

pub(crate) const SECOND: u64 = 1_000_000_000;
pub(crate) const HOUR: u64 = 3_600 * SECOND;
/// A full hour.
pub(crate) const NOW: u64 = 480_000 * HOUR;

/// A message told from others by its number.
pub(crate) fn record(time: u64, number: u64, bytes: usize) -> Record {
    record_of("/test/1/retention/proto", time, number, bytes)
}

/// As [`record`], of this content topic.
pub(crate) fn record_of(content_topic: &str, time: u64, number: u64, bytes: usize) -> Record {
    let mut payload = number.to_be_bytes().to_vec();
    payload.resize(bytes.max(8), 7);
    let message = WakuMessage {
        payload,
        content_topic: content_topic.into(),
        timestamp: i64::try_from(time).ok(),
        ..WakuMessage::default()
    };
    let topic = format!("/waku/2/rs/99/{}", number % 3);
    Record::new(topic, message).unwrap()
}

pub(crate) fn arrivals(records: &[Record]) -> Vec<Arrival> {
    records.iter().cloned().map(Arrival::from).collect()
}

pub(crate) async fn door(archive: Arc<dyn Archive>, policy: &str) -> Ingest {
    let index = Index::rebuild(Arc::clone(&archive)).await.unwrap();
    let policy: RetentionPolicy = policy.parse().unwrap();
    Ingest::with_retention(archive, Arc::new(index), IngestLimits::default(), policy)
}

/// That index and archive hold the same number of messages, and so many.
pub(crate) async fn assert_holds(door: &Ingest, messages: u64) {
    let stats = door.archive().stats().await.unwrap();
    assert_eq!(
        (door.index().len() as u64, stats.messages),
        (messages, messages)
    );
}

/// Numbers without order, always the same: a step of a linear congruential generator.
pub(crate) fn scattered(number: u64) -> u64 {
    number
        .wrapping_add(1)
        .wrapping_mul(6_364_136_223_846_793_005)
        .rotate_left(29)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        >> 16
}
