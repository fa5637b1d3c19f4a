//! Runs a way to reconcile until its time is known.

use std::hint::black_box;
use std::time::Duration;

use benches::{Competitor, Laps, Outcome, Pair, Side, thread_cpu};
use indicatif::ProgressBar;

/// How long the runs of one way may take; a slow one is run less often.
const BUDGET: Duration = Duration::from_secs(1);

/// Fewest runs that a median is taken of.
const FEWEST_RUNS: usize = 3;

/// Runs of one way to reconcile one pair of sets.
pub(super) struct Bench<'a> {
    pub(super) work: &'a dyn Competitor,
    pub(super) pair: &'a Pair,
    pub(super) bar: &'a ProgressBar,
}

/// What the runs came to.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Measured {
    /// The thread CPU time of both sides together.
    pub(super) cpu: Duration,
    /// What the median run found and sent.
    pub(super) outcome: Outcome,
    /// Whether every run found the differences that there are.
    pub(super) correct: bool,
}

impl Bench<'_> {
    /// One run that doesn't count.
    pub(super) fn warm_up(&self) {
        self.bar.inc_length(1);
        self.run(&mut Laps::off());
    }

    /// One run to warm up, then the median of up to `most` in a row.
    pub(super) fn median(&self, most: usize) -> Measured {
        self.bar.inc_length(1);
        let (first, _, mut correct) = self.run(&mut Laps::off());
        let mut runs = Vec::new();
        let count = self.count(first, most);
        for _ in 0..count {
            let (cpu, outcome, right) = self.run(&mut Laps::off());
            correct &= right;
            runs.push((cpu, outcome));
        }
        runs.sort_by_key(|(cpu, _)| *cpu);
        let (cpu, outcome) = runs.swap_remove(count / 2);
        Measured {
            cpu,
            outcome,
            correct,
        }
    }

    /// The initiator's share of the time, between 0 and 1: the median of up to `most` runs in which
    /// the clock is read at every turn. That reading takes as long as a turn between equal sets
    /// does, which is why the time itself is taken of other runs.
    pub(super) fn initiators_share(&self, cpu: Duration, most: usize) -> f64 {
        let count = self.count(cpu, most);
        let mut shares: Vec<f64> = (0..count)
            .map(|_| {
                let mut laps = Laps::start();
                self.run(&mut laps);
                let [initiator, responder] =
                    [Side::Initiator, Side::Responder].map(|side| laps.of(side).as_secs_f64());
                initiator / (initiator + responder).max(f64::MIN_POSITIVE)
            })
            .collect();
        shares.sort_by(f64::total_cmp);
        shares[count / 2]
    }

    /// How many runs of `cpu` each are to be made, and shows that they will.
    fn count(&self, cpu: Duration, most: usize) -> usize {
        let affordable = BUDGET.as_nanos() / cpu.as_nanos().max(1);
        let affordable = usize::try_from(affordable).unwrap_or(most);
        let count = affordable.clamp(FEWEST_RUNS, most);
        self.bar.inc_length(count as u64);
        count
    }

    /// Runs once: the time, what was found, and whether it is right.
    fn run(&self, laps: &mut Laps) -> (Duration, Outcome, bool) {
        let start = thread_cpu();
        let outcome = black_box(self.work.reconcile(laps));
        let cpu = thread_cpu() - start;
        let correct = outcome.is_difference_of(self.pair);
        self.bar.inc(1);
        (cpu, outcome, correct)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use benches::{Ours, Placement, pair, tree};
    use sync_core::Dialect;

    use super::*;

    /// Finds the difference in some runs, and nothing in the one of this number.
    struct WrongIn<W> {
        right: W,
        number: usize,
        runs: Cell<usize>,
    }

    impl<W: Competitor> Competitor for WrongIn<W> {
        fn name(&self) -> &str {
            "wrong"
        }

        fn reconcile(&self, laps: &mut Laps) -> Outcome {
            self.runs.set(self.runs.get() + 1);
            if self.runs.get() == self.number {
                Outcome::default()
            } else {
                self.right.reconcile(laps)
            }
        }
    }

    fn median(wrong: usize) -> Measured {
        let pair = pair(100, 10, Placement::Spread, 1);
        let (left, right) = (tree(&pair.left), tree(&pair.right));
        let work = WrongIn {
            right: Ours::new(left, right, Dialect::Negentropy, 0),
            number: wrong,
            runs: Cell::new(0),
        };
        let bench = Bench {
            work: &work,
            pair: &pair,
            bar: &ProgressBar::hidden(),
        };
        bench.median(3)
    }

    #[test]
    fn one_wrong_run_among_right_ones_is_noticed() {
        assert!(median(usize::MAX).correct);
        for number in 1..=4 {
            assert!(!median(number).correct, "run {number}");
        }
    }
}
