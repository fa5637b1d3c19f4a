//! The side that answers.

use alloc::vec::Vec;

use super::division::Division;
use super::engine::{Engine, Role};
use super::wire::{Decoder, PROTOCOL_VERSION};
use crate::limits::SessionLimits;
use crate::session::{Intake, Session, SessionError, Step};
use crate::set::ItemSet;

/// A negentropy V1 session as its responder. It answers every frame and is never `done`: the
/// initiator ends the session. It learns no differences.
#[derive(Clone, Debug)]
pub struct Responder<S> {
    engine: Engine<S>,
    intake: Intake,
    limits: SessionLimits,
}

impl<S: ItemSet> Responder<S> {
    /// Waits for an initiator's frames about the whole of `set`.
    ///
    /// # Errors
    /// When `limits.frame_bytes_sent` is neither 0 nor at least
    /// [`MIN_FRAME_BYTES`](super::MIN_FRAME_BYTES).
    pub fn new(set: S, limits: SessionLimits) -> Result<Self, SessionError> {
        Self::dividing(set, Division::default(), limits)
    }

    /// The same with another way to divide ranges than the default.
    ///
    /// # Errors
    /// As [`Responder::new`].
    pub fn dividing(
        set: S,
        division: Division,
        limits: SessionLimits,
    ) -> Result<Self, SessionError> {
        let engine = Engine::new(set, division, limits.frame_bytes_sent, &limits)?;
        Ok(Self {
            engine,
            intake: Intake::default(),
            limits,
        })
    }

    /// Answers a frame of the initiator. As [`Session::receive`], for programs that write their own
    /// loop.
    ///
    /// # Errors
    /// As [`Session::receive`].
    pub fn reconcile(&mut self, frame: &[u8]) -> Result<Vec<u8>, SessionError> {
        self.intake.admit(frame, &self.limits)?;
        let (version, message) = Decoder::new(frame)?;
        let answer = if version == PROTOCOL_VERSION {
            self.engine.answer(message, Role::Responder)?
        } else {
            // The format's way to say which version is the highest known here.
            alloc::vec![PROTOCOL_VERSION]
        };
        self.intake.send(&answer, &self.limits)?;
        Ok(answer)
    }
}

impl<S: ItemSet + Send> Session for Responder<S> {
    fn receive(&mut self, frame: &[u8]) -> Result<Step, SessionError> {
        Ok(Step {
            reply: Some(self.reconcile(frame)?),
            ..Step::default()
        })
    }
}
