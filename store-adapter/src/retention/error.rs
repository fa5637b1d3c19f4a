//! Why a policy can't be held to.

use crate::archive::ArchiveError;

/// Why a policy can't be held to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RetentionError {
    /// The cap is smaller than the archive can be kept.
    #[error(
        "the archive can't be kept to {cap} bytes on disk: the least that works with it is \
         {least} bytes, size:{mb}MB; {why}",
        mb = least.div_ceil(1 << 20)
    )]
    CapTooSmall {
        /// The cap, in bytes.
        cap: u64,
        /// The least that works, in bytes.
        least: u64,
        /// What it takes that for, and what to do instead.
        why: &'static str,
    },
    /// The archive can't be read or written.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}
