//! Threads that help a reader who asks many units: each unit takes some reads, and one needn't wait for
//! those of another.

use std::panic;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, ScopedJoinHandle};

use crate::limits::{READ_ALONE, READING_HELPERS};

/// Helpers that are free. Readers that come while none is do all themselves, so that many readers at a
/// time take no more threads than one.
#[derive(Debug)]
pub(super) struct Helpers {
    free: AtomicUsize,
}

impl Helpers {
    /// One for each processor beside the reader's own, up to [`READING_HELPERS`].
    pub(super) fn new() -> Self {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        Self {
            free: AtomicUsize::new((processors - 1).min(READING_HELPERS)),
        }
    }

    /// Does `act` for each of `all`, about `hits` of which take their time; gives the results in any
    /// order. The first failure ends it.
    pub(super) fn share<T: Sync, R: Send, E: Send>(
        &self,
        all: &[T],
        hits: usize,
        act: impl Fn(&T) -> Result<Vec<R>, E> + Sync,
    ) -> Result<Vec<R>, E> {
        let next = AtomicUsize::new(0);
        let work = || {
            let mut done = Vec::new();
            while let Some(one) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                let some = act(one);
                if some.is_err() {
                    next.store(all.len(), Ordering::Relaxed);
                }
                done.extend(some?);
            }
            Ok(done)
        };
        let taken = self.take((hits / READ_ALONE).saturating_sub(1));
        let done = thread::scope(|scope| {
            let begin = || thread::Builder::new().spawn_scoped(scope, work).ok();
            // The system may have no thread to spare.
            let helpers: Vec<_> = (0..taken.count).filter_map(|_| begin()).collect();
            let mut done = work()?;
            for helper in helpers {
                done.extend(end_of(helper)?);
            }
            Ok(done)
        });
        drop(taken);
        done
    }

    fn take(&self, most: usize) -> Taken<'_> {
        let mut count = 0;
        // Never fails: the closure always gives a number.
        let _ = self
            .free
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |free| {
                count = free.min(most);
                Some(free - count)
            });
        Taken {
            helpers: self,
            count,
        }
    }
}

/// Helpers that somebody has; free again when this is dropped.
struct Taken<'a> {
    helpers: &'a Helpers,
    count: usize,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.helpers.free.fetch_add(self.count, Ordering::Relaxed);
    }
}

fn end_of<R, E>(helper: ScopedJoinHandle<'_, Result<Vec<R>, E>>) -> Result<Vec<R>, E> {
    helper
        .join()
        .unwrap_or_else(|cause| panic::resume_unwind(cause))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::{Barrier, Mutex};
    use std::thread::ThreadId;

    use super::*;

    fn helpers(free: usize) -> Helpers {
        Helpers {
            free: AtomicUsize::new(free),
        }
    }

    #[test]
    fn what_is_shared_is_done_once_each_with_and_without_help() {
        for free in [0, 1, 3] {
            let all: Vec<usize> = (0..100).collect();
            let helpers = helpers(free);
            let twice = |n: &usize| Ok::<_, ()>(vec![2 * n]);
            let mut done = helpers.share(&all, 100, twice).unwrap();
            done.sort_unstable();
            assert_eq!(done, (0..200).step_by(2).collect::<Vec<_>>());
            assert_eq!(helpers.free.into_inner(), free);
        }
    }

    #[test]
    fn several_threads_are_at_it_at_a_time_where_there_is_much_to_do() {
        let (met, threads) = (Barrier::new(2), Mutex::new(HashSet::<ThreadId>::new()));
        let meet = |_: &usize| {
            met.wait();
            threads.lock().unwrap().insert(thread::current().id());
            Ok::<_, ()>(Vec::<()>::new())
        };
        helpers(1).share(&[1, 2], 2 * READ_ALONE, meet).unwrap();
        assert_eq!(threads.into_inner().unwrap().len(), 2);
    }

    #[test]
    fn little_is_done_alone() {
        let here = thread::current().id();
        let alone = |_: &usize| {
            assert_eq!(thread::current().id(), here);
            Ok::<_, ()>(Vec::<()>::new())
        };
        helpers(9)
            .share(&[1; 100], 2 * READ_ALONE - 1, alone)
            .unwrap();
    }

    #[test]
    fn a_failure_is_told_whoever_had_it_and_leaves_the_helpers_free() {
        let helpers = helpers(2);
        for bad in 0..20 {
            let fail = |n: &usize| match *n == bad {
                true => Err(*n),
                false => Ok(vec![*n]),
            };
            let all: Vec<usize> = (0..20).collect();
            assert_eq!(helpers.share(&all, 20, fail), Err(bad));
        }
        assert_eq!(helpers.free.into_inner(), 2);
    }
}
