//! What deployed nodes of Waku's dialect do, and what must come of it: over real connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use store_adapter::Record;
use store_adapter::limits::TRANSFER_FRAME_BYTES;
use store_adapter::transfer::WakuMessageAndTopic;
use sync_core::waku::{Content, HeaderForm, Payload, PayloadRange};
use sync_core::{Id, Item, SessionLimits};
use sync_net::reconcile::WAKU_PROTOCOL_ID;
use wakustore::net::protocols;

use crate::peers::{Peer, record};
use crate::support::{HOUR, Target, an_hour_ago, messages};

const FORM: HeaderForm = HeaderForm::Topics;

fn push(record: &Record) -> Vec<u8> {
    let (topic, message) = record.clone().into_parts();
    let frame = WakuMessageAndTopic {
        pubsub_topic: topic.to_string(),
        message,
    };
    frame.encode_frame().unwrap()
}

/// A frame about the last hour as one range.
fn about_the_hour(content: Content) -> Vec<u8> {
    let start = Item::new(an_hour_ago(), Id::ZERO);
    let upper = Item::new(an_hour_ago() + HOUR / 2, Id::ZERO);
    let ranges = vec![PayloadRange { upper, content }];
    Payload {
        start,
        ranges,
        ..Payload::empty(FORM)
    }
    .encode()
}

fn listed(records: &[Record], reconciled: bool) -> Vec<u8> {
    let items = records.iter().map(Record::item).collect();
    about_the_hour(Content::Items { items, reconciled })
}

/// Pushes these on a stream of their own, and waits until the node has dealt with them.
async fn push_all(peer: &Peer, target: &Target, records: &[Record]) {
    let mut stream = peer.open(target.node.peer_id(), protocols::TRANSFER).await;
    for record in records {
        stream.send(&push(record)).await.unwrap();
    }
    stream.close().await.unwrap();
    assert_eq!(stream.receive().await.unwrap(), None);
}

#[tokio::test]
async fn pushes_that_come_before_the_frame_that_names_them_are_archived() {
    let (all, mut target) = (
        messages(60),
        Target::start(Target::config(), &messages(10)).await,
    );
    let mut peer = Peer::connect(&target.address()).await;
    let queries = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&queries);
    peer.answer_queries(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        Some(Vec::new())
    });
    let mut session = peer.open(target.node.peer_id(), WAKU_PROTOCOL_ID).await;
    let first = about_the_hour(Content::Fingerprint([1; 32]));
    session.send(&first).await.unwrap();
    session.receive().await.unwrap().unwrap();
    push_all(&peer, &target, &all[10..]).await;
    let unsolicited = &target.node.syncer().counters().unsolicited_pushes;
    assert_eq!((unsolicited.get(), target.store.len()), (0, 10));
    session.send(&listed(&all, true)).await.unwrap();
    session.close().await.unwrap();
    let report = target.job_with(peer.id).await;
    assert_eq!((report.need(), report.fetch.fetched), (50, 50));
    assert_eq!((report.fetch.owed(), report.unsolicited), (0, 0));
    assert_eq!(target.store.len(), 60);
    assert_eq!(
        queries.load(Ordering::Relaxed),
        0,
        "nothing had to be asked"
    );
}

#[tokio::test]
async fn what_is_held_and_never_named_is_dropped_and_counted_when_the_session_ends() {
    let mut target = Target::start(Target::config(), &messages(10)).await;
    let peer = Peer::connect(&target.address()).await;
    let mut session = peer.open(target.node.peer_id(), WAKU_PROTOCOL_ID).await;
    let first = about_the_hour(Content::Fingerprint([1; 32]));
    session.send(&first).await.unwrap();
    session.receive().await.unwrap().unwrap();
    push_all(&peer, &target, &messages(60)[10..]).await;
    session.send(&about_the_hour(Content::Skip)).await.unwrap();
    session.close().await.unwrap();
    let report = target.job_with(peer.id).await;
    assert_eq!((report.unsolicited, report.need()), (50, 0));
    assert_eq!(target.store.len(), 10);
}

