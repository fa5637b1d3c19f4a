//! How nodes are reached and what they are asked for.

use std::collections::BTreeSet;

use libp2p::PeerId;
use store_adapter::limits::StoreClientLimits;
use store_adapter::store::{ContentCriteria, Ended, Found, Notice, StoreCriteria};
use sync_core::{Id, Range, Scope, TopicFilter};
use sync_net::Control;
use tokio::time::timeout;

use super::finding::{Finding, Standing};
use crate::census::limits::STORE_DEADLINE;
use crate::census::span::Span;
use crate::census::subject::{Subject, Subjects};
use crate::net::limits::CLUSTER_AWAITED;
use crate::net::protocols::{METADATA, RECONCILE, STORE};
use crate::net::{ConnectError, StoreEvent, StoreReader, SwarmHandle};
use crate::node::Node;

/// Which messages are counted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Wanted {
    pub(crate) span: Span,
    pub(crate) pubsub_topic: Option<String>,
    /// Any of these; none for all.
    pub(crate) content_topics: Vec<String>,
}

/// Reaches nodes and asks them.
pub(super) struct Asker<'a> {
    pub(super) control: &'a Control,
    pub(super) wanted: &'a Wanted,
    swarm: &'a SwarmHandle,
    cluster_id: Option<u16>,
}

/// What came of a walk over one store.
pub(super) enum Walked {
    /// It has answered to the end.
    Complete,
    /// It doesn't answer any more.
    Left(String),
}

impl Wanted {
    /// The same for sessions.
    pub(super) fn scope(&self) -> Scope {
        Scope {
            window: Range::of_times(self.span.since(), self.span.until()),
            pubsub_topics: TopicFilter::from_wire(self.pubsub_topic.iter().cloned()),
            content_topics: TopicFilter::from_wire(self.content_topics.iter().cloned()),
        }
    }

    /// The hashes of one bucket, for Store queries.
    pub(super) fn bucket(&self, number: usize) -> StoreCriteria {
        let (start, end) = self.span.bucket(number);
        let topics = self.content_topics.iter();
        let content = topics.fold(ContentCriteria::all(), ContentCriteria::content_topic);
        // Store queries have both ends included.
        let content = content.since(start).until(end - 1);
        let criteria = StoreCriteria::of_content(content).hashes_only();
        match &self.pubsub_topic {
            Some(topic) => criteria.pubsub_topic(topic),
            None => criteria,
        }
    }
}

impl<'a> Asker<'a> {
    pub(super) fn new(node: &'a Node, wanted: &'a Wanted) -> Self {
        Self {
            control: node.control(),
            wanted,
            swarm: node.network(),
            cluster_id: node.shards().map(|own| own.cluster_id()),
        }
    }

    pub(super) fn speaks(&self, peer: &PeerId, protocol: &str) -> bool {
        self.swarm.peers().speaks(peer, protocol)
    }

    /// Connects with every node that isn't connected; gives for each whether it can be asked.
    pub(super) async fn reach(&self, subjects: &Subjects) -> Vec<Finding> {
        let subjects = subjects.as_slice();
        let addresses = subjects.iter().map(|subject| subject.address.clone());
        let dialled = self.swarm.connect_all(addresses.collect()).await;
        let met = subjects.iter().zip(dialled);
        let met = met.map(|(subject, (_, dialled))| self.meet(subject, dialled));
        futures::future::join_all(met).await
    }

    async fn meet(&self, subject: &Subject, dialled: Result<PeerId, ConnectError>) -> Finding {
        let peer = match dialled {
            Ok(peer) => peer,
            // Its address is known.
            Err(ConnectError::Unreachable { reason, .. }) => {
                return Finding::new(Standing::unreachable(&reason), "");
            }
            Err(error) => return Finding::new(Standing::unreachable(&error), ""),
        };
        self.await_cluster(&peer).await;
        let peers = self.swarm.peers();
        let info = peers.info(&peer);
        let agent = info.as_ref().map_or("", |info| info.agent.as_str());
        let standing = if let Some(ours) = self.cluster_id.filter(|_| peers.is_foreign(&peer)) {
            let theirs = info.as_ref().and_then(|info| info.cluster_id);
            let theirs = theirs.map_or_else(|| "another".into(), |theirs| theirs.to_string());
            Standing::failed(&format_args!(
                "it is of cluster {theirs}, and {ours} was asked for"
            ))
        } else if !peers.is_connected(&peer) {
            let closed = format_args!("{}: it closed the connection", subject.address);
            Standing::unreachable(&closed)
        } else if !self.speaks(&peer, RECONCILE) && !self.speaks(&peer, STORE) {
            Standing::NoProtocol(format!("it speaks neither {RECONCILE} nor {STORE}"))
        } else {
            Standing::Met
        };
        Finding::new(standing, agent)
    }

    /// Gives a node time to tell its cluster, if that matters.
    async fn await_cluster(&self, peer: &PeerId) {
        let peers = self.swarm.peers();
        if self.cluster_id.is_some() && peers.speaks(peer, METADATA) {
            let told = peers.wait_until(peer, |info| {
                info.cluster_id.is_some() || !info.is_connected()
            });
            // One that doesn't tell is asked all the same.
            let _ = timeout(CLUSTER_AWAITED, told).await;
        }
    }

    /// Reads the store of one peer to its end, page by page; `take` may end it early.
    pub(super) async fn walk<E>(
        &self,
        peer: PeerId,
        criteria: StoreCriteria,
        mut take: impl FnMut(Vec<Found>) -> Result<(), E>,
    ) -> Result<Walked, E> {
        let limits = StoreClientLimits::default();
        let mut reader = StoreReader::new(self.control.clone(), criteria, vec![peer], limits)
            .with_deadline(STORE_DEADLINE);
        let mut reason = String::from("it doesn't answer");
        while let Some(event) = reader.next().await {
            match event {
                StoreEvent::Page(found) => take(found)?,
                StoreEvent::Notice(Notice::Left { why, .. }) => reason = why.to_string(),
                StoreEvent::Notice(_) => {}
                StoreEvent::Ended(Ended::Complete) => return Ok(Walked::Complete),
                StoreEvent::Ended(_) => break,
            }
        }
        Ok(Walked::Left(reason))
    }

    /// Asks a peer which of these, in order, it holds; gives them, unless it doesn't answer for all.
    pub(super) async fn present(&self, peer: PeerId, ids: &[Id]) -> (BTreeSet<Id>, Walked) {
        let criteria = StoreCriteria::of_hashes(ids.iter().copied()).hashes_only();
        let mut present = BTreeSet::new();
        let walked = self.walk(peer, criteria, |found| {
            // Of nothing else, so that no answer takes more room than the question.
            let hashes = found.iter().map(|found| found.hash);
            present.extend(hashes.filter(|hash| ids.binary_search(hash).is_ok()));
            Ok::<_, std::convert::Infallible>(())
        });
        match walked.await {
            Ok(walked) => (present, walked),
            Err(never) => match never {},
        }
    }
}
