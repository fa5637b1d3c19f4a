//! How the files of an archive are made, opened, listed and removed.

use std::fmt;
use std::io;
use std::ops::Bound;
use std::path::PathBuf;

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
}

/// An open file.
#[derive(Debug)]
pub(super) struct Backend(Box<dyn StorageBackend>);

impl Backend {
    pub(super) fn new(file: impl StorageBackend) -> Self {
        Self(Box::new(file))
    }
}

impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.0.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.try_lock_range(start, end)
    }

    fn try_lock_shared_range(
        &self,
        start: Bound<u64>,
        end: Bound<u64>,
    ) -> Result<bool, BackendError> {
        self.0.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.query_lock_range(start, end)
    }
}
