//! The two sides of a session.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::TIME_END;
use super::compare::in_order;
use super::engine::Engine;
use super::filtering::Filtering;
use super::foreign;
use super::header::{Header, HeaderForm};
use super::payload::{Content, Payload};
use super::reply::Reply;
use super::splitting::{MIN_FINGERPRINT_SPAN, Span, Splitting};
use super::wire;
use crate::item::{Bound, Range};
use crate::limits::SessionLimits;
use crate::scope::{Scope, Source};
use crate::session::{Differences, Intake, Session, SessionError, Step};
use crate::set::ItemSet;

/// The side that starts. Both sides learn the differences.
///
/// Frames go in by [`Session::receive`]; what follows comes out as its [`Step`].
pub struct Initiator(Side);

impl Initiator {
    /// Starts a session about the items of `scope` that `source` has; gives the first frame.
    ///
    /// # Errors
    /// When no item can be in the scope (its window, less what is below the source's floor, is
    /// empty; or it has no topic), when `form` can't name its topics, when the source can't be
    /// read, or when not even a first frame fits `limits.frame_bytes_sent` and `session_bytes_sent`.
    pub fn start(
        source: Box<dyn Source>,
        scope: Scope,
        form: HeaderForm,
        limits: SessionLimits,
    ) -> Result<(Self, Vec<u8>), SessionError> {
        let mut side = Side::new(source, scope, form, limits);
        let first = side.first_frame()?;
        Ok((Self(side), first))
    }

    /// The same with another way to divide ranges than the default.
    #[must_use]
    pub fn with_splitting(mut self, splitting: Splitting) -> Self {
        self.0.splitting = splitting;
        self
    }
}

impl Session for Initiator {
    fn receive(&mut self, frame: &[u8]) -> Result<Step, SessionError> {
        self.0.receive(frame)
    }
}

/// The side that answers. Both sides learn the differences.
///
/// Frames go in by [`Session::receive`]; what follows comes out as its [`Step`].
pub struct Responder(Side);

impl Responder {
    /// Waits for a peer's frames about anything in `served`: what this node is ready to serve.
    #[must_use]
    pub fn new(
        source: Box<dyn Source>,
        served: Scope,
        form: HeaderForm,
        limits: SessionLimits,
    ) -> Self {
        Self(Side::new(source, served, form, limits))
    }

    /// The same with another way to divide ranges than the default.
    #[must_use]
    pub fn with_splitting(mut self, splitting: Splitting) -> Self {
        self.0.splitting = splitting;
        self
    }
}

impl Session for Responder {
    fn receive(&mut self, frame: &[u8]) -> Result<Step, SessionError> {
        self.0.receive(frame)
    }
}

/// What both sides are once the first frame is on its way: the dialect has no roles.
struct Side {
    source: Box<dyn Source>,
    /// What this side is willing to talk about, clipped to what it may.
    base: Scope,
    /// The times of the base's window, rounded outwards.
    times: Span,
    form: HeaderForm,
    limits: SessionLimits,
    splitting: Splitting,
    opened: Option<Opened>,
    intake: Intake,
    differences: Differences,
    filtering: Filtering,
    /// What the peer's next frame has to answer.
    asked: Option<Span>,
}

/// The set of the topics that the last frame was about.
struct Opened {
    scope: Scope,
    set: Box<dyn ItemSet + Send>,
}

impl Side {
    fn new(source: Box<dyn Source>, scope: Scope, form: HeaderForm, limits: SessionLimits) -> Self {
        let allowed = Range::new(source.floor(), Bound::at_time(TIME_END));
        let base = Scope {
            window: scope.window.intersect(&allowed),
            ..scope
        };
        Self {
            times: times_of(&base.window),
            source,
            base,
            form,
            splitting: Splitting::default(),
            opened: None,
            intake: Intake::default(),
            differences: Differences::new(&limits),
            limits,
            filtering: Filtering::Unknown,
            asked: None,
        }
    }

    fn first_frame(&mut self) -> Result<Vec<u8>, SessionError> {
        if self.base.window.is_empty() {
            return Err(SessionError::Scope(
                "its window is empty or lies below the retention floor",
            ));
        }
        let header = Header::of_scope(self.form, &self.base)?;
        let scope = self.base.clone();
        let opened = Opened::get(&mut self.opened, scope, &*self.source)?;
        let times = self.times;
        let most = self.limits.frame_bytes_sent;
        let mut reply = Reply::new(&*opened.set, &header, times.lower, most);
        if times.len() < MIN_FINGERPRINT_SPAN {
            reply.items_to(times.upper, false)?;
        } else {
            reply.fingerprint_to(times.upper)?;
        }
        let (frame, asked) = reply.finish();
        self.asked = asked;
        self.intake.send(&frame, &self.limits)?;
        Ok(frame)
    }

