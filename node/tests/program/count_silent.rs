//! `wakustore count` with nodes that answer now so and now otherwise, or not at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::StreamExt;
use libp2p::multiaddr::Protocol;
use libp2p::swarm::{NetworkBehaviour, Swarm, SwarmEvent};
use libp2p::{StreamProtocol, identify};
use prost::Message;
use serde_json::Value;
use store_adapter::store::{StoreQueryRequest, StoreQueryResponse, StoredMessage, status};
use sync_net::{
    Behaviour, ConnectionLimits, FrameLimits, Inbound, NetLimits, ProtocolConfig, build_swarm,
    identity,
};
use wakustore::net::protocols;

use crate::support::{Node, Place, json, messages, run};

/// A node that serves Store queries as the test says.
#[derive(NetworkBehaviour)]
struct Listening {
    frames: Behaviour,
    identify: identify::Behaviour,
}

/// A hash and its time.
type Held = (Vec<u8>, i64);

/// What is answered: hashes, or nothing at all.
type Answer = Option<Vec<Vec<u8>>>;

/// Listens for as long as the runtime runs; gives the address.
async fn serve(answer: impl Fn(&StoreQueryRequest) -> Answer + Send + 'static) -> String {
    let mut frames = Behaviour::new(NetLimits::default());
    let mut asked = frames.serve(ProtocolConfig {
        frame: FrameLimits::of_bytes(1 << 20),
        ..ProtocolConfig::new(StreamProtocol::new(protocols::STORE))
    });
    let key = identity::generate();
    let identify = identify::Config::new("ipfs/0.1.0".into(), key.public());
    let behaviour = Listening {
        frames,
        identify: identify::Behaviour::new(identify),
    };
    let mut swarm: Swarm<Listening> =
        build_swarm(&key, behaviour, &ConnectionLimits::default()).unwrap();
    swarm
        .listen_on("/ip4/127.0.0.1/tcp/0".parse().unwrap())
        .unwrap();
    let address = loop {
        if let SwarmEvent::NewListenAddr { address, .. } = swarm.select_next_some().await {
            break address.with(Protocol::P2p(key.public().to_peer_id()));
        }
    };
    tokio::spawn(async move { while swarm.next().await.is_some() {} });
    tokio::spawn(async move {
        while let Some(Inbound { mut stream, .. }) = asked.recv().await {
            let request = stream.receive().await.unwrap().unwrap();
            let request = StoreQueryRequest::decode(request.as_slice()).unwrap();
            // Unanswered, the stream is reset.
            let Some(hashes) = answer(&request) else {
                continue;
            };
            let messages = hashes.into_iter().map(|hash| StoredMessage {
                message_hash: Some(hash),
                ..StoredMessage::default()
            });
            let response = StoreQueryResponse {
                request_id: request.request_id,
                status_code: status::OK,
                status_desc: "OK".into(),
                messages: messages.collect(),
                ..StoreQueryResponse::default()
            };
            stream.send(&response.encode_to_vec()).await.unwrap();
            stream.close().await.unwrap();
        }
    });
    address.to_string()
}

fn held(lines: &[String]) -> Vec<Held> {
    let of = |line: &String| {
        let message: Value = serde_json::from_str(line).unwrap();
        let hash = message["messageHash"].as_str().unwrap();
        let time = message["message"]["timestamp"].as_i64().unwrap();
        (hex::decode(&hash[2..]).unwrap(), time)
    };
    lines.iter().map(of).collect()
}

/// Those of the times asked for.
fn listed(held: &[Held], request: &StoreQueryRequest) -> Vec<Vec<u8>> {
    let times = request.time_start.unwrap()..=request.time_end.unwrap();
    let within = held.iter().filter(|(_, time)| times.contains(time));
    within.map(|(hash, _)| hash.clone()).collect()
}

/// A node that holds these messages, and the answers of the other to a count of both.
struct Case {
    place: Place,
    all: Vec<String>,
}

impl Case {
    fn new(seed: u64) -> Self {
        Self {
            place: Place::new(),
            all: messages(60, seed),
        }
    }

    fn node(&self) -> Node {
        let file = self.place.write("a.json", &self.all);
        self.place.succeed("a", &["import", &file]);
        self.place.node("a", &["--cluster-id=99", "--relay=false"])
    }

