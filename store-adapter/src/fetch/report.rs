//! What a fetch plan tells.

use std::collections::BTreeMap;

/// Why a message that came wasn't taken.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchRefusal {
    /// Its fields don't hash to anything that was asked for.
    #[error("its fields hash to nothing that was asked for")]
    NotOwed,
    /// Its timestamp lies outside the window of the session.
    #[error("it lies outside the window of the session")]
    OutsideWindow,
    /// Its pubsub or content topic isn't one that the session is about.
    #[error("its topics lie outside the scope of the session")]
    OutsideTopics,
    /// It is ephemeral: such messages aren't archived.
    #[error("it is ephemeral")]
    Ephemeral,
    /// The archive's door refused it.
    #[error("the archive's door refused it")]
    AtTheDoor,
}

impl FetchRefusal {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::NotOwed,
        Self::OutsideWindow,
        Self::OutsideTopics,
        Self::Ephemeral,
        Self::AtTheDoor,
    ];

    /// Its name for counters.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::NotOwed => "not_owed",
            Self::OutsideWindow => "outside_window",
            Self::OutsideTopics => "outside_topics",
            Self::Ephemeral => "ephemeral",
            Self::AtTheDoor => "at_the_door",
        }
    }
}

/// How fetching stands.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct FetchReport {
    /// Hashes that were announced, each once as long as it is owed.
    pub announced: u64,
    /// Announced beyond [`FetchLimits::owed`](crate::limits::FetchLimits::owed) and not taken on.
    pub over_limit: u64,
    /// Still being asked for.
    pub pending: u64,
    /// Fetched, verified and archived.
    pub fetched: u64,
    /// Archived by another door meanwhile.
    pub elsewhere: u64,
    /// Given up, after something unacceptable came.
    pub given_up_refused: u64,
    /// Given up, since nobody delivered.
    pub given_up_expired: u64,
    /// Messages that came and weren't taken, by reason.
    pub refusals: BTreeMap<FetchRefusal, u64>,
}

impl FetchReport {
    /// Announced hashes whose messages haven't arrived: pending, given up, or not taken on.
    #[must_use]
    pub fn owed(&self) -> u64 {
        self.pending + self.given_up_refused + self.given_up_expired + self.over_limit
    }

    /// Messages that came and weren't taken.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refusals.values().sum()
    }
}
