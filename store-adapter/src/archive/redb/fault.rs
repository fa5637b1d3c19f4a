//! What can go wrong inside the database, sorted by what is to be done about it.

use std::io;
use std::path::Path;

use crate::archive::ArchiveError;

/// A failed operation.
#[derive(Debug)]
pub(super) enum Fault {
    /// The operating system refused; the database takes no more operations until opened anew.
    Io(io::Error),
    /// An earlier failure closed the database; it can be opened anew and the operation repeated.
    Closed,
    /// Another process has the file.
    InUse,
    /// What the file holds contradicts itself.
    Damaged(String),
}

impl Fault {
    /// A row that another row points to isn't there.
    pub(super) fn missing(what: &str) -> Self {
        Self::Damaged(format!("{what} is missing"))
    }

    pub(super) fn into_error(self, path: &Path) -> ArchiveError {
        let path = path.to_owned();
        match self {
            Self::Io(source) => ArchiveError::Io { path, source },
            Self::Closed => ArchiveError::Io {
                path,
                source: io::Error::other("an earlier write failed; try again"),
            },
            Self::InUse => ArchiveError::InUse { path },
            Self::Damaged(reason) => ArchiveError::Damaged { path, reason },
        }
    }

    /// As [`Fault::into_error`] for a file that is being opened: one that isn't sound is refused.
    pub(super) fn into_refusal(self, path: &Path) -> ArchiveError {
        let path = path.to_owned();
        match self {
            // Ends that are missing and lengths that can't be: the content, not the system.
            Self::Io(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData
                ) =>
            {
                let reason = format!("it ends too early or is garbled ({error})");
                ArchiveError::Refused { path, reason }
            }
            Self::Damaged(reason) => ArchiveError::Refused { path, reason },
            other => other.into_error(&path),
        }
    }
}

impl<E: Into<redb::Error>> From<E> for Fault {
    fn from(error: E) -> Self {
        match error.into() {
            redb::Error::Io(error) => Self::Io(error),
            redb::Error::PreviousIo
            | redb::Error::DatabaseClosed
            | redb::Error::LockPoisoned(_) => Self::Closed,
            redb::Error::DatabaseAlreadyOpen => Self::InUse,
            redb::Error::Corrupted(reason) => Self::Damaged(reason),
            other => Self::Damaged(other.to_string()),
        }
    }
}
