//! One vector, and the file that vectors stand in.

use anyhow::{Context, ensure};
use serde::Serialize;
use sync_core::waku::HeaderForm;
use wakustore::wire::{Fault, Inspection, Outcome, Protocol, inspect};

/// A file of vectors.
pub(crate) struct File {
    pub(crate) name: &'static str,
    pub(crate) content: Content,
}

/// What a file holds.
pub(crate) enum Content {
    /// Frames of one format.
    Frames(Format, Vec<Vector>),
    /// Values that are ready to be written, one a line.
    Values(Vec<serde_json::Value>),
}

/// A format, with the form of the header where there are two.
#[derive(Clone, Copy)]
pub(crate) struct Format {
    pub(crate) protocol: Protocol,
    pub(crate) form: Option<HeaderForm>,
}

/// A frame, and what a decoder has to make of it.
pub(crate) struct Vector {
    pub(crate) name: String,
    pub(crate) wire: Vec<u8>,
    pub(crate) verdict: Verdict,
}

/// What a decoder has to make of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// It is of the format, and what an encoder writes of the value.
    Canonical,
    /// It is of the format, but not what an encoder writes.
    Foreign,
    /// It isn't of the format, which shows at this offset.
    Malformed(usize),
    /// It goes past the limit of this name.
    Limit(&'static str),
}

/// A vector as written.
#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    protocol: Protocol,
    #[serde(skip_serializing_if = "Option::is_none")]
    form: Option<&'static str>,
    wire: String,
    /// Absent where an encoder writes the value in these bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    canonical: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a Inspection>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a Fault>,
}

impl Vector {
    pub(crate) fn new(name: impl Into<String>, wire: impl Into<Vec<u8>>, verdict: Verdict) -> Self {
        Self {
            name: name.into(),
            wire: wire.into(),
            verdict,
        }
    }

    fn line(&self, format: Format) -> anyhow::Result<String> {
        let form = format.form.unwrap_or_default();
        let inspection = inspect(format.protocol, form, &self.wire);
        let (value, error) = match &inspection.outcome {
            Outcome::Valid(_) => (Some(&inspection), None),
            Outcome::Invalid { error, .. } => (None, Some(error)),
        };
        let as_meant = match (self.verdict, error) {
            (Verdict::Canonical | Verdict::Foreign, None) => true,
            (Verdict::Malformed(at), Some(Fault::Malformed { offset, .. })) => at == *offset,
            (Verdict::Limit(name), Some(Fault::Limit { limit, .. })) => name == *limit,
            _ => false,
        };
        ensure!(as_meant, "expected {:?}, got {inspection:?}", self.verdict);
        let line = Line {
            name: &self.name,
            protocol: format.protocol,
            form: format.form.map(|form| match form {
                HeaderForm::Topics => "topics",
                HeaderForm::Cluster(_) => "cluster",
            }),
            wire: hex::encode(&self.wire),
            canonical: (self.verdict == Verdict::Foreign).then_some(false),
            value,
            error,
        };
        Ok(serde_json::to_string(&line)?)
    }
}

impl File {
    pub(crate) fn frames(name: &'static str, protocol: Protocol, vectors: Vec<Vector>) -> Self {
        let format = Format {
            protocol,
            form: None,
        };
        Self {
            name,
            content: Content::Frames(format, vectors),
        }
    }

    /// The file: a JSON list, an entry a line.
    ///
    /// # Errors
    /// When a decoder doesn't make of a vector what it is meant to.
    pub(crate) fn render(&self) -> anyhow::Result<String> {
        let lines = match &self.content {
            Content::Frames(format, vectors) => vectors
                .iter()
                .map(|vector| {
                    let line = vector.line(*format);
                    line.with_context(|| format!("{}: {}", self.name, vector.name))
                })
                .collect::<anyhow::Result<Vec<_>>>()?,
            Content::Values(values) => values.iter().map(ToString::to_string).collect(),
        };
        Ok(format!("[\n{}\n]\n", lines.join(",\n")))
    }
}

/// A hash of bytes that can be told apart: `first`, and each one more than the one before.
pub(crate) fn hash(first: u8) -> [u8; 32] {
    std::array::from_fn(|index| first.wrapping_add(index as u8))
}

/// Parts one behind the other.
pub(crate) fn joined(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

/// A varint in ten bytes that is past 64 bits, and one in eleven.
pub(crate) const OVER_64_BITS: [&[u8]; 2] = [
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02",
    b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00",
];
