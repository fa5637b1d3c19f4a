//! Bounds of archives on disk.

/// Topics that a unit of an archive on disk remembers in memory.
pub const ARCHIVE_TOPICS_CACHED: usize = 65_536;

/// Memory that an archive on disk may take for pages it has read or is to write, in bytes.
pub const ARCHIVE_CACHE_BYTES: usize = 192 << 20;

/// The catalogue's share of [`ARCHIVE_CACHE_BYTES`].
pub const CATALOGUE_CACHE_BYTES: usize = ARCHIVE_CACHE_BYTES / 24;

/// The newest unit's share of [`ARCHIVE_CACHE_BYTES`].
pub const NEWEST_UNIT_CACHE_BYTES: usize = ARCHIVE_CACHE_BYTES * 7 / 24;

/// What the unit that is being split has of [`ARCHIVE_CACHE_BYTES`] for its parts.
pub const SPLIT_CACHE_BYTES: usize = ARCHIVE_CACHE_BYTES / 12;

/// What all other open units together have of [`ARCHIVE_CACHE_BYTES`], in equal shares: room for the
/// branches of their tables, so that a lookup reads little more than leaves.
pub const OTHER_UNITS_CACHE_BYTES: usize = ARCHIVE_CACHE_BYTES * 14 / 24;

/// Into so many shares [`OTHER_UNITS_CACHE_BYTES`] are divided at least, however few units there are, and
/// into one for each of [`OPEN_UNITS`] at most.
pub const CACHE_SHARES_LEAST: usize = 8;

/// Most units of an archive on disk that are open at a time; each takes a file descriptor.
pub const OPEN_UNITS: usize = 128;

/// Most units that are verified at a time when an archive is opened.
pub const VERIFYING_THREADS: usize = 8;

/// Bytes of the disk that a unit of an archive is to take, unless a cap on the whole says otherwise.
pub const UNIT_BYTES: u64 = 256 << 20;

/// Fewest bytes of the disk that a unit is to take. An empty one takes some 60 KiB.
pub const UNIT_BYTES_LEAST: u64 = 4 << 20;

/// Into so many units a cap on the disk is divided.
pub const UNITS_UNDER_CAP: u64 = 32;

/// A unit that takes so many times the bytes it is to take is split.
pub const UNIT_OUTGROWN: u64 = 2;

/// Bytes of messages that are copied in one step of splitting a unit, at least; steps go on between
/// batches.
pub const SPLIT_STEP_BYTES: usize = 4 << 20;

/// Bytes of messages that are copied in one step of splitting a unit, at most.
pub const SPLIT_STEP_BYTES_MOST: usize = 24 << 20;

/// Bytes of a journal that are read at a time while its digest is checked.
pub const JOURNAL_BLOCK_BYTES: usize = 1 << 20;

/// Units that are walked through for one page.
pub const ARCHIVE_SCAN_UNITS: usize = 64;

/// Bits that the filter of a unit spends for each hash: one unknown hash in some 300 seems known.
pub const FILTER_BITS_PER_KEY: usize = 12;

/// Hashes that the smallest filter is made for.
pub const FILTER_KEYS_LEAST: usize = 1_024;

/// Changes that the rehearsal before an archive is opened may hold in memory, in bytes. Recovery
/// after a crash makes some kilobytes of them.
pub const REHEARSAL_BYTES: usize = 256 << 20;

/// Threads that help those who look hashes up in several units, all together.
pub const READING_HELPERS: usize = 4;

/// Hashes that a thread looks up in units of their own before another is begun to help it.
pub const READ_ALONE: usize = 4;
