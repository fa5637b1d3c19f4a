//! What a session counts while frames come in and go out.

use crate::limits::SessionLimits;
use crate::session::{SessionError, Step};

/// Counts the frames and bytes of one session against its limits.
#[derive(Clone, Debug, Default)]
pub(crate) struct Intake {
    frames: usize,
    bytes: u64,
    sent: u64,
    closed: bool,
}

impl Intake {
    /// Counts `frame`, or says which limit it breaks.
    pub(crate) fn admit(
        &mut self,
        frame: &[u8],
        limits: &SessionLimits,
    ) -> Result<(), SessionError> {
        if self.closed {
            return Err(SessionError::Protocol(
                "a frame after the end of the session",
            ));
        }
        self.frames += 1;
        self.bytes = self.bytes.saturating_add(frame.len() as u64);
        at_most(
            "frame_bytes_received",
            frame.len(),
            limits.frame_bytes_received,
        )?;
        at_most("rounds", self.frames, limits.rounds)?;
        bytes_at_most("session_bytes", self.bytes, limits.session_bytes)
    }

    /// Counts the reply of `step`, the one way to the peer, or says that it goes past the limit.
    pub(crate) fn release(
        &mut self,
        step: Step,
        limits: &SessionLimits,
    ) -> Result<Step, SessionError> {
        if let Some(reply) = &step.reply {
            self.send(reply, limits)?;
        }
        Ok(step)
    }

    /// Counts a frame that this side sends, or says that it goes past the limit.
    pub(crate) fn send(
        &mut self,
        frame: &[u8],
        limits: &SessionLimits,
    ) -> Result<(), SessionError> {
        self.sent = self.sent.saturating_add(frame.len() as u64);
        bytes_at_most("session_bytes_sent", self.sent, limits.session_bytes_sent)
    }

    /// From now on every frame is one too many.
    pub(crate) fn close(&mut self) {
        self.closed = true;
    }
}

fn bytes_at_most(name: &'static str, bytes: u64, max: u64) -> Result<(), SessionError> {
    if bytes > max {
        return Err(SessionError::Limit { name, max });
    }
    Ok(())
}

/// Refuses a number over its limit.
pub(crate) fn at_most(name: &'static str, value: usize, max: usize) -> Result<(), SessionError> {
    if value > max {
        return Err(SessionError::Limit {
            name,
            max: max as u64,
        });
    }
    Ok(())
}
