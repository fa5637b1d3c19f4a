//! What an answer, or the lack of one, does to a walk.

use super::course::{Asking, Next, Taken};
use super::notice::{Ended, Notice, Trouble};
use super::{Asked, Course, Found, StoreWalk};
use crate::record::Record;
use crate::store::answer::{StoreAnswer, StoreAnswerError, StoreEntry};

impl<P: Clone> StoreWalk<P> {
    /// Checks every message of an answer before any is taken.
    pub(super) fn take(&mut self, asked: &Asked<P>, answer: StoreAnswer) -> Result<Taken, Trouble> {
        let cursor = answer.cursor;
        let mut page = Vec::with_capacity(answer.entries.len());
        for entry in answer.entries {
            page.extend(self.check(entry)?);
        }
        match (&mut self.course, &asked.asking) {
            (Course::Hashes(course), Asking::Hashes(hashes)) => course.take(page, cursor, hashes),
            (Course::Content(course), _) => course.take(page, cursor, &self.limits),
            (Course::Hashes(course), Asking::Content(_)) => course.take(page, cursor, &[]),
        }
    }

    /// A message as it was asked for; `None` for one that is to be left out.
    fn check(&self, entry: StoreEntry) -> Result<Option<Found>, Trouble> {
        let hash = entry.hash;
        if !self.criteria.include_data {
            return Ok(Some(Found { hash, record: None }));
        }
        let (topic, message) = entry.content.ok_or(Trouble::NoData(hash))?;
        let record = Record::new(topic, message).map_err(|_| Trouble::NoData(hash))?;
        if record.hash() != hash {
            return Err(Trouble::WrongHash {
                stated: hash,
                actual: record.hash(),
            });
        }
        let admitted = self.criteria.admits(&record);
        let admitted = admitted.map_err(|()| Trouble::Unasked(hash))?;
        Ok(admitted.then_some(Found {
            hash,
            record: Some(record),
        }))
    }

    pub(super) fn took(&mut self, asked: &Asked<P>, taken: Taken) -> Vec<Found> {
        let Taken { mut new, next } = taken;
        let peer = &mut self.peers[asked.place];
        if !new.is_empty() || next == Next::End {
            peer.delivered();
        }
        match next {
            Next::Page => {}
            Next::Rewound(time) => self.notices.push(Notice::WithoutCursor {
                peer: peer.name.clone(),
                time,
            }),
            Next::End => match &asked.asking {
                Asking::Hashes(hashes) => peer.through = hashes.last().copied().or(peer.through),
                Asking::Content(_) => self.ended = Some(Ended::Complete),
            },
        }
        new.truncate(usize::try_from(self.room()).unwrap_or(usize::MAX));
        self.given += new.len() as u64;
        self.look_for_end();
        new
    }

    pub(super) fn look_for_end(&mut self) {
        if let Course::Hashes(course) = &self.course {
            for peer in &mut self.peers {
                peer.done = course.batch(peer.through, 1).is_empty();
            }
            if course.wanted.is_empty() {
                self.ended = Some(Ended::Complete);
            }
        }
        if self.ended.is_none() && self.room() == 0 {
            self.ended = Some(Ended::Enough);
        }
    }

    /// What a peer that gave no page is worth from now on.
    pub(super) fn troubled(&mut self, place: usize, now: u64, jitter: u64, trouble: Trouble) {
        if matches!(&trouble, Trouble::Answer(error) if error.is_unknown_cursor()) {
            return self.unknown_cursor(place);
        }
        let peer = &mut self.peers[place];
        let (name, why) = (peer.name.clone(), trouble);
        let again = match &why {
            Trouble::Answer(error) if error.is_bad_request() && peer.wants_less() => {
                self.notices.push(Notice::AskedForLess {
                    peer: name,
                    page: peer.page,
                    why,
                });
                return;
            }
            Trouble::Answer(error) if error.is_rate_limit() => {
                peer.refused(now, jitter, &self.limits)
            }
            Trouble::NoAnswer(_) | Trouble::Answer(StoreAnswerError::Status { .. }) => {
                peer.failed(now, jitter, &self.limits)
            }
            _ => {
                peer.left = true;
                false
            }
        };
        let (peer, until) = (name, peer.not_before);
        self.notices.push(if again {
            Notice::BackedOff { peer, until, why }
        } else {
            Notice::Left { peer, why }
        });
    }

    /// A peer doesn't know the message to go on from.
    fn unknown_cursor(&mut self, place: usize) {
        let rewound = match &mut self.course {
            Course::Content(course) => course.rewind(),
            Course::Hashes(_) => None,
        };
        let peer = self.peers[place].name.clone();
        self.notices.push(match rewound {
            Some(Next::Rewound(time)) => Notice::WithoutCursor { peer, time },
            _ => {
                self.peers[place].left = true;
                let why = Trouble::UnknownCursor;
                Notice::Left { peer, why }
            }
        });
    }
}
