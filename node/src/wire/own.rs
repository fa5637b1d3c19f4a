//! A frame of this project's own protocol.

use serde::Serialize;
use sync_core::own::{BAD_FRAME, BUSY, Frame, Hello, NOTHING_IN_COMMON};
use sync_core::{PeerState, Scope, SessionError, SessionLimits};

use super::fault::Fault;
use super::negentropy::NegentropyParts;
use super::protobuf::{Fields, HELLO, REFUSAL, walk};
use super::ranges::{ItemParts, Position, id_rows, item_rows};
use super::rows::Rows;
use super::summary::Summary;
use super::text::{bound, counted, quoted, range, time, topics};
use crate::sync::report::grouped;

/// The first byte of a frame with a protobuf message behind it.
const HELLO_KIND: u8 = 1;
const REFUSAL_KIND: u8 = 4;

/// A frame.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum OwnParts {
    /// Opens the session.
    Hello(Box<HelloParts>),
    /// A negentropy message.
    Reconcile(NegentropyParts),
    /// Ids that the responder lacks.
    Have {
        /// No more of them follow.
        last: bool,
        /// The ids, in hex.
        ids: Vec<String>,
    },
    /// The responder has noted ids.
    Noted {
        /// How many so far.
        count: u64,
    },
    /// The session won't go on.
    Refusal {
        /// The fields.
        #[serde(flatten)]
        fields: Fields,
        /// Why.
        code: u32,
        /// Why, in the sender's words, as far as they are kept.
        reason: String,
    },
    /// The initiator asks what the responder holds.
    List {
        /// Behind this item; none for the first ones.
        after: Option<ItemParts>,
    },
    /// What the responder holds.
    Items {
        /// No more of them follow.
        last: bool,
        /// The items.
        items: Vec<ItemParts>,
    },
}

/// A hello: its fields, and what they are understood as.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct HelloParts {
    /// The fields.
    #[serde(flatten)]
    pub fields: Fields,
    /// What the session is about; none if a node refuses the hello.
    pub scope: Option<ScopeParts>,
    /// What the sender says of its archive; none if a node refuses the hello.
    pub state: Option<StateParts>,
    #[serde(skip)]
    taken: Option<(Scope, PeerState)>,
}

/// A scope. Empty lists stand for all topics.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ScopeParts {
    /// Where the window starts, included.
    pub since: Position,
    /// Where it ends, excluded.
    pub until: Position,
    /// In order.
    pub pubsub_topics: Vec<String>,
    /// In order.
    pub content_topics: Vec<String>,
}

/// What a peer says of its archive.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct StateParts {
    /// Items in the scope.
    pub items: u64,
    /// The time of the oldest item at all.
    pub oldest: Option<u64>,
    /// Before this nothing is offered or taken.
    pub floor: Option<Position>,
    /// Spans in which items are known to be missing, as start and end.
    pub gaps: Vec<(Position, Position)>,
}

/// Whether more frames of a kind follow, in words.
const fn whether_last(last: bool) -> &'static str {
    if last {
        "the last of its kind"
    } else {
        "more of its kind follow"
    }
}

impl OwnParts {
    /// Reads a frame; gives also why a session would refuse it, if it would.
    pub(super) fn decode(
        frame: &[u8],
        limits: &SessionLimits,
    ) -> Result<(Self, Option<SessionError>), Fault> {
        let decoded = match Frame::decode(frame, limits) {
            Err(limit @ SessionError::Limit { .. }) => return Err(limit.into()),
            decoded => decoded,
        };
        let fields = match frame.first() {
            Some(&HELLO_KIND) => walk(&HELLO, frame, 1)?,
            Some(&REFUSAL_KIND) => walk(&REFUSAL, frame, 1)?,
            _ => Fields::default(),
        };
        let parts = match decoded? {
            Frame::Hello(hello) => {
                let (parts, refused) = HelloParts::new(fields, &hello, limits)?;
                return Ok((Self::Hello(Box::new(parts)), refused));
            }
            Frame::Reconcile(message) => Self::Reconcile(NegentropyParts::decode(message, limits)?),
            Frame::Have { last, ids } => Self::Have {
                last,
                ids: ids.iter().map(ToString::to_string).collect(),
            },
            Frame::Noted(count) => Self::Noted { count },
            Frame::Refusal(refusal) => Self::Refusal {
                fields,
                code: refusal.code,
                reason: refusal.reason,
            },
            Frame::List(after) => Self::List {
                after: after.as_ref().map(Into::into),
            },
            Frame::Items { last, items } => Self::Items {
                last,
                items: items.iter().map(Into::into).collect(),
            },
        };
        Ok((parts, None))
    }

