//! The differences that a session has found, each reported once.

use alloc::vec::Vec;

use super::reported::Reported;
use crate::item::Id;
use crate::session::SessionError;

/// Remembers what was reported, since framed and repeated ranges name ids again.
#[derive(Clone, Debug)]
pub(crate) struct Differences {
    have: Reported,
    need: Reported,
    most: usize,
}

impl Differences {
    /// Room for `most` ids (`SessionLimits::differences`).
    pub(crate) fn new(most: usize) -> Self {
        Self {
            have: Reported::default(),
            need: Reported::default(),
            most,
        }
    }

    /// The peer lacks this id.
    #[inline]
    pub(crate) fn have(&mut self, id: Id) -> Result<(), SessionError> {
        self.have.insert(id);
        self.check()
    }

    /// This side lacks this id.
    #[inline]
    pub(crate) fn need(&mut self, id: Id) -> Result<(), SessionError> {
        self.need.insert(id);
        self.check()
    }

    /// What was found since the last call: `have`, `need`.
    pub(crate) fn take(&mut self) -> (Vec<Id>, Vec<Id>) {
        (self.have.take(), self.need.take())
    }

    #[inline]
    fn check(&self) -> Result<(), SessionError> {
        if self.have.len() + self.need.len() > self.most {
            return Err(SessionError::Limit {
                name: "differences",
                max: self.most as u64,
            });
        }
        Ok(())
    }
}
