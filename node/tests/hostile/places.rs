//! Peers that take all places there are: connections, streams, sessions. Others are served on.

use std::time::Duration;

use futures::stream::FuturesUnordered;
use futures::{AsyncReadExt, AsyncWriteExt, StreamExt};
use libp2p::StreamProtocol;
use prost::Message;
use store_adapter::Record;
use store_adapter::store::{StoreAnswer, StoreQueryRequest};
use store_adapter::transfer::WakuMessageAndTopic;
use sync_net::reconcile::{OWN_PROTOCOL_ID, WAKU_PROTOCOL_ID};
use sync_net::{AdmissionLimits, DialectChoice};
use tokio::time::timeout;
use wakustore::net::protocols;

use crate::log;
use crate::peers::{PATIENCE, Peer, record};
use crate::support::{Target, an_hour_ago, eventually, messages, window};

async fn is_served(peer: &Peer, target: &Target, records: &[Record]) -> bool {
    let hashes: Vec<_> = records.iter().map(Record::hash).collect();
    let request = StoreQueryRequest::by_hashes("r", &hashes, true).encode_to_vec();
    let protocol = StreamProtocol::new(protocols::STORE);
    let to = target.node.peer_id();
    let asking = peer.control.request(to, protocol, &request, 16 << 20);
    let response = timeout(PATIENCE, asking).await.unwrap().unwrap();
    let answer = StoreAnswer::decode(&response, "r");
    answer.is_ok_and(|answer| answer.entries.len() == records.len())
}

#[tokio::test]
async fn connections_of_one_address_are_bounded_and_free_again_when_they_end() {
    let mut config = Target::config();
    config.admission = AdmissionLimits {
        inbound_per_ip: Some(3),
        ..AdmissionLimits::default()
    };
    let target = Target::start(config, &messages(5)).await;
    let mut let_in = Vec::new();
    for _ in 0..3 {
        let_in.push(Peer::try_connect(&target.address()).await.unwrap());
    }
    assert!(is_served(&let_in[2], &target, &messages(5)).await);
    assert!(!stays(Peer::try_connect(&target.address()).await).await);
    let_in.pop();
    let connected = || target.node.syncer().peers().connected_peers().len();
    eventually("one is gone", || connected() == 2).await;
    let again = Peer::connect(&target.address()).await;
    assert!(is_served(&again, &target, &messages(5)).await);
    // This side's own connections don't count.
    let other = Target::start(Target::config(), &[]).await;
    target.node.connect(&other.address()).await.unwrap();
}

/// Whether a peer that was let in, if it was, still is a moment later.
async fn stays(peer: Option<Peer>) -> bool {
    let Some(peer) = peer else { return false };
    let gone = async {
        while !peer.control.connected_peers().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(3), gone).await.is_err()
}

#[tokio::test]
async fn idle_streams_of_many_peers_keep_nobody_from_pushing_or_asking() {
    let mut config = Target::config();
    config.service_limits.pushes_awaited = 8;
    config.service_limits.requests_awaited = 8;
    let target = Target::start(config, &messages(5)).await;
    let honest = Peer::connect(&target.address()).await;
    let to = target.node.peer_id();
    let mut pushing = honest.open(to, protocols::TRANSFER).await;
    let mut idle = Vec::new();
    let mut hostile = Vec::new();
    for _ in 0..4 {
        let peer = Peer::connect(&target.address()).await;
        for _ in 0..4 {
            idle.push(peer.open(to, protocols::TRANSFER).await);
            idle.push(peer.open(to, protocols::STORE).await);
        }
        hostile.push(peer);
    }
    assert!(is_served(&honest, &target, &messages(5)).await);
    // The stream that was there first is there still, for its peer has no other.
    let unsolicited = &target.node.syncer().counters().unsolicited_pushes;
    for number in 0..3 {
        pushing.send(&push(number)).await.unwrap();
        eventually("the push is read", || unsolicited.get() == number + 1).await;
    }
    assert!(is_served(&hostile[0], &target, &messages(5)).await);
}

