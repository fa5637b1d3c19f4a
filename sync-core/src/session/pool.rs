//! Ids that several sessions may report together.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicUsize, Ordering};

/// A bound of the ids that sessions remember as reported, all sessions with this pool together:
/// those that peers start, say, so that they take no more memory than is meant for them. Clones
/// are the same pool.
#[derive(Clone, Debug)]
pub struct Pool(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    most: usize,
    taken: AtomicUsize,
}

impl Pool {
    /// A pool of `most` ids. Sessions take them by the thousand, so it should be some thousands.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self(Arc::new(Shared {
            most,
            taken: AtomicUsize::new(0),
        }))
    }

    /// How many there are in all.
    #[must_use]
    pub fn most(&self) -> usize {
        self.0.most
    }

    /// How many are taken at the moment.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.0.taken.load(Ordering::Relaxed)
    }

    fn take(&self, ids: usize) -> bool {
        let within = |taken: usize| taken.checked_add(ids).filter(|sum| *sum <= self.0.most);
        let update = self
            .0
            .taken
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, within);
        update.is_ok()
    }
}

impl PartialEq for Pool {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Pool {}

/// What one session has taken of a pool; given back when dropped.
#[derive(Debug)]
pub(super) struct Grant {
    pool: Pool,
    ids: usize,
}

impl Grant {
    pub(super) fn none_of(pool: Pool) -> Self {
        Self { pool, ids: 0 }
    }

    pub(super) fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Takes `ids` more, if so many are left.
    pub(super) fn grow(&mut self, ids: usize) -> bool {
        let grown = self.pool.take(ids);
        if grown {
            self.ids += ids;
        }
        grown
    }
}

impl Clone for Grant {
    /// A copied session remembers as much again, whether or not that is left.
    fn clone(&self) -> Self {
        self.pool.0.taken.fetch_add(self.ids, Ordering::Relaxed);
        Self {
            pool: self.pool.clone(),
            ids: self.ids,
        }
    }
}

impl Drop for Grant {
    fn drop(&mut self) {
        self.pool.0.taken.fetch_sub(self.ids, Ordering::Relaxed);
    }
}
