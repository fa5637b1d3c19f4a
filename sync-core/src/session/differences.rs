//! The differences that a session has found, each reported once.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use crate::item::Id;
use crate::session::SessionError;

/// Remembers what was reported, since framed and repeated ranges name ids again.
#[derive(Clone, Debug)]
pub(crate) struct Differences {
    have: BTreeSet<Id>,
    need: BTreeSet<Id>,
    new_have: Vec<Id>,
    new_need: Vec<Id>,
    most: usize,
}

impl Differences {
    /// Room for `most` ids (`SessionLimits::differences`).
    pub(crate) fn new(most: usize) -> Self {
        Self {
            have: BTreeSet::new(),
            need: BTreeSet::new(),
            new_have: Vec::new(),
            new_need: Vec::new(),
            most,
        }
    }

    /// The peer lacks this id.
    pub(crate) fn have(&mut self, id: Id) -> Result<(), SessionError> {
        if self.have.insert(id) {
            self.new_have.push(id);
        }
        self.check()
    }

    /// This side lacks this id.
    pub(crate) fn need(&mut self, id: Id) -> Result<(), SessionError> {
        if self.need.insert(id) {
            self.new_need.push(id);
        }
        self.check()
    }

    /// What was found since the last call: `have`, `need`.
    pub(crate) fn take(&mut self) -> (Vec<Id>, Vec<Id>) {
        (
            core::mem::take(&mut self.new_have),
            core::mem::take(&mut self.new_need),
        )
    }

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
