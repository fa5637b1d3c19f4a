//! Stores as they may be met, on a virtual clock.

use std::collections::BTreeSet;

use prost::Message;
use sync_core::Id;
use tokio::runtime::{Builder, Runtime};

use super::super::{Ended, Found, Notice, Step, StoreCriteria, StoreWalk};
use crate::archive::{Archive, MemoryArchive};
use crate::limits::{StoreClientLimits, StoreLimits};
use crate::message::WakuMessage;
use crate::record::Record;
use crate::store::{
    StoreQueryRequest, StoreQueryResponse, StoredMessage, answer, status, too_many_requests,
};

/// More steps than any walk of these tests may take.
const STEPS: u32 = 5_000;

/// What a store does besides answering.
#[derive(Clone, Debug)]
pub(super) struct Habits {
    pub(super) page_max: usize,
    pub(super) hashes_max: usize,
    pub(super) query_rows: usize,
    /// The requests, counted from 0, to which it answers 429.
    pub(super) refuses: Vec<u32>,
    /// Gives no answer from this request on.
    pub(super) dies_after: Option<u32>,
    pub(super) lie: Option<Lie>,
    /// The first request that it lies to.
    pub(super) lies_after: u32,
    /// Answers a cursor that it doesn't know by an empty last page.
    pub(super) empty_for_unknown_cursor: bool,
}

impl Default for Habits {
    fn default() -> Self {
        Self {
            page_max: 100,
            hashes_max: 1_000,
            query_rows: 1_000_000,
            refuses: Vec::new(),
            dies_after: None,
            lie: None,
            lies_after: 0,
            empty_for_unknown_cursor: false,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Lie {
    /// Bytes that are no response.
    Garbage,
    /// The response to another request.
    OtherRequest,
    /// Messages with another hash than theirs.
    WrongHash,
    /// A message that wasn't asked for.
    Unasked,
    /// The hash without the message.
    NoData,
    /// The first page, and more to follow, again and again.
    EqualPages,
    /// Nothing, and more to follow behind another message each time.
    EmptyPages,
}

impl Lie {
    /// Those that are lies whatever was asked for.
    pub(super) const ALL: [Self; 6] = [
        Self::Garbage,
        Self::OtherRequest,
        Self::WrongHash,
        Self::NoData,
        Self::EqualPages,
        Self::EmptyPages,
    ];

    fn tell(self, request: &StoreQueryRequest, number: u32, honest: StoreQueryResponse) -> Vec<u8> {
        let mut response = honest;
        response.status_code = status::OK;
        let cursor = Some([vec![0xab; 28], number.to_be_bytes().to_vec()].concat());
        let foreign = Record::new(
            "/t/foreign",
            WakuMessage {
                timestamp: Some(1),
                ..WakuMessage::default()
            },
        )
        .unwrap();
        let stored = |hash: Id| StoredMessage {
            message_hash: Some(hash.0.to_vec()),
            message: request.include_data.then(|| foreign.message().clone()),
            pubsub_topic: request.include_data.then(|| "/t/foreign".into()),
        };
        match self {
            Self::Garbage => return vec![0xff; 9],
            Self::OtherRequest => response.request_id.push('x'),
            Self::WrongHash => response.messages = vec![stored(Id([9; 32]))],
            Self::Unasked => response.messages = vec![stored(foreign.hash())],
            Self::NoData => {
                response.messages = vec![StoredMessage {
                    message: None,
                    ..stored(Id([9; 32]))
                }];
            }
            Self::EqualPages => {
                response
                    .pagination_cursor
                    .clone_from(&request.pagination_cursor);
                response.pagination_cursor = response.pagination_cursor.or(cursor);
                response.messages.clear();
            }
            Self::EmptyPages => {
                response.messages.clear();
                response.pagination_cursor = cursor;
            }
        }
        response.encode_to_vec()
    }
}

/// A store of some messages.
pub(super) struct Simulated {
    archive: MemoryArchive,
    habits: Habits,
    requests: u32,
}

/// How a walk went.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) found: Vec<Found>,
    pub(super) notices: Vec<Notice<usize>>,
    pub(super) ended: Ended,
    pub(super) missing: BTreeSet<Id>,
    pub(super) requests: u32,
    pub(super) now: u64,
}

impl Simulated {
    pub(super) fn new(records: &[Record], habits: Habits) -> Self {
        let archive = MemoryArchive::new();
        runtime()
            .block_on(archive.append(records.to_vec()))
            .unwrap();
        Self {
            archive,
            habits,
            requests: 0,
        }
    }

    fn respond(&mut self, request: &[u8]) -> Option<Vec<u8>> {
        let number = self.requests;
        self.requests += 1;
        let habits = &self.habits;
        if habits.dies_after.is_some_and(|after| number >= after) {
            return None;
        }
        if habits.refuses.contains(&number) {
            return Some(too_many_requests());
        }
        let asked = StoreQueryRequest::decode(request).unwrap();
        let limits = StoreLimits {
            page_max: habits.page_max,
            query_rows: habits.query_rows,
            ..StoreLimits::default()
        };
        let mut response = runtime().block_on(answer(&self.archive, &limits, request));
        if asked.message_hashes.len() > habits.hashes_max {
            response = StoreQueryResponse {
                request_id: asked.request_id.clone(),
                status_code: status::BAD_REQUEST,
                status_desc: "BAD_REQUEST: too many hashes".into(),
                ..StoreQueryResponse::default()
            };
        }
        if response.status_code == status::BAD_RESPONSE && habits.empty_for_unknown_cursor {
            response.status_code = status::OK;
        }
        match habits.lie {
            Some(lie) if number >= habits.lies_after => Some(lie.tell(&asked, number, response)),
            _ => Some(response.encode_to_vec()),
        }
    }
}

pub(super) fn run(criteria: StoreCriteria, peers: Vec<Simulated>) -> Outcome {
    run_within(criteria, peers, StoreClientLimits::default())
}

/// Walks to the end, with a jitter of 0.
pub(super) fn run_within(
    criteria: StoreCriteria,
    mut peers: Vec<Simulated>,
    limits: StoreClientLimits,
) -> Outcome {
    let mut walk = StoreWalk::new(criteria, 0..peers.len(), 1, limits);
    let (mut found, mut notices, mut now) = (Vec::new(), Vec::new(), 0);
    for _ in 0..STEPS {
        match walk.step(now) {
            Step::Ask(ask) => match peers[ask.peer].respond(&ask.request) {
                Some(response) => {
                    assert!(response.len() <= ask.max_response);
                    found.extend(walk.answered(now, 0, &response));
                }
                None => walk.failed(now, 0, "gone"),
            },
            Step::Wait(until) => {
                assert!(until > now);
                now = until;
            }
            Step::Done(ended) => {
                assert_eq!(walk.given(), found.len() as u64);
                assert_eq!(walk.step(now), Step::Done(ended), "an end stays one");
                notices.extend(walk.notices());
                return Outcome {
                    found,
                    notices,
                    ended,
                    missing: walk.missing(),
                    requests: peers.iter().map(|peer| peer.requests).sum(),
                    now,
                };
            }
        }
        notices.extend(walk.notices());
    }
    panic!("a walk didn't end in {STEPS} steps");
}

fn runtime() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}
