//! Sessions of this engine.

use sync_core::waku::{self, HeaderForm};
use sync_core::{
    Dialect, ItemSet, Range, Scope, Session, SessionError, SessionLimits, Slice, Source,
    SourceError, negentropy,
};

use crate::clock::{Laps, Side};
use crate::competitor::{Competitor, Outcome};

/// Two sets of this engine, reconciled by its sessions.
#[derive(Clone, Debug)]
pub struct Ours<S> {
    left: S,
    right: S,
    dialect: Dialect,
    limits: SessionLimits,
}

impl<S> Ours<S> {
    /// `left` is the initiator's set. Frames are of at most `frame_bytes`; 0 is no limit.
    #[must_use]
    pub fn new(left: S, right: S, dialect: Dialect, frame_bytes: usize) -> Self {
        // Whole sets of ten million may have to go through.
        let limits = SessionLimits {
            frame_bytes_sent: frame_bytes,
            frame_bytes_received: usize::MAX,
            ranges_per_frame: usize::MAX,
            items_per_frame: usize::MAX,
            rounds: usize::MAX,
            session_bytes: u64::MAX,
            session_bytes_sent: u64::MAX,
            differences: usize::MAX,
            ..SessionLimits::default()
        };
        Self {
            left,
            right,
            dialect,
            limits,
        }
    }
}

impl<S: ItemSet + Clone + Send + Sync + 'static> Ours<S>
where
    for<'a> &'a S: ItemSet + Send,
{
    /// As [`Competitor::reconcile`], for a frame limit that may be too short.
    ///
    /// # Errors
    /// When the limit is under [`negentropy::MIN_FRAME_BYTES`] in that dialect, or, in the `waku`
    /// dialect, when a part that can't be divided doesn't fit into a frame.
    pub fn try_reconcile(&self, laps: &mut Laps) -> Result<Outcome, SessionError> {
        let limits = || self.limits.clone();
        match self.dialect {
            Dialect::Negentropy => {
                let (mut initiator, first) = negentropy::Initiator::start(&self.left, limits())?;
                laps.end_turn(Side::Initiator);
                let mut responder = negentropy::Responder::new(&self.right, limits())?;
                run(&mut initiator, first, &mut responder, laps)
            }
            Dialect::Waku => {
                let everything = || Scope::of_window(Range::ALL);
                let source = |set: &S| Box::new(Whole(set.clone()));
                let form = HeaderForm::Topics;
                let (mut initiator, first) =
                    waku::Initiator::start(source(&self.left), everything(), form, limits())?;
                laps.end_turn(Side::Initiator);
                let mut responder =
                    waku::Responder::new(source(&self.right), everything(), form, limits());
                run(&mut initiator, first, &mut responder, laps)
            }
        }
    }
}

impl<S: ItemSet + Clone + Send + Sync + 'static> Competitor for Ours<S>
where
    for<'a> &'a S: ItemSet + Send,
{
    fn name(&self) -> &str {
        match self.dialect {
            Dialect::Negentropy => "waku-store-sync",
            Dialect::Waku => "waku-store-sync, waku dialect",
        }
    }

    fn reconcile(&self, laps: &mut Laps) -> Outcome {
        self.try_reconcile(laps)
            .expect("both sides are honest, and the frame limit is enough")
    }
}

/// Hands frames to and fro until neither side has anything to say.
fn run(
    initiator: &mut impl Session,
    first: Vec<u8>,
    responder: &mut impl Session,
    laps: &mut Laps,
) -> Result<Outcome, SessionError> {
    let mut outcome = Outcome::default();
    let mut next = Some(first);
    while let Some(frame) = next {
        outcome.up.add(&frame);
        let step = responder.receive(&frame)?;
        laps.end_turn(Side::Responder);
        let Some(answer) = step.reply else { break };
        outcome.down.add(&answer);
        let step = initiator.receive(&answer)?;
        outcome.have.extend(step.have);
        outcome.need.extend(step.need);
        laps.end_turn(Side::Initiator);
        next = step.reply;
    }
    Ok(outcome)
}

/// A set without topics: any scope is a window of it.
struct Whole<S>(S);

impl<S: ItemSet + Clone + Send + 'static> Source for Whole<S> {
    fn open(&self, scope: &Scope) -> Result<Box<dyn ItemSet + Send>, SourceError> {
        Ok(Box::new(Slice::new(self.0.clone(), scope.window)))
    }
}
