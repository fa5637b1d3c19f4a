//! How the files of an archive are made, opened, listed and removed.

use std::fmt;
use std::fs::{File, TryLockError};
use std::io;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use redb::{BackendError, StorageBackend};

/// The files of one archive, by name: a directory of the disk, or what tests put in its place.
pub(super) trait Files: Send + Sync + fmt::Debug {
    /// Makes an empty file; one of that name must not be there.
    fn create(&self, name: &str) -> io::Result<Backend>;

    /// Opens a file that is there, to read and write.
    fn open(&self, name: &str) -> io::Result<Backend>;

    /// Removes a file; one that isn't there is no error. Whoever has it open may go on reading.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// The names of all files.
    fn names(&self) -> io::Result<Vec<String>>;

    /// Bytes of the disk that a file takes.
    fn disk_bytes(&self, name: &str) -> io::Result<u64>;

    /// Makes durable which files there are. What they hold is synced through each of them.
    fn sync(&self) -> io::Result<()>;

    /// What a file is called in messages.
    fn path_of(&self, name: &str) -> PathBuf;

    /// Keeps other processes away from all files for as long as what is given lives. An error of kind
    /// [`io::ErrorKind::WouldBlock`] when one of them has them.
    fn hold(&self) -> io::Result<Hold>;
}

/// Files that no other process has; a file system that can't lock a directory holds nothing.
#[derive(Debug, Default)]
pub(super) struct Hold {
    directory: Option<File>,
}

impl Hold {
    /// Whether the file system has locked anything.
    pub(super) const fn is_certain(&self) -> bool {
        self.directory.is_some()
    }

    /// Locks a directory, unless somebody else has it.
    pub(super) fn of(directory: &Path) -> io::Result<Self> {
        let file = File::open(directory)?;
        match file.try_lock() {
            Ok(()) => Ok(Self {
                directory: Some(file),
            }),
            Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
            Err(TryLockError::Error(error)) => {
                tracing::debug!(path = %directory.display(), %error, "a directory isn't locked");
                Ok(Self::default())
            }
        }
    }
}

/// An open file.
#[derive(Debug)]
pub(super) struct Backend {
    file: Box<dyn StorageBackend>,
    care: Care,
}

/// Whether it matters that what is written to a file is on the disk: not while the file is made, and
/// not once it is to be removed.
#[derive(Clone, Debug, Default)]
pub(super) struct Care {
    none: Arc<AtomicBool>,
}

impl Care {
    pub(super) fn none() -> Self {
        let care = Self::default();
        care.end();
        care
    }

    /// From now on it doesn't matter.
    pub(super) fn end(&self) {
        self.none.store(true, Ordering::Relaxed);
    }
}

impl Backend {
    pub(super) fn new(file: impl StorageBackend) -> Self {
        Self {
            file: Box::new(file),
            care: Care::default(),
        }
    }

    /// Syncs nothing where there is no care.
    pub(super) fn with_care(self, care: Care) -> Self {
        Self { care, ..self }
    }
}

impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        if self.care.none.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.file.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_range(start, end)
    }

    fn try_lock_shared_range(
        &self,
        start: Bound<u64>,
        end: Bound<u64>,
    ) -> Result<bool, BackendError> {
        self.file.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.query_lock_range(start, end)
    }
}
