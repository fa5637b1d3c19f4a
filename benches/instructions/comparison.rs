//! Counts beside those that were accepted, and the verdict.

use std::collections::BTreeSet;
use std::fmt;

use crate::counts::Counts;

/// How far a count may grow, in percent.
///
/// With the same tools a count of the same code is the same to the instruction. But an edit in one
/// place moves what the compiler inlines in another, and C libraries differ a little in how they
/// allocate and copy: that is below this, and a regression worth knowing of is above.
const TOLERANCE: u64 = 5;

/// As [`TOLERANCE`], when compiler or valgrind are others than those of the accepted counts: the
/// code then isn't the same, and only what is clearly worse is held against an edit.
const TOLERANCE_OF_OTHER_TOOLS: u64 = 10;

/// Counts and the accepted ones.
pub(crate) struct Comparison {
    accepted: Counts,
    now: Counts,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Verdict {
    Within,
    /// By so much that the accepted count hides the next regression.
    Less,
    More,
    /// No count is accepted.
    New,
    /// Counted no more.
    Gone,
}

impl Comparison {
    pub(crate) const fn new(accepted: Counts, now: Counts) -> Self {
        Self { accepted, now }
    }

    /// Whether no count has grown past the tolerance, and none is new or gone.
    pub(crate) fn is_good(&self) -> bool {
        !self.is_comparable() || self.bad() == 0
    }

    /// The counts line by line.
    pub(crate) fn table(&self) -> String {
        let mut table = format!("{:<44} {:>12} {:>12}  ratio\n", "", "accepted", "now");
        for name in self.names() {
            let (accepted, now) = self.counts_of(name);
            let cell = |count: Option<u64>| count.map_or("-".into(), |count| count.to_string());
            let ratio = match (accepted, now) {
                (Some(accepted), Some(now)) => format!("{:.3}", now as f64 / accepted as f64),
                _ => "-".into(),
            };
            let note = self.verdict(name).note();
            let line = format!(
                "{name:<44} {:>12} {:>12}  {ratio:>5}{note}",
                cell(accepted),
                cell(now)
            );
            table += line.trim_end();
            table.push('\n');
        }
        table
    }

    /// Counts for different kinds of processors have nothing to do with each other.
    fn is_comparable(&self) -> bool {
        self.accepted.tools.host == self.now.tools.host
    }

    fn tolerance(&self) -> u64 {
        if self.accepted.tools == self.now.tools {
            TOLERANCE
        } else {
            TOLERANCE_OF_OTHER_TOOLS
        }
    }

    fn names(&self) -> BTreeSet<&str> {
        let names = self.accepted.counts.keys().chain(self.now.counts.keys());
        names.map(String::as_str).collect()
    }

    fn counts_of(&self, name: &str) -> (Option<u64>, Option<u64>) {
        let of = |counts: &Counts| counts.counts.get(name).copied();
        (of(&self.accepted), of(&self.now))
    }

    fn verdict(&self, name: &str) -> Verdict {
        let percent = |count: u64, percent: u64| u128::from(count) * u128::from(percent);
        match self.counts_of(name) {
            (Some(accepted), Some(now)) => {
                let (now, tolerance) = (percent(now, 100), self.tolerance());
                if now > percent(accepted, 100 + tolerance) {
                    Verdict::More
                } else if now < percent(accepted, 100 - tolerance) {
                    Verdict::Less
                } else {
                    Verdict::Within
                }
            }
            (None, _) => Verdict::New,
            (Some(_), None) => Verdict::Gone,
        }
    }

    fn bad(&self) -> usize {
        let names = self.names();
        names
            .iter()
            .filter(|name| self.verdict(name).is_bad())
            .count()
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.table())?;
        let (accepted, now) = (&self.accepted.tools, &self.now.tools);
        let (count, tolerance) = (self.now.counts.len(), self.tolerance());
        if accepted != now {
            writeln!(
                f,
                "The accepted counts are those of rustc {} for {} under valgrind {}, these of rustc \
                 {} for {} under valgrind {}.",
                accepted.rustc, accepted.host, accepted.valgrind, now.rustc, now.host, now.valgrind
            )?;
        }
        match self.bad() {
            _ if !self.is_comparable() => writeln!(f, "So they aren't compared."),
            0 => writeln!(
                f,
                "{count} counts, none more than {tolerance} % above the accepted one."
            ),
            bad => writeln!(
                f,
                "{bad} counts are more than {tolerance} % above the accepted one, or new, or gone. If \
                 that is meant: `make instructions-accept`, commit the file, and say what it buys."
            ),
        }
    }
}

impl Verdict {
    const fn is_bad(self) -> bool {
        matches!(self, Self::More | Self::New | Self::Gone)
    }

    const fn note(self) -> &'static str {
        match self {
            Self::Within => "",
            Self::Less => "  less: accept it, so that it stays so",
            Self::More => "  MORE",
            Self::New => "  NEW",
            Self::Gone => "  GONE",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counts::Tools;

    fn counts(rustc: &str, host: &str, counts: &[(&str, u64)]) -> Counts {
        let tools = Tools {
            rustc: rustc.into(),
            host: host.into(),
            valgrind: "3.19.0".into(),
        };
        let counts = counts.iter().map(|(name, count)| ((*name).into(), *count));
        Counts {
            tools,
            counts: counts.collect(),
        }
    }

    fn of_the_same_tools(accepted: &[(&str, u64)], now: &[(&str, u64)]) -> Comparison {
        Comparison::new(
            counts("1.95.0", "x86", accepted),
            counts("1.95.0", "x86", now),
        )
    }

    #[test]
    fn a_count_may_grow_by_the_tolerance_and_no_further() {
        for (now, good) in [(2_000, true), (2_100, true), (2_101, false), (1, true)] {
            let comparison = of_the_same_tools(&[("a", 2_000), ("b", 7)], &[("a", now), ("b", 7)]);
            assert_eq!(comparison.is_good(), good, "{now}");
            assert_eq!(
                comparison.to_string().contains("MORE"),
                !good,
                "{comparison}"
            );
        }
    }

    #[test]
    fn a_count_that_sank_is_pointed_out() {
        let comparison = of_the_same_tools(&[("a", 2_000)], &[("a", 1_899)]);
        assert!(comparison.to_string().contains("less"), "{comparison}");
    }

    #[test]
    fn a_bench_without_an_accepted_count_or_without_a_new_one_fails() {
        let both = [("a", 1), ("b", 1)];
        assert!(!of_the_same_tools(&both[..1], &both).is_good());
        assert!(!of_the_same_tools(&both, &both[1..]).is_good());
        assert!(!of_the_same_tools(&both, &[]).is_good());
    }

    #[test]
    fn other_tools_are_given_more_room_and_other_processors_all() {
        let accepted = || counts("1.95.0", "x86", &[("a", 100)]);
        let verdict = |now| Comparison::new(accepted(), now).is_good();
        assert!(verdict(counts("1.96.0", "x86", &[("a", 110)])));
        assert!(!verdict(counts("1.96.0", "x86", &[("a", 111)])));
        assert!(verdict(counts("1.95.0", "arm", &[("a", 1_000)])));
    }
}