    /// Counts both; gives the exit code and what is told of the other.
    async fn count(
        &self,
        answer: impl Fn(&StoreQueryRequest) -> Answer + Send + 'static,
    ) -> (i32, Value) {
        let node = self.node();
        let peers = [node.address.clone(), serve(answer).await];
        let counted = tokio::task::spawn_blocking(move || {
            let [a, b] = peers.map(|peer| format!("--peer={peer}"));
            let times = ["--range=2h", "--delay=30s", "--bucket=20m"];
            let line = [&["count", &a, &b, "--json"][..], &times].concat();
            run(&line)
        });
        let output = counted.await.unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        (output.status.code().unwrap(), json(&text))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_seems_absent_is_asked_for_three_times_before_it_is_called_missing() {
    let case = Case::new(101);
    let held = held(&case.all);
    let (late, never) = (held[7].0.clone(), held[9].0.clone());
    let missing = format!("0x{}", hex::encode(&never));
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let (code, told) = case
        .count(move |request| {
            if request.message_hashes.is_empty() {
                let mut hashes = listed(&held, request);
                hashes.retain(|hash| *hash != late && *hash != never);
                return Some(hashes);
            }
            // One turns up when it is asked for the third time.
            let round = count.fetch_add(1, Ordering::SeqCst);
            let here = round == 2 && request.message_hashes.contains(&late);
            Some(if here { vec![late.clone()] } else { Vec::new() })
        })
        .await;
    assert_eq!(asked.load(Ordering::SeqCst), 3);
    assert_eq!(code, 3, "{told}");
    assert_eq!(told["missingMessages"], 1, "{told}");
    assert_eq!(told["missing"][0]["hash"], missing);
    assert_eq!(
        (&told["nodes"][1]["messages"], &told["nodes"][1]["missing"]),
        (&59.into(), &1.into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_asked_again_is_not_called_missing() {
    let case = Case::new(102);
    let held = held(&case.all);
    let (code, told) = case
        .count(move |request| {
            let listing = request.message_hashes.is_empty();
            listing.then(|| listed(&held[..50], request))
        })
        .await;
    assert_eq!(code, 4, "{told}");
    let node = &told["nodes"][1];
    assert_eq!(node["state"], "partly", "{node}");
    assert_eq!((&node["missing"], &node["unsure"]), (&0.into(), &10.into()));
    assert_eq!(told["missing"].as_array().unwrap().len(), 10);
    assert!(
        told["missing"][0]["missingAt"]
            .as_array()
            .unwrap()
            .is_empty()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_that_a_node_does_not_answer_for_are_told_apart_from_those_that_it_lacks() {
    let case = Case::new(103);
    let held = held(&case.all);
    let half = held[30].1;
    let answered = held
        .iter()
        .filter(|(_, time)| *time < half - half % 1_200_000_000_000);
    let answered = answered.count();
    assert!(answered > 0 && answered < held.len());
    let (code, told) = case
        .count(move |request| {
            let early = request.time_end.is_none_or(|end| end < half);
            let hashes = listed_if_any(&held, request);
            // Of what it lists one is missing in truth.
            early.then(|| {
                hashes
                    .into_iter()
                    .skip_while(|hash| *hash == held[0].0)
                    .collect()
            })
        })
        .await;
    assert_eq!(code, 4, "{told}");
    let node = &told["nodes"][1];
    assert_eq!(node["state"], "partly", "{node}");
    assert_eq!(
        (&node["messages"], &node["missing"]),
        (&(answered - 1).into(), &1.into())
    );
    let buckets = told["buckets"].as_array().unwrap();
    let silent = buckets.iter().filter(|bucket| bucket["nodes"][1].is_null());
    assert_eq!(node["unansweredBuckets"], silent.count());
    assert!(
        node["reason"]
            .as_str()
            .unwrap()
            .starts_with("no answer for")
    );
}

/// As `listed`; nothing of a request by hashes.
fn listed_if_any(held: &[Held], request: &StoreQueryRequest) -> Vec<Vec<u8>> {
    match request.message_hashes.as_slice() {
        [] => listed(held, request),
        _ => Vec::new(),
    }
}
