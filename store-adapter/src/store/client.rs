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

mod asking;
mod backoff;
mod course;
mod criteria;
mod notice;
mod taking;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use sync_core::Id;

pub use criteria::{ContentCriteria, StoreCriteria};
pub use notice::{Ended, Notice, Trouble};

use self::asking::Choice;
use self::backoff::Peer;
use self::course::{Asking, ContentCourse, HashCourse};
use self::criteria::Wanted;
use super::answer::StoreAnswer;
use crate::limits::StoreClientLimits;
use crate::record::Record;

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

    /// The peer that was asked for something last can't be asked, now or later, for this reason.
    pub fn unfit(&mut self, reason: impl Into<String>) {
        if let Some(asked) = self.asked.take() {
            self.troubled(asked.place, 0, 0, Trouble::Unfit(reason.into()));
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
}
