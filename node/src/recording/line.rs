//! The lines of a recording.

use serde::{Deserialize, Serialize};
use sync_core::Dialect;
use sync_core::waku::HeaderForm;
use sync_net::{ReconcileError, Role, SessionInfo};

use super::scope::{LimitsText, ScopeText};

/// A line of a recording.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Line {
    /// The first line.
    Recording {
        /// When it began, in RFC 3339.
        time: String,
        /// The version of the format.
        version: u32,
        /// What wrote it.
        program: String,
    },
    /// A session begins.
    Session {
        /// Which one.
        #[serde(flatten)]
        head: Head,
        /// What it is about.
        scope: ScopeText,
        /// Its limits.
        limits: LimitsText,
    },
    /// A frame, without the stream's length prefix.
    Frame {
        /// Of which session.
        #[serde(flatten)]
        head: Head,
        /// Its number among the frames of the session, both directions together, from 0 on.
        number: u64,
        /// Which way it went.
        direction: Direction,
        /// The frame in hex.
        frame: String,
    },
    /// A session is over.
    End {
        /// Which one.
        #[serde(flatten)]
        head: Head,
        /// How.
        #[serde(flatten)]
        end: End,
    },
    /// Lines before this one are missing.
    Dropped {
        /// When that was noticed, in RFC 3339.
        time: String,
        /// How many.
        lines: u64,
    },
    /// Nothing more is recorded.
    Full {
        /// Since when, in RFC 3339.
        time: String,
        /// The most bytes that the recording may have.
        limit: u64,
    },
}

/// What every line about a session says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Head {
    /// When, in RFC 3339.
    pub time: String,
    /// The session's number, as in the node's log.
    pub session: u64,
    /// The other side.
    pub peer: String,
    /// What is spoken.
    pub protocol: Protocol,
    /// This side's part.
    pub role: RoleText,
    /// How topics are written, in Waku's reconciliation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<Form>,
}

/// The protocol of a session.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// This project's own.
    Own,
    /// Waku's reconciliation 1.0.0.
    Reconciliation,
}

/// A side's part in a session.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RoleText {
    /// Started it.
    Initiator,
    /// Answers.
    Responder,
}

/// The form of headers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// Topics by name.
    Topics,
    /// Shards of this cluster.
    Cluster(u16),
}

/// Which way a frame went.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// To the peer.
    Sent,
    /// From the peer.
    Received,
}

/// How a session ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct End {
    /// How many frames it had, both directions together.
    pub frames: u64,
    /// How it ended.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// How a session ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "lowercase")]
pub enum Outcome {
    /// By its own logic.
    Done {
        /// Frames received.
        rounds: u64,
        /// Ids that the peer lacked.
        have: u64,
        /// Ids that this side lacked.
        need: u64,
        /// Bytes sent, with length prefixes.
        bytes_sent: u64,
        /// Bytes received, with length prefixes.
        bytes_received: u64,
    },
    /// Early.
    Failed {
        /// Why.
        error: String,
    },
}

impl Head {
    /// That of a session; its time isn't set.
    pub(super) fn new(session: &SessionInfo, form: HeaderForm) -> Self {
        let (protocol, form) = match session.dialect {
            Dialect::Negentropy => (Protocol::Own, None),
            Dialect::Waku => (Protocol::Reconciliation, Some(form.into())),
        };
        Self {
            time: String::new(),
            session: session.id,
            peer: session.peer.to_string(),
            protocol,
            role: match session.role {
                Role::Initiator => RoleText::Initiator,
                Role::Responder => RoleText::Responder,
            },
            form,
        }
    }

    /// The same, of now.
    pub(super) fn now(&self) -> Self {
        Self {
            time: time(),
            ..self.clone()
        }
    }
}

impl Protocol {
    /// The dialect that it carries.
    pub(super) fn dialect(self) -> Dialect {
        match self {
            Self::Own => Dialect::Negentropy,
            Self::Reconciliation => Dialect::Waku,
        }
    }
}

impl From<RoleText> for Role {
    fn from(role: RoleText) -> Self {
        match role {
            RoleText::Initiator => Self::Initiator,
            RoleText::Responder => Self::Responder,
        }
    }
}

impl From<HeaderForm> for Form {
    fn from(form: HeaderForm) -> Self {
        match form {
            HeaderForm::Topics => Self::Topics,
            HeaderForm::Cluster(cluster) => Self::Cluster(cluster),
        }
    }
}

impl From<Form> for HeaderForm {
    fn from(form: Form) -> Self {
        match form {
            Form::Topics => Self::Topics,
            Form::Cluster(cluster) => Self::Cluster(cluster),
        }
    }
}

impl From<sync_net::Direction> for Direction {
    fn from(direction: sync_net::Direction) -> Self {
        match direction {
            sync_net::Direction::Sent => Self::Sent,
            sync_net::Direction::Received => Self::Received,
        }
    }
}

impl From<&Result<sync_net::Outcome, ReconcileError>> for Outcome {
    fn from(outcome: &Result<sync_net::Outcome, ReconcileError>) -> Self {
        match outcome {
            Ok(outcome) => Self::Done {
                rounds: outcome.rounds,
                have: outcome.have,
                need: outcome.need,
                bytes_sent: outcome.bytes_sent,
                bytes_received: outcome.bytes_received,
            },
            Err(error) => Self::Failed {
                error: error.to_string(),
            },
        }
    }
}

/// Now, as lines have it.
pub(super) fn time() -> String {
    jiff::Timestamp::now().to_string()
}
