//! Messages that a peer pushed before the session named them: nwaku queues its pushes before it
//! sends the frame that says what they are.

use std::sync::Arc;

use prost::Message;
use store_adapter::Record;
use sync_core::Id;

use super::limits::SyncLimits;
use crate::budget::{Budget, Taken};

/// What one session holds, bounded for itself and together with all other sessions.
#[derive(Debug)]
pub(super) struct HeldPushes {
    messages: Vec<Held>,
    bytes: usize,
    most_messages: usize,
    most_bytes: usize,
    budget: Arc<Budget>,
}

/// A message, and its part of what all sessions may hold.
#[derive(Debug)]
struct Held {
    record: Record,
    part: Taken,
}

impl HeldPushes {
    /// Nothing yet; `budget` is that of all sessions.
    pub(super) fn new(limits: &SyncLimits, budget: Arc<Budget>) -> Self {
        Self {
            messages: Vec::new(),
            bytes: 0,
            most_messages: limits.held_messages,
            most_bytes: limits.held_bytes,
            budget,
        }
    }

    /// Keeps a message if there is room for it.
    pub(super) fn hold(&mut self, record: &Record) -> bool {
        let size = size(record);
        let bytes = self.bytes.saturating_add(size);
        if self.messages.len() >= self.most_messages || bytes > self.most_bytes {
            return false;
        }
        let Some(part) = self.budget.take(size) else {
            return false;
        };
        self.bytes = bytes;
        self.messages.push(Held {
            record: record.clone(),
            part,
        });
        true
    }

    /// Gives those that turn out to be owed.
    pub(super) fn take(&mut self, owed: impl Fn(&Id) -> bool) -> Vec<Record> {
        let (taken, kept): (Vec<Held>, _) = std::mem::take(&mut self.messages)
            .into_iter()
            .partition(|held| owed(&held.record.hash()));
        self.messages = kept;
        self.bytes = self.messages.iter().map(|held| held.part.amount()).sum();
        taken.into_iter().map(|held| held.record).collect()
    }

    /// Drops all, and gives how many there were.
    pub(super) fn clear(&mut self) -> usize {
        self.bytes = 0;
        std::mem::take(&mut self.messages).len()
    }
}

/// Roughly what a record takes in memory.
fn size(record: &Record) -> usize {
    size_of::<Held>() + record.pubsub_topic().len() + record.message().encoded_len()
}

#[cfg(test)]
mod tests {
    use store_adapter::WakuMessage;

    use super::*;

    fn record(timestamp: i64) -> Record {
        let message = WakuMessage {
            payload: vec![7; 1_000],
            timestamp: Some(1_000 + timestamp),
            ..WakuMessage::default()
        };
        Record::new("/t", message).unwrap()
    }

    fn limits(held_messages: usize, held_bytes: usize) -> SyncLimits {
        SyncLimits {
            held_messages,
            held_bytes,
            ..SyncLimits::default()
        }
    }

    #[test]
    fn a_session_holds_as_many_messages_and_bytes_as_it_may_and_no_more() {
        let room = Budget::new(usize::MAX);
        let mut held = HeldPushes::new(&limits(3, usize::MAX), Arc::clone(&room));
        assert!((0..3).all(|number| held.hold(&record(number))));
        assert!(!held.hold(&record(3)));
        let bytes = 3 * size(&record(0));
        for (most, fits) in [(bytes, true), (bytes - 1, false)] {
            let mut held = HeldPushes::new(&limits(100, most), Arc::clone(&room));
            assert!((0..2).all(|number| held.hold(&record(number))));
            assert_eq!(held.hold(&record(2)), fits);
        }
    }

    #[test]
    fn all_sessions_together_hold_no_more_than_they_may() {
        let budget = Budget::new(3 * size(&record(0)));
        let session = || HeldPushes::new(&limits(100, usize::MAX), Arc::clone(&budget));
        let [mut one, mut other] = [session(), session()];
        assert!(one.hold(&record(0)) && one.hold(&record(1)) && other.hold(&record(2)));
        assert!(!one.hold(&record(3)) && !other.hold(&record(3)));
        let owed = record(1);
        assert_eq!(one.take(|hash| *hash == owed.hash()), [owed]);
        assert!(
            other.hold(&record(3)),
            "what is taken leaves its room to others"
        );
        assert!(!one.hold(&record(4)));
        assert_eq!(other.clear(), 2);
        assert!(one.hold(&record(4)) && one.hold(&record(5)));
        drop(one);
        assert_eq!(budget.left(), 3 * size(&record(0)));
    }
}
