//! What the relay counts.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use store_adapter::Refusal;
use sync_net::Counter;

use super::validation::Fault;

/// Counts since the node started. Messages are counted when gossipsub gives them: what comes from
/// several peers is counted once.
#[derive(Debug)]
#[non_exhaustive]
pub struct RelayCounters {
    /// Messages that came from peers, whatever became of them.
    pub received: Counter,
    /// Their bytes, encoded.
    pub received_bytes: Counter,
    /// Messages that this node has published.
    pub published: Counter,
    /// Their bytes, encoded.
    pub published_bytes: Counter,
    /// Messages that this node was to publish, and no peer took.
    pub unsent: Counter,
    /// Messages, received or published, that the archive didn't hold.
    pub archived: Counter,
    /// Messages, received or published, that the archive held.
    pub duplicates: Counter,
    /// Messages, received or published, that aren't to be archived.
    pub ephemeral: Counter,
    /// Messages that were neither archived nor passed on, since too many waited.
    pub dropped: Counter,
    /// Messages that were passed on and couldn't be archived.
    pub unstored: Counter,
    refused: Mutex<BTreeMap<&'static str, u64>>,
}

impl Default for RelayCounters {
    fn default() -> Self {
        let kinds = Fault::KINDS.into_iter().chain(Refusal::KINDS);
        Self {
            received: Counter::default(),
            received_bytes: Counter::default(),
            published: Counter::default(),
            published_bytes: Counter::default(),
            unsent: Counter::default(),
            archived: Counter::default(),
            duplicates: Counter::default(),
            ephemeral: Counter::default(),
            dropped: Counter::default(),
            unstored: Counter::default(),
            refused: Mutex::new(kinds.map(|kind| (kind, 0)).collect()),
        }
    }
}

impl RelayCounters {
    /// Messages of peers that weren't passed on, and messages that the door refused, by reason; every
    /// reason is there.
    #[must_use]
    pub fn refused(&self) -> BTreeMap<&'static str, u64> {
        self.refused.lock().clone()
    }

    pub(super) fn refuse(&self, kind: &'static str) {
        *self.refused.lock().entry(kind).or_default() += 1;
    }
}
