//! Runs sessions to their end.

use std::collections::BTreeSet;

use sync_core::waku::{HeaderForm, Initiator, Responder};
use sync_core::{Id, Scope, Session, SessionError, SessionLimits, Step};

use super::archive::Archive;
use super::nwaku::Nwaku;

/// What one side found.
#[derive(Default, PartialEq, Eq, Debug)]
pub(crate) struct Found {
    pub(crate) have: BTreeSet<Id>,
    pub(crate) need: BTreeSet<Id>,
}

impl Found {
    /// The truth, from the ids in scope of this side and the other.
    pub(crate) fn truth(ours: &BTreeSet<Id>, theirs: &BTreeSet<Id>) -> Self {
        Self {
            have: ours - theirs,
            need: theirs - ours,
        }
    }

    fn take(&mut self, step: &Step) {
        for id in &step.have {
            assert!(self.have.insert(*id), "{id} is reported twice as held");
        }
        for id in &step.need {
            assert!(self.need.insert(*id), "{id} is reported twice as needed");
        }
    }
}

/// What a session between two of ours took.
#[derive(Default, Debug)]
pub(crate) struct Run {
    pub(crate) initiator: Found,
    pub(crate) responder: Found,
    pub(crate) frames_up: usize,
    pub(crate) frames_down: usize,
    pub(crate) bytes: usize,
    pub(crate) largest: usize,
}

/// Two of our sessions, until either is done.
pub(crate) fn between(
    mut initiator: Initiator,
    first: Vec<u8>,
    mut responder: Responder,
) -> Result<Run, SessionError> {
    let mut run = Run::default();
    let mut frame = first;
    loop {
        run.frames_up += 1;
        run.count(&frame);
        let step = responder.receive(&frame)?;
        run.responder.take(&step);
        let Some(answer) = step.reply else {
            assert!(step.done);
            return Ok(run);
        };
        run.frames_down += 1;
        run.count(&answer);
        let told_end = step.done;
        let step = initiator.receive(&answer)?;
        run.initiator.take(&step);
        assert!(
            !told_end || step.done,
            "the initiator goes on after the end"
        );
        let Some(next) = step.reply else {
            assert!(step.done);
            return Ok(run);
        };
        frame = next;
    }
}

impl Run {
    fn count(&mut self, frame: &[u8]) {
        self.bytes += frame.len();
        self.largest = self.largest.max(frame.len());
    }
}

/// Our two sides over the same scope and limits.
pub(crate) fn ours(
    left: &Archive,
    right: &Archive,
    scope: &Scope,
    limits: &SessionLimits,
) -> Result<Run, SessionError> {
    let form = HeaderForm::Topics;
    let left = Box::new(left.clone());
    let (initiator, first) = Initiator::start(left, scope.clone(), form, limits.clone())?;
    let responder = Responder::new(Box::new(right.clone()), scope.clone(), form, limits.clone());
    between(initiator, first, responder)
}

/// Our session, begun by us, with a node that behaves as nwaku. Gives what we found, and how many
/// frames the two sent.
pub(crate) fn initiating(
    ours: &Archive,
    theirs: &mut Nwaku,
    scope: &Scope,
    limits: &SessionLimits,
) -> Result<(Found, usize), SessionError> {
    let (session, first) = Initiator::start(
        Box::new(ours.clone()),
        scope.clone(),
        HeaderForm::Topics,
        limits.clone(),
    )?;
    let step = Step {
        reply: Some(first),
        ..Step::default()
    };
    let mut found = Found::default();
    let frames = exchange(session, theirs, step, &mut found)?;
    Ok((found, frames))
}

/// Our session, begun by a node that behaves as nwaku, over its times.
pub(crate) fn responding(
    ours: &Archive,
    theirs: &mut Nwaku,
    served: &Scope,
    times: (u64, u64),
    limits: &SessionLimits,
) -> Result<(Found, usize), SessionError> {
    let mut session = Responder::new(
        Box::new(ours.clone()),
        served.clone(),
        HeaderForm::Topics,
        limits.clone(),
    );
    let first = theirs.initiate(times.0, times.1);
    let mut found = Found::default();
    let step = session.receive(&first)?;
    found.take(&step);
    let frames = exchange(session, theirs, step, &mut found)?;
    Ok((found, frames + 1))
}

/// Lets both take turns after a step of ours, until either ends; gives how many frames that takes.
fn exchange(
    mut session: impl Session,
    theirs: &mut Nwaku,
    mut step: Step,
    found: &mut Found,
) -> Result<usize, SessionError> {
    let mut frames = 0;
    while let Some(frame) = step.reply.take() {
        frames += 1;
        let Some(answer) = theirs.receive(&frame) else {
            assert!(step.done, "the peer closed the stream in mid-session");
            break;
        };
        assert!(!step.done, "the peer answers our end");
        frames += 1;
        step = session.receive(&answer)?;
        found.take(&step);
    }
    assert!(step.done, "the session isn't over");
    Ok(frames)
}