    pub(super) fn rows(&self, frame_bytes: usize, rows: &mut Rows) {
        let mut kind = |text: &str| rows.part(0, 0, 1, text.into());
        match self {
            Self::Hello(hello) => {
                kind("kind 0x01: hello");
                hello.fields.rows(rows);
            }
            Self::Reconcile(message) => message.rows(frame_bytes, rows),
            Self::Have { last, ids } => {
                kind("kind 0x02: have");
                rows.part(0, 1, 1, whether_last(*last).into());
                rows.part(0, 2, frame_bytes - 2, counted(ids.len(), "id"));
                id_rows(1, ids, rows);
            }
            Self::Noted { count } => {
                kind("kind 0x03: noted");
                let text = format!("{} ids noted so far", grouped(*count));
                rows.part(0, 1, frame_bytes - 1, text);
            }
            Self::Refusal { fields, .. } => {
                kind("kind 0x04: refusal");
                fields.rows(rows);
            }
            Self::List { after } => {
                kind("kind 0x05: list");
                let text = match after {
                    None => return,
                    Some(item) => format!("what lies behind {}", item.text()),
                };
                rows.part(0, 1, frame_bytes - 1, text);
            }
            Self::Items { last, items } => {
                kind("kind 0x06: items");
                rows.part(0, 1, 1, whether_last(*last).into());
                rows.part(0, 2, frame_bytes - 2, counted(items.len(), "item"));
                item_rows(1, items, rows);
            }
        }
    }

    pub(super) fn summary(&self, summary: &mut Summary) {
        match self {
            Self::Hello(hello) => hello.summary(summary),
            Self::Refusal { code, reason, .. } => {
                let meaning = match *code {
                    BUSY => "busy",
                    NOTHING_IN_COMMON => "nothing in common",
                    BAD_FRAME => "a bad frame",
                    _ => "a code without a meaning here",
                };
                summary.line("reason", format!("{meaning}: {}", quoted(reason)));
            }
            Self::Reconcile(_)
            | Self::Have { .. }
            | Self::Noted { .. }
            | Self::List { .. }
            | Self::Items { .. } => {}
        }
    }
}

impl HelloParts {
    fn new(
        fields: Fields,
        hello: &Hello,
        limits: &SessionLimits,
    ) -> Result<(Self, Option<SessionError>), Fault> {
        let understood = hello.scope(limits).and_then(|scope| {
            let state = hello.state(limits)?;
            hello.frame_limit(limits.frame_bytes_sent)?;
            Ok((scope, state))
        });
        let (taken, refused) = match understood {
            Ok(taken) => (Some(taken), None),
            Err(error @ SessionError::Protocol(_)) => (None, Some(error)),
            Err(error) => return Err(error.into()),
        };
        let (scope, state) = taken.as_ref().map(|(s, p)| (s.into(), p.into())).unzip();
        let parts = Self {
            fields,
            scope,
            state,
            taken,
        };
        Ok((parts, refused))
    }

    fn summary(&self, summary: &mut Summary) {
        let Some((scope, state)) = &self.taken else {
            return;
        };
        summary.line("window", range(&scope.window));
        summary.line("topics", topics(&scope.pubsub_topics, "pubsub topic"));
        summary.line("", topics(&scope.content_topics, "content topic"));
        let oldest = match state.oldest {
            Some(oldest) => format!("; the oldest at all of {}", time(oldest)),
            None => String::new(),
        };
        let items = usize::try_from(state.items).unwrap_or(usize::MAX);
        summary.line("holds", format!("{} in it{oldest}", counted(items, "item")));
        let floor = state.floor.as_ref().map_or("none".into(), bound);
        summary.line("floor", floor);
        summary.line("lacks", counted(state.gaps.len(), "known gap"));
    }
}

impl From<&Scope> for ScopeParts {
    fn from(scope: &Scope) -> Self {
        Self {
            since: (&scope.window.lower).into(),
            until: (&scope.window.upper).into(),
            pubsub_topics: scope.pubsub_topics.iter().map(Into::into).collect(),
            content_topics: scope.content_topics.iter().map(Into::into).collect(),
        }
    }
}

impl From<&PeerState> for StateParts {
    fn from(state: &PeerState) -> Self {
        let gaps = state.gaps.iter();
        Self {
            items: state.items,
            oldest: state.oldest,
            floor: state.floor.as_ref().map(Into::into),
            gaps: gaps
                .map(|gap| ((&gap.lower).into(), (&gap.upper).into()))
                .collect(),
        }
    }
}
