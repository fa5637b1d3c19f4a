//! What is to be said of a node besides what it holds.

use std::fmt::Display;

use sync_core::PeerState;

use crate::census::limits::REASON_CHARS;

/// What is to be said of a node. What it says of itself is cut short where it is long, and nothing else: whoever
/// shows it escapes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Finding {
    pub(crate) standing: Standing,
    /// What program it says it is; empty if it hasn't said.
    pub(crate) agent: String,
    /// The time of the oldest message that it holds at all, in nanoseconds since 1970, if it said so.
    pub(crate) oldest: Option<u64>,
    /// Before this time it keeps nothing, in nanoseconds since 1970, if it said so.
    pub(crate) floor: Option<u64>,
    /// Whether it says that it has nothing to do with this time or these topics.
    pub(crate) apart: bool,
    /// Why what it has told isn't all that there is to know, if so.
    pub(crate) doubt: Option<String>,
}

/// How a node was counted, or why it wasn't.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Standing {
    /// It is connected, and wasn't asked yet.
    Met,
    /// It has told all that it holds.
    Counted(Method),
    /// It didn't answer for some of the buckets.
    Partly {
        /// How many.
        unanswered: usize,
        /// Why.
        reason: String,
    },
    /// There is no connection.
    Unreachable(String),
    /// It speaks neither protocol.
    NoProtocol(String),
    /// It answered for nothing.
    Failed(String),
}

/// How a node was counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Method {
    /// By this project's protocol.
    Reconciliation,
    /// By Store queries for hashes.
    StoreQueries,
}

impl Finding {
    pub(super) fn new(standing: Standing, agent: &str) -> Self {
        Self {
            standing,
            agent: shortened(agent),
            oldest: None,
            floor: None,
            apart: false,
            doubt: None,
        }
    }

    /// Notes what it said of its archive.
    pub(super) fn tell(&mut self, state: &PeerState) {
        self.oldest = state.oldest;
        self.floor = state.floor.map(|floor| floor.timestamp());
    }

    /// Adds another reason for doubt.
    pub(super) fn doubt(&mut self, reason: &str) {
        let doubt = match self.doubt.take() {
            Some(before) => shortened(&format!("{before}; {reason}")),
            None => shortened(reason),
        };
        self.doubt = Some(doubt);
    }
}

impl Standing {
    pub(super) fn failed(reason: &dyn Display) -> Self {
        Self::Failed(shortened(&reason.to_string()))
    }

    pub(super) fn unreachable(reason: &dyn Display) -> Self {
        let reason = shortened(&reason.to_string());
        Self::Unreachable(cause(&reason).to_owned())
    }
}

impl Method {
    /// Its name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Reconciliation => "reconciliation",
            Self::StoreQueries => "Store queries",
        }
    }
}

/// On one line, and cut short where it is long.
pub(super) fn shortened(reason: &str) -> String {
    let words: Vec<&str> = reason.split_whitespace().collect();
    words.join(" ").chars().take(REASON_CHARS).collect()
}

/// What is at the bottom of a reason in which libp2p has wrapped what went wrong at each level.
fn cause(reason: &str) -> &str {
    let last = reason.rsplit(": ").next().unwrap_or(reason);
    let mut cause = last.trim_end_matches(']');
    while cause.ends_with(')') && cause.matches(')').count() > cause.matches('(').count() {
        cause = &cause[..cause.len() - 1];
    }
    if cause.trim().is_empty() {
        reason
    } else {
        cause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_of_a_failed_dial_is_what_is_told_of_it() {
        let told = "Failed to negotiate transport protocol(s): [(/ip4/127.0.0.1/tcp/1/p2p/16U: : Multiple \
                    dial errors occurred:\n - Connection refused (os error 111): Connection refused (os \
                    error 111))]";
        let refused = Standing::Unreachable("Connection refused (os error 111)".into());
        assert_eq!(Standing::unreachable(&told), refused);
        let silent = Standing::unreachable(&"no answer in 15 s");
        assert_eq!(silent, Standing::Unreachable("no answer in 15 s".into()));
        assert_eq!(cause("odd: ]"), "odd: ]");
    }

    #[test]
    fn what_is_long_is_cut_short() {
        let long = "é ".repeat(REASON_CHARS);
        assert_eq!(shortened(&long).chars().count(), REASON_CHARS);
    }
}
