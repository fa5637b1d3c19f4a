//! Sums over the entries of a table.
//!
//! redb checks the pages it reads against nothing, so that a flipped byte could hide entries from a
//! walk. Each table that is relied on to be complete has the sum of the hashes of its entries kept
//! beside it, changed in the same transaction and compared when the archive is opened.

use redb::{ReadableTable, WriteTransaction};
use siphasher::sip::SipHasher13;

use super::fault::Fault;
use super::tables::{ItemKey, ROWS_KEY, Row, SUMS, TIMESTAMPS_KEY};

/// The sums over rows and timestamps.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Sums {
    rows: u64,
    timestamps: u64,
}

/// Whether entries come or go.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Added,
    Removed,
}

impl Sums {
    pub(super) fn count_row(&mut self, key: &ItemKey, row: &Row, change: Change) {
        let mut entry = [0; 52];
        entry[..40].copy_from_slice(key);
        entry[40..].copy_from_slice(row);
        count(&mut self.rows, &entry, change);
    }

    pub(super) fn count_timestamp(&mut self, hash: &[u8; 32], timestamp: u64, change: Change) {
        let mut entry = [0; 40];
        entry[..32].copy_from_slice(hash);
        entry[32..].copy_from_slice(&timestamp.to_le_bytes());
        count(&mut self.timestamps, &entry, change);
    }

    /// Changes the stored sums by these.
    pub(super) fn apply(self, transaction: &WriteTransaction) -> Result<(), Fault> {
        let mut sums = transaction.open_table(SUMS)?;
        for (key, change) in [(ROWS_KEY, self.rows), (TIMESTAMPS_KEY, self.timestamps)] {
            let stored = sums.get(key)?.map(|sum| sum.value());
            let stored = stored.ok_or(Fault::missing("a sum"))?;
            sums.insert(key, stored.wrapping_add(change))?;
        }
        Ok(())
    }

    /// Whether these are the stored sums.
    pub(super) fn check(self, stored: &impl ReadableTable<&'static str, u64>) -> Result<(), Fault> {
        for (key, counted) in [(ROWS_KEY, self.rows), (TIMESTAMPS_KEY, self.timestamps)] {
            if stored.get(key)?.map(|sum| sum.value()) != Some(counted) {
                return Err(Fault::Damaged(format!(
                    "its {key} aren't those that were stored: their sum is another"
                )));
            }
        }
        Ok(())
    }
}

fn count(sum: &mut u64, entry: &[u8], change: Change) {
    let hash = SipHasher13::new_with_keys(0, 0).hash(entry);
    *sum = match change {
        Change::Added => sum.wrapping_add(hash),
        Change::Removed => sum.wrapping_sub(hash),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_and_goes_leaves_no_trace_in_any_order() {
        let (mut sums, rows) = (Sums::default(), [[1; 40], [2; 40], [3; 40]]);
        for key in &rows {
            sums.count_row(key, &[7; 12], Change::Added);
            sums.count_timestamp(&[key[0]; 32], 5, Change::Added);
        }
        for key in rows.iter().rev() {
            assert_ne!(sums, Sums::default());
            sums.count_row(key, &[7; 12], Change::Removed);
            sums.count_timestamp(&[key[0]; 32], 5, Change::Removed);
        }
        assert_eq!(sums, Sums::default());
    }

    #[test]
    fn every_byte_of_an_entry_counts() {
        let mut whole = Sums::default();
        whole.count_row(&[1; 40], &[2; 12], Change::Added);
        for at in 0..52 {
            let (mut key, mut row) = ([1; 40], [2; 12]);
            match at {
                0..40 => key[at] ^= 0x10,
                _ => row[at - 40] ^= 0x10,
            }
            let mut flipped = Sums::default();
            flipped.count_row(&key, &row, Change::Added);
            assert_ne!(flipped, whole, "byte {at}");
        }
    }
}
