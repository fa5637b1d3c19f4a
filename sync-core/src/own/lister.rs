//! The side that asks what the other one holds, and holds nothing itself.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::LISTS;
use super::frame::{Frame, have};
use super::hello::Hello;
use crate::item::Item;
use crate::limits::SessionLimits;
use crate::scope::{Scope, Source, SourceError};
use crate::session::{Intake, PeerState, SessionError, at_most};
use crate::set::ItemSet;
use crate::sorted::SortedItems;

/// A session of the own protocol that lists the responder's items of a scope, in order.
///
/// [`receive`](Self::receive) takes the responder's frames and gives what follows from each; items are taken only
/// within the scope that was agreed on, each behind the one before, and `items` of them at most.
pub struct Lister {
    /// What was asked for; from the hello on, what both agreed on.
    scope: Scope,
    limits: SessionLimits,
    items: usize,
    intake: Intake,
    peer: Option<PeerState>,
    last: Option<Item>,
    listed: usize,
    /// Whether all is listed, and the responder's last word is waited for.
    ending: bool,
}

/// What a frame led to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Listed {
    /// The frame to send, if any.
    pub reply: Option<Vec<u8>>,
    /// Items of the responder's, behind all that were given before.
    pub items: Vec<Item>,
    /// Whether the session is over.
    pub done: bool,
}

/// Holds nothing.
struct Nothing;

impl Source for Nothing {
    fn open(&self, _: &Scope) -> Result<Box<dyn ItemSet + Send>, SourceError> {
        Ok(Box::new(SortedItems::default()))
    }
}

impl Lister {
    /// Starts a session that lists at most `items` items of `scope`; gives the first frame.
    ///
    /// # Errors
    /// When nothing can be in the scope, or the first frame breaks `limits.session_bytes_sent`.
    pub fn start(
        scope: Scope,
        items: usize,
        limits: SessionLimits,
    ) -> Result<(Self, Vec<u8>), SessionError> {
        if scope.is_nothing() {
            return Err(SessionError::Scope("nothing can be in it"));
        }
        let hello = Frame::Hello(Hello::new(&Nothing, &scope, 0, &limits)).encode();
        let mut intake = Intake::default();
        intake.send(&hello, &limits)?;
        let session = Self {
            scope,
            limits,
            items,
            intake,
            peer: None,
            last: None,
            listed: 0,
            ending: false,
        };
        Ok((session, hello))
    }

    /// Takes the responder's next frame (without the stream's length prefix).
    ///
    /// # Errors
    /// When the frame is malformed, breaks a limit or the protocol, or the responder can't list.
    pub fn receive(&mut self, frame: &[u8]) -> Result<Listed, SessionError> {
        self.intake.admit(frame, &self.limits)?;
        let listed = match Frame::decode(frame, &self.limits)? {
            Frame::Hello(hello) if self.peer.is_none() => self.greet(&hello),
            Frame::Items { last, items } => self.take(last, items),
            Frame::Noted(0) if self.ending => {
                self.intake.close();
                Ok(Listed {
                    done: true,
                    ..Listed::default()
                })
            }
            Frame::Refusal(refusal) => Err(SessionError::Refused {
                code: refusal.code,
                reason: refusal.reason,
            }),
            _ => Err(SessionError::Protocol(
                "a frame that a listing doesn't have",
            )),
        }?;
        if let Some(reply) = &listed.reply {
            self.intake.send(reply, &self.limits)?;
        }
        Ok(listed)
    }

    /// What the responder has said of itself so far.
    #[must_use]
    pub const fn peer(&self) -> Option<&PeerState> {
        self.peer.as_ref()
    }

    fn greet(&mut self, hello: &Hello) -> Result<Listed, SessionError> {
        let shared = hello.scope(&self.limits)?;
        if shared.is_nothing() || shared.intersect(&self.scope) != shared {
            return Err(SessionError::Protocol(
                "a hello with a scope that wasn't asked for",
            ));
        }
        self.peer = Some(hello.state(&self.limits)?);
        if hello.features & LISTS == 0 {
            return Err(SessionError::Protocol("a responder that can't list"));
        }
        self.scope = shared;
        Ok(self.ask())
    }

    fn take(&mut self, last: bool, items: Vec<Item>) -> Result<Listed, SessionError> {
        if self.peer.is_none() || self.ending {
            return Err(SessionError::Protocol("an items frame out of turn"));
        }
        if items.is_empty() && !last {
            return Err(SessionError::Protocol("no items, and more to follow"));
        }
        self.listed += items.len();
        at_most("items", self.listed, self.items)?;
        // Those of one frame ascend: it couldn't be read otherwise.
        let (first, end) = (items.first(), items.last());
        let behind = first.is_none_or(|first| self.last.is_none_or(|last| last < *first));
        let window = &self.scope.window;
        let inside = first
            .into_iter()
            .chain(end)
            .all(|item| window.contains(item));
        if !behind || !inside {
            return Err(SessionError::Protocol(
                "an item that wasn't asked for, or not in order",
            ));
        }
        self.last = end.copied().or(self.last);
        self.ending = last;
        let next = if last {
            Listed {
                reply: Some(have(&[], true)),
                ..Listed::default()
            }
        } else {
            self.ask()
        };
        Ok(Listed { items, ..next })
    }

    fn ask(&self) -> Listed {
        Listed {
            reply: Some(Frame::List(self.last).encode()),
            ..Listed::default()
        }
    }
}
