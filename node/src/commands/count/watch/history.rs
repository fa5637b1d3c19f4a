//! What counts have found over the last week. Pure: times are arguments, in nanoseconds since 1970.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::census::Report;
use crate::census::limits::{ROUNDS, WEEK};
use crate::census::report::BucketReport;
use crate::cli::time::nanoseconds;

/// The figures of a week, by bucket, and which nodes answered when.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct History {
    width: u64,
    buckets: BTreeMap<u64, Past>,
    rounds: VecDeque<Round>,
    last_full: Option<u64>,
    /// When the last count of a whole week began, whatever came of it.
    last_tried: Option<u64>,
}

/// A bucket as the last count of it has left it. Nodes by peer id; one that didn't answer keeps its last figure.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(super) struct Past {
    pub(super) messages: u64,
    pub(super) missing: BTreeMap<String, u64>,
}

/// A count.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(super) struct Round {
    /// When it began.
    pub(super) at: u64,
    pub(super) seconds: f64,
    /// Whether it was of the whole week, and every node has answered.
    pub(super) full: bool,
    /// Whether it was of the whole week.
    #[serde(default)]
    pub(super) week: bool,
    /// For each node, by peer id, whether it has answered for everything.
    pub(super) answered: BTreeMap<String, bool>,
}

/// What a count has changed, to be written down.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Change {
    pub(super) buckets: BTreeMap<u64, Past>,
    pub(super) round: Round,
    /// Buckets and rounds before these have gone.
    pub(super) first_bucket: u64,
    pub(super) first_round: u64,
}

/// How far back a figure looks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Window {
    pub(super) name: &'static str,
    pub(super) length: Duration,
}

/// The last hour, day and week.
pub(super) const WINDOWS: [Window; 3] = [
    Window {
        name: "1h",
        length: Duration::from_secs(3_600),
    },
    Window {
        name: "1d",
        length: Duration::from_secs(86_400),
    },
    Window {
        name: "7d",
        length: WEEK,
    },
];

impl Round {
    /// A count of the last week, if `whole`, or of less.
    pub(super) fn new(report: &Report, at: u64, whole: bool) -> Self {
        let nodes = report.nodes.iter();
        Self {
            at,
            seconds: report.seconds,
            full: whole && report.complete,
            week: whole,
            answered: nodes
                .map(|node| (node.peer_id.clone(), node.is_whole()))
                .collect(),
        }
    }
}

impl Past {
    /// Takes what a count has found, but for what it couldn't find since nodes didn't answer.
    fn take(&mut self, report: &Report, bucket: &BucketReport) {
        let answered = bucket.nodes.iter().flatten().count();
        let all = answered == report.nodes.len();
        self.messages = match all {
            true => bucket.messages,
            false => bucket.messages.max(self.messages),
        };
        // Alone, a node lacks nothing that others hold.
        if !all && answered < 2 {
            return;
        }
        for (node, cell) in report.nodes.iter().zip(&bucket.nodes) {
            let Some(cell) = cell else {
                continue;
            };
            let missing = self.missing.get(&node.peer_id).copied();
            // Of what it wasn't asked again for, some may be missing too.
            let missing = match (cell.unsure, missing) {
                (0, _) => cell.missing,
                (_, Some(before)) => cell.missing.max(before),
                (_, None) if cell.missing > 0 => cell.missing,
                (_, None) => continue,
            };
            self.missing.insert(node.peer_id.clone(), missing);
        }
    }
}

impl History {
    /// Nothing yet, of buckets of this width in nanoseconds.
    pub(super) const fn new(width: u64) -> Self {
        Self {
            width,
            buckets: BTreeMap::new(),
            rounds: VecDeque::new(),
            last_full: None,
            last_tried: None,
        }
    }

    /// What was written down; rounds in order.
    pub(super) fn restored(
        width: u64,
        buckets: BTreeMap<u64, Past>,
        rounds: VecDeque<Round>,
    ) -> Self {
        let last = |of: fn(&Round) -> bool| {
            let found = rounds.iter().rev().find(|round| of(round));
            found.map(|round| round.at)
        };
        Self {
            width,
            last_full: last(|round| round.full),
            last_tried: last(|round| round.week || round.full),
            buckets,
            rounds,
        }
    }

