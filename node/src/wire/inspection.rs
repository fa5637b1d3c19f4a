//! A frame, looked at: what it says, or what is wrong with it.

use serde::Serialize;
use sync_core::waku::HeaderForm;
use sync_core::{SessionError, SessionLimits};

use super::rows::Rows;
use super::summary::{COLUMNS, Summary, wrapped};
use super::{
    Around, Fault, MetadataParts, NegentropyParts, OwnParts, Protocol, ReconciliationParts,
    StoreRequestParts, StoreResponseParts, TransferParts,
};
use crate::sync::report::grouped;

/// A frame, looked at.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Inspection {
    /// The format that it was read as.
    pub protocol: Protocol,
    /// Whether it is of that format and within the limits.
    pub valid: bool,
    /// Its length, without the stream's length prefix.
    pub bytes: usize,
    /// What it says, or what is wrong with it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What a frame says, or what is wrong with it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(untagged)]
pub enum Outcome {
    /// It is well formed.
    Valid(Box<Description>),
    /// It isn't, or goes past a limit.
    Invalid {
        /// Why.
        error: Fault,
        /// The bytes around the place, if it is known.
        #[serde(skip_serializing_if = "Option::is_none")]
        around: Option<Around>,
    },
}

/// What a well-formed frame says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Description {
    /// Its parts.
    #[serde(flatten)]
    pub parts: Parts,
    /// Why a node refuses it nonetheless, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// What else is worth knowing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// The parts of a frame, by protocol.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(untagged)]
pub enum Parts {
    /// See [`Protocol::Reconciliation`].
    Reconciliation(ReconciliationParts),
    /// See [`Protocol::Negentropy`].
    Negentropy(NegentropyParts),
    /// See [`Protocol::Own`].
    Own(OwnParts),
    /// See [`Protocol::Transfer`].
    Transfer(TransferParts),
    /// See [`Protocol::StoreRequest`].
    StoreRequest(Box<StoreRequestParts>),
    /// See [`Protocol::StoreResponse`].
    StoreResponse(StoreResponseParts),
    /// See [`Protocol::Metadata`].
    Metadata(MetadataParts),
}

/// Looks at a frame (without the stream's length prefix) with the default limits; `form` is that of
/// the header in [`Protocol::Reconciliation`].
#[must_use]
pub fn inspect(protocol: Protocol, form: HeaderForm, frame: &[u8]) -> Inspection {
    let described = describe(protocol, form, frame);
    Inspection {
        protocol,
        valid: described.is_ok(),
        bytes: frame.len(),
        outcome: match described {
            Ok(description) => Outcome::Valid(Box::new(description)),
            Err(error) => Outcome::Invalid {
                around: match &error {
                    Fault::Malformed { offset, .. } => Some(Around::new(frame, *offset)),
                    Fault::Limit { .. } => None,
                },
                error,
            },
        },
    }
}

fn describe(protocol: Protocol, form: HeaderForm, frame: &[u8]) -> Result<Description, Fault> {
    let limits = SessionLimits::default();
    let session = [
        Protocol::Reconciliation,
        Protocol::Negentropy,
        Protocol::Own,
    ];
    if session.contains(&protocol) {
        let (limit, max) = ("frame_bytes_received", limits.frame_bytes_received);
        Fault::at_most(limit, frame.len(), max)?;
    }
    let told = |error: SessionError| match error {
        SessionError::Protocol(what) => what.to_owned(),
        error => error.to_string(),
    };
    let mut notes = Vec::new();
    let (parts, refused) = match protocol {
        Protocol::Reconciliation => {
            let (parts, refused) = ReconciliationParts::decode(form, frame, &limits)?;
            (Parts::Reconciliation(parts), refused.map(told))
        }
        Protocol::Negentropy => {
            let parts = NegentropyParts::decode(frame, &limits)?;
            (Parts::Negentropy(parts), None)
        }
        Protocol::Own => {
            let (parts, refused) = OwnParts::decode(frame, &limits)?;
            (Parts::Own(parts), refused.map(told))
        }
        Protocol::Transfer => {
            let (parts, refused, odd) = TransferParts::decode(frame)?;
            notes = odd;
            (Parts::Transfer(parts), refused)
        }
        Protocol::StoreRequest => {
            let (parts, refused) = StoreRequestParts::decode(frame)?;
            (Parts::StoreRequest(Box::new(parts)), refused)
        }
        Protocol::StoreResponse => {
            let (parts, refused) = StoreResponseParts::decode(frame)?;
            (Parts::StoreResponse(parts), refused)
        }
        Protocol::Metadata => {
            let (parts, odd) = MetadataParts::decode(frame)?;
            notes = odd;
            (Parts::Metadata(parts), None)
        }
    };
    Ok(Description {
        parts,
        refused,
        notes,
    })
}

impl Inspection {
    /// The frame for people, in lines that mostly fit 80 columns.
    #[must_use]
    pub fn text(&self) -> String {
        let (name, bytes) = (self.protocol.name(), grouped(self.bytes as u64));
        let bytes = if self.bytes == 1 {
            "1 byte".into()
        } else {
            format!("{bytes} bytes")
        };
        match &self.outcome {
            Outcome::Valid(description) => {
                let verdict = match description.refused {
                    None => "well-formed",
                    Some(_) => "well-formed, but refused",
                };
                let details = description.text(self.bytes);
                format!("{name}: {verdict}, {bytes}\n{details}")
            }
            Outcome::Invalid { error, around } => {
                let (verdict, came) = match error {
                    Fault::Malformed { offset, .. } => ("malformed", self.came(*offset, around)),
                    Fault::Limit { .. } => ("past a limit", String::new()),
                };
                let mut text = format!("{name}: {verdict}, {bytes}\n");
                for line in wrapped(&format!("{error}{came}"), COLUMNS) {
                    text.push_str(&line);
                    text.push('\n');
                }
                if let (Fault::Malformed { offset, .. }, Some(around)) = (error, around) {
                    text.push_str(&around.dump(*offset));
                }
                text
            }
        }
    }

    /// What stands at `offset` instead of what was expected.
    fn came(&self, offset: usize, around: &Option<Around>) -> String {
        match around.as_ref().and_then(|around| around.byte(offset)) {
            Some(byte) => match self.bytes - offset {
                1 => format!("; got 0x{byte}, the last byte"),
                left => format!("; got 0x{byte} ({} bytes left)", grouped(left as u64)),
            },
            None => "; got the end of the frame".into(),
        }
    }
}

impl Description {
    fn text(&self, frame_bytes: usize) -> String {
        let (mut rows, mut summary) = (Rows::default(), Summary::default());
        match &self.parts {
            Parts::Reconciliation(parts) => parts.rows(frame_bytes, &mut rows),
            Parts::Negentropy(parts) => parts.rows(frame_bytes, &mut rows),
            Parts::Own(parts) => {
                parts.rows(frame_bytes, &mut rows);
                parts.summary(&mut summary);
            }
            Parts::Transfer(parts) => {
                parts.rows(&mut rows);
                parts.summary(&mut summary);
            }
            Parts::StoreRequest(parts) => {
                parts.rows(&mut rows);
                parts.summary(&mut summary);
            }
            Parts::StoreResponse(parts) => {
                parts.rows(&mut rows);
                parts.summary(&mut summary);
            }
            Parts::Metadata(parts) => {
                parts.rows(&mut rows);
                parts.summary(&mut summary);
            }
        }
        if let Some(reason) = &self.refused {
            summary.line("refused", reason.clone());
        }
        for note in &self.notes {
            summary.line("note", note.clone());
        }
        rows.render() + &summary.render()
    }
}
