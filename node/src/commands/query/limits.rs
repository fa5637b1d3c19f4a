//! How much `wakustore query` writes at a time.

/// Rows of a table that are laid out and written at a time, at most.
pub(crate) const ROWS_AT_ONCE: usize = 100;

/// Bytes of a hex dump that are laid out and written at a time, at most.
pub(crate) const DUMPED_AT_ONCE: usize = 4_096;

/// Most hashes that are named of those that no peer has.
pub(crate) const MISSING_NAMED: usize = 20;

/// Bytes that are shown of a payload in a table, from its start.
pub(crate) const PAYLOAD_SHOWN: usize = 32;