#[tokio::test]
async fn what_finds_no_room_before_it_is_named_is_fetched_afterwards() {
    let mut config = Target::config();
    config.sync_limits.held_messages = 20;
    let (all, mut target) = (messages(60), Target::start(config, &messages(10)).await);
    let mut peer = Peer::connect(&target.address()).await;
    let held = all.clone();
    peer.answer_queries(move |hashes| {
        let asked = held.iter().filter(|r| hashes.contains(&r.hash()));
        Some(asked.cloned().collect())
    });
    let mut session = peer.open(target.node.peer_id(), WAKU_PROTOCOL_ID).await;
    let first = about_the_hour(Content::Fingerprint([1; 32]));
    session.send(&first).await.unwrap();
    session.receive().await.unwrap().unwrap();
    push_all(&peer, &target, &all[10..]).await;
    let unsolicited = &target.node.syncer().counters().unsolicited_pushes;
    assert_eq!(unsolicited.get(), 30);
    session.send(&listed(&all, true)).await.unwrap();
    session.close().await.unwrap();
    let report = target.job_with(peer.id).await;
    assert_eq!((report.fetch.fetched, report.fetch.owed()), (50, 0));
    assert_eq!(target.store.len(), 60);
}

#[tokio::test]
async fn an_empty_range_is_answered_so_that_the_peer_names_what_is_missing() {
    let (all, mut target) = (messages(30), Target::start(Target::config(), &[]).await);
    let mut peer = Peer::connect(&target.address()).await;
    let held = all.clone();
    peer.answer_queries(move |hashes| {
        let asked = held.iter().filter(|r| hashes.contains(&r.hash()));
        Some(asked.cloned().collect())
    });
    let mut session = peer.open(target.node.peer_id(), WAKU_PROTOCOL_ID).await;
    let first = about_the_hour(Content::Fingerprint([1; 32]));
    session.send(&first).await.unwrap();
    let answer = session.receive().await.unwrap().unwrap();
    let answer = Payload::decode(FORM, &answer, &SessionLimits::default()).unwrap();
    let empty = Content::Items {
        items: Vec::new(),
        reconciled: false,
    };
    assert_eq!(answer.ranges.len(), 1);
    assert_eq!(answer.ranges[0].content, empty);
    session.send(&listed(&all, true)).await.unwrap();
    session.close().await.unwrap();
    let report = target.job_with(peer.id).await;
    assert_eq!((report.need(), report.fetch.fetched), (30, 30));
}

#[tokio::test]
async fn a_transfer_frame_at_the_limit_is_taken_and_one_byte_more_ends_its_stream_alone() {
    let target = Target::start(Target::config(), &[]).await;
    let peer = Peer::connect(&target.address()).await;
    let to = target.node.peer_id();
    let around = push(&record(an_hour_ago(), 150_000)).len() - 150_000;
    // Lengths below 2^21 and above 2^14 take three bytes each.
    let longest = push(&record(an_hour_ago(), TRANSFER_FRAME_BYTES - around));
    assert_eq!(longest.len(), TRANSFER_FRAME_BYTES);
    let mut stream = peer.open(to, protocols::TRANSFER).await;
    stream.send(&longest).await.unwrap();
    stream.close().await.unwrap();
    assert_eq!(stream.receive().await.unwrap(), None);
    let counters = target.node.syncer().counters();
    assert_eq!(counters.unsolicited_pushes.get(), 1);
    let mut stream = peer.open(to, protocols::TRANSFER).await;
    let too_long = vec![7; TRANSFER_FRAME_BYTES + 1];
    let _ = stream.send(&too_long).await;
    assert!(!matches!(stream.receive().await, Ok(Some(_))));
    push_all(&peer, &target, &[record(an_hour_ago(), 10)]).await;
    assert_eq!(counters.unsolicited_pushes.get(), 2);
}
