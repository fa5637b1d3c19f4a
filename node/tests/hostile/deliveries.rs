//! Peers that claim to hold messages, and deliver none, others, or the same one again.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use store_adapter::Record;
use store_adapter::fetch::FetchRefusal;
use store_adapter::transfer::WakuMessageAndTopic;
use sync_core::Item;
use sync_net::DialectChoice;
use wakustore::net::protocols;

use crate::log;
use crate::peers::{Peer, phantoms, record, record_of};
use crate::support::{Target, an_hour_ago, messages, window};

/// A target that holds nothing, and an honest node that holds all and is connected to it.
async fn target_and_honest(all: &[Record]) -> (Target, Target) {
    let target = Target::start(Target::config(), &[]).await;
    let honest = Target::start(Target::config(), all).await;
    target.node.connect(&honest.address()).await.unwrap();
    (target, honest)
}

fn items(records: &[Record]) -> Vec<Item> {
    records.iter().map(Record::item).collect()
}

async fn claim(peer: &Peer, target: &Target, items: Vec<Item>, choice: DialectChoice) {
    let sessions = peer.claiming(items);
    let outcome = sessions.reconcile(target.node.peer_id(), window(), choice);
    outcome.await.unwrap();
}

#[tokio::test]
async fn what_a_peer_claims_and_does_not_deliver_is_asked_of_others_and_the_rest_reported() {
    let all = messages(150);
    for choice in [DialectChoice::Own, DialectChoice::Waku] {
        let (mut target, _honest) = target_and_honest(&all).await;
        let mut peer = Peer::connect(&target.address()).await;
        peer.answer_queries(|_| Some(Vec::new()));
        let mut claimed = items(&all);
        claimed.extend(phantoms(an_hour_ago(), 40));
        claim(&peer, &target, claimed, choice).await;
        let report = target.job_with(peer.id).await;
        assert_eq!(report.need(), 190, "{choice:?}");
        assert_eq!(report.fetch.fetched, 150, "{choice:?}");
        assert_eq!(report.fetch.given_up_expired, 40, "{choice:?}");
        assert_eq!(target.store.len(), 150);
        let named = [&*peer.id.to_string(), "owed=40"];
        assert_eq!(log::lines_with(&named), 1);
    }
}

#[tokio::test]
async fn a_peer_that_lets_queries_hang_keeps_nothing_from_being_fetched_of_others() {
    let all = messages(150);
    let (mut target, _honest) = target_and_honest(&all).await;
    let mut peer = Peer::connect(&target.address()).await;
    peer.answer_queries(|_| None);
    claim(&peer, &target, items(&all), DialectChoice::Own).await;
    let report = target.job_with(peer.id).await;
    assert_eq!((report.fetch.fetched, report.fetch.owed()), (150, 0));
    assert_eq!(target.store.len(), 150);
}

#[tokio::test]
async fn other_messages_than_those_asked_for_are_refused_and_the_right_ones_asked_of_others() {
    let all = messages(20);
    let (mut target, _honest) = target_and_honest(&all).await;
    let mut peer = Peer::connect(&target.address()).await;
    peer.answer_queries(|hashes| {
        let other = |number: usize| record(an_hour_ago() + number as u64, 3_000);
        Some((0..hashes.len()).map(other).collect())
    });
    claim(&peer, &target, items(&all), DialectChoice::Own).await;
    let report = target.job_with(peer.id).await;
    assert_eq!((report.fetch.fetched, report.fetch.owed()), (20, 0));
    assert!(report.fetch.refusals[&FetchRefusal::NotOwed] >= 20);
    assert_eq!(target.store.len(), 20);
}

#[tokio::test]
async fn messages_of_a_shard_that_is_not_kept_are_refused_whether_asked_for_or_pushed() {
    let mut config = Target::config();
    (config.cluster_id, config.shards) = (Some(99), vec![0]);
    let mut target = Target::start(config, &[]).await;
    let kept = messages(3);
    let other = |number| record_of("/waku/2/rs/99/5", an_hour_ago() + number, 50);
    let all: Vec<Record> = kept.iter().cloned().chain((0..4).map(other)).collect();
    for (choice, fetched) in [(DialectChoice::Own, 3), (DialectChoice::Waku, 0)] {
        let mut peer = Peer::connect(&target.address()).await;
        let held: HashMap<_, _> = all.iter().map(|r| (r.hash(), r.clone())).collect();
        peer.answer_queries(move |hashes| {
            let found = hashes.iter().filter_map(|hash| held.get(hash).cloned());
            Some(found.filter(|_| choice == DialectChoice::Own).collect())
        });
        claim(&peer, &target, items(&all), choice).await;
        if choice == DialectChoice::Waku {
            let mut pushing = peer.open(target.node.peer_id(), protocols::TRANSFER).await;
            for record in &all {
                let (topic, message) = record.clone().into_parts();
                let pubsub_topic = topic.to_string();
                let frame = WakuMessageAndTopic {
                    pubsub_topic,
                    message,
                };
                let frame = frame.encode_frame().unwrap();
                pushing.send(&frame).await.unwrap();
            }
            pushing.close().await.unwrap();
        }
        let report = target.job_with(peer.id).await;
        assert_eq!(report.fetch.fetched, fetched, "{choice:?}");
        assert!(report.fetch.refusals[&FetchRefusal::OutsideTopics] >= 4);
        assert_eq!(report.fetch.given_up_refused, 4, "{choice:?}");
        assert_eq!(target.store.len(), 3, "{choice:?}");
    }
}

