//! The differences that a session has found, each reported once.

use alloc::vec::Vec;

use super::pool::Grant;
use super::reported::Reported;
use crate::item::Id;
use crate::limits::SessionLimits;
use crate::session::SessionError;

/// How many ids are taken of a pool at a time.
const GRANT: usize = 1_000;

/// Remembers what was reported, since framed and repeated ranges name ids again.
#[derive(Clone, Debug)]
pub(crate) struct Differences {
    have: Reported,
    need: Reported,
    most: usize,
    /// Up to here there is nothing to be asked or checked.
    granted: usize,
    grant: Option<Grant>,
}

impl Differences {
    /// Room for as many ids as the limits allow.
    pub(crate) fn new(limits: &SessionLimits) -> Self {
        let grant = limits.differences_pool.clone().map(Grant::none_of);
        Self {
            have: Reported::default(),
            need: Reported::default(),
            most: limits.differences,
            granted: if grant.is_some() {
                0
            } else {
                limits.differences
            },
            grant,
        }
    }

    /// Room for so many ids.
    #[cfg(test)]
    pub(crate) fn up_to(differences: usize) -> Self {
        Self::new(&SessionLimits {
            differences,
            ..SessionLimits::default()
        })
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
    fn check(&mut self) -> Result<(), SessionError> {
        if self.have.len() + self.need.len() > self.granted {
            return self.extend();
        }
        Ok(())
    }

    /// Takes more of the pool, if there is one and the limit of the session isn't reached.
    #[cold]
    fn extend(&mut self) -> Result<(), SessionError> {
        let more = GRANT.min(self.most - self.granted);
        match &mut self.grant {
            Some(grant) if more > 0 => {
                if !grant.grow(more) {
                    return Err(SessionError::Limit {
                        name: "differences_pool",
                        max: grant.pool().most() as u64,
                    });
                }
                self.granted += more;
                Ok(())
            }
            _ => Err(SessionError::Limit {
                name: "differences",
                max: self.most as u64,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Pool;

    fn id(number: u32) -> Id {
        let mut id = Id::ZERO;
        id.0[8..12].copy_from_slice(&number.to_le_bytes());
        id
    }

    fn fill(found: &mut Differences, ids: core::ops::Range<u32>) -> Result<(), SessionError> {
        ids.into_iter().try_for_each(|number| match number % 2 {
            0 => found.have(id(number)),
            _ => found.need(id(number)),
        })
    }

    #[test]
    fn sessions_with_a_pool_remember_no_more_than_it_has_and_give_it_back() {
        let pool = Pool::new(3_000);
        let limits = SessionLimits {
            differences: 2_500,
            differences_pool: Some(pool.clone()),
            ..SessionLimits::default()
        };
        let [mut one, mut other] = [Differences::new(&limits), Differences::new(&limits)];
        fill(&mut one, 0..2_500).unwrap();
        assert_eq!(pool.taken(), 2_500);
        let broken = |name, max| Err(SessionError::Limit { name, max });
        assert_eq!(one.need(id(9_999)), broken("differences", 2_500));
        assert_eq!(fill(&mut other, 0..1), broken("differences_pool", 3_000));
        let copy = one.clone();
        drop(one);
        assert_eq!(pool.taken(), 2_500);
        drop(copy);
        let mut next = Differences::new(&limits);
        fill(&mut next, 0..2_000).unwrap();
        fill(&mut other, 1..1_000).unwrap();
        assert_eq!((pool.taken(), pool.most()), (3_000, 3_000));
        assert_eq!(
            fill(&mut other, 1_000..1_002),
            broken("differences_pool", 3_000)
        );
    }
}
