//! The relay's part of the swarm's task: carries out what the handle asks for, and decides on what
//! comes from peers.

use std::sync::Arc;

use libp2p::PeerId;
use libp2p::gossipsub::{
    Event, IdentTopic, MessageAcceptance, MessageId, PublishError as NotSent, TopicHash,
};
use store_adapter::WakuMessage;
use store_adapter::limits::IngestLimits;
use tokio::sync::{mpsc, oneshot};

use super::RelayPeer;
use super::Validator;
use super::behaviour::{Gossipsub, topic_scores};
use super::error::RelayError;
use super::intake::Intake;
use super::shared::Shared;
use super::subscriptions::Change;
use super::validation::{Fault, validate};
use crate::cli::time::now;

/// What the handle asks for.
pub(crate) enum Command {
    /// Change the subscriptions.
    Change(Change, oneshot::Sender<Result<(), RelayError>>),
    /// Send an encoded message on a topic.
    Publish(String, Vec<u8>, oneshot::Sender<Result<(), NotSent>>),
    /// Tell of the peers.
    Peers(oneshot::Sender<Vec<RelayPeer>>),
}

/// The relay's part of the swarm's task.
pub(crate) struct Driver {
    pub(super) commands: mpsc::Receiver<Command>,
    pub(super) intake: Intake,
    pub(super) shared: Arc<Shared>,
    /// What the door takes.
    pub(super) door: IngestLimits,
    /// Most subscriptions of a kind.
    pub(super) topics: usize,
    /// What the embedder admits.
    pub(super) validator: Option<Validator>,
}

impl Driver {
    /// The next command; waits for ever if there is no relay, or nobody left to ask.
    pub(crate) async fn next(driver: &mut Option<Self>) -> Command {
        if let Some(driver) = driver
            && let Some(command) = driver.commands.recv().await
        {
            return command;
        }
        std::future::pending().await
    }

    /// Carries out a command. Whoever asked may have stopped waiting.
    pub(crate) fn obey(&self, command: Command, gossipsub: &mut Gossipsub) {
        match command {
            Command::Change(change, done) => drop(done.send(self.change(change, gossipsub))),
            Command::Publish(topic, data, done) => {
                let sent = gossipsub.publish(TopicHash::from_raw(topic), data);
                drop(done.send(sent.map(drop)));
            }
            Command::Peers(done) => drop(done.send(peers(gossipsub))),
        }
    }

    fn change(&self, change: Change, gossipsub: &mut Gossipsub) -> Result<(), RelayError> {
        let mut state = self.shared.state.lock();
        state.subscriptions.change(change, self.topics)?;
        let topics = state.subscriptions.topics();
        drop(state);
        let left: Vec<_> = gossipsub
            .topics()
            .filter(|topic| !topics.contains(topic.as_str()))
            .map(|topic| IdentTopic::new(topic.as_str()))
            .collect();
        for topic in left {
            gossipsub.unsubscribe(&topic);
            tracing::info!(%topic, "left");
        }
        for topic in topics {
            join(topic, gossipsub);
        }
        Ok(())
    }

    /// Notes what gossipsub tells.
    pub(crate) fn note(&self, event: Event, gossipsub: &mut Gossipsub) {
        match event {
            Event::Message {
                propagation_source: from,
                message_id,
                message,
            } => {
                let topic = message.topic.as_str();
                let acceptance = self.take(from, topic, &message_id, &message.data);
                gossipsub.report_message_validation_result(&message_id, &from, acceptance);
            }
            Event::Subscribed { peer_id, topic } => {
                tracing::debug!(peer = %peer_id, %topic, "a peer has joined");
            }
            Event::Unsubscribed { peer_id, topic } => {
                tracing::debug!(peer = %peer_id, %topic, "a peer has left");
            }
            Event::SlowPeer { peer_id, .. } => {
                tracing::debug!(peer = %peer_id, "a peer takes messages too slowly");
            }
            Event::GossipsubNotSupported { .. } => {}
        }
    }

    fn admit(&self, topic: &str, message: WakuMessage) -> Result<WakuMessage, Fault> {
        match &self.validator {
            Some(validator) if !validator.admits(topic, &message) => Err(Fault::NotAdmitted),
            _ => Ok(message),
        }
    }

    /// Decides on a message and puts it in the archive's queue.
    fn take(&self, from: PeerId, topic: &str, id: &MessageId, data: &[u8]) -> MessageAcceptance {
        let counters = &self.shared.counters;
        counters.received.increment();
        counters.received_bytes.add(data.len() as u64);
        let now = now();
        let validated = if self.shared.state.lock().subscriptions.takes(topic) {
            validate(topic, data, &self.door, now).and_then(|message| self.admit(topic, message))
        } else {
            Err(Fault::Unsubscribed)
        };
        let message = match validated {
            Ok(message) => message,
            Err(fault) => {
                tracing::debug!(peer = %from, %topic, %id, error = %fault, "a message is refused");
                counters.refuse(fault.kind());
                return fault.acceptance();
            }
        };
        if self.intake.offer(topic, message, data.len(), now) {
            MessageAcceptance::Accept
        } else {
            // Nor is it kept to be passed on, which would take memory for as much as peers send.
            counters.dropped.increment();
            MessageAcceptance::Ignore
        }
    }
}

/// Subscribes to a topic, unless that was done.
pub(super) fn join(topic: String, gossipsub: &mut Gossipsub) {
    let topic = IdentTopic::new(topic);
    match gossipsub.subscribe(&topic) {
        Ok(false) => {}
        Ok(true) => {
            tracing::info!(%topic, "joined");
            if let Err(error) = gossipsub.set_topic_params(topic, topic_scores()) {
                tracing::warn!(error, "peers have no scores");
            }
        }
        Err(error) => tracing::error!(%topic, %error, "can't be joined"),
    }
}

fn peers(gossipsub: &Gossipsub) -> Vec<RelayPeer> {
    let meshes: Vec<_> = gossipsub
        .topics()
        .map(|topic| (topic, gossipsub.mesh_peers(topic).collect::<Vec<_>>()))
        .collect();
    let of = |(peer, topics): (&PeerId, Vec<&TopicHash>)| RelayPeer {
        peer: *peer,
        topics: topics.into_iter().map(ToString::to_string).collect(),
        meshes: meshes
            .iter()
            .filter(|(_, peers)| peers.contains(&peer))
            .map(|(topic, _)| topic.to_string())
            .collect(),
        score: gossipsub.peer_score(peer).unwrap_or_default(),
    };
    gossipsub.all_peers().map(of).collect()
}
