//! Counts what comes through the door.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Ingested, Refusal};

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
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    new: AtomicU64,
    duplicates: AtomicU64,
    refused: [AtomicU64; Refusal::KINDS.len()],
    proofs_dropped: AtomicU64,
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
        }
    }
}
