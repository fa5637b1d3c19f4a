//! How much an archive grows by a batch.

use crate::limits::RETENTION_RESERVE;
use crate::record::Record;

/// Bytes of a row beside its message: timestamp, hash, topics and lengths, in the table, in an index
/// by hash, and in the pages above them.
const ROW: u64 = 256;

/// Times that a batch's own bytes are taken: pages stay half empty where rows come in out of order.
const FACTOR: u64 = 2;

/// Pages that a commit takes whatever is in it.
const COMMIT: u64 = 64 << 10;

/// Roughly the bytes that a message of this encoded length takes on disk.
pub(crate) fn weight(message_bytes: usize) -> u64 {
    message_bytes as u64 + ROW
}

/// Foresees how much an archive grows, and keeps the largest error so far in reserve: files may grow
/// in leaps.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Growth {
    surprise: u64,
}

impl Growth {
    /// Bytes that records of this weight may take.
    pub(crate) const fn of(weight: u64) -> u64 {
        weight.saturating_mul(FACTOR).saturating_add(COMMIT)
    }

    /// Bytes of these records.
    pub(crate) fn weight_of(records: &[Record]) -> u64 {
        let weights = records.iter().map(|record| weight(record.encoded_len()));
        weights.sum()
    }

    /// Room to be there under `cap` before records of this weight are stored.
    pub(crate) fn room_for(&self, weight: u64, cap: u64) -> u64 {
        Self::of(weight).saturating_add(self.surprise.min(cap / RETENTION_RESERVE))
    }

    /// Learns by how much the archive did grow.
    pub(crate) fn learn(&mut self, weight: u64, grown: u64) {
        self.surprise = self.surprise.max(grown.saturating_sub(Self::of(weight)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_surprise_is_kept_in_reserve_up_to_a_part_of_the_cap() {
        let mut growth = Growth::default();
        let foreseen = growth.room_for(1_000, 1 << 30);
        assert_eq!(foreseen, Growth::of(1_000));
        growth.learn(1_000, foreseen);
        assert_eq!(growth, Growth::default(), "it was foreseen");
        growth.learn(1_000, foreseen + 5_000);
        growth.learn(1_000, foreseen + 10);
        assert_eq!(growth.room_for(1_000, 1 << 30), foreseen + 5_000);
        assert_eq!(growth.room_for(1_000, 16_000), foreseen + 2_000);
    }
}
