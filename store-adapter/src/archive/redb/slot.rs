//! Holds a database that is open while it is needed, and opens it anew after a failure.

use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use redb::Database;

use super::fault::Fault;
use crate::archive::ArchiveError;

type Opener = Box<dyn Fn() -> Result<Database, ArchiveError> + Send + Sync>;

/// A database that is opened by whoever needs it.
///
/// redb takes no more operations after one of its reads or writes has failed, so the database is
/// closed then and opened anew by whoever comes next; on a disk that was full and isn't any more,
/// the archive goes on where it was.
pub(super) struct Slot {
    path: PathBuf,
    open: Opener,
    held: RwLock<Held>,
}

/// `database` is `None` before the first operation, and again when it was closed.
#[derive(Default)]
struct Held {
    database: Option<Database>,
    /// Counts openings, so that of several operations that failed on one opening only the first
    /// closes it.
    opening: u64,
    failed: bool,
}

impl Slot {
    /// A database that isn't open yet; messages call it `path`.
    pub(super) fn new(
        path: PathBuf,
        open: impl Fn() -> Result<Database, ArchiveError> + Send + Sync + 'static,
    ) -> Self {
        Self {
            path,
            open: Box::new(open),
            held: RwLock::default(),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Does something with the database. Done a second time if an earlier failure turns out to have
    /// closed it, in which case the first time changed nothing.
    pub(super) fn with<T>(
        &self,
        act: impl Fn(&Database) -> Result<T, Fault>,
    ) -> Result<T, ArchiveError> {
        let result = match self.attempt(&act)? {
            Err(Fault::Closed) => self.attempt(&act)?,
            result => result,
        };
        result.map_err(|fault| fault.into_error(&self.path))
    }

    /// Closes the database until somebody needs it, once nobody uses it.
    pub(super) fn rest(&self) {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        held.database = None;
    }

    fn attempt<T>(
        &self,
        act: impl Fn(&Database) -> Result<T, Fault>,
    ) -> Result<Result<T, Fault>, ArchiveError> {
        let (result, opening) = loop {
            let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(database) = &held.database {
                break (guarded(|| act(database)), held.opening);
            }
            drop(held);
            self.reopen()?;
        };
        let (result, panicked) = result;
        if panicked || matches!(result, Err(Fault::Io(_) | Fault::Closed)) {
            self.close(opening);
        }
        Ok(result)
    }

    fn reopen(&self) -> Result<(), ArchiveError> {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        if held.database.is_none() {
            if held.failed {
                tracing::warn!(path = %self.path.display(), "opening anew after a failure");
            }
            held.database = Some((self.open)()?);
            held.opening += 1;
            held.failed = false;
        }
        Ok(())
    }

    fn close(&self, opening: u64) {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        if held.opening == opening {
            held.database = None;
            held.failed = true;
        }
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// Runs `act`, and makes a panic of the database, which some damaged pages cause, an error; tells
/// whether there was one.
pub(super) fn guarded<T>(act: impl FnOnce() -> Result<T, Fault>) -> (Result<T, Fault>, bool) {
    match panic::catch_unwind(AssertUnwindSafe(act)) {
        Ok(result) => (result, false),
        Err(cause) => {
            let said = cause
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| cause.downcast_ref::<&str>().copied())
                .unwrap_or("without words");
            let reason = format!("its pages contradict each other ({said})");
            (Err(Fault::Damaged(reason)), true)
        }
    }
}
