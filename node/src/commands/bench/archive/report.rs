//! What was measured, as programs read it. Names and units are part of the program's interface.

use std::time::Duration;

use serde::Serialize;

/// All figures of a run.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(super) struct Report {
    pub(super) backend: &'static str,
    pub(super) rows: u64,
    pub(super) seed: u64,
    pub(super) payload_bytes: usize,
    pub(super) ingest: IngestFigures,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ingest_under_retention: Option<IngestFigures>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cold: Option<ReadFigures>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) meaning_of_cold: Option<&'static str>,
    pub(super) warm: ReadFigures,
    /// Messages held at the end.
    pub(super) messages: u64,
    pub(super) units: usize,
    pub(super) disk_bytes: u64,
    pub(super) log_bytes: u64,
    pub(super) disk_bytes_per_row: f64,
    /// Where the archive stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) kept: Option<String>,
}

/// Messages put in, in durable batches.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(super) struct IngestFigures {
    pub(super) rows: u64,
    pub(super) removed: u64,
    /// Of all together.
    pub(super) rows_per_s: f64,
    /// The median of the batches.
    pub(super) median_rows_per_s: f64,
    pub(super) slowest_batch_s: f64,
}

impl IngestFigures {
    /// Of batches of so many rows that took so long, while so many rows were removed.
    pub(super) fn of(batches: &[(u64, Duration)], removed: u64) -> Self {
        let rows = batches.iter().map(|(rows, _)| rows).sum();
        let total: Duration = batches.iter().map(|(_, time)| *time).sum();
        let mut rates: Vec<f64> = batches
            .iter()
            .map(|(rows, time)| rate(*rows, *time))
            .collect();
        rates.sort_by(f64::total_cmp);
        let slowest = batches.iter().map(|(_, time)| *time).max();
        Self {
            rows,
            removed,
            rows_per_s: rate(rows, total),
            median_rows_per_s: rates.get(rates.len() / 2).copied().unwrap_or_default(),
            slowest_batch_s: slowest.unwrap_or_default().as_secs_f64(),
        }
    }
}

fn rate(rows: u64, time: Duration) -> f64 {
    // A clock too coarse to see the time must not lead to an infinite rate.
    rows as f64 / time.max(Duration::from_nanos(1)).as_secs_f64()
}

/// What reading took.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(super) struct ReadFigures {
    pub(super) lookup: Percentiles,
    pub(super) page: Percentiles,
    pub(super) presence: Percentiles,
    pub(super) index_rebuild_s: f64,
}

/// Percentiles of times, each the time that so many of a hundred don't exceed.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub(super) struct Percentiles {
    pub(super) count: usize,
    pub(super) p50_s: f64,
    pub(super) p90_s: f64,
    pub(super) p95_s: f64,
    pub(super) p99_s: f64,
    pub(super) max_s: f64,
}

impl Percentiles {
    /// Of these times, of which there must be some.
    pub(super) fn of(mut times: Vec<Duration>) -> Option<Self> {
        times.sort_unstable();
        let max_s = times.last()?.as_secs_f64();
        let of_hundred = |percent: usize| {
            let rank = (times.len() * percent).div_ceil(100).max(1);
            times[rank - 1].as_secs_f64()
        };
        Some(Self {
            count: times.len(),
            p50_s: of_hundred(50),
            p90_s: of_hundred(90),
            p95_s: of_hundred(95),
            p99_s: of_hundred(99),
            max_s,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_times_that_were_measured() {
        assert_eq!(Percentiles::of(Vec::new()), None);
        let times = |count| (1..=count).rev().map(Duration::from_secs).collect();
        let hundred = Percentiles::of(times(100)).unwrap();
        let told = [hundred.p50_s, hundred.p90_s, hundred.p95_s, hundred.p99_s];
        assert_eq!(told, [50.0, 90.0, 95.0, 99.0]);
        let three = Percentiles::of(times(3)).unwrap();
        let told = [three.p50_s, three.p90_s, three.p95_s, three.max_s];
        assert_eq!((three.count, told), (3, [2.0, 3.0, 3.0, 3.0]));
        let one = Percentiles::of(times(1)).unwrap();
        assert_eq!((one.p50_s, one.p99_s), (1.0, 1.0));
    }

    #[test]
    fn rates_are_of_all_and_of_the_median_batch() {
        let seconds = Duration::from_secs;
        let batches = [(100, seconds(1)), (100, seconds(10)), (100, seconds(1))];
        let figures = IngestFigures::of(&batches, 7);
        assert_eq!((figures.rows, figures.removed), (300, 7));
        assert_eq!(
            (figures.rows_per_s, figures.median_rows_per_s),
            (25.0, 100.0)
        );
        assert_eq!(figures.slowest_batch_s, 10.0);
    }
}
