//! Bounds of what any archive is asked for at once.

/// Rows of an archive that are looked at in one read transaction.
pub const ARCHIVE_SCAN_ROWS: usize = 10_000;

/// Messages that are removed from an archive in one transaction, where no whole unit goes: few
/// enough that what is to be stored never waits long for it.
pub const ARCHIVE_REMOVE_ROWS: usize = 1_000;

/// Longest name of a side state, in bytes.
pub const STATE_NAME_BYTES: usize = 256;

/// Longest value of a side state, in bytes.
pub const STATE_VALUE_BYTES: usize = 1 << 20;

/// Timestamps of hashes that an archive on disk or in a database remembers in memory, in 15 to 30 bytes each.
/// A power of two and an eighth less, which fills its tables.
pub const ARCHIVE_TIMES_REMEMBERED: usize = 7 << 21;
