//! How things are timed: thread CPU time, medians of several runs.

use std::hint::black_box;
use std::time::Duration;

use benches::thread_cpu;

/// How often things run: until either is reached.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// Most runs.
    pub(crate) runs: usize,
    /// Measured time after which no further run begins; it has no say in the first three.
    pub(crate) time: Duration,
}

impl Patience {
    /// Whether there is another run after `times`.
    pub(crate) fn goes_on(&self, times: &[Duration]) -> bool {
        let spent: Duration = times.iter().sum();
        times.len() < self.runs && (times.len() < 3 || spent < self.time)
    }
}

/// The one in the middle; of an even number, the greater of the two.
pub(crate) fn median<T: Ord + Copy>(mut values: Vec<T>) -> T {
    values.sort_unstable();
    values[values.len() / 2]
}

/// The one in the middle of what several passes took, in seconds; nothing if any of them took nothing.
pub(crate) fn middle(passes: impl IntoIterator<Item = Option<f64>>) -> Option<f64> {
    let mut values = passes.into_iter().collect::<Option<Vec<f64>>>()?;
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// Thread CPU time of `work`, and what it gives, which the caller drops when it doesn't matter.
pub(crate) fn timed<R>(work: impl FnOnce() -> R) -> (Duration, R) {
    let start = thread_cpu();
    let result = black_box(work());
    (thread_cpu() - start, result)
}

/// The median over `runs` of how long `work` takes for one of its `operations`, in seconds. Neither
/// preparing its input nor dropping what it gives counts.
pub(crate) fn each<I, R>(
    runs: usize,
    operations: usize,
    mut prepare: impl FnMut() -> I,
    mut work: impl FnMut(I) -> R,
) -> f64 {
    let times = (0..runs.max(1)).map(|_| {
        let input = black_box(prepare());
        timed(|| work(input)).0
    });
    median(times.collect()).as_secs_f64() / operations as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_passes_the_middle_one_counts_if_all_took_something() {
        assert_eq!(middle([Some(9.0), Some(1.0), Some(5.0)]), Some(5.0));
        assert_eq!(middle([Some(2.0)]), Some(2.0));
        assert_eq!(middle([Some(2.0), None, Some(1.0)]), None);
        assert_eq!(middle([]), None);
    }

    #[test]
    fn the_median_lies_in_the_middle() {
        assert_eq!(median(vec![9, 1, 5]), 5);
        assert_eq!(median(vec![4, 1]), 4);
        assert_eq!(median(vec![3]), 3);
    }

    #[test]
    fn patience_ends_by_runs_and_after_three_by_time() {
        let patience = Patience {
            runs: 5,
            time: Duration::from_secs(4),
        };
        let seconds = |times: &[u64]| -> Vec<Duration> {
            times
                .iter()
                .map(|time| Duration::from_secs(*time))
                .collect()
        };
        assert!(patience.goes_on(&seconds(&[])));
        assert!(patience.goes_on(&seconds(&[9, 9])));
        assert!(!patience.goes_on(&seconds(&[9, 9, 9])));
        assert!(patience.goes_on(&seconds(&[1, 1, 1])));
        assert!(!patience.goes_on(&seconds(&[1, 1, 1, 1])));
        assert!(!patience.goes_on(&seconds(&[0; 5])));
    }

    #[test]
    fn every_run_has_an_input_of_its_own() {
        let mut inputs = 0..;
        let mut seen = Vec::new();
        each(3, 1, || inputs.next(), |input| seen.push(input));
        assert_eq!(seen, [Some(0), Some(1), Some(2)]);
    }
}
