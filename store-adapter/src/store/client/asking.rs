//! Whom a walk asks next, and for what.

use prost::Message;

use super::course::Asking;
use super::notice::Notice;
use super::{Ask, Asked, Course, StoreWalk};
use crate::limits::{MESSAGE_BYTES, STORE_PAGE_MAX, STORE_RESPONSE_BYTES, TOPIC_BYTES};

/// Bytes of a response besides those of its messages, and of a message besides its data.
const FRAME_BYTES: usize = 64 << 10;
const ENTRY_BYTES: usize = 64;

/// Whom to ask next.
pub(super) enum Choice {
    Peer(usize),
    Later(u64),
    Nobody,
}

impl<P: Clone> StoreWalk<P> {
    /// The most that is asked for at a time.
    pub(super) fn page(&self) -> usize {
        let most = match &self.course {
            Course::Content(_) => self.limits.page,
            Course::Hashes(_) => self.limits.hashes,
        };
        self.criteria.page.unwrap_or(most).min(most).max(1)
    }

    /// How many messages are still wanted.
    pub(super) fn room(&self) -> u64 {
        let most = self.criteria.most.unwrap_or(u64::MAX);
        most.min(self.limits.messages).saturating_sub(self.given)
    }

    /// The current peer if it may be asked, or the next one that may.
    pub(super) fn choose(&self, now: u64) -> Choice {
        let count = self.peers.len();
        let first = self.current.unwrap_or(0);
        let ring = (first..count).chain(0..first.min(count));
        let askable = ring.filter(|place| self.peers[*place].is_askable());
        let mut soonest = None;
        for place in askable {
            let not_before = self.peers[place].not_before;
            if not_before <= now {
                return Choice::Peer(place);
            }
            soonest = Some(soonest.map_or(not_before, |soonest: u64| soonest.min(not_before)));
        }
        soonest.map_or(Choice::Nobody, Choice::Later)
    }

    pub(super) fn ask(&mut self, place: usize) -> Ask<P> {
        if self.current != Some(place) {
            if let Some(from) = self.current.replace(place) {
                self.notices.push(Notice::Turned {
                    from: self.peers[from].name.clone(),
                    to: self.peers[place].name.clone(),
                });
            }
            if let Course::Content(course) = &mut self.course {
                course.visit();
            }
        }
        let peer = &self.peers[place];
        let limit = peer
            .page
            .min(usize::try_from(self.room()).unwrap_or(usize::MAX));
        let asking = match &self.course {
            Course::Content(course) => Asking::Content(course.spot()),
            Course::Hashes(course) => Asking::Hashes(course.batch(peer.through, limit)),
        };
        self.requests += 1;
        let request_id = format!("{:016x}-{}", self.seed, self.requests);
        let request = self.criteria.request(request_id.clone(), &asking, limit);
        let ask = Ask {
            peer: peer.name.clone(),
            request: request.encode_to_vec(),
            max_response: self.max_response(limit),
        };
        self.asked = Some(Asked {
            place,
            request_id,
            asking,
            ask: ask.clone(),
        });
        ask
    }

    /// Room for a full page, and for that of a server that minds no limit on hashes alone.
    fn max_response(&self, limit: usize) -> usize {
        let (messages, bytes) = if self.criteria.include_data {
            (limit, MESSAGE_BYTES + TOPIC_BYTES + ENTRY_BYTES)
        } else {
            (limit.max(STORE_PAGE_MAX), ENTRY_BYTES)
        };
        let most = messages.saturating_mul(bytes).saturating_add(FRAME_BYTES);
        most.min(STORE_RESPONSE_BYTES)
    }
}
