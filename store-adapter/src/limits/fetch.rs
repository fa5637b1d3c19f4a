//! Bounds of fetching what a reconciliation found missing.

use super::STORE_HASHES;
#[cfg(doc)]
use super::{MESSAGE_BYTES, STORE_RESPONSE_BYTES};

/// Hashes that nobody has delivered that are looked at, to find some for a peer that might.
pub const ORPHANS_OFFERED: usize = 1_000;

/// Bounds of a fetch plan.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FetchLimits {
    /// Most hashes owed at once; 150,000, which take some 50 MiB. Hashes announced past it aren't
    /// taken on; they are counted, and the next reconciliation names them again.
    pub owed: usize,
    /// Most peers remembered for one hash; 8.
    pub holders: usize,
    /// Most hashes in one query; [`STORE_HASHES`]. A full answer with messages of [`MESSAGE_BYTES`] fits
    /// [`STORE_RESPONSE_BYTES`]; servers that cut pages by bytes are asked on for the rest.
    pub batch: usize,
    /// Most hashes in the first query to a peer, and in the next one after a peer has delivered
    /// something else or nothing; 16. It is doubled by every answer that is as it should be. So a
    /// peer that only claims to hold messages has 2.4 MiB at most read of it at a time.
    pub first_batch: usize,
    /// How often one peer is asked for one hash; 3.
    pub attempts: u32,
    /// How long a peer isn't asked for a hash again after its first failure, in nanoseconds; 1 s.
    /// Doubled with every further failure.
    pub backoff: u64,
    /// How long a hash that all its holders failed to deliver is kept for another peer or another
    /// door, in nanoseconds; 5 s.
    pub patience: u64,
}

impl Default for FetchLimits {
    fn default() -> Self {
        Self {
            owed: 150_000,
            holders: 8,
            batch: STORE_HASHES,
            first_batch: 16,
            attempts: 3,
            backoff: 1_000_000_000,
            patience: 5_000_000_000,
        }
    }
}
