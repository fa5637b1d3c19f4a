//! Reads a session from a recording.

use std::io::{self, BufRead};

use store_adapter::lines::BoundedLines;
use sync_core::waku::HeaderForm;
use sync_core::{Scope, SessionLimits};
use sync_net::SessionInfo;

use super::known::Known;
use super::line::{Direction, End, Head, Line};
use super::{LINE_BYTES, VERSION};

/// A session from a recording.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recorded {
    /// Which one, as its first line has it.
    pub head: Head,
    /// The same, as sessions have it.
    pub info: SessionInfo,
    /// The form of its headers; of no matter in this project's own protocol.
    pub form: HeaderForm,
    /// Its limits.
    pub limits: SessionLimits,
    /// Its frames in order, all from the first one on.
    pub frames: Vec<(Direction, Vec<u8>)>,
    /// How it ended; `None` if the recording ends before it does.
    pub end: Option<End>,
}

/// Why no session can be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The file can't be read.
    #[error("it can't be read further: {0}")]
    Io(#[from] io::Error),
    /// A line isn't one of a recording.
    #[error("line {line}: {what}")]
    Malformed {
        /// Its number, from 1 on.
        line: u64,
        /// What is wrong, and what was expected.
        what: String,
    },
    /// Frames of the session are missing.
    #[error(
        "line {line}: frame {expected} of session {session} is missing: the recording was too slow, \
         and has dropped it; only a session that was recorded whole can be run again"
    )]
    Missing {
        /// The line where that was seen.
        line: u64,
        /// The session.
        session: u64,
        /// The frame's number.
        expected: u64,
    },
    /// There is no session at all.
    #[error("there is no session in it")]
    Empty,
    /// There is no such session.
    #[error("there is no session {wanted} in it; {known}")]
    Unknown {
        /// What was asked for.
        wanted: u64,
        /// What there is.
        known: Known,
    },
    /// There are several, and none was asked for.
    #[error("there are several sessions in it: choose one by --session; {0}")]
    Several(Known),
}

impl ReadError {
    /// Whether something was asked for that a sound recording doesn't have.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Unknown { .. } | Self::Several(_))
    }
}

/// Reads the session `wanted`, or the only one that there is. Every line of the recording is looked
/// at, and frames of other sessions aren't kept.
///
/// # Errors
/// When a line isn't one of a recording, or there isn't such a session, or not all of it.
pub fn read(input: impl BufRead, wanted: Option<u64>) -> Result<Recorded, ReadError> {
    let mut lines = BoundedLines::new(input, LINE_BYTES);
    let mut reading = Reading {
        wanted,
        chosen: wanted,
        known: Known::default(),
        found: None,
        failed: None,
    };
    let mut begun = false;
    loop {
        let line: Result<Line, String> = match lines.next_line()? {
            None => break,
            Some(Ok(text)) => serde_json::from_slice(text).map_err(|error| explain(&error)),
            Some(Err(too_long)) => Err(too_long.to_string()),
        };
        let taken = match line {
            Ok(line) if begun => reading.take(lines.number(), line),
            Ok(line) => begin(&line),
            Err(what) => Err(what),
        };
        begun = true;
        taken.map_err(|what| ReadError::Malformed {
            line: lines.number(),
            what,
        })?;
    }
    reading.end()
}

/// Looks at the first line.
fn begin(line: &Line) -> Result<(), String> {
    match line {
        Line::Recording {
            version: VERSION, ..
        } => Ok(()),
        Line::Recording { version, .. } => Err(format!(
            "a recording of version {version}: expected version {VERSION}, which this program knows"
        )),
        _ => Err("expected the first line of a recording, with the event `recording`".to_owned()),
    }
}

fn explain(error: &serde_json::Error) -> String {
    if error.is_eof() {
        return "it is cut off: expected a whole JSON object".to_owned();
    }
    format!(
        "{error}; expected an object like {{\"event\":\"frame\",\"time\":...,\"session\":1,...}}, as \
         `wakustore run --record` writes it"
    )
}

