//! Opens a database without changing its file, to see whether it can be opened.
//!
//! redb repairs and marks a file as it opens it, before it can be known whose file it is. So it is
//! opened first over this storage, which keeps all changes in memory.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use redb::{BackendError, StorageBackend};

use super::files::Backend;
use crate::limits::REHEARSAL_BYTES;

const BLOCK: usize = 4096;

/// A file, read-only, under changes that are kept in memory.
#[derive(Debug)]
pub(super) struct Rehearsal {
    file: Backend,
    changes: Mutex<Changes>,
}

#[derive(Debug)]
struct Changes {
    len: u64,
    /// How much of the file still shows: what was cut off and grown again reads as zeros.
    shown: u64,
    blocks: HashMap<u64, Box<[u8; BLOCK]>>,
}

impl Rehearsal {
    pub(super) fn new(file: Backend) -> io::Result<Self> {
        let len = file.len()?;
        let changes = Changes {
            len,
            shown: len,
            blocks: HashMap::new(),
        };
        Ok(Self {
            file,
            changes: Mutex::new(changes),
        })
    }

    fn changes(&self) -> MutexGuard<'_, Changes> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads a block as the file has it, zeros where it doesn't show.
    fn load(&self, shown: u64, block: u64) -> io::Result<Box<[u8; BLOCK]>> {
        let mut bytes = Box::new([0; BLOCK]);
        let start = block * BLOCK as u64;
        let there = shown.saturating_sub(start).min(BLOCK as u64) as usize;
        if there > 0 {
            self.file.read(start, &mut bytes[..there])?;
        }
        Ok(bytes)
    }
}

/// The blocks that `len` bytes from `offset` on touch, each with the part of it that is touched.
fn touched(offset: u64, len: usize) -> impl Iterator<Item = (u64, usize, usize)> {
    let mut at = offset;
    let end = offset + len as u64;
    std::iter::from_fn(move || {
        (at < end).then(|| {
            let (block, start) = (at / BLOCK as u64, (at % BLOCK as u64) as usize);
            let count = (BLOCK - start).min((end - at) as usize);
            at += count as u64;
            (block, start, count)
        })
    })
}

impl StorageBackend for Rehearsal {
    fn len(&self) -> io::Result<u64> {
        Ok(self.changes().len)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let changes = self.changes();
        if offset.saturating_add(out.len() as u64) > changes.len {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        // Nearly always all shows as it is.
        let end = offset + out.len() as u64;
        let mut blocks = touched(offset, out.len()).map(|(block, ..)| block);
        if end <= changes.shown && !blocks.any(|block| changes.blocks.contains_key(&block)) {
            drop(changes);
            return self.file.read(offset, out);
        }
        let mut done = 0;
        for (block, start, count) in touched(offset, out.len()) {
            let part = &mut out[done..done + count];
            match changes.blocks.get(&block) {
                Some(bytes) => part.copy_from_slice(&bytes[start..start + count]),
                None => {
                    let bytes = self.load(changes.shown, block)?;
                    part.copy_from_slice(&bytes[start..start + count]);
                }
            }
            done += count;
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut changes = self.changes();
        if len < changes.len {
            let (whole, kept) = (len / BLOCK as u64, (len % BLOCK as u64) as usize);
            changes.blocks.retain(|block, _| *block <= whole);
            if let Some(bytes) = changes.blocks.get_mut(&whole) {
                bytes[kept..].fill(0);
            }
            changes.shown = changes.shown.min(len);
        }
        changes.len = len;
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut changes = self.changes();
        let shown = changes.shown;
        let mut done = 0;
        for (block, start, count) in touched(offset, data.len()) {
            if changes.blocks.len() >= REHEARSAL_BYTES / BLOCK {
                return Err(io::Error::other(
                    "recovery changes more than can be rehearsed",
                ));
            }
            let bytes = match changes.blocks.entry(block) {
                Entry::Occupied(entry) => entry.into_mut(),
                Entry::Vacant(entry) => entry.insert(self.load(shown, block)?),
            };
            bytes[start..start + count].copy_from_slice(&data[done..done + count]);
            done += count;
        }
        Ok(())
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
