//! What an archive is to be told when it is opened.

use crate::limits::ARCHIVE_CONNECTIONS;

/// What an archive is to be told when it is opened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ArchiveOptions {
    /// Bytes on disk that retention will keep it under, if there is such a cap: units are made small
    /// enough that removing one costs little of the history.
    pub disk_cap: Option<u64>,
    /// Most connections to a database server; [`ARCHIVE_CONNECTIONS`].
    pub max_connections: usize,
}

impl Default for ArchiveOptions {
    fn default() -> Self {
        Self {
            disk_cap: None,
            max_connections: ARCHIVE_CONNECTIONS,
        }
    }
}
