//! The path of an archive: what is there, and how an archive comes to be there.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::directory::{Directory, beside, parent_of, sync_parent};
use super::engine::{self, Engine};
use super::files::Files;
use super::moving;
use super::options::RedbOptions;
use super::unfinished::{self, Unfinished};
use crate::archive::ArchiveError;

/// What an archive in one file is called while it is moved.
const MOVING: &str = ".moving";

/// Opens the archive at `path`.
pub(super) fn open(path: &Path, options: &RedbOptions) -> Result<Engine, ArchiveError> {
    let with_path = |source| io_error(path, source);
    let being_moved = beside(path, MOVING);
    unfinished::clean_up(path);
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => {}
        Ok(_) => {
            let source = moving::move_in(path, &being_moved, options)?;
            finish_moving(path, &being_moved).map_err(with_path)?;
            // Until now the file is locked, so that no other process begins to move it too.
            drop(source);
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(with_path(error)),
        // The move was all done but for the last name.
        Err(_) if being_moved.join(moving::SOURCE).exists() => {
            finish_moving(path, &being_moved).map_err(with_path)?;
        }
        Err(_) => {
            let path = path.to_owned();
            return Err(ArchiveError::NotFound { path });
        }
    }
    let opened = Engine::open(Arc::new(Directory::new(path)), options);
    opened.map_err(|error| match error {
        ArchiveError::InUse { .. } => ArchiveError::InUse { path: path.into() },
        ArchiveError::NotFound { path: missing } => ArchiveError::Refused {
            path: path.into(),
            reason: format!(
                "it is a directory without {:?}, which lists what an archive consists of",
                missing.file_name().unwrap_or_default()
            ),
        },
        error => error,
    })
}

/// Makes an archive at `path` if nothing is there.
///
/// It is made under another name and then given its own, so that a crash leaves no half archive.
pub(super) fn create_if_missing(path: &Path) -> Result<(), ArchiveError> {
    let with_path = |source| io_error(path, source);
    // Not `exists`, which takes what can't be looked at, and a link to nothing, for absent.
    match fs::symlink_metadata(path) {
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(with_path(error)),
    }
    if beside(path, MOVING).join(moving::SOURCE).exists() {
        return Ok(());
    }
    if !parent_of(path).is_dir() {
        let path = path.to_owned();
        return Err(ArchiveError::NoDirectory { path });
    }
    let unfinished = Unfinished::beside(path).map_err(with_path)?;
    fill(unfinished.path())?;
    publish(unfinished.path(), path).map_err(with_path)?;
    sync_parent(path).map_err(with_path)
}

/// Makes an archive in a new directory.
pub(super) fn create(path: &Path) -> Result<(), ArchiveError> {
    fs::create_dir(path).map_err(|source| io_error(path, source))?;
    fill(path)
}

/// Makes an archive in an empty directory.
fn fill(directory: &Path) -> Result<(), ArchiveError> {
    let files: Arc<dyn Files> = Arc::new(Directory::new(directory));
    engine::create(&files)
}

/// Gives a finished archive its name, unless something has got that name meanwhile.
fn publish(unfinished: &Path, path: &Path) -> io::Result<()> {
    match fs::rename(unfinished, path) {
        Err(_) if fs::symlink_metadata(path).is_ok() => Ok(()),
        result => result,
    }
}

/// Puts the new form in the place of the file, which is removed when the archive is opened.
fn finish_moving(path: &Path, being_moved: &Path) -> io::Result<()> {
    let source = being_moved.join(moving::SOURCE);
    if !source.exists() {
        fs::rename(path, &source)?;
        sync_parent(&source)?;
    }
    fs::rename(being_moved, path)?;
    sync_parent(path)
}

fn io_error(path: &Path, source: io::Error) -> ArchiveError {
    ArchiveError::Io {
        path: path.to_owned(),
        source,
    }
}
