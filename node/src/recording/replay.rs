//! Runs a recorded session again.

use serde::Serialize;
use sync_core::{Session, SessionError, Source};
use sync_net::Role;
use sync_net::reconcile::{Opening, objection, open};

use super::as_told::AsTold;
use super::line::{Direction, Outcome};
use super::reader::Recorded;

/// How a session went that was run again.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Replayed {
    /// Every frame, recorded or not.
    pub frames: Vec<Row>,
    /// Ids that the peer lacks.
    pub have: u64,
    /// Ids that this side lacks.
    pub need: u64,
    /// Why the session failed, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What is different in the end, in words.
    pub differences: Vec<String>,
    /// Whether the recording has the session's end.
    pub complete: bool,
}

/// A frame, as it was recorded and as it is now.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Row {
    /// The round: an initiator's frame begins one.
    pub round: u64,
    /// Which way it goes.
    pub direction: Direction,
    /// How long it is in the recording, if it is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<usize>,
    /// How long a frame that is sent is now, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replayed_bytes: Option<usize>,
    /// What came of it.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// What came of a frame.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// It was received, and led to these differences.
    Taken {
        /// How many ids the peer lacks.
        have: u64,
        /// How many ids this side lacks.
        need: u64,
    },
    /// It was received, and led to an error.
    Refused,
    /// It was received after the session had ended, which it hadn't in the recording.
    NotTaken,
    /// It is sent as it was.
    Same,
    /// It is sent otherwise.
    Differs {
        /// The first byte that isn't the same, or that only one of the two has.
        at: usize,
    },
    /// It was sent, and isn't now.
    NotSent,
    /// It is sent now, and wasn't.
    NotRecorded,
}

impl Replayed {
    /// Whether all was as in the recording, as far as that goes.
    #[must_use]
    pub fn is_same(&self) -> bool {
        let same = |row: &Row| {
            use Verdict::{Refused, Same, Taken};
            matches!(row.verdict, Taken { .. } | Refused | Same)
        };
        self.differences.is_empty() && self.frames.iter().all(same)
    }
}

/// Runs a session again over the items of `source`, with the frames that it received. Reading the
/// items may block.
#[must_use]
pub fn replay(recorded: &Recorded, source: Box<dyn Source>) -> Replayed {
    let mut replay = Replay {
        recorded,
        session: None,
        reply: None,
        done: false,
        round: 0,
        replayed: Replayed {
            complete: recorded.end.is_some(),
            ..Replayed::default()
        },
    };
    let source = Box::new(AsTold::new(source, recorded));
    match open(&recorded.info, source, &recorded.limits, recorded.form) {
        Ok(Opening { session, first }) => {
            (replay.session, replay.reply) = (Some(session), first);
        }
        Err(error) => replay.replayed.error = Some(error.to_string()),
    }
    for (direction, frame) in &recorded.frames {
        match direction {
            Direction::Sent => replay.sent(frame),
            Direction::Received => replay.received(frame),
        }
    }
    replay.end()
}

/// A session that is being run again.
struct Replay<'a> {
    recorded: &'a Recorded,
    /// As long as it takes frames.
    session: Option<Box<dyn Session>>,
    /// What it has to send.
    reply: Option<Vec<u8>>,
    done: bool,
    round: u64,
    replayed: Replayed,
}

impl Replay<'_> {
    /// The next recorded frame was sent.
    fn sent(&mut self, frame: &[u8]) {
        let reply = self.reply.take();
        let verdict = match &reply {
            None => Verdict::NotSent,
            Some(reply) => {
                first_difference(frame, reply).map_or(Verdict::Same, |at| Verdict::Differs { at })
            }
        };
        self.row(Direction::Sent, Some(frame), reply.as_deref(), verdict);
    }

    /// The next recorded frame was received.
    fn received(&mut self, frame: &[u8]) {
        self.unrecorded();
        let verdict = match self.session.take() {
            None => Verdict::NotTaken,
            Some(mut session) => match session.receive(frame) {
                Ok(step) => {
                    let (have, need) = (step.have.len() as u64, step.need.len() as u64);
                    self.replayed.have += have;
                    self.replayed.need += need;
                    self.reply = step.reply;
                    self.done = step.done;
                    self.session = (!step.done).then_some(session);
                    Verdict::Taken { have, need }
                }
                Err(error) => {
                    self.fail(&error);
                    Verdict::Refused
                }
            },
        };
        self.row(Direction::Received, Some(frame), None, verdict);
    }

    fn fail(&mut self, error: &SessionError) {
        self.reply = objection(self.recorded.info.dialect, error);
        self.replayed.error = Some(error.to_string());
    }

    /// A frame that should have been sent by now isn't in the recording.
    fn unrecorded(&mut self) {
        if let Some(reply) = self.reply.take() {
            self.row(Direction::Sent, None, Some(&reply), Verdict::NotRecorded);
        }
    }

    fn row(
        &mut self,
        direction: Direction,
        recorded: Option<&[u8]>,
        replayed: Option<&[u8]>,
        verdict: Verdict,
    ) {
        let starts = match self.recorded.info.role {
            Role::Initiator => Direction::Sent,
            Role::Responder => Direction::Received,
        };
        self.round += u64::from(direction == starts);
        self.replayed.frames.push(Row {
            round: self.round,
            direction,
            bytes: recorded.map(<[u8]>::len),
            replayed_bytes: replayed.map(<[u8]>::len),
            verdict,
        });
    }

    fn end(mut self) -> Replayed {
        // Where the recording just stops, the frame may have been next.
        if let Some(end) = &self.recorded.end {
            let outcome = end.outcome.clone();
            self.unrecorded();
            self.compare_ends(&outcome);
        }
        self.replayed
    }

    fn compare_ends(&mut self, recorded: &Outcome) {
        let replayed = &mut self.replayed;
        match (recorded, &replayed.error) {
            (Outcome::Done { .. }, Some(error)) => replayed
                .differences
                .push(format!("it was done, and fails now: {error}")),
            (Outcome::Done { .. }, None) if !self.done => replayed
                .differences
                .push("it was done, and isn't now".to_owned()),
            (Outcome::Done { have, need, .. }, None) => {
                for (name, was, is) in [
                    ("have", *have, replayed.have),
                    ("need", *need, replayed.need),
                ] {
                    if was != is {
                        let difference = format!("{name} was {was}, and is {is} now");
                        replayed.differences.push(difference);
                    }
                }
            }
            (Outcome::Failed { error: was }, Some(is)) if was != is => replayed
                .differences
                .push(format!("it failed otherwise: `{was}`, and now: `{is}`")),
            // What else it failed by came from outside: time, the network, whoever gave it up.
            (Outcome::Failed { .. }, _) => {}
        }
    }
}

/// Where two frames differ first: a byte that isn't the same, or that only one has.
fn first_difference(left: &[u8], right: &[u8]) -> Option<usize> {
    let differing = left
        .iter()
        .zip(right)
        .position(|(left, right)| left != right);
    differing.or_else(|| (left.len() != right.len()).then(|| left.len().min(right.len())))
}

#[cfg(test)]
#[path = "replay_tests.rs"]
mod tests;