#[tokio::test]
async fn what_is_delivered_twice_is_archived_once() {
    let all = messages(20);
    let mut target = Target::start(Target::config(), &[]).await;
    let mut peer = Peer::connect(&target.address()).await;
    let held: HashMap<_, _> = all.iter().map(|r| (r.hash(), r.clone())).collect();
    peer.answer_queries(move |hashes| {
        let found = hashes.iter().filter_map(|hash| held.get(hash));
        Some(found.flat_map(|r| [r.clone(), r.clone()]).collect())
    });
    claim(&peer, &target, items(&all), DialectChoice::Own).await;
    let report = target.job_with(peer.id).await;
    assert_eq!((report.fetch.fetched, report.fetch.owed()), (20, 0));
    assert_eq!(target.store.len(), 20);
}

#[tokio::test]
async fn what_two_sessions_owe_is_fetched_once() {
    let all = messages(90);
    let mut target = Target::start(Target::config(), &[]).await;
    let served = Arc::new(AtomicUsize::new(0));
    let mut peers = Vec::new();
    for _ in 0..2 {
        let mut peer = Peer::connect(&target.address()).await;
        let held: HashMap<_, _> = all.iter().map(|r| (r.hash(), r.clone())).collect();
        let served = Arc::clone(&served);
        peer.answer_queries(move |hashes| {
            let found: Vec<_> = hashes.iter().filter_map(|h| held.get(h).cloned()).collect();
            served.fetch_add(found.len(), Ordering::Relaxed);
            Some(found)
        });
        peers.push(peer);
    }
    tokio::join!(
        claim(&peers[0], &target, items(&all), DialectChoice::Own),
        claim(&peers[1], &target, items(&all), DialectChoice::Own),
    );
    let mut owed = 0;
    for peer in &peers {
        let report = target.job_with(peer.id).await;
        owed += report.fetch.owed();
    }
    assert_eq!(owed, 0);
    assert_eq!(target.store.len(), 90);
    assert_eq!(served.load(Ordering::Relaxed), 90);
}

#[tokio::test]
async fn what_peers_claim_in_all_their_sessions_is_bounded_together() {
    let mut config = Target::config();
    config.sync_limits.owed_together = 100;
    let mut target = Target::start(config, &[]).await;
    for (claimed, owed) in [(100, 100), (101, 100)] {
        let mut peer = Peer::connect(&target.address()).await;
        peer.answer_queries(|_| Some(Vec::new()));
        let items = phantoms(an_hour_ago(), claimed).collect();
        claim(&peer, &target, items, DialectChoice::Own).await;
        let report = target.job_with(peer.id).await;
        assert_eq!(report.need(), claimed);
        assert_eq!(report.fetch.given_up_expired, owed);
        assert_eq!(report.fetch.over_limit, claimed - owed);
    }
}

#[tokio::test]
async fn a_session_that_names_more_than_all_sessions_may_fails_and_the_next_one_has_room() {
    let mut config = Target::config();
    config.reconcile.limits.served_differences = 3_000;
    let target = Target::start(config, &[]).await;
    for (claimed, fits) in [(3_000, true), (3_001, false), (3_000, true)] {
        let peer = Peer::connect(&target.address()).await;
        let sessions = peer.claiming(phantoms(an_hour_ago(), claimed));
        let outcome = sessions
            .reconcile(target.node.peer_id(), window(), DialectChoice::Own)
            .await;
        assert_eq!(outcome.is_ok(), fits, "{outcome:?}");
        if let Err(error) = outcome {
            assert!(error.to_string().contains("differences_pool"), "{error}");
        }
    }
}

#[tokio::test]
async fn a_job_has_so_many_queries_under_way_and_is_given_up_after_its_time() {
    let mut config = Target::config();
    config.sync_limits.queries_at_once = 2;
    config.sync_limits.query = Duration::from_secs(60);
    config.sync_limits.job = Duration::from_secs(1);
    let mut target = Target::start(config, &[]).await;
    let mut peer = Peer::connect(&target.address()).await;
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    peer.answer_queries(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        None
    });
    let phantoms = phantoms(an_hour_ago(), 100).collect();
    claim(&peer, &target, phantoms, DialectChoice::Own).await;
    let report = target.job_with(peer.id).await;
    assert_eq!(asked.load(Ordering::Relaxed), 2);
    assert_eq!((report.need(), report.fetch.pending), (100, 100));
    let words = ["WARN", "takes too long", &peer.id.to_string()];
    assert_eq!(log::lines_with(&words), 1);
}
