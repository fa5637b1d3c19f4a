//! `/store/v3/messages`.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use libp2p::PeerId;
use proptest::prelude::*;
use prost::Message;
use serde_json::Value;
use store_adapter::archive::MemoryArchive;
use store_adapter::limits::StoreLimits;
use store_adapter::store::{StoreQueryRequest, StoreQueryResponse};
use store_adapter::{Archive, Record, WakuMessage};
use wakustore::rest::RestConfig;

use crate::client::{Answer, Client};
use crate::{Place, hash_of, messages};

const PATH: &str = "/store/v3/messages";

async fn query(client: Client, parameters: &[(&str, &str)]) -> Answer {
    client.query(PATH, parameters).await
}

fn hashes(page: &Value) -> Vec<String> {
    let messages = page["messages"].as_array().unwrap();
    let hash = |entry: &Value| entry["messageHash"].as_str().unwrap().to_owned();
    messages.iter().map(hash).collect()
}

/// The hashes of all pages, by following the cursor.
async fn walk(client: Client, parameters: &[(&str, &str)]) -> Vec<Vec<String>> {
    let (mut pages, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let mut parameters = parameters.to_vec();
        parameters.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let page = query(client, &parameters).await.json();
        pages.push(hashes(&page));
        cursor = page["paginationCursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            return pages;
        }
    }
}

#[tokio::test]
async fn a_message_is_given_with_all_that_it_has() {
    let full = WakuMessage {
        payload: b"hi".to_vec(),
        content_topic: "/app/1/chat/proto".into(),
        version: Some(7),
        timestamp: Some(1_700_000_000_000_000_001),
        meta: Some(vec![0xff, 0xfe]),
        rate_limit_proof: Some(vec![0x0a, 0x01, 0x05]),
        ..WakuMessage::default()
    };
    let bare = WakuMessage {
        content_topic: "/app/1/chat/proto".into(),
        ..WakuMessage::default()
    };
    let topic = "/waku/2/rs/99/0";
    let records = [full, bare].map(|message| Record::new(topic, message).unwrap());
    let place = Place::start(records.to_vec(), RestConfig::default(), |_| {}).await;
    let page = query(place.client, &[("includeData", "true")]).await.json();
    let expected = serde_json::json!([
        {
            "messageHash": hash_of(&records[1]),
            "message": {
                "payload": "", "contentTopic": "/app/1/chat/proto", "version": 0, "timestamp": 0,
                "ephemeral": false,
            },
            "pubsubTopic": topic,
        },
        {
            "messageHash": hash_of(&records[0]),
            "message": {
                "payload": "aGk=", "contentTopic": "/app/1/chat/proto", "meta": "//4=", "version": 7,
                "timestamp": 1_700_000_000_000_000_001_u64, "ephemeral": false, "proof": "CgEF",
            },
            "pubsubTopic": topic,
        },
    ]);
    assert_eq!(page["messages"], expected);
    assert_eq!(
        (&page["statusCode"], &page["statusDesc"]),
        (&200.into(), &"OK".into())
    );
    assert!(!page["requestId"].as_str().unwrap().is_empty());
    assert!(
        page.get("paginationCursor").is_none(),
        "the last page has no cursor"
    );
    let without = query(place.client, &[]).await.json();
    let entry = without["messages"][0].as_object().unwrap();
    assert_eq!(
        entry.keys().collect::<Vec<_>>(),
        ["messageHash"],
        "only if asked for"
    );
    place.node.stop().await;
}

#[tokio::test]
async fn pages_go_either_way_and_are_in_order_themselves() {
    let place = Place::holding(45).await;
    let all: Vec<String> = place.records.iter().map(hash_of).collect();
    let forward = walk(place.client, &[("pageSize", "20")]).await;
    assert_eq!(
        forward.iter().map(Vec::len).collect::<Vec<_>>(),
        [20, 20, 5]
    );
    assert_eq!(forward.concat(), all);
    let mut backward = walk(place.client, &[("ascending", "false")]).await;
    assert_eq!(
        backward[0],
        all[25..],
        "a page is ascending, whichever the direction"
    );
    backward.reverse();
    assert_eq!(backward.concat(), all);
    let most = walk(place.client, &[("pageSize", "99999999999999999999")]).await;
    assert_eq!(most, [all], "at most a hundred");
    place.node.stop().await;
}

