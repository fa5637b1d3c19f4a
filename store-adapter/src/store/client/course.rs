//! Where a walk is, and what answers make of that.

use std::collections::{BTreeSet, HashSet};
use std::ops::Bound;

use sync_core::{Id, Item};

use super::{Found, Trouble};
use crate::limits::StoreClientLimits;

/// What a request is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Asking {
    Hashes(Vec<Id>),
    Content(Spot),
}

/// Where a page begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Spot {
    pub(super) cursor: Option<Id>,
    pub(super) since: Option<u64>,
    pub(super) until: Option<u64>,
}

/// What an answer has brought.
#[derive(Debug)]
pub(super) struct Taken {
    /// What wasn't given before.
    pub(super) new: Vec<Found>,
    pub(super) next: Next,
}

/// What comes after an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Next {
    /// The next page of this peer.
    Page,
    /// A page of this peer from the time of the message given last, or from the beginning.
    Rewound(Option<u64>),
    /// Nothing more of this peer.
    End,
}

/// A walk over messages in the order (timestamp, hash), or against it.
#[derive(Clone, Debug)]
pub(super) struct ContentCourse {
    backward: bool,
    /// Where the caller has it begin.
    start: Option<Id>,
    /// The message given last.
    last: Option<Id>,
    /// Its position, which only its data tell.
    position: Option<Item>,
    /// Without data: what was given.
    remembered: HashSet<Id>,
    all_remembered: bool,
    given: u64,
    visit: Visit,
}

/// The part of a walk that is made at one peer.
#[derive(Clone, Debug, Default)]
struct Visit {
    spot: Spot,
    /// Whether the peer is sure to know the place where it is asked to go on.
    known: bool,
    /// Pages in a row that brought nothing new.
    idle: u32,
    /// Messages that were given before, and how many of them are to be expected.
    repeats: u64,
    expected_repeats: u64,
    /// How much was given when it was begun again without a cursor.
    rewound_at: Option<u64>,
}

impl ContentCourse {
    pub(super) fn new(start: Option<Id>, backward: bool) -> Self {
        Self {
            backward,
            start,
            last: None,
            position: None,
            remembered: HashSet::new(),
            all_remembered: true,
            given: 0,
            visit: Visit::default(),
        }
    }

    /// Goes on at another peer.
    pub(super) fn visit(&mut self) {
        let cursor = self.last.or(self.start);
        self.visit = Visit {
            spot: Spot {
                cursor,
                ..Spot::default()
            },
            known: cursor.is_none(),
            // Without data, the message given last may lie before those that other peers gave: one
            // that was read again from the beginning may have given it.
            expected_repeats: if self.position.is_none() {
                self.given
            } else {
                0
            },
            ..Visit::default()
        };
    }

    pub(super) const fn spot(&self) -> Spot {
        self.visit.spot
    }

    /// Takes a page, checked message by message, in the order of (timestamp, hash).
    pub(super) fn take(
        &mut self,
        mut page: Vec<Found>,
        cursor: Option<Id>,
        limits: &StoreClientLimits,
    ) -> Result<Taken, Trouble> {
        let length = page.len();
        page.sort_by_key(|found| found.record.as_ref().map(|record| record.item()));
        if self.backward {
            page.reverse();
        }
        page.retain(|found| self.advance(found, limits.remembered));
        let new = page;
        let next = match cursor {
            Some(cursor) => {
                self.check_progress(cursor, length - new.len(), new.len(), limits)?;
                self.visit.spot.cursor = Some(cursor);
                self.visit.known = true;
                Next::Page
            }
            // Some servers may answer a cursor that they don't know so.
            None if length == 0 && !self.visit.known => self.rewind().unwrap_or(Next::End),
            None => Next::End,
        };
        Ok(Taken { new, next })
    }

    /// Begins the visit again without a cursor; `None` if that can't be.
    pub(super) fn rewind(&mut self) -> Option<Next> {
        if self.visit.rewound_at == Some(self.given) {
            return None;
        }
        let time = self.position.map(|item| item.timestamp);
        let from_the_beginning = self.last.is_some() && self.start.is_none() && self.all_remembered;
        if time.is_none() && !from_the_beginning {
            return None;
        }
        self.visit = Visit {
            spot: Spot {
                cursor: None,
                since: time.filter(|_| !self.backward),
                until: time.filter(|_| self.backward),
            },
            known: true,
            expected_repeats: self.given,
            rewound_at: Some(self.given),
            ..Visit::default()
        };
        Some(Next::Rewound(time))
    }

    /// Whether a message lies behind those given, which it is one of from then on.
    fn advance(&mut self, found: &Found, remembered: usize) -> bool {
        let new = match &found.record {
            Some(record) => {
                let item = record.item();
                let behind = self.position.is_none_or(|last| match self.backward {
                    false => item > last,
                    true => item < last,
                });
                if behind {
                    self.position = Some(item);
                }
                behind
            }
            None if self.remembered.contains(&found.hash) => false,
            None => {
                self.all_remembered &= self.remembered.len() < remembered;
                if self.all_remembered {
                    self.remembered.insert(found.hash);
                }
                true
            }
        };
        if new {
            self.last = Some(found.hash);
            self.given += 1;
        }
        new
    }

    fn check_progress(
        &mut self,
        cursor: Id,
        repeats: usize,
        new: usize,
        limits: &StoreClientLimits,
    ) -> Result<(), Trouble> {
        let visit = &mut self.visit;
        visit.repeats += repeats as u64;
        if new > 0 {
            visit.idle = 0;
            return Ok(());
        }
        let expected = repeats > 0 && visit.repeats <= visit.expected_repeats;
        visit.idle += u32::from(!expected);
        let again = repeats > 0 && !expected;
        if again || visit.spot.cursor == Some(cursor) || visit.idle > limits.idle_pages {
            return Err(Trouble::NoProgress);
        }
        Ok(())
    }
}

/// A walk over hashes: each is asked of one peer after the other, until one gives it.
#[derive(Clone, Debug)]
pub(super) struct HashCourse {
    pub(super) wanted: BTreeSet<Id>,
}

impl HashCourse {
    /// What to ask next of a peer that has answered for all hashes up to `through`.
    pub(super) fn batch(&self, through: Option<Id>, most: usize) -> Vec<Id> {
        let from = through.map_or(Bound::Unbounded, Bound::Excluded);
        let rest = self.wanted.range((from, Bound::Unbounded));
        rest.take(most).copied().collect()
    }

    /// Takes an answer, checked message by message, to a request for `asked`.
    pub(super) fn take(
        &mut self,
        page: Vec<Found>,
        cursor: Option<Id>,
        asked: &[Id],
    ) -> Result<Taken, Trouble> {
        if let Some(found) = page.iter().find(|found| !asked.contains(&found.hash)) {
            return Err(Trouble::Unasked(found.hash));
        }
        let mut new = page;
        new.retain(|found| self.wanted.remove(&found.hash));
        match cursor {
            // What is left of them is asked for again, in whatever order the peer gives them.
            Some(_) if !new.is_empty() => Ok(Taken {
                new,
                next: Next::Page,
            }),
            Some(_) => Err(Trouble::NoProgress),
            None => Ok(Taken {
                new,
                next: Next::End,
            }),
        }
    }
}
