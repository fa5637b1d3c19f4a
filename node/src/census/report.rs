//! What came of a count, for whoever shows it.

use serde::Serialize;

use super::collect::{Collected, Finding, Standing, Wanted};
use super::limits::MISSING_NAMED;
use super::node_set::NodeSet;
use super::roll::{Cell, Missing, Row};
use super::subject::{Subject, Subjects};
use crate::cli::CountedArgs;
use crate::cli::time::utc;
use crate::sync::report::grouped;

/// A count. Times are nanoseconds since 1970.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    /// Where the span starts, included.
    pub(crate) since: u64,
    /// Where it ends, excluded.
    pub(crate) until: u64,
    pub(crate) bucket_seconds: f64,
    /// Whether nothing is missing, as far as is known; `complete` says how far that is.
    pub(crate) equal: bool,
    /// Whether every node has answered for everything.
    pub(crate) complete: bool,
    /// Messages that any node is known to hold.
    pub(crate) messages: u64,
    pub(crate) pubsub_topic: Option<String>,
    pub(crate) content_topics: Vec<String>,
    pub(crate) nodes: Vec<NodeReport>,
    pub(crate) buckets: Vec<BucketReport>,
    /// Messages that are missing anywhere, or may be, in all.
    pub(crate) missing_messages: u64,
    /// The first of them.
    pub(crate) missing: Vec<MissingReport>,
    /// How long the count took.
    pub(crate) seconds: f64,
}

/// A node.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NodeReport {
    pub(crate) name: String,
    pub(crate) address: String,
    pub(crate) peer_id: String,
    /// What program it says it is; empty if it hasn't said.
    pub(crate) agent: String,
    pub(crate) state: State,
    /// How it was counted, if it was.
    pub(crate) by: Option<&'static str>,
    /// Why it wasn't counted, or not in full.
    pub(crate) reason: Option<String>,
    /// Messages that it holds, as far as it has answered.
    pub(crate) messages: u64,
    /// Messages that others hold and it doesn't.
    pub(crate) missing: u64,
    /// Messages that it seemed to lack, when it couldn't be asked again.
    pub(crate) unsure: u64,
    /// Of these, the ones that were too many to ask it again for.
    pub(crate) unasked: u64,
    /// Buckets that it hasn't answered for.
    pub(crate) unanswered_buckets: u64,
    /// The time of the oldest message that it holds at all, if it said so.
    pub(crate) oldest: Option<u64>,
    /// Before this time it keeps nothing, if it said so.
    pub(crate) floor: Option<u64>,
    /// Whether it says that it has nothing to do with this time or these topics.
    pub(crate) nothing_in_common: bool,
}

/// How much a node has answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum State {
    /// Everything.
    Counted,
    /// Not for everything.
    Partly,
    /// Nothing: there is no connection.
    Unreachable,
    /// Nothing: it speaks neither protocol.
    NoProtocol,
    /// Nothing.
    Failed,
}

/// A bucket.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BucketReport {
    /// Where it starts, included.
    pub(crate) start: u64,
    /// Where it ends, excluded.
    pub(crate) end: u64,
    /// Messages that any node is known to hold.
    pub(crate) messages: u64,
    /// For each node what it holds; null if it hasn't answered.
    pub(crate) nodes: Vec<Option<CellReport>>,
}

/// What a node holds of a bucket.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CellReport {
    pub(crate) messages: u64,
    pub(crate) missing: u64,
    pub(crate) unsure: u64,
}

/// A message that is missing somewhere, or may be. Nodes by name.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MissingReport {
    pub(crate) hash: String,
    /// Where its bucket starts.
    pub(crate) bucket: u64,
    pub(crate) missing_at: Vec<String>,
    pub(crate) unsure_at: Vec<String>,
    pub(crate) held_by: Vec<String>,
}

impl Report {
    /// What the nodes have told, after `seconds`.
    pub(crate) fn new(
        subjects: &Subjects,
        wanted: &Wanted,
        collected: &Collected,
        seconds: f64,
    ) -> Self {
        let (span, subjects) = (wanted.span, subjects.as_slice());
        let rows = collected.roll.rows();
        let nodes: Vec<NodeReport> = subjects
            .iter()
            .zip(&collected.findings)
            .enumerate()
            .map(|(number, (subject, finding))| NodeReport::new(subject, finding, &rows, number))
            .collect();
        let buckets: Vec<BucketReport> = rows
            .iter()
            .enumerate()
            .map(|(number, row)| BucketReport::new(span.bucket(number), row))
            .collect();
        let missing = collected.roll.missing();
        let named = missing.iter().take(MISSING_NAMED);
        Self {
            since: span.since(),
            until: span.until(),
            bucket_seconds: span.width() as f64 / 1e9,
            equal: nodes.iter().all(|node| node.missing == 0),
            complete: nodes.iter().all(NodeReport::is_whole),
            messages: buckets.iter().map(|bucket| bucket.messages).sum(),
            pubsub_topic: wanted.pubsub_topic.clone(),
            content_topics: wanted.content_topics.clone(),
            missing_messages: missing.len() as u64,
            missing: named
                .map(|missing| MissingReport::new(missing, subjects, &buckets))
                .collect(),
            nodes,
            buckets,
            seconds,
        }
    }

