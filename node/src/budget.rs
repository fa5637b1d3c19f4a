//! Bytes, or other things that are counted, that several tasks share, so that all together keep no
//! more than a bound.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A bound, of bytes say, and how much of it is taken.
#[derive(Debug)]
pub(crate) struct Budget {
    most: usize,
    taken: AtomicUsize,
}

/// A part that was taken; given back when dropped.
#[derive(Debug)]
pub(crate) struct Taken {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Budget {
    /// `most` bytes, none of them taken.
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            taken: AtomicUsize::new(0),
        })
    }

    /// Takes `bytes` if so many are left.
    pub(crate) fn take(self: &Arc<Self>, bytes: usize) -> Option<Taken> {
        let within = |taken: usize| taken.checked_add(bytes).filter(|sum| *sum <= self.most);
        self.taken
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, within)
            .ok()?;
        Some(self.part(bytes))
    }

    /// Takes `bytes`, or as many as are left.
    pub(crate) fn take_up_to(self: &Arc<Self>, bytes: usize) -> Taken {
        let mut part = 0;
        let within = |taken: usize| {
            part = bytes.min(self.most.saturating_sub(taken));
            taken.checked_add(part)
        };
        let taken = self
            .taken
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, within);
        self.part(taken.map_or(0, |_| part))
    }

    /// Takes `bytes` whether or not so many are left.
    pub(crate) fn overdraw(self: &Arc<Self>, bytes: usize) -> Taken {
        self.taken.fetch_add(bytes, Ordering::Relaxed);
        self.part(bytes)
    }

    /// How many are left.
    pub(crate) fn left(&self) -> usize {
        self.most.saturating_sub(self.taken.load(Ordering::Relaxed))
    }

    fn part(self: &Arc<Self>, bytes: usize) -> Taken {
        Taken {
            budget: Arc::clone(self),
            bytes,
        }
    }
}

impl Taken {
    /// How much it is.
    pub(crate) fn amount(&self) -> usize {
        self.bytes
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.budget.taken.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_taken_than_there_is_and_what_is_dropped_comes_back() {
        let budget = Budget::new(100);
        let all = budget.take(100).unwrap();
        assert!(budget.take(1).is_none());
        drop(all);
        assert!(budget.take(101).is_none());
        let most = budget.overdraw(150);
        assert_eq!(budget.left(), 0);
        assert!(budget.take(0).is_none());
        drop(most);
        assert_eq!(budget.left(), 100);
        assert!(budget.take(usize::MAX).is_none());
        let some = budget.take_up_to(70);
        assert_eq!(budget.take_up_to(70).amount(), 30);
        drop(some);
        assert_eq!(budget.left(), 100);
    }
}