    /// Has a whole week due unless the last one tried was of the same nodes, by peer id: what a node lacks depends on
    /// what the others hold.
    pub(super) fn go_on_with(&mut self, nodes: &BTreeSet<String>) {
        let mut tried = self.rounds.iter().rev();
        let last = tried.find(|round| round.week || round.full);
        let same = last.is_some_and(|round| round.answered.keys().eq(nodes));
        self.last_tried = self.last_tried.filter(|_| same);
    }

    /// Whether it is time to compare the whole week. A node that didn't answer for all of it the last time, or had too
    /// much, doesn't bring that forward: all else would be asked for again and again.
    pub(super) fn is_full_due(&self, now: u64, every: Duration) -> bool {
        self.last_tried
            .is_none_or(|last| last > now || now - last >= nanoseconds(every))
    }

    /// Takes what a count has found, forgets what is older than a week; gives what that changed.
    pub(super) fn note(&mut self, report: &Report, round: Round) -> Change {
        let mut changed = BTreeMap::new();
        for bucket in &report.buckets {
            // Of a span that begins within a bucket it has the start of the span.
            let start = bucket.start - bucket.start % self.width;
            let past = self.buckets.entry(start).or_default();
            past.take(report, bucket);
            changed.insert(start, past.clone());
        }
        if round.full {
            self.last_full = Some(round.at);
        }
        if round.week {
            self.last_tried = Some(round.at);
        }
        self.rounds.push_back(round.clone());
        let (first_bucket, first_round) = self.prune(round.at);
        changed.retain(|start, _| *start >= first_bucket);
        Change {
            buckets: changed,
            round,
            first_bucket,
            first_round,
        }
    }

    fn prune(&mut self, now: u64) -> (u64, u64) {
        let week_ago = now.saturating_sub(nanoseconds(WEEK));
        let first_bucket = (week_ago + 1).saturating_sub(self.width);
        self.buckets = self.buckets.split_off(&first_bucket);
        while self.rounds.len() > ROUNDS
            || self.rounds.front().is_some_and(|round| round.at < week_ago)
        {
            self.rounds.pop_front();
        }
        (
            first_bucket,
            self.rounds.front().map_or(0, |round| round.at),
        )
    }

    /// How many messages a node lacks in the buckets that reach into the window before `now`; `None` if nothing is
    /// known of it there.
    pub(super) fn missing(&self, node: &str, window: Window, now: u64) -> Option<u64> {
        self.within(window, now)
            .filter_map(|past| past.missing.get(node))
            .copied()
            .reduce(u64::saturating_add)
    }

    /// How many messages any node holds in the same buckets.
    pub(super) fn messages(&self, window: Window, now: u64) -> u64 {
        self.within(window, now).map(|past| past.messages).sum()
    }

    /// The share of the counts begun within the window before `now` in which a node answered for everything.
    pub(super) fn availability(&self, node: &str, window: Window, now: u64) -> Option<f64> {
        let since = now.saturating_sub(nanoseconds(window.length));
        let rounds = self.rounds.iter().filter(|round| round.at >= since);
        let answers: Vec<bool> = rounds
            .filter_map(|round| round.answered.get(node))
            .copied()
            .collect();
        let given = answers.iter().filter(|answered| **answered).count();
        (!answers.is_empty()).then(|| given as f64 / answers.len() as f64)
    }

    /// The last count.
    pub(super) fn last(&self) -> Option<&Round> {
        self.rounds.back()
    }

    /// When the last count of a whole week began in which every node answered.
    pub(super) const fn last_full(&self) -> Option<u64> {
        self.last_full
    }