fn push(number: u64) -> Vec<u8> {
    let (topic, message) = record(an_hour_ago() + number, 100).into_parts();
    let frame = WakuMessageAndTopic {
        pubsub_topic: topic.to_string(),
        message,
    };
    frame.encode_frame().unwrap()
}

#[tokio::test]
async fn requests_beyond_a_peers_turns_are_refused_by_word_and_others_answered() {
    let mut config = Target::config();
    config.service_limits.requests_per_peer = 1;
    config.service_limits.requests_queued_per_peer = 1;
    let target = Target::start(config, &messages(5)).await;
    let (greedy, other) = (
        Peer::connect(&target.address()).await,
        Peer::connect(&target.address()).await,
    );
    let to = target.node.peer_id();
    let mut streams = Vec::new();
    for _ in 0..3 {
        // A frame that claims 1,000 bytes and brings one holds its turn.
        let stream = greedy.open(to, protocols::STORE).await;
        let (_, mut stream) = stream.into_io();
        stream.write_all(&[0xe8, 0x07, 7]).await.unwrap();
        streams.push(stream);
    }
    let mut reading = FuturesUnordered::from_iter(streams.iter_mut().map(|stream| async {
        let mut response = [0; 100];
        let read = stream.read(&mut response).await.unwrap();
        response[1..read].to_vec()
    }));
    let refused = timeout(PATIENCE, reading.next()).await.unwrap().unwrap();
    let error = StoreAnswer::decode(&refused, "r").unwrap_err();
    assert!(error.to_string().contains("429"), "{error}");
    let more = timeout(Duration::from_millis(300), reading.next()).await;
    assert!(more.is_err(), "two have turns: {more:?}");
    assert!(is_served(&other, &target, &messages(5)).await);
}

#[tokio::test]
async fn silent_sessions_make_room_for_peers_that_have_something_to_say() {
    let mut config = Target::config();
    config.reconcile.limits.served = 4;
    // Long enough for all peers to come on a machine that does much else.
    config.reconcile.limits.displaced_after = Duration::from_secs(3);
    let target = Target::start(config, &messages(30)).await;
    let to = target.node.peer_id();
    let mut silent = Vec::new();
    for _ in 0..2 {
        let peer = Peer::connect(&target.address()).await;
        let streams = [
            peer.open(to, OWN_PROTOCOL_ID).await,
            peer.open(to, WAKU_PROTOCOL_ID).await,
        ];
        silent.push((peer, streams));
    }
    let honest = Peer::connect(&target.address()).await;
    let sessions = honest.claiming(messages(30).iter().map(Record::item));
    let one_session = || sessions.reconcile(to, window(), DialectChoice::Own);
    let busy = one_session().await.unwrap_err();
    assert!(busy.is_busy(), "{busy}");
    let served = async {
        loop {
            match one_session().await {
                Err(error) if error.is_busy() => {
                    tokio::time::sleep(Duration::from_millis(50)).await
                }
                served => break served,
            }
        }
    };
    let served = timeout(PATIENCE, served).await.unwrap();
    assert_eq!(served.unwrap().need, 0);
    let displaced = silent
        .iter()
        .filter(|(peer, _)| log::lines_with(&[&peer.id.to_string(), "kept silent"]) == 1);
    assert_eq!(displaced.count(), 1);
}

#[tokio::test]
async fn a_peer_that_provokes_warnings_fills_no_log() {
    let target = Target::start(Target::config(), &[]).await;
    let noisy = Peer::connect(&target.address()).await;
    let to = target.node.peer_id();
    for _ in 0..30 {
        let mut stream = noisy.open(to, protocols::STORE).await;
        stream.send(&[0xff; 9]).await.unwrap();
        stream.receive().await.unwrap().unwrap();
    }
    let counters = target.node.syncer().counters();
    assert_eq!(counters.malformed_requests.get(), 30);
    let words = ["WARN", "refused", &noisy.id.to_string()];
    assert_eq!(log::lines_with(&words), 10);
}
