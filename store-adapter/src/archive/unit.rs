//! The parts of an archive that give their disk back when they are removed whole.

use sync_core::Range;

/// A file or partition of an archive: what it holds, and what it takes on disk.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StorageUnit {
    /// The positions whose messages it holds. Units don't overlap.
    pub span: Range,
    /// How many messages it holds.
    pub messages: u64,
    /// Bytes that it takes on disk, indices included; 0 in memory.
    pub disk_bytes: u64,
}
