//! Reads the stores of peers, page by page, and goes on at the next peer where one fails.
//!
//! A [`StoreWalk`] has no clock, no randomness and no I/O: times are arguments, in nanoseconds of any
//! clock that doesn't go back; requests and answers pass through the caller.
//!
//! What it gives:
//! - **By content**, messages in the order (timestamp, hash), or against it, each once. It reads one
//!   peer until that says that nothing more matches; where the peer fails, the next one is read from
//!   there on. So every message given matches and is held by one of the peers, and no message is left
//!   out that matches and that all the peers read hold. Without data the order is the peers', and
//!   nothing can be verified.
//! - **By hashes**, in any order, what each peer has of what none before had: all that any of those has
//!   that answer.
//!
//! A message is hashed again and compared with its hash and with what was asked for. A peer that gives
//! anything else, or says that more follows and gives nothing new, is left, and its page not taken. One
//! that asks for patience (429) or fails isn't asked for a while, ever longer; it is asked for less at a
//! time after a failure. Of all that the caller is told by a [`Notice`].
//!
//! ```
//! use store_adapter::archive::{Archive, MemoryArchive};
//! use store_adapter::limits::{StoreClientLimits, StoreLimits};
//! use store_adapter::store::{self, ContentCriteria, Ended, Step, StoreCriteria, StoreWalk};
//! use store_adapter::{Record, WakuMessage};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let message = WakuMessage {
//!     content_topic: "/app/1/chat/proto".into(),
//!     timestamp: Some(1_700_000_000_000_000_000),
//!     ..WakuMessage::default()
//! };
//! let archive = MemoryArchive::new();
//! archive.append(vec![Record::new("/waku/2/rs/0/0", message)?]).await?;
//!
//! let chat = ContentCriteria::all().content_topic("/app/1/chat/proto").since(1);
//! let (peers, seed) = (["first peer", "second peer"], 7);
//! let limits = StoreClientLimits::default();
//! let mut walk = StoreWalk::new(StoreCriteria::of_content(chat), peers, seed, limits);
//! let mut read = Vec::new();
//! let mut now = 0; // nanoseconds of a clock
//! loop {
//!     match walk.step(now) {
//!         Step::Ask(ask) if ask.peer == "first peer" => {
//!             walk.failed(now, 0, "it isn't connected");
//!         }
//!         Step::Ask(ask) => {
//!             let response = store::serve(&archive, &StoreLimits::default(), &ask.request).await;
//!             read.extend(walk.answered(now, 0, &response));
//!         }
//!         Step::Wait(until) => now = until,
//!         Step::Done(ended) => {
//!             assert_eq!(ended, Ended::Complete);
//!             break;
//!         }
//!     }
//!     for notice in walk.notices() {
//!         eprintln!("{notice}");
//!     }
//! }
//! assert_eq!(read.len(), 1);
//! # Ok(()) })
//! # }
//! ```

mod backoff;
mod course;
mod criteria;
mod notice;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use prost::Message;
use sync_core::Id;

pub use criteria::{ContentCriteria, StoreCriteria};
pub use notice::{Ended, Notice, Trouble};

use self::backoff::Peer;
use self::course::{Asking, ContentCourse, HashCourse, Next, Taken};
use self::criteria::Wanted;
use super::answer::{StoreAnswer, StoreAnswerError, StoreEntry};
use crate::limits::{
    MESSAGE_BYTES, STORE_PAGE_MAX, STORE_RESPONSE_BYTES, StoreClientLimits, TOPIC_BYTES,
};
use crate::record::Record;

/// Bytes of a response besides those of its messages, and of a message besides its data.
const FRAME_BYTES: usize = 64 << 10;
const ENTRY_BYTES: usize = 64;

/// A walk through the stores of several peers. `P` names one.
///
/// Do what [`step`](Self::step) says; hand the answer to a request to [`answered`](Self::answered), or
/// say that there is none by [`failed`](Self::failed). `jitter` is any random number.
#[derive(Clone, Debug)]
pub struct StoreWalk<P> {
    criteria: StoreCriteria,
    limits: StoreClientLimits,
    seed: u64,
    requests: u64,
    peers: Vec<Peer<P>>,
    current: Option<usize>,
    asked: Option<Asked<P>>,
    course: Course,
    given: u64,
    notices: Vec<Notice<P>>,
    ended: Option<Ended>,
}

/// What to do next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step<P> {
    /// Send this request.
    Ask(Ask<P>),
    /// Wait until this time, in nanoseconds.
    Wait(u64),
    /// Nothing more.
    Done(Ended),
}

/// A request to a peer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ask<P> {
    /// Whom to ask.
    pub peer: P,
    /// The encoded request, without the stream's length prefix.
    pub request: Vec<u8>,
    /// The longest response to be read, in bytes.
    pub max_response: usize,
}

/// Something that a peer holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// The hash.
    pub hash: Id,
    /// The message, which has this hash; `None` if only hashes were asked for.
    pub record: Option<Record>,
}

