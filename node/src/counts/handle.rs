//! The figures that were taken over last.

use std::sync::Arc;
use std::time::Instant;

use parking_lot::RwLock;
use store_adapter::IndexCounts;
use store_adapter::counts::HourCounts;

use super::answer::Counts;
use super::span::CountsSpan;
use crate::cli::time::{nanoseconds, now};
use crate::store::Store;

/// Gives the figures of a node that were taken over last; it waits for nobody, and is cheap to clone.
#[derive(Clone, Debug)]
pub struct CountsHandle(Arc<RwLock<IndexCounts>>);

impl CountsHandle {
    /// The figures of now, which a task has to keep up.
    pub(crate) fn of(store: &Store) -> Self {
        Self(Arc::new(RwLock::new(store.counts())))
    }

    pub(super) fn take_over(&self, counts: IndexCounts) {
        *self.0.write() = counts;
    }

    /// The counts of a span of time, with their age.
    #[must_use]
    pub fn read(&self, span: &CountsSpan) -> Counts {
        let (hours, as_of) = self.latest();
        let age = as_of.elapsed();
        let at = now().saturating_sub(nanoseconds(age));
        Counts::of(&hours, span, at, age.as_secs_f64())
    }

    /// The figures, and when they were right.
    pub(crate) fn latest(&self) -> (HourCounts, Instant) {
        let latest = self.0.read();
        (latest.hours.clone(), latest.as_of)
    }
}
