//! What an archive is to reach: the figures that a node's operator may count on.

/// Rows up to which redb is to ingest at its higher rate.
const SMALL: u64 = 1_000_000;

/// The targets of a backend.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Targets {
    /// Of a lookup of ten hashes, 95 of a hundred, in seconds, warm.
    pub(super) lookup_p95_s: f64,
    /// Of a page of a hundred with data, 90 of a hundred, in seconds, warm.
    pub(super) page_p90_s: f64,
    /// Of durable ingest.
    pub(super) rows_per_s: f64,
}

impl Targets {
    /// Those of a backend with so many rows, if it has any.
    pub(super) fn of(backend: &str, rows: u64) -> Option<Self> {
        let redb = Self {
            lookup_p95_s: 0.001,
            page_p90_s: 0.005,
            rows_per_s: if rows <= SMALL { 20_000.0 } else { 10_000.0 },
        };
        let postgres = Self {
            lookup_p95_s: 0.010,
            page_p90_s: 0.010,
            rows_per_s: 10_000.0,
        };
        match backend {
            "redb" => Some(redb),
            "postgres" => Some(postgres),
            _ => None,
        }
    }
}