    /// Of a span that the present, `now`, leaves nothing of: nobody was asked.
    pub(crate) fn of_nothing(counted: &CountedArgs, now: u64) -> Self {
        let since = counted.since_until(now).0;
        Self {
            since,
            until: since,
            bucket_seconds: counted.bucket.0.as_secs_f64(),
            equal: true,
            complete: true,
            messages: 0,
            pubsub_topic: counted.pubsub_topic.clone(),
            content_topics: counted.content_topic.clone(),
            nodes: Vec::new(),
            buckets: Vec::new(),
            missing_messages: 0,
            missing: Vec::new(),
            seconds: 0.0,
        }
    }

    /// The exit code of the command: 4 unless every node has answered for all that it was asked for, else 3 if
    /// messages are missing. Where none is known to be and some weren't asked for, that isn't equal: 4.
    pub(crate) fn code(&self) -> u8 {
        let answered = self.nodes.iter().all(NodeReport::has_answered_all);
        match (answered, self.equal) {
            (true, false) => 3,
            (true, true) if self.complete => 0,
            _ => 4,
        }
    }
}

impl NodeReport {
    fn new(subject: &Subject, finding: &Finding, rows: &[Row], number: usize) -> Self {
        let cells = rows.iter().map(|row| row.cells[number]);
        let answered = || cells.clone().flatten();
        let sum = |of: fn(Cell) -> u64| answered().map(of).sum();
        let (state, by, reason) = match &finding.standing {
            Standing::Counted(method) => {
                let state = match (&finding.doubt, finding.unasked) {
                    (None, 0) => State::Counted,
                    _ => State::Partly,
                };
                (state, Some(method.name()), finding.doubt.clone())
            }
            Standing::Partly { unanswered, reason } => {
                let reason = format!("no answer for {unanswered} buckets: {reason}");
                let by = super::collect::Method::StoreQueries.name();
                (State::Partly, Some(by), Some(reason))
            }
            Standing::Unreachable(reason) => (State::Unreachable, None, Some(reason.clone())),
            Standing::NoProtocol(reason) => (State::NoProtocol, None, Some(reason.clone())),
            Standing::Failed(reason) => (State::Failed, None, Some(reason.clone())),
            Standing::Met => (State::Failed, None, Some("it wasn't asked".to_owned())),
        };
        Self {
            name: subject.name.clone(),
            address: subject.address.to_string(),
            peer_id: subject.peer.to_string(),
            agent: finding.agent.clone(),
            state,
            by,
            reason,
            messages: sum(|cell| cell.messages),
            missing: sum(|cell| cell.missing),
            unsure: sum(|cell| cell.unsure),
            unasked: finding.unasked as u64,
            unanswered_buckets: cells.clone().filter(Option::is_none).count() as u64,
            oldest: finding.oldest,
            floor: finding.floor,
            nothing_in_common: finding.apart,
        }
    }

    /// Whether it has answered for everything.
    pub(crate) fn is_whole(&self) -> bool {
        self.state == State::Counted
    }

    /// What is to be said of it besides figures, in words, given where the span starts.
    pub(crate) fn remarks(&self, since: u64) -> impl Iterator<Item = String> {
        let reason = self.reason.as_ref();
        let reason = reason.map(|reason| format!("{}: {reason}", self.state.words()));
        let floor = self.floor.filter(|floor| *floor > since);
        let floor = floor.map(|floor| format!("keeps nothing before {}", utc(floor)));
        let apart = "says that it has nothing to do with this time or these topics";
        let apart = self.nothing_in_common.then(|| apart.to_owned());
        let unasked = format!(
            "seems to lack {} messages more than it was asked again for",
            grouped(self.unasked)
        );
        let unasked = (self.unasked > 0).then_some(unasked);
        let said = reason.into_iter().chain(floor);
        said.chain(apart).chain(unasked)
    }

    /// Whether it has answered for everything that it was asked for.
    pub(crate) const fn has_answered_all(&self) -> bool {
        let only_unasked =
            matches!(self.state, State::Partly) && self.unasked > 0 && self.reason.is_none();
        matches!(self.state, State::Counted) || only_unasked
    }

    /// Whether it has answered for anything.
    pub(crate) const fn has_answered(&self) -> bool {
        matches!(self.state, State::Counted | State::Partly)
    }
}

impl State {
    /// In words, for people.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Counted => "counted",
            Self::Partly => "counted in part",
            Self::Unreachable => "unreachable",
            Self::NoProtocol => "speaks neither protocol",
            Self::Failed => "no answer",
        }
    }
}

impl BucketReport {
    fn new((start, end): (u64, u64), row: &Row) -> Self {
        let cell = |cell: &Cell| CellReport {
            messages: cell.messages,
            missing: cell.missing,
            unsure: cell.unsure,
        };
        Self {
            start,
            end,
            messages: row.messages,
            nodes: row.cells.iter().map(|c| c.as_ref().map(cell)).collect(),
        }
    }
}

impl MissingReport {
    fn new(missing: &Missing, subjects: &[Subject], buckets: &[BucketReport]) -> Self {
        let names = |nodes: NodeSet| -> Vec<String> {
            let named = nodes.iter().filter_map(|node| subjects.get(node));
            named.map(|subject| subject.name.clone()).collect()
        };
        Self {
            hash: format!("0x{}", missing.id),
            bucket: buckets.get(missing.bucket).map_or(0, |bucket| bucket.start),
            missing_at: names(missing.lacking),
            unsure_at: names(missing.unsure),
            held_by: names(missing.held),
        }
    }
}

#[cfg(test)]
#[path = "report_tests.rs"]
pub(crate) mod tests;