#[tokio::test]
async fn every_criterion_selects() {
    let place = Place::holding(60).await;
    let records = &place.records;
    let found = |parameters: Vec<(&'static str, String)>| async move {
        let parameters: Vec<(&str, &str)> = parameters
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let mut all = parameters.clone();
        all.push(("pageSize", "100"));
        hashes(&query(place.client, &all).await.json())
    };
    let of = |keep: &dyn Fn(&Record) -> bool| -> Vec<String> {
        records
            .iter()
            .filter(|record| keep(record))
            .map(hash_of)
            .collect()
    };
    let (pubsub, content) = (
        records[7].pubsub_topic().to_string(),
        &records[7].message().content_topic,
    );
    let other = &records[8].message().content_topic;
    assert_eq!(
        found(vec![("pubsubTopic", pubsub.clone())]).await,
        of(&|record| **record.pubsub_topic() == *pubsub)
    );
    assert_eq!(
        found(vec![("contentTopics", format!("{content},{other},"))]).await,
        of(&|record| [content, other].contains(&&record.message().content_topic))
    );
    let (start, end) = (records[10].item().timestamp, records[20].item().timestamp);
    let times = vec![
        ("startTime", start.to_string()),
        ("endTime", end.to_string()),
    ];
    assert_eq!(
        found(times).await,
        of(&|record| (start..=end).contains(&record.item().timestamp))
    );
    let unset = vec![("startTime", "-5".into()), ("endTime", "0".into())];
    assert_eq!(
        found(unset).await.len(),
        60,
        "times that aren't greater than 0 are unset"
    );
    let empty = [
        "peerAddr",
        "includeData",
        "pubsubTopic",
        "contentTopics",
        "startTime",
        "hashes",
        "cursor",
    ];
    let empty = empty.map(|name| (name, String::new())).to_vec();
    assert_eq!(found(empty).await.len(), 60, "what is empty is unset");
    let unknown = "ab".repeat(32);
    let some = format!(
        "{},{unknown},{}",
        hash_of(&records[3]),
        &hash_of(&records[1])[2..]
    );
    assert_eq!(
        found(vec![("hashes", some)]).await,
        [hash_of(&records[1]), hash_of(&records[3])]
    );
    assert_eq!(
        found(vec![("hashes", unknown)]).await,
        [""; 0],
        "unknown hashes are left out"
    );
    assert_eq!(found(vec![("somethingElse", "1".into())]).await.len(), 60);
    place.node.stop().await;
}

#[tokio::test]
async fn bad_parameters_are_refused_in_words_that_clients_match_on() {
    let place = Place::holding(1).await;
    let peer = PeerId::random();
    let good = format!("/ip4/127.0.0.1/tcp/1/p2p/{peer}");
    let cases: [(&str, &str, &str); 21] = [
        (
            "hashes",
            "test",
            "Exception converting hex string to bytes: t is not a hexadecimal character",
        ),
        (
            "hashes",
            "0x74g5",
            "Exception converting hex string to bytes: g is not a hexadecimal character",
        ),
        (
            "hashes",
            "0x74657374",
            "waku message hash parsing error: invalid hash length: 4",
        ),
        (
            "hashes",
            &"0".repeat(65),
            "waku message hash parsing error: invalid hash length",
        ),
        (
            "hashes",
            &format!("{},ab", "0".repeat(64)),
            "invalid hash length: 1",
        ),
        ("hashes", "é", "é is not a hexadecimal character"),
        (
            "cursor",
            "0x",
            "waku message hash parsing error: invalid hash length: 0",
        ),
        ("cursor", "xyz", "x is not a hexadecimal character"),
        (
            "startTime",
            "1.5",
            "time parsing error: invalid integer: 1.5",
        ),
        ("endTime", "now", "time parsing error: invalid integer: now"),
        ("endTime", "-", "time parsing error"),
        ("endTime", " 1", "time parsing error"),
        (
            "pageSize",
            "many",
            "page size parsing error: invalid integer: many",
        ),
        ("pageSize", "-1", "page size parsing error"),
        (
            "includeData",
            "maybe",
            "include data parsing error: cannot interpret as a bool: maybe",
        ),
        (
            "ascending",
            "up",
            "ascending parsing error: cannot interpret as a bool: up",
        ),
        ("peerAddr", &good[1..], "Invalid MultiAddress"),
        (
            "peerAddr",
            &good[..good.len() - 1],
            "Failed parsing remote peer info",
        ),
        (
            "peerAddr",
            &good.replace("/tcp", ""),
            "Unsupported protocol",
        ),
        (
            "peerAddr",
            "/ip4/127.0.0.1/tcp/1",
            "Failed parsing remote peer info",
        ),
        (
            "peerAddr",
            "incorrect multi address format",
            "Failed parsing remote peer info: MultiAddress.init \
            [multiaddress: Invalid MultiAddress, must start with `/`]",
        ),
    ];
    for (name, value, words) in cases {
        query(place.client, &[(name, value)])
            .await
            .refuses(400, words);
    }
    query(place.client, &[("pageSize", "1"), ("pageSize", "2")])
        .await
        .refuses(400, "`pageSize` once");
    let ambiguous = [("hashes", &*"ab".repeat(32)), ("startTime", "1")];
    query(place.client, &ambiguous)
        .await
        .refuses(400, "got both");
    let unknown = "ab".repeat(32);
    query(place.client, &[("cursor", &unknown)])
        .await
        .refuses(500, "cursor not found");
    place.node.stop().await;
}

