//! The side that starts: asks for a scope, reconciles, and tells what the other side lacks.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::frame::{Frame, have, ids_per_frame};
use super::hello::Hello;
use crate::item::{Bound, Id, Range};
use crate::limits::SessionLimits;
use crate::negentropy::{Decoder, Division, Engine, PROTOCOL_VERSION, Role};
use crate::scope::{Scope, Source};
use crate::session::{Differences, Intake, PeerState, Session, SessionError, Step};
use crate::set::ItemSet;

/// A session of the own protocol as its initiator.
pub struct Initiator {
    source: Box<dyn Source>,
    /// What this side asked for; from the hello on, what both agreed on.
    scope: Scope,
    limits: SessionLimits,
    intake: Intake,
    differences: Differences,
    peer: Option<PeerState>,
    state: State,
    /// What the responder lacks and hasn't been told yet, the next to tell last.
    untold: Vec<Id>,
    /// Whether the responder is told what it lacks.
    tells: bool,
    told: u64,
    ids_per_frame: usize,
}

enum State {
    Hello,
    Reconciling(Engine<Box<dyn ItemSet + Send>>),
    Telling,
}

impl Initiator {
    /// Starts a session about `scope`, as far as it isn't before the source's floor; gives the
    /// first frame.
    ///
    /// # Errors
    /// When the source can't be read, nothing is left of the scope, or the first frame breaks
    /// `limits.session_bytes_sent`.
    pub fn start(
        source: Box<dyn Source>,
        scope: Scope,
        limits: SessionLimits,
    ) -> Result<(Self, Vec<u8>), SessionError> {
        let above_floor = Range::new(source.floor(), Bound::Infinity);
        let wanted = scope.intersect(&Scope::of_window(above_floor));
        if wanted.is_nothing() {
            return Err(SessionError::Scope("this side can hold nothing in it"));
        }
        let items = source.open(&wanted)?.len() as u64;
        let hello = Frame::Hello(Hello::new(&*source, &wanted, items, &limits)).encode();
        let mut intake = Intake::default();
        intake.send(&hello, &limits)?;
        let session = Self {
            source,
            scope: wanted,
            intake,
            differences: Differences::new(&limits),
            peer: None,
            state: State::Hello,
            untold: Vec::new(),
            tells: true,
            told: 0,
            ids_per_frame: 0,
            limits,
        };
        Ok((session, hello))
    }

    /// The same, but the responder isn't told what it lacks: for whoever only compares, and has nothing to give.
    #[must_use]
    pub fn telling_nothing(mut self) -> Self {
        self.tells = false;
        self
    }

    fn greet(&mut self, hello: &Hello) -> Result<Step, SessionError> {
        let shared = hello.scope(&self.limits)?;
        if shared.is_nothing() || shared.intersect(&self.scope) != shared {
            return Err(SessionError::Protocol(
                "a hello with a scope that wasn't asked for",
            ));
        }
        self.peer = Some(hello.state(&self.limits)?);
        let frame_bytes = hello.frame_limit(self.limits.frame_bytes_sent)?;
        self.ids_per_frame = ids_per_frame(frame_bytes, &self.limits);
        let engine = Engine::new(
            self.source.open(&shared)?,
            Division::default(),
            frame_bytes,
            &self.limits,
        )?;
        let reply = Some(engine.initiate());
        self.scope = shared;
        self.state = State::Reconciling(engine);
        Ok(Step {
            reply,
            ..Step::default()
        })
    }

    fn reconcile(&mut self, message: &[u8]) -> Result<Step, SessionError> {
        let State::Reconciling(engine) = &mut self.state else {
            return Err(SessionError::Protocol("a reconcile frame out of turn"));
        };
        let (_, message) = Decoder::new(message)?;
        let mut answer = engine.answer(message, Role::Initiator(&mut self.differences))?;
        let (have, need) = self.differences.take();
        if self.tells {
            self.untold.extend_from_slice(&have);
        }
        if answer == [PROTOCOL_VERSION] {
            self.state = State::Telling;
            self.untold.reverse();
            answer = self.tell();
        }
        Ok(Step {
            reply: Some(answer),
            have,
            need,
            done: false,
        })
    }

    fn tell(&mut self) -> Vec<u8> {
        let rest = self.untold.len().saturating_sub(self.ids_per_frame);
        let ids: Vec<Id> = self.untold.drain(rest..).rev().collect();
        self.told += ids.len() as u64;
        have(&ids, rest == 0)
    }

    fn noted(&mut self, count: u64) -> Result<Step, SessionError> {
        if !matches!(self.state, State::Telling) || count != self.told {
            return Err(SessionError::Protocol(
                "a noted frame out of turn, or of a wrong count",
            ));
        }
        if self.untold.is_empty() {
            self.intake.close();
            return Ok(Step {
                done: true,
                ..Step::default()
            });
        }
        Ok(Step {
            reply: Some(self.tell()),
            ..Step::default()
        })
    }
}

impl Session for Initiator {
    fn receive(&mut self, frame: &[u8]) -> Result<Step, SessionError> {
        self.intake.admit(frame, &self.limits)?;
        let step = match Frame::decode(frame, &self.limits)? {
            Frame::Hello(hello) if matches!(self.state, State::Hello) => self.greet(&hello),
            Frame::Reconcile(message) => self.reconcile(message),
            Frame::Noted(count) => self.noted(count),
            Frame::Refusal(refusal) => Err(SessionError::Refused {
                code: refusal.code,
                reason: refusal.reason,
            }),
            Frame::Hello(_) => Err(SessionError::Protocol("a second hello")),
            Frame::Have { .. } => Err(SessionError::Protocol("a have frame from a responder")),
            Frame::List(_) => Err(SessionError::Protocol("a list frame from a responder")),
            Frame::Items { .. } => Err(SessionError::Protocol("items that weren't asked for")),
        }?;
        self.intake.release(step, &self.limits)
    }

    fn peer(&self) -> Option<&PeerState> {
        self.peer.as_ref()
    }

    fn scope(&self) -> Option<&Scope> {
        self.peer.as_ref().map(|_| &self.scope)
    }
}