/// What was read so far.
struct Reading {
    wanted: Option<u64>,
    /// The session that is read: the wanted one, or else the first that there is.
    chosen: Option<u64>,
    known: Known,
    found: Option<Recorded>,
    /// Why the session that is looked for can't be had; said only if it is the one wanted.
    failed: Option<ReadError>,
}

impl Reading {
    /// Takes a line, or says what is wrong with it.
    fn take(&mut self, number: u64, line: Line) -> Result<(), String> {
        let head = match &line {
            Line::Recording { .. } => {
                return Err("a second first line: expected one of a session".to_owned());
            }
            Line::Dropped { .. } | Line::Full { .. } => return Ok(()),
            Line::Session { head, .. } | Line::Frame { head, .. } | Line::End { head, .. } => head,
        };
        let session = head.session;
        self.known.add(session);
        if session != *self.chosen.get_or_insert(session) {
            return check_frame(&line);
        }
        match line {
            Line::Session {
                head,
                scope,
                limits,
            } => self.begin(head, scope.scope()?, (&limits).into()),
            line => self.follow(number, session, line),
        }
    }

    fn begin(&mut self, head: Head, scope: Scope, limits: SessionLimits) -> Result<(), String> {
        if self.found.is_some() {
            return Err(format!("session {} begins again", head.session));
        }
        let peer = head.peer.parse().map_err(|_| {
            format!(
                "`{}` is no peer: expected a peer id like 16Uiu2HAm...",
                head.peer
            )
        })?;
        let info = SessionInfo {
            id: head.session,
            peer,
            dialect: head.protocol.dialect(),
            role: head.role.into(),
            scope,
        };
        self.found = Some(Recorded {
            form: head.form.map(HeaderForm::from).unwrap_or_default(),
            head,
            info,
            limits,
            frames: Vec::new(),
            end: None,
        });
        Ok(())
    }

    /// Takes a line of the session, behind its first.
    fn follow(&mut self, line: u64, session: u64, said: Line) -> Result<(), String> {
        let missing = |expected| ReadError::Missing {
            line,
            session,
            expected,
        };
        let Some(found) = &mut self.found else {
            self.failed.get_or_insert(missing(0));
            return check_frame(&said);
        };
        if found.end.is_some() {
            return Err(format!("session {session} goes on after its end"));
        }
        let expected = found.frames.len() as u64;
        match said {
            Line::Frame {
                number,
                direction,
                frame,
                ..
            } => {
                let frame = bytes(&frame)?;
                if number > expected {
                    self.failed.get_or_insert(missing(expected));
                } else if number < expected {
                    return Err(format!(
                        "frame {number} of session {session}, where frame {expected} was expected"
                    ));
                }
                found.frames.push((direction, frame));
            }
            Line::End { end, .. } => {
                if end.frames > expected {
                    self.failed.get_or_insert(missing(expected));
                }
                found.end = Some(end);
            }
            _ => {}
        }
        Ok(())
    }

    fn end(self) -> Result<Recorded, ReadError> {
        if self.known.count() == 0 {
            return Err(ReadError::Empty);
        }
        if self.wanted.is_none() && self.known.count() > 1 {
            return Err(ReadError::Several(self.known));
        }
        if let Some(failed) = self.failed {
            return Err(failed);
        }
        let known = self.known;
        self.found.ok_or(ReadError::Unknown {
            wanted: self.wanted.unwrap_or_default(),
            known,
        })
    }
}

fn check_frame(line: &Line) -> Result<(), String> {
    match line {
        Line::Frame { frame, .. } => bytes(frame).map(drop),
        _ => Ok(()),
    }
}

fn bytes(digits: &str) -> Result<Vec<u8>, String> {
    hex::decode(digits)
        .map_err(|error| format!("a frame that isn't hex: {error}; expected its bytes in hex"))
}

#[cfg(test)]
#[path = "reader_tests.rs"]
mod tests;
