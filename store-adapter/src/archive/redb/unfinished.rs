//! Archives that are being made under another name, and those that a crash has left half made.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use super::directory::{beside, parent_of};
use super::files::Hold;

/// What stands behind the name of an archive that is being made, before a process and a number.
const CREATING: &str = ".creating-";

/// A directory for an archive to be made in, locked for as long as this lives: one that nobody has locked
/// was left by a crash.
#[derive(Debug)]
pub(super) struct Unfinished {
    path: PathBuf,
    _hold: Hold,
}

impl Unfinished {
    /// Makes an empty directory beside `path`.
    pub(super) fn beside(path: &Path) -> io::Result<Self> {
        loop {
            let path = name(path);
            fs::create_dir(&path)?;
            // Whoever cleans up may have come in between.
            match Hold::of(&path) {
                Ok(hold) if path.exists() => return Ok(Self { path, _hold: hold }),
                Ok(_) => {}
                Err(error) if is_cleaned_up(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Unfinished {
    /// Removes what is left of a failure, or of having been too late.
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

fn is_cleaned_up(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::WouldBlock
    )
}

/// A name beside `path` that no other attempt uses.
fn name(path: &Path) -> PathBuf {
    static ATTEMPTS: AtomicU64 = AtomicU64::new(0);
    let attempt = ATTEMPTS.fetch_add(1, Ordering::Relaxed);
    beside(path, &format!("{CREATING}{}-{attempt}", process::id()))
}

/// Removes what crashes have left of archives that were to be at `path`. What can't be removed, or isn't
/// known to be left, stays.
pub(super) fn clean_up(path: &Path) {
    let Some(name) = path.file_name() else {
        return;
    };
    let name = name.to_string_lossy();
    let Ok(entries) = fs::read_dir(parent_of(path)) else {
        return;
    };
    for entry in entries.flatten() {
        let is_left = is_unfinished(&entry.file_name().to_string_lossy(), &name)
            && entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_left {
            remove_unless_held(&entry.path());
        }
    }
}

fn remove_unless_held(path: &Path) {
    // Without a lock nobody knows.
    let Ok(hold) = Hold::of(path) else {
        return;
    };
    if hold.is_certain() {
        tracing::info!(path = %path.display(), "removing an archive that a crash left half made");
        if let Err(error) = fs::remove_dir_all(path) {
            tracing::warn!(path = %path.display(), %error, "it can't be removed");
        }
    }
}

/// Whether `candidate` is named as an unfinished archive `name` is.
fn is_unfinished(candidate: &str, name: &str) -> bool {
    let numbers = candidate
        .strip_prefix(name)
        .and_then(|rest| rest.strip_prefix(CREATING))
        .and_then(|numbers| numbers.split_once('-'));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    numbers.is_some_and(|(process, attempt)| is_number(process) && is_number(attempt))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_crash_left_goes_and_what_is_being_made_stays() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("archive");
        let making = Unfinished::beside(&path).unwrap();
        fs::write(making.path().join("catalogue.redb"), "half").unwrap();
        let left = beside(&path, ".creating-1-0");
        let others = [
            ".creating-1-",
            ".creating-x-0",
            "-b.creating-1-0",
            ".moving",
        ];
        let others = others.map(|suffix| beside(&path, suffix));
        for directory in others.iter().chain([&left]) {
            fs::create_dir(directory).unwrap();
            fs::write(directory.join("unit-00000001.redb"), "half").unwrap();
        }
        let file = beside(&path, ".creating-1-1");
        fs::write(&file, "a file").unwrap();
        clean_up(&path);
        assert!(!left.exists());
        assert!(others.iter().chain([&file]).all(|kept| kept.exists()));
        assert!(making.path().join("catalogue.redb").exists());
        let made = making.path().to_owned();
        drop(making);
        assert!(!made.exists());
    }

    #[test]
    fn making_and_cleaning_up_at_once_never_meet() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("archive");
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let making = Unfinished::beside(&path).unwrap();
                        let file = making.path().join("catalogue.redb");
                        fs::write(&file, "half").unwrap();
                        assert_eq!(fs::read(&file).unwrap(), b"half");
                    }
                });
                scope.spawn(|| (0..400).for_each(|_| clean_up(&path)));
            }
        });
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
    }
}