    fn within(&self, window: Window, now: u64) -> impl Iterator<Item = &Past> {
        let since = now.saturating_sub(nanoseconds(window.length));
        let first = (since + 1).saturating_sub(self.width);
        self.buckets.range(first..).map(|(_, past)| past)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::census::report::tests::three_nodes;

    const HOUR: u64 = 3_600_000_000_000;

    fn noted(report: &Report, at: u64, whole: bool, history: &mut History) -> Change {
        let round = Round::new(report, at, whole);
        history.note(report, round)
    }

    #[test]
    fn figures_are_of_the_buckets_that_reach_into_the_window() {
        let report = three_nodes();
        let [first, second, third] =
            [0, 1, 2].map(|node: usize| report.nodes[node].peer_id.as_str());
        let mut history = History::new(HOUR);
        noted(&report, report.until, false, &mut history);
        let now = report.until;
        let of = |node, window| history.missing(node, window, now);
        // The first node lacks one of the second bucket, the second one of the third bucket.
        assert_eq!(
            (of(first, WINDOWS[0]), of(first, WINDOWS[1])),
            (Some(0), Some(1))
        );
        assert_eq!(
            (of(second, WINDOWS[0]), of(second, WINDOWS[2])),
            (Some(1), Some(1))
        );
        assert_eq!(
            (of(third, WINDOWS[0]), of(third, WINDOWS[1])),
            (None, Some(0))
        );
        assert_eq!(history.missing(first, WINDOWS[0], now + 1), Some(0));
        assert_eq!(history.missing(first, WINDOWS[0], now + HOUR), None);
        assert_eq!(history.messages(WINDOWS[1], now), 6);
    }

    #[test]
    fn a_node_that_does_not_answer_keeps_its_last_figure_and_is_less_available() {
        let mut report = three_nodes();
        let node = report.nodes[0].peer_id.clone();
        let mut history = History::new(HOUR);
        noted(&report, report.until, false, &mut history);
        report.nodes[0].state = crate::census::report::State::Unreachable;
        report
            .buckets
            .iter_mut()
            .for_each(|bucket| bucket.nodes[0] = None);
        let now = report.until + 1;
        noted(&report, now, false, &mut history);
        assert_eq!(history.missing(&node, WINDOWS[1], now), Some(1));
        assert_eq!(history.availability(&node, WINDOWS[1], now), Some(0.5));
        assert_eq!(history.messages(WINDOWS[1], now), 6);
        assert_eq!(history.availability("nobody", WINDOWS[1], now), None);
    }

    #[test]
    fn what_a_count_could_not_find_leaves_the_figures_as_they_were() {
        let report = three_nodes();
        let second = report.nodes[1].peer_id.clone();
        let mut history = History::new(HOUR);
        noted(&report, report.until, false, &mut history);
        let before = history.buckets.clone();

        let mut unsure = report.clone();
        let cell = unsure.buckets[2].nodes[1].as_mut().unwrap();
        (cell.missing, cell.unsure) = (0, 1);
        noted(&unsure, report.until, false, &mut history);
        assert_eq!(history.buckets, before, "it couldn't be asked again");
        let cell = unsure.buckets[2].nodes[1].as_mut().unwrap();
        (cell.missing, cell.unsure) = (3, 1);
        let mut some = history.clone();
        noted(&unsure, report.until, false, &mut some);
        let missing = some.missing(&second, WINDOWS[0], report.until);
        assert_eq!(missing, Some(3), "so many at least");

        let mut alone = report.clone();
        for bucket in &mut alone.buckets {
            (bucket.nodes[0], bucket.nodes[2]) = (None, None);
            bucket.messages = bucket.nodes[1].unwrap().messages;
            bucket.nodes[1].as_mut().unwrap().missing = 0;
        }
        noted(&alone, report.until, false, &mut history);
        assert_eq!(
            history.buckets, before,
            "there was nobody to compare it with"
        );

        let mut healed = report.clone();
        healed.buckets[2].nodes[1].as_mut().unwrap().missing = 0;
        noted(&healed, report.until, false, &mut history);
        assert_eq!(history.missing(&second, WINDOWS[0], report.until), Some(0));
    }

    #[test]
    fn a_comparison_is_full_if_it_is_of_a_week_and_everybody_answers() {
        let mut report = three_nodes();
        let mut history = History::new(HOUR);
        let every = Duration::from_secs(3_600);
        let now = report.until;
        assert!(history.is_full_due(now, every));
        noted(&report, now, true, &mut history);
        assert_eq!(history.last_full(), None, "one node answered in part");
        report.complete = true;
        noted(&report, now, false, &mut history);
        assert_eq!(history.last_full(), None, "of less than a week");
        noted(&report, now + 5, true, &mut history);
        assert_eq!(history.last_full(), Some(now + 5));
    }

    #[test]
    fn the_next_week_is_due_by_when_one_was_tried_last_whatever_came_of_it() {
        let report = three_nodes();
        assert!(!report.complete);
        let mut history = History::new(HOUR);
        let every = Duration::from_secs(3_600);
        let now = report.until;
        assert!(history.is_full_due(now, every));
        noted(&report, now, false, &mut history);
        assert!(history.is_full_due(now, every), "that was of less");
        let change = noted(&report, now + 5, true, &mut history);
        let restored = History::restored(HOUR, change.buckets, VecDeque::from([change.round]));
        for history in [history, restored] {
            assert!(!history.is_full_due(now + HOUR, every));
            assert!(history.is_full_due(now + HOUR + 5, every));
            assert!(history.is_full_due(now, every), "the clock was set back");
        }
    }

    #[test]
    fn other_nodes_have_a_week_due_at_once() {
        let report = three_nodes();
        let ids = report.nodes.iter().map(|node| node.peer_id.clone());
        let nodes: BTreeSet<String> = ids.collect();
        let mut history = History::new(HOUR);
        let now = report.until;
        noted(&report, now, true, &mut history);
        let is_due = |nodes: &BTreeSet<String>| {
            let mut history = history.clone();
            history.go_on_with(nodes);
            history.is_full_due(now + 1, Duration::from_secs(60))
        };
        assert!(!is_due(&nodes));
        let mut fewer = nodes.clone();
        fewer.pop_first();
        assert!(is_due(&fewer));
        let mut more = nodes.clone();
        more.insert("another".into());
        assert!(is_due(&more));
    }

    #[test]
    fn rounds_that_were_written_down_without_saying_whether_they_were_of_a_week_are_read() {
        let round = r#"{"at": 5, "seconds": 1.0, "full": true, "answered": {}}"#;
        let round: Round = serde_json::from_str(round).unwrap();
        let history = History::restored(HOUR, BTreeMap::new(), VecDeque::from([round]));
        assert_eq!(history.last_full(), Some(5));
        assert!(!history.is_full_due(6, Duration::from_secs(1)));
    }

    #[test]
    fn what_is_older_than_a_week_is_forgotten_and_rounds_are_bounded() {
        let report = three_nodes();
        let mut history = History::new(HOUR);
        noted(&report, report.until, false, &mut history);
        let mut later = report.clone();
        later.buckets.truncate(1);
        later.buckets[0].start += 7 * 24 * HOUR;
        let at = report.until + 7 * 24 * HOUR - HOUR;
        let change = noted(&later, at, false, &mut history);
        assert_eq!(history.buckets.len(), 2, "{:?}", history.buckets.keys());
        assert_eq!(history.buckets.keys().next(), Some(&(report.until - HOUR)));
        assert!(change.first_bucket > report.until - 2 * HOUR);
        assert_eq!(change.buckets.len(), 1);
        for number in 0..ROUNDS as u64 + 1 {
            noted(&later, at + number, false, &mut history);
        }
        assert_eq!(history.rounds.len(), ROUNDS);
    }

    #[test]
    fn what_was_written_down_goes_on() {
        let mut report = three_nodes();
        report.complete = true;
        let mut history = History::new(HOUR);
        let change = noted(&report, report.until, true, &mut history);
        let restored = History::restored(HOUR, change.buckets, VecDeque::from([change.round]));
        assert_eq!(restored, history);
    }
}