    fn receive(&mut self, frame: &[u8]) -> Result<Step, SessionError> {
        self.intake.admit(frame, &self.limits)?;
        let mut payload = foreign::decode(self.form, frame, &self.limits, &self.base)?;
        let reply = if payload.is_end() {
            self.check_end(&payload)?;
            None
        } else {
            put_in_order(&mut payload)?;
            Some(self.answer(&payload)?)
        };
        let done = reply.as_ref().is_none_or(|reply| *reply == wire::EMPTY);
        if done {
            self.intake.close();
        }
        let (have, need) = self.differences.take();
        let step = Step {
            reply,
            have,
            need,
            done,
        };
        self.intake.release(step, &self.limits)
    }

    /// A frame without ranges stands for a skip over everything; one of skips must cover it.
    fn check_end(&self, payload: &Payload) -> Result<(), SessionError> {
        match self.asked {
            Some(asked) if !payload.ranges.is_empty() && !covers(payload, &asked) => Err(
                SessionError::Protocol("the peer ended the session with ranges left unanswered"),
            ),
            _ => Ok(()),
        }
    }

    fn answer(&mut self, payload: &Payload) -> Result<Vec<u8>, SessionError> {
        let scope = payload.header.restrict(self.form, &self.base);
        if scope.is_nothing() {
            return Ok(wire::EMPTY.into());
        }
        let header = Header::of_scope(self.form, &scope)?;
        let opened = Opened::get(&mut self.opened, scope, &*self.source)?;
        let set: &dyn ItemSet = &*opened.set;
        // A frame that nothing was asked for may be about more topics than this side talks about: what
        // it lists needn't be of these, so that the peer is asked for a list under their header.
        let everything = Scope::of_window(self.base.window);
        let named = payload.header.restrict(self.form, &everything);
        let beyond = self.asked.is_none() && named != opened.scope;
        if !beyond {
            self.filtering
                .observe(payload, &opened.scope, set, &*self.source)?;
        }
        let said = Span::new(payload.start.timestamp, payload.end().timestamp);
        let asked = self.asked.unwrap_or(said);
        let start = said.lower.min(asked.lower);
        let mut engine = Engine {
            set,
            window: self.base.window,
            times: self.times,
            splitting: &self.splitting,
            nothing_theirs: self.filtering == Filtering::Ignored,
            differences: &mut self.differences,
            reply: Reply::new(set, &header, start, self.limits.frame_bytes_sent),
        };
        // What the peer should have answered and didn't, before and behind its ranges.
        engine.ask(Span::new(asked.lower, asked.upper.min(said.lower)))?;
        let mut lower = said.lower;
        engine.reply.skip_to(lower);
        for range in &payload.ranges {
            let span = Span::new(lower, range.upper.timestamp);
            lower = span.upper;
            match range.content {
                _ if span.is_empty() => {}
                Content::Items { .. } if beyond => engine.ask(span)?,
                _ => engine.answer(span, &range.content)?,
            }
        }
        engine.ask(Span::new(asked.lower.max(said.upper), asked.upper))?;
        let (frame, asked) = engine.reply.finish();
        self.asked = asked;
        Ok(frame)
    }
}

impl Opened {
    /// The set of `scope`, opened anew only if the last one was of another scope.
    fn get<'a>(
        opened: &'a mut Option<Self>,
        scope: Scope,
        source: &dyn Source,
    ) -> Result<&'a Self, SessionError> {
        let current = opened.take().filter(|opened| opened.scope == scope);
        let current = match current {
            Some(current) => current,
            None => Self {
                set: source.open(&scope)?,
                scope,
            },
        };
        Ok(opened.insert(current))
    }
}

/// The times at which items of `window` can be.
fn times_of(window: &Range) -> Span {
    let upper = match window.upper {
        bound if bound == Bound::at_time(bound.timestamp()) => bound.timestamp(),
        bound => bound.timestamp().saturating_add(1),
    };
    Span::new(window.lower.timestamp(), upper.min(TIME_END))
}

fn covers(payload: &Payload, span: &Span) -> bool {
    payload.start.timestamp <= span.lower && payload.end().timestamp >= span.upper
}

/// Puts listed items into order, and refuses bounds within one timestamp.
fn put_in_order(payload: &mut Payload) -> Result<(), SessionError> {
    for range in &mut payload.ranges {
        if let Some(refusal) = range.refusal() {
            return Err(refusal);
        }
        if let Content::Items { items, .. } = &mut range.content {
            in_order(items);
        }
    }
    Ok(())
}
