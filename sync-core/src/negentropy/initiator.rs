//! The side that starts, and learns the differences.

use alloc::vec::Vec;

use super::division::Division;
use super::engine::{Engine, Role};
use super::wire::{Decoder, PROTOCOL_VERSION};
use crate::item::Id;
use crate::limits::SessionLimits;
use crate::session::{Differences, Intake, Session, SessionError, Step};
use crate::set::ItemSet;

/// A negentropy V1 session as its initiator; done when its [`Step`] has no reply.
///
/// ```
/// use sync_core::negentropy::{Initiator, Responder};
/// use sync_core::{Id, Item, RangeTree, SessionLimits};
///
/// let ours = [Item::new(1, Id([1; 32]))].into_iter().collect::<RangeTree>();
/// let theirs = [Item::new(2, Id([2; 32]))].into_iter().collect::<RangeTree>();
/// let mut responder = Responder::new(&theirs, SessionLimits::default())?;
/// let (mut initiator, mut frame) = Initiator::start(&ours, SessionLimits::default())?;
/// let (mut have, mut need) = (Vec::new(), Vec::new());
/// loop {
///     let answer = responder.reconcile(&frame)?;
///     match initiator.reconcile_with_ids(&answer, &mut have, &mut need)? {
///         Some(next) => frame = next,
///         None => break,
///     }
/// }
/// assert_eq!((have, need), (vec![Id([1; 32])], vec![Id([2; 32])]));
/// # Ok::<(), sync_core::SessionError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Initiator<S> {
    engine: Engine<S>,
    differences: Differences,
    intake: Intake,
    limits: SessionLimits,
}

impl<S: ItemSet> Initiator<S> {
    /// Starts a session about the whole of `set`; gives the first frame.
    ///
    /// # Errors
    /// When `limits.frame_bytes_sent` is neither 0 nor at least
    /// [`MIN_FRAME_BYTES`](super::MIN_FRAME_BYTES), or the first frame breaks
    /// `limits.session_bytes_sent`.
    pub fn start(set: S, limits: SessionLimits) -> Result<(Self, Vec<u8>), SessionError> {
        Self::start_dividing(set, Division::default(), limits)
    }

    /// The same with another way to divide ranges than the default.
    ///
    /// # Errors
    /// As [`Initiator::start`].
    pub fn start_dividing(
        set: S,
        division: Division,
        limits: SessionLimits,
    ) -> Result<(Self, Vec<u8>), SessionError> {
        let engine = Engine::new(set, division, limits.frame_bytes_sent, &limits)?;
        let first = engine.initiate();
        let differences = Differences::new(&limits);
        let mut intake = Intake::default();
        intake.send(&first, &limits)?;
        Ok((
            Self {
                engine,
                differences,
                intake,
                limits,
            },
            first,
        ))
    }

    /// Takes the responder's answer, adds what it tells to `have` and `need`, and gives the next
    /// frame, or nothing once the session is over. As [`Session::receive`], for programs that write
    /// their own loop.
    ///
    /// # Errors
    /// As [`Session::receive`].
    pub fn reconcile_with_ids(
        &mut self,
        frame: &[u8],
        have: &mut Vec<Id>,
        need: &mut Vec<Id>,
    ) -> Result<Option<Vec<u8>>, SessionError> {
        let step = self.step(frame)?;
        have.extend_from_slice(&step.have);
        need.extend_from_slice(&step.need);
        Ok(step.reply)
    }

    fn step(&mut self, frame: &[u8]) -> Result<Step, SessionError> {
        self.intake.admit(frame, &self.limits)?;
        let (version, message) = Decoder::new(frame)?;
        if version != PROTOCOL_VERSION {
            return Err(SessionError::Version { theirs: version });
        }
        let answer = self
            .engine
            .answer(message, Role::Initiator(&mut self.differences))?;
        let (have, need) = self.differences.take();
        let done = answer.len() == 1;
        if done {
            self.intake.close();
        }
        let step = Step {
            reply: (!done).then_some(answer),
            have,
            need,
            done,
        };
        self.intake.release(step, &self.limits)
    }
}

impl<S: ItemSet + Send> Session for Initiator<S> {
    fn receive(&mut self, frame: &[u8]) -> Result<Step, SessionError> {
        self.step(frame)
    }
}
