//! What a session counts while frames come in.

use crate::limits::SessionLimits;
use crate::session::SessionError;

/// Counts the frames and bytes of one session against its limits.
#[derive(Clone, Debug, Default)]
pub(crate) struct Intake {
    frames: usize,
    bytes: u64,
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
        if self.bytes > limits.session_bytes {
            return Err(SessionError::Limit {
                name: "session_bytes",
                max: limits.session_bytes,
            });
        }
        Ok(())
    }

    /// From now on every frame is one too many.
    pub(crate) fn close(&mut self) {
        self.closed = true;
    }
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