#[derive(Clone, Debug)]
enum Course {
    Content(Box<ContentCourse>),
    Hashes(HashCourse),
}

#[derive(Clone, Debug)]
struct Asked<P> {
    place: usize,
    request_id: String,
    asking: Asking,
    ask: Ask<P>,
}

/// Whom to ask next.
enum Choice {
    Peer(usize),
    Later(u64),
    Nobody,
}

impl<P: Clone> StoreWalk<P> {
    /// A walk through the stores of `peers`, the first ones preferred; `seed` makes its request ids
    /// differ from those of other walks.
    pub fn new(
        criteria: StoreCriteria,
        peers: impl IntoIterator<Item = P>,
        seed: u64,
        limits: StoreClientLimits,
    ) -> Self {
        let course = match &criteria.wanted {
            Wanted::Hashes(hashes) => Course::Hashes(HashCourse {
                wanted: hashes.clone(),
            }),
            Wanted::Content(content) => Course::Content(Box::new(ContentCourse::new(
                content.behind,
                content.backward,
            ))),
        };
        let mut walk = Self {
            criteria,
            limits,
            seed,
            requests: 0,
            peers: Vec::new(),
            current: None,
            asked: None,
            course,
            given: 0,
            notices: Vec::new(),
            ended: None,
        };
        let page = walk.page();
        walk.peers = peers
            .into_iter()
            .map(|name| Peer::new(name, page))
            .collect();
        walk.look_for_end();
        walk
    }

    /// What to do next. A request that was neither answered nor failed is given again.
    pub fn step(&mut self, now: u64) -> Step<P> {
        if let Some(asked) = &self.asked {
            return Step::Ask(asked.ask.clone());
        }
        match (self.ended, self.choose(now)) {
            (Some(ended), _) => Step::Done(ended),
            (None, Choice::Peer(place)) => Step::Ask(self.ask(place)),
            (None, Choice::Later(until)) => Step::Wait(until),
            (None, Choice::Nobody) => {
                let through = self.peers.iter().any(|peer| peer.done);
                let ended = if through {
                    Ended::Complete
                } else {
                    Ended::NobodyLeft
                };
                self.ended = Some(ended);
                Step::Done(ended)
            }
        }
    }

    /// Takes the response to the request that was asked for last; gives what is new of it, in the
    /// direction of the walk.
    pub fn answered(&mut self, now: u64, jitter: u64, response: &[u8]) -> Vec<Found> {
        let Some(asked) = self.asked.take() else {
            return Vec::new();
        };
        let taken = StoreAnswer::decode(response, &asked.request_id)
            .map_err(Trouble::from)
            .and_then(|answer| self.take(&asked, answer));
        match taken {
            Ok(taken) => self.took(&asked, taken),
            Err(trouble) => {
                self.troubled(asked.place, now, jitter, trouble);
                Vec::new()
            }
        }
    }

    /// The request that was asked for last has no answer, for this reason.
    pub fn failed(&mut self, now: u64, jitter: u64, reason: impl Into<String>) {
        if let Some(asked) = self.asked.take() {
            self.troubled(asked.place, now, jitter, Trouble::NoAnswer(reason.into()));
        }
    }

    /// What happened since this was called last.
    pub fn notices(&mut self) -> Vec<Notice<P>> {
        std::mem::take(&mut self.notices)
    }

    /// Of a walk by hashes: those that nobody has given so far.
    #[must_use]
    pub fn missing(&self) -> BTreeSet<Id> {
        match &self.course {
            Course::Hashes(course) => course.wanted.clone(),
            Course::Content(_) => BTreeSet::new(),
        }
    }

    /// How many messages were given so far.
    #[must_use]
    pub const fn given(&self) -> u64 {
        self.given
    }

    /// The most that is asked for at a time.
    fn page(&self) -> usize {
        let most = match &self.course {
            Course::Content(_) => self.limits.page,
            Course::Hashes(_) => self.limits.hashes,
        };
        self.criteria.page.unwrap_or(most).min(most).max(1)
    }

    /// How many messages are still wanted.
    fn room(&self) -> u64 {
        let most = self.criteria.most.unwrap_or(u64::MAX);
        most.min(self.limits.messages).saturating_sub(self.given)
    }

    /// The current peer if it may be asked, or the next one that may.
    fn choose(&self, now: u64) -> Choice {
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

    fn ask(&mut self, place: usize) -> Ask<P> {
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

    /// Checks every message of an answer before any is taken.
    fn take(&mut self, asked: &Asked<P>, answer: StoreAnswer) -> Result<Taken, Trouble> {
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

    fn took(&mut self, asked: &Asked<P>, taken: Taken) -> Vec<Found> {
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

    fn look_for_end(&mut self) {
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
    fn troubled(&mut self, place: usize, now: u64, jitter: u64, trouble: Trouble) {
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
