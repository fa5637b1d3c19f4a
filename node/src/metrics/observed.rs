//! What is measured as it occurs: durations, round trips, differences.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use prometheus_client::metrics::histogram::Histogram;
use store_adapter::store::status;
use sync_net::{Counter, Outcome};

use crate::cli::time::nanoseconds;

/// Upper bounds of what the archive takes for something, in seconds.
const ARCHIVE_SECONDS: [f64; 14] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// Upper bounds of the round trips of a session; nwaku's.
const ROUNDTRIPS: [f64; 6] = [1.0, 2.0, 3.0, 5.0, 8.0, 13.0];

/// Upper bounds of the differences that a session finds; nwaku's.
const DIFFERENCES: [f64; 7] = [0.0, 10.0, 50.0, 100.0, 500.0, 1_000.0, 5_000.0];

/// What was measured since the store was opened.
#[derive(Debug)]
pub(crate) struct Observed {
    pub(super) inserts: Histogram,
    pub(super) queries: Histogram,
    pub(super) answered: Counter,
    pub(super) answering_nanoseconds: Counter,
    pub(super) roundtrips: Histogram,
    pub(super) differences: Histogram,
    pub(super) insert_failures: Counter,
    pub(super) prune_failures: Counter,
    pub(super) query_errors: QueryErrors,
    /// Whether the last batch couldn't be stored.
    unwritable: AtomicBool,
}

/// Queries that weren't answered by a page.
#[derive(Debug, Default)]
pub(super) struct QueryErrors {
    pub(super) malformed: Counter,
    pub(super) archive: Counter,
    pub(super) too_much_work: Counter,
    pub(super) other: Counter,
}

impl Default for Observed {
    fn default() -> Self {
        Self {
            inserts: Histogram::new(ARCHIVE_SECONDS),
            queries: Histogram::new(ARCHIVE_SECONDS),
            answered: Counter::default(),
            answering_nanoseconds: Counter::default(),
            roundtrips: Histogram::new(ROUNDTRIPS),
            differences: Histogram::new(DIFFERENCES),
            insert_failures: Counter::default(),
            prune_failures: Counter::default(),
            query_errors: QueryErrors::default(),
            unwritable: AtomicBool::new(false),
        }
    }
}

impl Observed {
    /// A batch was brought to the door.
    pub(crate) fn insert(&self, stored: bool, took: Duration) {
        self.unwritable.store(!stored, Ordering::Relaxed);
        if stored {
            self.inserts.observe(took.as_secs_f64());
        } else {
            self.insert_failures.increment();
        }
    }

    /// The archive couldn't be pruned.
    pub(crate) fn prune_failed(&self) {
        self.prune_failures.increment();
    }

    /// Whether the last batch couldn't be stored.
    pub(crate) fn is_unwritable(&self) -> bool {
        self.unwritable.load(Ordering::Relaxed)
    }

    /// A Store query was answered with this status.
    pub(crate) fn query(&self, status: u32, took: Duration) {
        self.queries.observe(took.as_secs_f64());
        self.answered.increment();
        self.answering_nanoseconds.add(nanoseconds(took));
        let errors = &self.query_errors;
        match status {
            status::OK => {}
            status::BAD_REQUEST => errors.malformed.increment(),
            status::BAD_RESPONSE => errors.archive.increment(),
            status::SERVICE_UNAVAILABLE => errors.too_much_work.increment(),
            _ => errors.other.increment(),
        }
    }

    /// A session came to a good end.
    pub(crate) fn session(&self, outcome: &Outcome) {
        self.roundtrips.observe(outcome.rounds as f64);
        let differences = outcome.have.saturating_add(outcome.need);
        self.differences.observe(differences as f64);
    }
}
