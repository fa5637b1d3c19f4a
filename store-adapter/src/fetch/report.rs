//! What a fetch plan tells.

use std::collections::BTreeMap;

use sync_core::Id;

use super::owed::State;
use crate::record::Record;

/// What became of announced hashes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Announced {
    /// Owed from now on.
    pub new: usize,
    /// Owed before, or given up before.
    pub known: usize,
    /// Not taken on, since too many are owed.
    pub overflow: usize,
}

/// What came of an answer.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Answered {
    /// Messages that are what was promised, and still owed: to be ingested.
    pub records: Vec<Record>,
    /// What was refused, by the hash that the peer claimed. The hashes stay owed.
    pub refused: Vec<(Id, FetchRefusal)>,
}

/// Why a message that a peer gave isn't the one that is owed. Times are nanoseconds since 1970.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchRefusal {
    /// Its hash wasn't asked for, or it came twice.
    #[error("the hash wasn't asked for")]
    NotAsked,
    /// There is a hash and no message.
    #[error("expected pubsub topic and message with the hash")]
    NoData,
    /// It is another message.
    #[error("the message hashes to 0x{actual}")]
    WrongHash {
        /// Its hash.
        actual: Id,
    },
    /// It has no place in the order.
    #[error("expected a timestamp of 0 or more, got {0}")]
    NegativeTimestamp(i64),
    /// It lies outside the window that was reconciled.
    #[error("the time {timestamp} lies outside the window")]
    OutsideWindow {
        /// Its time.
        timestamp: u64,
    },
    /// Its sender doesn't want it stored.
    #[error("the message is ephemeral")]
    Ephemeral,
}

impl FetchRefusal {
    /// The kind, as a name for counters and logs.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::NotAsked => "not_asked",
            Self::NoData => "no_data",
            Self::WrongHash { .. } => "wrong_hash",
            Self::NegativeTimestamp(_) => "negative_timestamp",
            Self::OutsideWindow { .. } => "outside_window",
            Self::Ephemeral => "ephemeral",
        }
    }
}

/// How a fetch plan goes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct FetchReport {
    /// Hashes that were announced and have arrived.
    pub fetched: u64,
    /// Hashes that were announced and haven't arrived: those below, and those still waited for.
    pub owed: u64,
    /// Of those, how many every peer that announced them has failed for.
    pub abandoned: u64,
    /// Of those, how many haven't come in time.
    pub expired: u64,
    /// Of those, how many weren't taken on, since too many were owed. They stay in this count,
    /// even if announced again.
    pub overflow: u64,
    /// How often something was refused, by [`FetchRefusal::kind`] or
    /// [`Refusal::kind`](crate::ingest::Refusal::kind).
    pub refused: BTreeMap<&'static str, u64>,
}

/// Counts for the report.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub(super) fetched: u64,
    pub(super) overflow: u64,
    waiting: u64,
    abandoned: u64,
    expired: u64,
    refused: BTreeMap<&'static str, u64>,
}

impl Tally {
    pub(super) fn count_refused(&mut self, kind: &'static str) {
        *self.refused.entry(kind).or_default() += 1;
    }

    /// A hash is in this state from now on.
    pub(super) fn enter(&mut self, state: State) {
        *self.of(state) += 1;
    }

    /// A hash isn't in this state any more.
    pub(super) fn leave(&mut self, state: State) {
        *self.of(state) -= 1;
    }

    pub(super) const fn waiting(&self) -> u64 {
        self.waiting
    }

    pub(super) fn report(&self) -> FetchReport {
        FetchReport {
            fetched: self.fetched,
            owed: self.waiting + self.abandoned + self.expired + self.overflow,
            abandoned: self.abandoned,
            expired: self.expired,
            overflow: self.overflow,
            refused: self.refused.clone(),
        }
    }

    fn of(&mut self, state: State) -> &mut u64 {
        match state {
            State::Waiting => &mut self.waiting,
            State::Abandoned => &mut self.abandoned,
            State::Expired => &mut self.expired,
        }
    }
}
