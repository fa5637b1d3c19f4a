//! The side that answers: agrees on a scope, reconciles, and notes what it lacks.

use alloc::boxed::Box;
use core::ops::ControlFlow;

use super::frame::{Frame, items_frame, refusal};
use super::hello::Hello;
use super::{LISTS, NOTHING_IN_COMMON};
use crate::item::{Bound, Id, Item, Range};
use crate::limits::SessionLimits;
use crate::negentropy::{Decoder, Division, Engine, Role};
use crate::scope::{Scope, Source};
use crate::session::{Differences, Intake, PeerState, Session, SessionError, Step};
use crate::set::ItemSet;

/// A session of the own protocol as its responder. It learns what it lacks (`need`) when the
/// initiator tells it at the end, and never what the initiator lacks.
pub struct Responder {
    source: Box<dyn Source>,
    /// What this side serves; from the hello on, what both agreed on.
    scope: Scope,
    limits: SessionLimits,
    intake: Intake,
    differences: Differences,
    peer: Option<PeerState>,
    engine: Option<Engine<Box<dyn ItemSet + Send>>>,
    /// The longest frame that the peer takes and this side sends; 0 for no bound.
    frame_bytes: usize,
    noted: u64,
    /// Whether ids have been told: then nothing is reconciled any more.
    telling: bool,
}

impl Responder {
    /// Waits for an initiator's hello. The session will be about the part of its scope that lies
    /// in `served` and not before the source's floor.
    #[must_use]
    pub fn new(source: Box<dyn Source>, served: Scope, limits: SessionLimits) -> Self {
        Self {
            source,
            scope: served,
            intake: Intake::default(),
            differences: Differences::new(&limits),
            peer: None,
            engine: None,
            frame_bytes: 0,
            noted: 0,
            telling: false,
            limits,
        }
    }

    fn greet(&mut self, hello: &Hello) -> Result<Step, SessionError> {
        if self.engine.is_some() {
            return Err(SessionError::Protocol("a second hello"));
        }
        self.peer = Some(hello.state(&self.limits)?);
        let above_floor = Range::new(self.source.floor(), Bound::Infinity);
        let shared = hello
            .scope(&self.limits)?
            .intersect(&self.scope)
            .intersect(&Scope::of_window(above_floor));
        if shared.is_nothing() {
            self.intake.close();
            let reply = Some(refusal(NOTHING_IN_COMMON, "no time or topic in common"));
            return Ok(Step {
                reply,
                done: true,
                ..Step::default()
            });
        }
        let set = self.source.open(&shared)?;
        let answer = Hello {
            features: LISTS,
            ..Hello::new(&*self.source, &shared, set.len() as u64, &self.limits)
        };
        let frame_bytes = hello.frame_limit(self.limits.frame_bytes_sent)?;
        self.frame_bytes = frame_bytes;
        self.engine = Some(Engine::new(
            set,
            Division::default(),
            frame_bytes,
            &self.limits,
        )?);
        self.scope = shared;
        Ok(Step {
            reply: Some(Frame::Hello(answer).encode()),
            ..Step::default()
        })
    }

    fn reconcile(&mut self, message: &[u8]) -> Result<Step, SessionError> {
        match &mut self.engine {
            Some(engine) if !self.telling => {
                let (_, message) = Decoder::new(message)?;
                let reply = Some(engine.answer(message, Role::Responder)?);
                Ok(Step {
                    reply,
                    ..Step::default()
                })
            }
            _ => Err(SessionError::Protocol("a reconcile frame out of turn")),
        }
    }

    /// Lists what lies behind `after`, as much as fits a frame.
    fn list(&self, after: Option<Item>) -> Result<Step, SessionError> {
        let engine = self.engine.as_ref().filter(|_| !self.telling);
        let set = engine
            .ok_or(SessionError::Protocol("a list frame out of turn"))?
            .set();
        let start = after.map_or(Bound::MIN, |item| Bound::after(&item));
        let reply = items_frame(self.frame_bytes, &self.limits, |frame| {
            let rest = Range::new(start, Bound::Infinity);
            let ended = set.visit_range(&rest, &mut |item| match frame.push(&item) {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            });
            ended.is_continue()
        });
        Ok(Step {
            reply: Some(reply),
            ..Step::default()
        })
    }

    fn note(&mut self, last: bool, ids: &[Id]) -> Result<Step, SessionError> {
        if self.engine.is_none() {
            return Err(SessionError::Protocol("a have frame before a hello"));
        }
        self.telling = true;
        ids.iter().try_for_each(|id| self.differences.need(*id))?;
        self.noted += ids.len() as u64;
        if last {
            self.intake.close();
        }
        let (_, need) = self.differences.take();
        let reply = Some(Frame::Noted(self.noted).encode());
        Ok(Step {
            reply,
            need,
            done: last,
            ..Step::default()
        })
    }
}

impl Session for Responder {
    fn receive(&mut self, frame: &[u8]) -> Result<Step, SessionError> {
        self.intake.admit(frame, &self.limits)?;
        let step = match Frame::decode(frame, &self.limits)? {
            Frame::Hello(hello) => self.greet(&hello),
            Frame::Reconcile(message) => self.reconcile(message),
            Frame::Have { last, ids } => self.note(last, &ids),
            Frame::Refusal(refusal) => Err(SessionError::Refused {
                code: refusal.code,
                reason: refusal.reason,
            }),
            Frame::List(after) => self.list(after),
            Frame::Noted(_) => Err(SessionError::Protocol("a noted frame from an initiator")),
            Frame::Items { .. } => Err(SessionError::Protocol("an items frame from an initiator")),
        }?;
        self.intake.release(step, &self.limits)
    }

    fn peer(&self) -> Option<&PeerState> {
        self.peer.as_ref()
    }

    fn scope(&self) -> Option<&Scope> {
        self.engine.as_ref().map(|_| &self.scope)
    }
}
