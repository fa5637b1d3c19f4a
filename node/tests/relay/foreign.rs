//! A peer that speaks gossipsub and keeps to no rules of Waku.

use futures::StreamExt;
use libp2p::gossipsub::{
    self, ConfigBuilder, IdentTopic, MessageAuthenticity, MessageId, ValidationMode, Version,
};
use libp2p::swarm::SwarmEvent;
use libp2p::{Multiaddr, PeerId};
use prost::Message;
use sync_net::{ConnectionLimits, build_swarm, identity};
use tokio::sync::mpsc;
use wakustore::net::protocols;

use crate::support::{Relaying, SECOND, TOPIC, message, until};

/// A gossipsub peer that is connected to a node; it ends with the queue.
struct Foreign {
    id: PeerId,
    publish: mpsc::Sender<Vec<u8>>,
}

impl Foreign {
    async fn connect(address: &Multiaddr, authenticity: Option<MessageAuthenticity>) -> Self {
        let config = ConfigBuilder::default()
            .protocol_id(protocols::RELAY, Version::V1_1)
            .validation_mode(if authenticity.is_none() {
                ValidationMode::Anonymous
            } else {
                ValidationMode::None
            })
            .max_transmit_size(4 << 20)
            // Every time another, so that it sends the same data again.
            .message_id_fn(|_| MessageId::from(rand::random::<[u8; 16]>().to_vec()))
            .build()
            .unwrap();
        let authenticity = authenticity.unwrap_or(MessageAuthenticity::Anonymous);
        let mut behaviour: gossipsub::Behaviour =
            gossipsub::Behaviour::new(authenticity, config).unwrap();
        let topic = IdentTopic::new(TOPIC);
        behaviour.subscribe(&topic).unwrap();
        let key = identity::generate();
        let mut swarm = build_swarm(&key, behaviour, &ConnectionLimits::default()).unwrap();
        swarm.dial(address.clone()).unwrap();
        loop {
            let event = swarm.select_next_some().await;
            if matches!(
                event,
                SwarmEvent::Behaviour(gossipsub::Event::Subscribed { .. })
            ) {
                break;
            }
        }
        let (publish, mut to_publish) = mpsc::channel::<Vec<u8>>(8);
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    data = to_publish.recv() => match data {
                        Some(data) => drop(swarm.behaviour_mut().publish(topic.hash(), data)),
                        None => return,
                    },
                    _ = swarm.select_next_some() => {}
                }
            }
        });
        Self {
            id: key.public().to_peer_id(),
            publish,
        }
    }

    async fn publish(&self, data: Vec<u8>) {
        self.publish.send(data).await.unwrap();
    }

    async fn score(&self, at: &Relaying) -> f64 {
        let peers = at.relay().peers().await;
        let own = peers.iter().find(|peer| peer.peer == self.id);
        own.map_or(f64::NAN, |peer| peer.score)
    }
}

#[tokio::test]
async fn garbage_is_rejected_counted_and_blamed_on_its_sender() {
    let node = Relaying::plain().await;
    let other = Relaying::plain().await;
    other.meet(&node).await;
    let foreign = Foreign::connect(&node.node.addresses()[0], None).await;
    node.sees(TOPIC, 2).await;
    let refused = |kind: &str| node.relay().counters().refused()[kind];

    foreign.publish(vec![0xff; 40]).await;
    until(async || refused("undecodable") == 1).await;
    let mut oversized = message(b"", 0);
    oversized.payload = vec![1; 153_600];
    foreign.publish(oversized.encode_to_vec()).await;
    until(async || refused("message_too_long") == 1).await;
    let mut meta = message(b"", 0);
    meta.meta = Some(vec![1; 65]);
    foreign.publish(meta.encode_to_vec()).await;
    until(async || refused("meta_too_long") == 1).await;
    let blamed = foreign.score(&node).await;
    assert!(blamed < -100.0, "{blamed}");

    for from_now in [-21 * SECOND, 25 * SECOND] {
        foreign
            .publish(message(b"late", from_now).encode_to_vec())
            .await;
    }
    until(async || refused("not_live") == 2).await;
    foreign.publish(Vec::new()).await;
    until(async || refused("empty_topic") == 1).await;
    assert_eq!(node.store.len(), 0);
    assert_eq!(
        other.relay().counters().received.get(),
        0,
        "none is passed on"
    );

    // The node lives, and takes what is right from the same peer.
    let right = message(b"right", 0);
    let hash = store_adapter::message_hash(TOPIC, &right);
    foreign.publish(right.encode_to_vec()).await;
    node.gets(hash).await;
    other.gets(hash).await;
}

#[tokio::test]
async fn a_signed_message_is_not_taken() {
    let node = Relaying::plain().await;
    let signed = MessageAuthenticity::Signed(identity::generate());
    let foreign = Foreign::connect(&node.node.addresses()[0], Some(signed)).await;
    node.sees(TOPIC, 1).await;
    foreign.publish(message(b"mine", 0).encode_to_vec()).await;
    until(async || foreign.score(&node).await < 0.0).await;
    assert_eq!(node.relay().counters().received.get(), 0);
    assert_eq!(node.store.len(), 0);
}
