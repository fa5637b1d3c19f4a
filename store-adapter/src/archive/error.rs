//! Why an archive can't be opened, read or written.

use std::io;
use std::path::PathBuf;

use crate::limits::{STATE_NAME_BYTES, STATE_VALUE_BYTES};

/// Why an archive can't be opened, read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// Another process, most likely a running node, has it open.
    #[error(
        "the archive {path:?} is in use, most likely by a running node; stop that node, or use \
         another archive"
    )]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// There is no such file.
    #[error("there is no archive at {path:?}; check the path, or import into it to create it")]
    NotFound {
        /// The file.
        path: PathBuf,
    },
    /// The directory that it should be created in isn't there.
    #[error("the archive {path:?} can't be created: its directory doesn't exist; create it first")]
    NoDirectory {
        /// The file.
        path: PathBuf,
    },
    /// The file isn't a sound archive of this program. It has been left as it was.
    #[error(
        "{path:?} can't be used as an archive: {reason}. It was left unchanged; name another \
         file, or restore this one from a copy"
    )]
    Refused {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The operating system can't read or write the file. The archive stays usable once the cause
    /// is gone.
    #[error("the archive {path:?} can't be read or written: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause; of kind [`io::ErrorKind::StorageFull`] when the disk is full.
        source: io::Error,
    },
    /// What the file holds contradicts itself.
    #[error("the archive {path:?} is damaged: {reason}; restore it from a copy")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// No room can be made under the cap on the disk.
    #[error(
        "the archive may take {cap} bytes on disk and takes {disk_bytes} with nothing left to \
         remove, so nothing can be stored; give it more by size: in \
         --store-message-retention-policy"
    )]
    NoRoom {
        /// The cap, in bytes.
        cap: u64,
        /// What the archive takes, in bytes.
        disk_bytes: u64,
    },
    /// No room can be made under the cap on the disk, since somebody reads for long what would have to
    /// go.
    #[error(
        "the archive may take {cap} bytes on disk and takes {disk_bytes}, and what has to go is being \
         read for long, by pg_dump or a query; nothing can be stored until that ends: wait for it or \
         end it, or give the archive more by size: in --store-message-retention-policy"
    )]
    NoRoomYet {
        /// The cap, in bytes.
        cap: u64,
        /// What the archive takes, in bytes.
        disk_bytes: u64,
    },
    /// Somebody reads for long what is to be removed, which is there still.
    #[error(
        "a part of the archive {url} that is to be removed is being read for long, by pg_dump or a \
         query; it is removed when that ends"
    )]
    Held {
        /// The database, without the password.
        url: String,
        /// How many messages were removed beside it.
        removed: usize,
    },
    /// Another node has raised the retention floor above some of what is to be stored. Nothing of it
    /// was.
    #[error(
        "the retention floor of the archive {url} was raised above some of these messages; leave them \
         out, and give the others again"
    )]
    BelowFloor {
        /// The database, without the password.
        url: String,
    },
    /// A database can't be reached, read or written. The archive stays usable once the cause is gone.
    #[error("the archive {url} can't be read or written: {reason}")]
    Database {
        /// The database, without the password.
        url: String,
        /// What the server or the system says.
        reason: String,
    },
    /// The database isn't one that this program can use. It has been left as it was.
    #[error("{url} can't be used as an archive: {reason}. It was left unchanged")]
    DatabaseRefused {
        /// The database, without the password.
        url: String,
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// The database has no archive.
    #[error("there is no archive in {url}; check the address, or import into it to create one")]
    NotInDatabase {
        /// The database, without the password.
        url: String,
    },
    /// Name or value of a side state is too long.
    #[error(
        "a side state has a name of at most {STATE_NAME_BYTES} bytes and a value of at most \
         {STATE_VALUE_BYTES}, got {name_bytes} and {value_bytes}"
    )]
    StateTooLong {
        /// Length of the name.
        name_bytes: usize,
        /// Length of the value.
        value_bytes: usize,
    },
    /// The runtime is shutting down.
    #[error("the program is ending, so the archive isn't read or written any more")]
    Ending,
}
