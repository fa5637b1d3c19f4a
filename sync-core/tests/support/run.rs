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
) -> Result<(Found, usize), SessionError> {
    let (session, first) = Initiator::start(
        Box::new(ours.clone()),
        scope.clone(),
        HeaderForm::Topics,
        SessionLimits::default(),
    )?;
    let (found, frames) = exchange(session, theirs, Some(first))?;
    Ok((found, frames + 1))
}

/// Our session, begun by a node that behaves as nwaku, over its times.
pub(crate) fn responding(
    ours: &Archive,
    theirs: &mut Nwaku,
    served: &Scope,
    times: (u64, u64),
) -> Result<(Found, usize), SessionError> {
    let session = Responder::new(
        Box::new(ours.clone()),
        served.clone(),
        HeaderForm::Topics,
        SessionLimits::default(),
    );
    let first = theirs.initiate(times.0, times.1);
    let mut first_answer = session;
    let step = first_answer.receive(&first)?;
    let mut found = Found::default();
    found.take(&step);
    let (rest, frames) = match step.reply {
        Some(reply) if !step.done => exchange(first_answer, theirs, Some(reply))?,
        _ => (Found::default(), 0),
    };
    assert!(found.have.is_disjoint(&rest.have) && found.need.is_disjoint(&rest.need));
    found.have.extend(rest.have);
    found.need.extend(rest.need);
    Ok((found, frames + 2))
}

/// Lets both take turns, theirs first, with `ours` on the way to them.
fn exchange(
    mut session: impl Session,
    theirs: &mut Nwaku,
    mut ours: Option<Vec<u8>>,
) -> Result<(Found, usize), SessionError> {
    let mut found = Found::default();
    let mut frames = 0;
    let mut done = false;
    while let Some(frame) = ours.take() {
        let Some(answer) = theirs.receive(&frame) else {
            assert!(done, "the peer closed the stream in mid-session");
            break;
        };
        assert!(!done, "the peer answers our end");
        let step = session.receive(&answer)?;
        found.take(&step);
        frames += 2;
        done = step.done;
        ours = step.reply;
    }
    assert!(done, "the session isn't over");
    Ok((found, frames))
}