#[tokio::test]
async fn another_node_is_asked_by_its_address() {
    let other = Place::start(messages(30, 7), RestConfig::default(), |_| {}).await;
    let place = Place::holding(3).await;
    let all: Vec<String> = other.records.iter().map(hash_of).collect();
    let address = other.address();
    let pages = walk(place.client, &[("peerAddr", &address)]).await;
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [20, 10]);
    assert_eq!(pages.concat(), all);
    let parameters = [
        ("peerAddr", &*address),
        ("includeData", "true"),
        ("pageSize", "1"),
    ];
    let page = query(place.client, &parameters).await.json();
    let message = other.records[0].message();
    let payload = page["messages"][0]["message"]["payload"].as_str().unwrap();
    assert_eq!(BASE64_STANDARD.decode(payload).unwrap(), message.payload);
    let unknown = "ab".repeat(32);
    let page = query(
        place.client,
        &[("peerAddr", &address), ("cursor", &unknown)],
    )
    .await
    .json();
    assert_eq!(
        page["statusCode"], 300,
        "what another node answers is passed on"
    );
    assert!(
        page["statusDesc"]
            .as_str()
            .unwrap()
            .contains("cursor not found")
    );
    let both = [
        ("peerAddr", &*address),
        ("hashes", &unknown),
        ("startTime", "1"),
    ];
    assert_eq!(query(place.client, &both).await.json()["statusCode"], 400);
    let gone = address.replace(
        &other.node.peer_id().to_string(),
        &PeerId::random().to_string(),
    );
    query(place.client, &[("peerAddr", &gone)])
        .await
        .refuses(500, "PEER_DIAL_FAILURE");
    place.node.stop().await;
    other.node.stop().await;
}

#[tokio::test]
async fn a_node_without_a_store_asks_one_that_has_it() {
    let other = Place::start(messages(5, 7), RestConfig::default(), |_| {}).await;
    let place = Place::start(Vec::new(), RestConfig::default(), |config| {
        config.serve.store = false;
    })
    .await;
    query(place.client, &[])
        .await
        .refuses(412, "No suitable service peer & no discovery method");
    place
        .node
        .connect(&other.node.addresses()[0])
        .await
        .unwrap();
    let page = query(place.client, &[]).await.json();
    assert_eq!(hashes(&page).len(), 5);
    place.node.stop().await;
    other.node.stop().await;
}

/// The same query as a frame.
fn request(parameters: &Parameters, cursor: Option<Vec<u8>>) -> StoreQueryRequest {
    StoreQueryRequest {
        request_id: "r".into(),
        pubsub_topic: parameters.pubsub.clone(),
        content_topics: parameters.content.clone().into_iter().collect(),
        pagination_cursor: cursor,
        pagination_forward: parameters.forward,
        pagination_limit: Some(parameters.limit),
        ..StoreQueryRequest::default()
    }
}

#[derive(Clone, Debug)]
struct Parameters {
    pubsub: Option<String>,
    content: Option<String>,
    forward: bool,
    limit: u64,
}

/// The pages that the Store protocol gives.
async fn walk_by_frames(archive: &MemoryArchive, parameters: &Parameters) -> Vec<Vec<String>> {
    let (mut pages, mut cursor) = (Vec::new(), None);
    loop {
        let request = request(parameters, cursor).encode_to_vec();
        let limits = StoreLimits::default();
        let response = store_adapter::store::serve(archive, &limits, &request).await;
        let response = StoreQueryResponse::decode(&*response).unwrap();
        let hash = |hash: &Vec<u8>| format!("0x{}", hex::encode(hash));
        let hashes = response
            .messages
            .iter()
            .filter_map(|entry| entry.message_hash.as_ref());
        pages.push(hashes.map(hash).collect());
        cursor = response.pagination_cursor;
        if cursor.is_none() {
            return pages;
        }
    }
}

#[test]
fn a_walk_by_rest_is_a_walk_by_the_store_protocol() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let (place, archive) = runtime.block_on(async {
        let place = Place::holding(130).await;
        let archive = MemoryArchive::new();
        archive.append(place.records.clone()).await.unwrap();
        (place, archive)
    });
    let topics = place.records.clone();
    let parameters = (
        proptest::option::of(0..topics.len()),
        proptest::option::of(0..topics.len()),
        any::<bool>(),
        1..110_u64,
    )
        .prop_map(move |(pubsub, content, forward, limit)| Parameters {
            pubsub: pubsub.map(|index| topics[index].pubsub_topic().to_string()),
            content: content.map(|index| topics[index].message().content_topic.clone()),
            forward,
            limit,
        });
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(40));
    runner
        .run(&parameters, |parameters| {
            let (forward, limit) = (parameters.forward.to_string(), parameters.limit.to_string());
            let mut by_rest = vec![("ascending", &*forward), ("pageSize", &*limit)];
            by_rest.extend(
                parameters
                    .pubsub
                    .as_deref()
                    .map(|topic| ("pubsubTopic", topic)),
            );
            by_rest.extend(
                parameters
                    .content
                    .as_deref()
                    .map(|topic| ("contentTopics", topic)),
            );
            let by_rest = runtime.block_on(walk(place.client, &by_rest));
            let by_frames = runtime.block_on(walk_by_frames(&archive, &parameters));
            prop_assert_eq!(by_rest, by_frames);
            Ok(())
        })
        .unwrap();
    runtime.block_on(place.node.stop());
}
