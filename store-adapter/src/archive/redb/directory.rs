//! The files of an archive in a directory of the disk, and how that directory comes to be.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use redb::backends::FileBackend;

use super::files::{Backend, Files, Hold};

/// A directory of the disk.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
}

impl Directory {
    pub(super) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
        }
    }
}

impl Files for Directory {
    fn create(&self, name: &str) -> io::Result<Backend> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        backend_of(options.open(self.path_of(name))?)
    }

    fn open(&self, name: &str) -> io::Result<Backend> {
        open_file(&self.path_of(name))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path_of(name)).or_else(ignore_not_found)
    }

    fn names(&self) -> io::Result<Vec<String>> {
        let names =
            fs::read_dir(&self.path)?.map(|entry| Ok(entry?.file_name().into_string().ok()));
        // Names that aren't text are none of an archive.
        Ok(names
            .collect::<io::Result<Vec<_>>>()?
            .into_iter()
            .flatten()
            .collect())
    }

    fn disk_bytes(&self, name: &str) -> io::Result<u64> {
        let metadata = fs::metadata(self.path_of(name))?;
        #[cfg(unix)]
        let bytes = std::os::unix::fs::MetadataExt::blocks(&metadata) * 512;
        #[cfg(not(unix))]
        let bytes = metadata.len();
        Ok(bytes)
    }

    fn sync(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }

    fn path_of(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    fn hold(&self) -> io::Result<Hold> {
        Hold::of(&self.path)
    }
}

/// Opens a file that is there, to read and write.
pub(super) fn open_file(path: &Path) -> io::Result<Backend> {
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "it isn't a regular file",
        ));
    }
    backend_of(file)
}

fn backend_of(file: File) -> io::Result<Backend> {
    let backend = FileBackend::new(file).map_err(|error| match error {
        redb::DatabaseError::Storage(redb::StorageError::Io(error)) => error,
        other => io::Error::other(other),
    })?;
    Ok(Backend::new(backend))
}

/// The directory that `path` lies in.
pub(super) fn parent_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// `path` with something behind its name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

/// Makes durable which files are in the directory that `path` lies in.
pub(super) fn sync_parent(path: &Path) -> io::Result<()> {
    File::open(parent_of(path))?.sync_all()
}

fn ignore_not_found(error: io::Error) -> io::Result<()> {
    match error.kind() {
        io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    }
}
