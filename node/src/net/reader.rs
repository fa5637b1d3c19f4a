//! Reads the stores of peers over the network.

use std::collections::VecDeque;
use std::time::Duration;

use libp2p::{PeerId, StreamProtocol};
use store_adapter::limits::StoreClientLimits;
use store_adapter::store::{Ask, Ended, Found, Notice, Step, StoreCriteria, StoreWalk};
use sync_net::Control;
use tokio::time::{Instant, sleep_until, timeout};

use super::dialler::{Dialler, Unreached};
use super::limits::STORE_QUERY_DEADLINE;
use super::protocols;

/// Reads the stores of connected peers, page by page, by a [`StoreWalk`].
///
/// ```no_run
/// # async fn read(node: &wakustore::node::Node, peers: Vec<libp2p::PeerId>) {
/// use store_adapter::store::{ContentCriteria, StoreCriteria};
/// use wakustore::net::StoreEvent;
///
/// let chat = ContentCriteria::all().content_topic("/app/1/chat/proto").since(1_700_000_000_000_000_000);
/// let mut reader = node.read_stores(StoreCriteria::of_content(chat), peers);
/// while let Some(event) = reader.next().await {
///     match event {
///         StoreEvent::Page(found) => println!("{} messages", found.len()),
///         StoreEvent::Notice(notice) => eprintln!("{notice}"),
///         StoreEvent::Ended(ended) => println!("{ended:?}"),
///     }
/// }
/// # }
/// ```
#[derive(Debug)]
pub struct StoreReader {
    walk: StoreWalk<PeerId>,
    control: Control,
    dialler: Option<Dialler>,
    since: Instant,
    deadline: Duration,
    events: VecDeque<StoreEvent>,
    ended: bool,
}

/// What comes of reading stores.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum StoreEvent {
    /// Messages, at least one; verified, unless only hashes were asked for.
    Page(Vec<Found>),
    /// Something to be told.
    Notice(Notice<PeerId>),
    /// Nothing more comes.
    Ended(Ended),
}

impl StoreReader {
    /// Reads the stores of `peers`, the first ones preferred.
    #[must_use]
    pub fn new(
        control: Control,
        criteria: StoreCriteria,
        peers: Vec<PeerId>,
        limits: StoreClientLimits,
    ) -> Self {
        Self {
            walk: StoreWalk::new(criteria, peers, rand::random(), limits),
            control,
            dialler: None,
            since: Instant::now(),
            deadline: STORE_QUERY_DEADLINE,
            events: VecDeque::new(),
            ended: false,
        }
    }

    /// The same with another time that a peer may take for an answer than 60 s.
    #[must_use]
    pub const fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// The same of peers that aren't connected: each is connected with when it is its turn.
    #[must_use]
    pub(crate) fn dialling(mut self, dialler: Dialler) -> Self {
        self.dialler = Some(dialler);
        self
    }

    /// Whether any peer was there, or has to be: `false` if all had to be connected with first, and
    /// none could be so far.
    #[must_use]
    pub fn has_met_any(&self) -> bool {
        self.dialler.as_ref().is_none_or(Dialler::has_met_any)
    }

    /// What comes next; `None` after the end. It may be given up at any time and called again: a
    /// request under way is then sent anew.
    pub async fn next(&mut self) -> Option<StoreEvent> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            if self.ended {
                return None;
            }
            match self.walk.step(self.now()) {
                Step::Ask(ask) => self.ask(ask).await,
                Step::Wait(until) => sleep_until(self.since + Duration::from_nanos(until)).await,
                Step::Done(ended) => {
                    self.ended = true;
                    self.events.push_back(StoreEvent::Ended(ended));
                }
            }
            let notices = self.walk.notices().into_iter().map(StoreEvent::Notice);
            self.events.extend(notices.inspect(tell));
        }
    }

    /// The walk, to ask what is missing.
    #[must_use]
    pub const fn walk(&self) -> &StoreWalk<PeerId> {
        &self.walk
    }

    async fn ask(&mut self, ask: Ask<PeerId>) {
        if let Some(dialler) = &mut self.dialler {
            match dialler.reach(&ask.peer).await {
                Ok(()) => {}
                Err(Unreached::ForGood(reason)) => return self.walk.unfit(reason),
                Err(Unreached::ForNow(reason)) => {
                    return self.walk.failed(self.now(), rand::random(), reason);
                }
            }
        }
        let protocol = StreamProtocol::new(protocols::STORE);
        let request = self
            .control
            .request(ask.peer, protocol, &ask.request, ask.max_response);
        let response = timeout(self.deadline, request).await;
        let (now, jitter) = (self.now(), rand::random());
        match response {
            Ok(Ok(response)) => {
                let found = self.walk.answered(now, jitter, &response);
                if !found.is_empty() {
                    self.events.push_back(StoreEvent::Page(found));
                }
            }
            Ok(Err(error)) => self.walk.failed(now, jitter, error.to_string()),
            Err(_) => {
                let seconds = self.deadline.as_secs_f64();
                self.walk
                    .failed(now, jitter, format!("none in {seconds} s"));
            }
        }
    }

    fn now(&self) -> u64 {
        crate::cli::time::nanoseconds(self.since.elapsed())
    }
}

/// Into the log too: whoever reads may have no place for it.
fn tell(event: &StoreEvent) {
    if let StoreEvent::Notice(notice) = event {
        tracing::debug!("reading stores: {notice}");
    }
}
