//! Gossipsub as Waku's relay has it: its protocol id, its mesh and its scores.

use std::time::Duration;

use libp2p::gossipsub::{
    self, ConfigBuilder, IdentityTransform, MaxCountSubscriptionFilter, Message,
    MessageAuthenticity, MessageId, MetricsConfig, PeerScoreParams, PeerScoreThresholds, TopicHash,
    TopicScoreParams, TopicSubscriptionFilter, ValidationMode, Version,
};
use sha2::{Digest, Sha256};
use store_adapter::limits::TOPIC_BYTES;

use super::{RelayConfig, RelayLimits};
use crate::net::protocols;

/// Gossipsub whose peers can't make it remember topics without bound.
pub(crate) type Gossipsub =
    gossipsub::Behaviour<IdentityTransform, MaxCountSubscriptionFilter<ShortTopics>>;

/// Takes subscriptions to topics that are no longer than a message's may be.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ShortTopics;

impl TopicSubscriptionFilter for ShortTopics {
    fn can_subscribe(&mut self, topic: &TopicHash) -> bool {
        topic.as_str().len() <= TOPIC_BYTES
    }
}

/// Gossipsub that is subscribed to nothing yet.
///
/// # Errors
/// When its parameters contradict each other.
pub(super) fn build(config: &RelayConfig) -> anyhow::Result<Gossipsub> {
    let parameters = parameters(&config.limits)
        .build()
        .map_err(|error| anyhow::anyhow!("gossipsub's parameters: {error}"))?;
    let filter = MaxCountSubscriptionFilter {
        filter: ShortTopics,
        max_subscribed_topics: config.limits.topics_per_peer,
        max_subscriptions_per_request: config.limits.topics_per_peer,
    };
    let mut behaviour =
        Gossipsub::new_with_subscription_filter(MessageAuthenticity::Anonymous, parameters, filter)
            .map_err(|error| anyhow::anyhow!("gossipsub: {error}"))?;
    behaviour
        .with_peer_score(peer_scores(), thresholds())
        .map_err(|error| anyhow::anyhow!("gossipsub's scores: {error}"))?;
    Ok(match &config.registry {
        None => behaviour,
        Some(registry) => {
            let mut registry = registry.lock();
            let registry = registry.sub_registry_with_prefix("libp2p_gossipsub");
            behaviour.with_metrics(registry, MetricsConfig::default())
        }
    })
}

/// The parameters of nwaku, as 29/WAKU2-CONFIG recommends them.
fn parameters(limits: &RelayLimits) -> ConfigBuilder {
    let mut builder = ConfigBuilder::default();
    builder
        .protocol_id(protocols::RELAY, Version::V1_1)
        .validation_mode(ValidationMode::Anonymous)
        .message_id_fn(message_id)
        .validate_messages()
        .max_transmit_size(limits.frame_bytes)
        .connection_handler_queue_len(limits.sending_per_peer)
        .flood_publish(true)
        .mesh_n(6)
        .mesh_n_low(4)
        .mesh_n_high(8)
        .mesh_outbound_min(3)
        .retain_scores(6)
        .gossip_lazy(6)
        .gossip_factor(0.25)
        .heartbeat_interval(Duration::from_secs(1))
        .heartbeat_initial_delay(Duration::from_secs(1))
        .history_length(6)
        .history_gossip(3)
        .fanout_ttl(Duration::from_secs(60))
        .duplicate_cache_time(Duration::from_secs(120))
        .prune_backoff(Duration::from_secs(60))
        .unsubscribe_backoff(Duration::from_secs(5));
    builder
}

/// SHA-256 of the encoded message, whatever its topic.
fn message_id(message: &Message) -> MessageId {
    MessageId::from(Sha256::digest(&message.data).to_vec())
}

/// nwaku's, but for peers of one address: how many there may be is said by the limit on
/// connections, and those that are let in are welcome.
fn peer_scores() -> PeerScoreParams {
    PeerScoreParams {
        topic_score_cap: 0.0,
        app_specific_weight: 0.0,
        ip_colocation_factor_weight: 0.0,
        behaviour_penalty_weight: -10.0,
        behaviour_penalty_decay: 0.986,
        decay_interval: Duration::from_secs(12),
        decay_to_zero: 0.01,
        retain_score: Duration::from_secs(600),
        ..PeerScoreParams::default()
    }
}

fn thresholds() -> PeerScoreThresholds {
    PeerScoreThresholds {
        gossip_threshold: -100.0,
        publish_threshold: -1_000.0,
        graylist_threshold: -10_000.0,
        accept_px_threshold: 0.0,
        opportunistic_graft_threshold: 0.0,
    }
}

/// nwaku's: who is in the mesh for long and brings messages first is liked, who brings what isn't
/// valid isn't; few messages are no fault.
pub(super) fn topic_scores() -> TopicScoreParams {
    TopicScoreParams {
        topic_weight: 1.0,
        time_in_mesh_weight: 0.01,
        time_in_mesh_quantum: Duration::from_secs(1),
        time_in_mesh_cap: 10.0,
        first_message_deliveries_weight: 1.0,
        first_message_deliveries_decay: 0.5,
        first_message_deliveries_cap: 10.0,
        mesh_message_deliveries_weight: 0.0,
        mesh_failure_penalty_weight: 0.0,
        invalid_message_deliveries_weight: -100.0,
        invalid_message_deliveries_decay: 0.5,
        ..TopicScoreParams::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_and_scores_are_consistent() {
        build(&RelayConfig::default()).unwrap();
        topic_scores().validate().unwrap();
        peer_scores().validate().unwrap();
        thresholds().validate().unwrap();
    }

    #[test]
    fn the_id_is_the_hash_of_the_data_alone() {
        let message = |topic: &str| Message {
            source: None,
            data: b"abc".to_vec(),
            sequence_number: None,
            topic: TopicHash::from_raw(topic),
        };
        let id = message_id(&message("/a"));
        assert_eq!(id, message_id(&message("/b")));
        assert_eq!(
            hex::encode(id.0),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn gossipsubs_metrics_are_registered_under_libp2ps_name() {
        let registry = super::super::SharedRegistry::default();
        let config = RelayConfig {
            registry: Some(std::sync::Arc::clone(&registry)),
            ..RelayConfig::default()
        };
        build(&config).unwrap();
        let mut page = String::new();
        prometheus_client::encoding::text::encode(&mut page, &registry.lock()).unwrap();
        assert!(page.contains("libp2p_gossipsub_"), "{page}");
    }

    #[test]
    fn peers_may_subscribe_to_topics_up_to_the_longest_of_a_message() {
        let allows = |bytes| ShortTopics.can_subscribe(&TopicHash::from_raw("t".repeat(bytes)));
        assert!(allows(TOPIC_BYTES) && !allows(TOPIC_BYTES + 1));
    }
}
