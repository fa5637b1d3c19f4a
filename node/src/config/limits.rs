//! What files and the environment can push against.

/// Longest configuration file, in bytes.
pub(super) const CONFIG_FILE_BYTES: u64 = 1 << 20;

/// Most characters of a key or value that an error or warning quotes.
pub(super) const QUOTED_CHARACTERS: usize = 80;
