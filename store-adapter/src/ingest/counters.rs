//! Counts what comes through the door.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::{Ingested, Refusal};
use crate::limits::TOPICS_COUNTED;
use crate::record::Record;

/// How much came through the door since the program began.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct IngestCounters {
    /// Messages stored.
    pub new: u64,
    /// Messages that were stored before.
    pub duplicates: u64,
    /// Messages refused, by [`Refusal::kind`]; every kind is there.
    pub refused: BTreeMap<&'static str, u64>,
    /// Messages that lost a rate limit proof that wasn't one.
    pub proofs_dropped: u64,
    /// What was stored of each pubsub topic; beyond
    /// [`TOPICS_COUNTED`](crate::limits::TOPICS_COUNTED) topics, of all others as `None`.
    pub stored: BTreeMap<Option<Arc<str>>, TopicTotal>,
}

/// What was stored of a pubsub topic since the program began.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TopicTotal {
    /// How many messages.
    pub messages: u64,
    /// Their bytes, encoded.
    pub bytes: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    new: AtomicU64,
    duplicates: AtomicU64,
    refused: [AtomicU64; Refusal::KINDS.len()],
    proofs_dropped: AtomicU64,
    stored: Mutex<BTreeMap<Option<Arc<str>>, TopicTotal>>,
}

impl Counters {
    pub(super) fn count(&self, outcome: &Ingested) {
        let counter = match outcome {
            Ingested::New(_) => &self.new,
            Ingested::Duplicate(_) => &self.duplicates,
            Ingested::Refused(refusal) => &self.refused[refusal.place()],
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_dropped_proof(&self) {
        self.proofs_dropped.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_stored<'a>(&self, records: impl Iterator<Item = &'a Record>) {
        let mut stored = self.stored.lock().unwrap_or_else(PoisonError::into_inner);
        for record in records {
            let named = Some(Arc::clone(record.pubsub_topic()));
            let known = stored.contains_key(&named) || stored.len() < TOPICS_COUNTED;
            let total = stored.entry(named.filter(|_| known)).or_default();
            total.messages += 1;
            total.bytes += record.encoded_len() as u64;
        }
    }

    pub(super) fn read(&self) -> IngestCounters {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        IngestCounters {
            new: read(&self.new),
            duplicates: read(&self.duplicates),
            refused: Refusal::KINDS
                .into_iter()
                .zip(self.refused.iter().map(read))
                .collect(),
            proofs_dropped: read(&self.proofs_dropped),
            stored: self
                .stored
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
        }
    }
}
