//! The side that starts, and learns the differences.

use alloc::vec::Vec;

use super::engine::{Engine, Role};
use super::wire::{Decoder, PROTOCOL_VERSION};
use crate::limits::SessionLimits;
use crate::session::{Differences, Intake, Session, SessionError, Step};
use crate::set::ItemSet;

/// A negentropy V1 session as its initiator; done when its [`Step`] has no reply.
///
/// ```
/// use sync_core::negentropy::{Initiator, Responder};
/// use sync_core::{Id, Item, RangeTree, Session, SessionLimits};
///
/// let ours = [Item::new(1, Id([1; 32]))].into_iter().collect::<RangeTree>();
/// let theirs = [Item::new(2, Id([2; 32]))].into_iter().collect::<RangeTree>();
/// let mut responder = Responder::new(theirs, SessionLimits::default())?;
/// let (mut initiator, mut frame) = Initiator::start(ours, SessionLimits::default())?;
/// let (mut have, mut need) = (Vec::new(), Vec::new());
/// loop {
///     let answer = responder.receive(&frame)?.reply.expect("a responder always answers");
///     let step = initiator.receive(&answer)?;
///     have.extend(step.have);
///     need.extend(step.need);
///     match step.reply {
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
    /// [`MIN_FRAME_BYTES`](super::MIN_FRAME_BYTES).
    pub fn start(set: S, limits: SessionLimits) -> Result<(Self, Vec<u8>), SessionError> {
        let engine = Engine::new(set, limits.frame_bytes_sent, &limits)?;
        let first = engine.initiate();
        let differences = Differences::new(&limits);
        Ok((
            Self {
                engine,
                differences,
                intake: Intake::default(),
                limits,
            },
            first,
        ))
    }
}

impl<S: ItemSet + Send> Session for Initiator<S> {
    fn receive(&mut self, frame: &[u8]) -> Result<Step, SessionError> {
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
        Ok(Step {
            reply: (!done).then_some(answer),
            have,
            need,
            done,
        })
    }
}
