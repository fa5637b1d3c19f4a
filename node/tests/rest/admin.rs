//! `/admin`.

use std::time::Duration;

use libp2p::PeerId;
use serde_json::{Value, json};
use tracing_subscriber::EnvFilter;
use wakustore::logging::Levels;
use wakustore::relay::RelayConfig;
use wakustore::rest::RestConfig;

use crate::client::Client;
use crate::{CLUSTER, PATIENCE, Place};

/// A node that answers admin calls and relays a shard.
async fn administered(shard: u16) -> Place {
    let rest = RestConfig {
        admin: true,
        ..RestConfig::default()
    };
    Place::start(Vec::new(), rest, |config| {
        let topic = format!("/waku/2/rs/{CLUSTER}/{shard}");
        config.relay = Some(RelayConfig::of_topics([topic]));
    })
    .await
}

/// What a call gives as soon as `holds` of it.
async fn until(client: Client, path: &str, holds: impl Fn(&Value) -> bool) -> Value {
    let waiting = async {
        loop {
            let value = client.get(path).await.json();
            if holds(&value) {
                return value;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect(path)
}

#[tokio::test]
async fn peers_are_dialled_and_told_of() {
    let [here, there] = [administered(3).await, administered(3).await];
    let client = here.client;
    assert_eq!(client.get("/admin/v1/peers").await.json(), json!([]));
    client
        .post("/admin/v1/peers", &json!([there.address()]))
        .await
        .is_ok();
    let id = there.node.peer_id().to_string();
    let known = |peers: &Value| peers[0]["shards"] == json!([3]);
    let peers = until(client, "/admin/v1/peers", known).await;
    let peer = &peers[0];
    assert!(peer["multiaddr"].as_str().unwrap().ends_with(&id), "{peer}");
    assert_eq!(peer["connected"], "Connected");
    assert!(
        peer["agent"].as_str().unwrap().starts_with("wakustore/"),
        "{peer}"
    );
    assert!(peer["origin"].is_string());
    let protocols = peer["protocols"].as_array().unwrap();
    assert!(
        protocols.contains(&"/vac/waku/store-query/3.0.0".into()),
        "{peer}"
    );
    for path in ["/admin/v1/peers/connected", "/admin/v1/peers/service"] {
        let peers = client.get(path).await.json();
        assert_eq!(peers[0]["multiaddr"], peer["multiaddr"], "{path}");
    }
    let of_shard = |shard: u16| async move {
        let peers = client
            .get(&format!("/admin/v1/peers/connected/on/{shard}"))
            .await
            .json();
        peers.as_array().unwrap().len()
    };
    assert_eq!((of_shard(3).await, of_shard(4).await), (1, 0));
    let one = client.get(&format!("/admin/v1/peer/{id}")).await.json();
    assert_eq!(one["multiaddr"], peer["multiaddr"]);
    let stranger = format!("/admin/v1/peer/{}", PeerId::random());
    client.get(&stranger).await.refuses(404, "not found");
    client
        .get("/admin/v1/peer/nobody")
        .await
        .refuses(400, "`nobody` is no peer id");
    for place in [here, there] {
        place.node.stop().await;
    }
}

#[tokio::test]
async fn peers_of_relay_and_mesh_are_told_by_shard() {
    let [here, there] = [administered(3).await, administered(3).await];
    here.node.connect(&there.node.addresses()[0]).await.unwrap();
    let client = here.client;
    let id = there.node.peer_id().to_string();
    for group in ["relay", "mesh"] {
        let some = |shards: &Value| shards[0]["peers"][0].is_object();
        let shards = until(client, &format!("/admin/v1/peers/{group}"), some).await;
        assert_eq!(shards[0]["shard"], 3);
        let peer = &shards[0]["peers"][0];
        assert!(peer["multiaddr"].as_str().unwrap().ends_with(&id), "{peer}");
        assert!(peer["score"].is_number(), "{peer}");
        let one = client
            .get(&format!("/admin/v1/peers/{group}/on/3"))
            .await
            .json();
        assert_eq!(
            (&one["shard"], one["peers"].as_array().unwrap().len()),
            (&3.into(), 1)
        );
        let other = client
            .get(&format!("/admin/v1/peers/{group}/on/4"))
            .await
            .json();
        assert_eq!(other, json!({"shard": 4, "peers": []}));
        for bad in ["x", "65536", "-1"] {
            let path = format!("/admin/v1/peers/{group}/on/{bad}");
            client.get(&path).await.refuses(400, "Invalid shardId");
        }
    }
    let stats = client.get("/admin/v1/peers/stats").await.json();
    assert_eq!(stats["Sum"]["Total peers"], 1);
    assert_eq!(stats["By Connectedness"]["Connected"], 1);
    assert_eq!(stats["Relay peers"]["Total relay peers"], 1);
    assert_eq!(stats["Mesh peers"]["3"], 1);
    assert_eq!(stats["By Protocols"]["/vac/waku/relay/2.0.0"], 1);
    for place in [here, there] {
        place.node.stop().await;
    }
}

#[tokio::test]
async fn peers_that_cannot_be_dialled_are_refused_by_name() {
    let place = administered(3).await;
    let post = |peers: Value| async move { place.client.post("/admin/v1/peers", &peers).await };
    let gone = format!("/ip4/127.0.0.1/tcp/1/p2p/{}", PeerId::random());
    post(json!([gone]))
        .await
        .refuses(400, "Failed to connect to peer at index: 0");
    post(json!(["nowhere"]))
        .await
        .refuses(400, "Couldn't parse remote peer info");
    post(json!([place.address()]))
        .await
        .refuses(400, "Failed to connect");
    post(json!(vec![gone; 33]))
        .await
        .refuses(400, "expected at most 32, got 33");
    place.node.stop().await;
}

#[tokio::test]
async fn a_node_that_does_not_relay_has_no_peers_of_relay() {
    let rest = RestConfig {
        admin: true,
        ..RestConfig::default()
    };
    let place = Place::start(Vec::new(), rest, |_| {}).await;
    for path in ["relay", "mesh", "relay/on/0", "mesh/on/0"] {
        let refused = place.client.get(&format!("/admin/v1/peers/{path}")).await;
        refused.refuses(503, "Error: Relay Protocol is not mounted to the node");
    }
    let stats = place.client.get("/admin/v1/peers/stats").await.json();
    assert_eq!(stats["Relay peers"]["Total relay peers"], 0);
    place.node.stop().await;
}

#[tokio::test]
async fn the_log_level_is_set() {
    let (levels, layer) = Levels::of(EnvFilter::new("info"));
    let rest = RestConfig {
        admin: true,
        ..RestConfig::default()
    };
    let place = Place::start(Vec::new(), rest.clone(), |config| config.levels = levels).await;
    let set = |level: &'static str| async move {
        let path = format!("/admin/v1/log-level/{level}");
        place.client.send("POST", &path, &[], b"").await
    };
    for level in ["TRACE", "debug", "INFO", "NOTICE", "WARN", "ERROR", "FATAL"] {
        set(level).await.is_ok();
    }
    set("LOUD")
        .await
        .refuses(400, "TRACE, DEBUG, INFO, NOTICE, WARN, ERROR or FATAL");
    drop(layer);
    set("INFO").await.refuses(503, "no log");
    place.node.stop().await;
}
