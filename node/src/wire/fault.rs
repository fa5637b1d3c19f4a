//! Why a frame isn't taken, and the bytes around the place.

use std::borrow::Cow;
use std::fmt::{self, Display, Write};

use serde::Serialize;
use sync_core::SessionError;

use crate::sync::report::grouped;

/// Bytes in a line of a dump.
const LINE: usize = 16;

/// Why a frame isn't taken.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(untagged)]
pub enum Fault {
    /// It isn't of the format.
    Malformed {
        /// Where that was seen.
        offset: usize,
        /// What should have stood there.
        expected: Cow<'static, str>,
    },
    /// It goes past a limit.
    Limit {
        /// The limit's name.
        limit: &'static str,
        /// Its value.
        max: u64,
    },
}

impl Fault {
    pub(super) fn malformed(offset: usize, expected: impl Into<Cow<'static, str>>) -> Self {
        let expected = expected.into();
        Self::Malformed { offset, expected }
    }

    pub(super) const fn limit(limit: &'static str, max: usize) -> Self {
        let max = max as u64;
        Self::Limit { limit, max }
    }

    /// Refuses a number over its limit.
    pub(super) fn at_most(limit: &'static str, value: usize, max: usize) -> Result<(), Self> {
        if value > max {
            return Err(Self::limit(limit, max));
        }
        Ok(())
    }

    /// What a decoder says that found a fault where the walk through the fields found none.
    pub(super) fn undecodable(offset: usize, error: impl Display) -> Self {
        Self::malformed(offset, format!("what the decoder takes ({error})"))
    }
}

/// What the engine's decoders say.
impl From<SessionError> for Fault {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Malformed { offset, expected } => Self::malformed(offset, expected),
            SessionError::Limit { name, max } => Self::Limit { limit: name, max },
            other => Self::undecodable(0, other),
        }
    }
}

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed { offset, expected } => {
                write!(f, "at byte {offset}: expected {expected}")
            }
            Self::Limit { limit, max } => {
                write!(f, "limit {limit}: expected at most {}", grouped(*max))
            }
        }
    }
}

/// Some bytes of a frame.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Around {
    /// Where they start.
    pub offset: usize,
    /// Hex.
    pub hex: String,
}

impl Around {
    /// The line in which `offset` lies, the one before and the one behind.
    pub(super) fn new(frame: &[u8], offset: usize) -> Self {
        let line = offset.min(frame.len()) / LINE * LINE;
        let start = line.saturating_sub(LINE);
        let end = frame.len().min(line + 2 * LINE);
        Self {
            offset: start,
            hex: hex::encode(&frame[start..end]),
        }
    }

    /// The byte at `offset` of the frame, in hex.
    pub(super) fn byte(&self, offset: usize) -> Option<&str> {
        let index = 2 * offset.checked_sub(self.offset)?;
        self.hex.get(index..index + 2)
    }

    /// The lines, with a mark under the byte at `offset`, or behind the last one.
    pub(super) fn dump(&self, offset: usize) -> String {
        let mut out = String::new();
        let digits = (self.offset + self.hex.len() / 2).to_string().len().max(4);
        let mut start = self.offset;
        let mut rest = self.hex.as_str();
        loop {
            let (line, behind) = rest.split_at(rest.len().min(2 * LINE));
            let _ = write!(out, "{start:>digits$}");
            for index in 0..line.len() / 2 {
                let gap = if index % (LINE / 2) == 0 { "  " } else { " " };
                let _ = write!(out, "{gap}{}", &line[2 * index..2 * index + 2]);
            }
            out.push('\n');
            if (start..start + LINE).contains(&offset) {
                let index = offset - start;
                let gap = digits + 2 + 3 * index + usize::from(index >= LINE / 2);
                let _ = writeln!(out, "{:gap$}^^", "");
            }
            rest = behind;
            start += LINE;
            if rest.is_empty() && offset != start {
                return out;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_stands_under_the_byte() {
        let frame: Vec<u8> = (0..100).collect();
        for offset in 0..=frame.len() {
            let around = Around::new(&frame, offset);
            let dump = around.dump(offset);
            let lines: Vec<&str> = dump.lines().collect();
            let mark = lines.iter().position(|line| line.contains('^')).unwrap();
            let column = lines[mark].find('^').unwrap();
            let marked = lines[mark - 1].get(column..column + 2);
            let byte = frame.get(offset).map(|byte| format!("{byte:02x}"));
            assert_eq!(marked, byte.as_deref(), "{offset}\n{dump}");
            assert!(lines.len() <= 4 && lines.iter().all(|line| line.len() <= 56));
        }
    }

    #[test]
    fn the_end_of_an_empty_frame_and_of_a_full_line_can_be_marked() {
        assert_eq!(Around::new(&[], 0).dump(0), "   0\n      ^^\n");
        let dump = Around::new(&[7; 16], 16).dump(16);
        assert!(dump.ends_with("  16\n      ^^\n"), "{dump}");
    }
}
