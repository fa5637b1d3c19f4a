//! `/relay`.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use store_adapter::sharding::Autosharding;
use wakustore::relay::RelayConfig;
use wakustore::rest::RestConfig;

use crate::client::{Client, encoded};
use crate::{CLUSTER, PATIENCE, Place};

const CONTENT_TOPIC: &str = "/app/1/chat/proto";

fn shard(index: u16) -> String {
    format!("/waku/2/rs/{CLUSTER}/{index}")
}

fn of_topic(topic: &str) -> String {
    format!("/relay/v1/messages/{}", encoded(topic))
}

fn of_content(topic: &str) -> String {
    format!("/relay/v1/auto/messages/{}", encoded(topic))
}

fn message(payload: &str) -> Value {
    json!({"payload": BASE64_STANDARD.encode(payload), "contentTopic": CONTENT_TOPIC})
}

/// A node that relays, at first nothing.
async fn relaying() -> Place {
    Place::start(Vec::new(), RestConfig::default(), |config| {
        config.relay = Some(RelayConfig {
            autosharding: Autosharding::new(CLUSTER, 1),
            ..RelayConfig::default()
        });
    })
    .await
}

/// Two nodes that relay with each other.
async fn pair() -> [Place; 2] {
    let pair = [relaying().await, relaying().await];
    pair[0]
        .node
        .connect(&pair[1].node.addresses()[0])
        .await
        .unwrap();
    pair
}

/// Waits until the first node knows that the other is subscribed to a topic.
async fn subscribed(place: &Place, topic: &str) {
    let known = async {
        let relay = place.node.relay().unwrap();
        while !relay
            .peers()
            .await
            .iter()
            .any(|peer| peer.topics.iter().any(|it| it == topic))
        {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, known)
        .await
        .expect("the other node isn't subscribed");
}

/// The payloads that came, as soon as some have.
async fn payloads(client: Client, path: &str) -> Vec<String> {
    let coming = async {
        loop {
            let messages = client.get(path).await.json();
            let messages = messages.as_array().unwrap();
            if !messages.is_empty() {
                let payload = |message: &Value| {
                    let text = message["payload"].as_str().unwrap();
                    String::from_utf8(BASE64_STANDARD.decode(text).unwrap()).unwrap()
                };
                return messages.iter().map(payload).collect();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, coming)
        .await
        .expect("no message came")
}

async fn stored(client: Client) -> usize {
    let page = client.get("/store/v3/messages").await.json();
    page["messages"].as_array().unwrap().len()
}

#[tokio::test]
async fn what_one_node_publishes_another_gives_once_and_both_archive() {
    let [here, there] = pair().await;
    let topics = json!([shard(0)]);
    for place in [&here, &there] {
        place
            .client
            .post("/relay/v1/subscriptions", &topics)
            .await
            .is_ok();
    }
    subscribed(&here, &shard(0)).await;
    here.client
        .post(&of_topic(&shard(0)), &message("one"))
        .await
        .is_ok();
    assert_eq!(payloads(there.client, &of_topic(&shard(0))).await, ["one"]);
    assert_eq!(
        there.client.get(&of_topic(&shard(0))).await.json(),
        json!([]),
        "given once"
    );
    assert_eq!(
        (stored(here.client).await, stored(there.client).await),
        (1, 1)
    );
    for place in [&here, &there] {
        place
            .client
            .delete("/relay/v1/subscriptions", &topics)
            .await
            .is_ok();
        place
            .client
            .get(&of_topic(&shard(0)))
            .await
            .refuses(404, "Not subscribed");
    }
    let refused = here
        .client
        .post(&of_topic(&shard(0)), &message("two"))
        .await;
    refused.refuses(
        400,
        &format!(
            "Failed to publish: Node not subscribed to topic: {}",
            shard(0)
        ),
    );
    for place in [here, there] {
        place.node.stop().await;
    }
}

#[tokio::test]
async fn head_takes_no_messages_from_those_kept_for_a_call() {
    let place = relaying().await;
    let topics = json!([shard(0)]);
    let client = place.client;
    client
        .post("/relay/v1/subscriptions", &topics)
        .await
        .is_ok();
    let published = client.post(&of_topic(&shard(0)), &message("one")).await;
    published.is_ok();
    let head = client.send("HEAD", &of_topic(&shard(0)), &[], b"").await;
    assert_eq!(head.status, 405);
    assert_eq!(payloads(client, &of_topic(&shard(0))).await, ["one"]);
    place.node.stop().await;
}

#[tokio::test]
async fn content_topics_find_their_shard() {
    let [here, there] = pair().await;
    let topics = json!([CONTENT_TOPIC]);
    for place in [&here, &there] {
        place
            .client
            .post("/relay/v1/auto/subscriptions", &topics)
            .await
            .is_ok();
    }
    subscribed(&here, &shard(0)).await;
    here.client
        .post("/relay/v1/auto/messages", &message("one"))
        .await
        .is_ok();
    assert_eq!(
        payloads(there.client, &of_content(CONTENT_TOPIC)).await,
        ["one"]
    );
    there
        .client
        .get(&of_content("/app/1/other/proto"))
        .await
        .refuses(404, "Not subscribed");
    there
        .client
        .delete("/relay/v1/auto/subscriptions", &topics)
        .await
        .is_ok();
    there
        .client
        .get(&of_content(CONTENT_TOPIC))
        .await
        .refuses(404, "Not subscribed");
    let mut nowhere = message("two");
    nowhere["contentTopic"] = "chat".into();
    let refused = here.client.post("/relay/v1/auto/messages", &nowhere).await;
    refused.refuses(400, "Autosharding error");
    let refused = here
        .client
        .post("/relay/v1/auto/subscriptions", &json!(["chat"]))
        .await;
    refused.refuses(400, "has no shard");
    for place in [here, there] {
        place.node.stop().await;
    }
}

#[tokio::test]
async fn a_message_keeps_what_it_has_and_gets_what_it_lacks() {
    let place = relaying().await;
    place
        .client
        .post("/relay/v1/subscriptions", &json!([shard(0)]))
        .await
        .is_ok();
    let before = wakustore::cli::time::now();
    let mut full = message("full");
    full["meta"] = "//4=".into();
    full["version"] = 10.into();
    full["timestamp"] = before.into();
    full["proof"] = "CgEF".into();
    place.client.post(&of_topic(&shard(0)), &full).await.is_ok();
    place
        .client
        .post(&of_topic(&shard(0)), &message("bare"))
        .await
        .is_ok();
    let given = place.client.get(&of_topic(&shard(0))).await.json();
    full["ephemeral"] = false.into();
    assert_eq!(given[0], full);
    assert_eq!(
        (&given[1]["version"], &given[1]["ephemeral"]),
        (&0.into(), &false.into())
    );
    assert!(
        given[1]["timestamp"].as_u64().unwrap() >= before,
        "it is of now"
    );
    let mut passing = message("passing");
    passing["ephemeral"] = true.into();
    place
        .client
        .post(&of_topic(&shard(0)), &passing)
        .await
        .is_ok();
    let mut old = message("old");
    old["timestamp"] = 1.into();
    place.client.post(&of_topic(&shard(0)), &old).await.is_ok();
    assert_eq!(
        stored(place.client).await,
        2,
        "what is ephemeral or old is passed on only"
    );
    place.node.stop().await;
}

#[tokio::test]
async fn bad_messages_and_topics_are_refused_with_the_reason() {
    let place = relaying().await;
    place
        .client
        .post("/relay/v1/subscriptions", &json!([shard(0)]))
        .await
        .is_ok();
    let with = |name: &str, value: Value| {
        let mut message = message("hi");
        message[name] = value;
        message
    };
    let cases = [
        (
            with("payload", "".into()),
            "Field `payload` is missing or empty",
        ),
        (with("payload", "a".into()), "base64"),
        (
            with("contentTopic", " ".into()),
            "Field `contentTopic` is missing or empty",
        ),
        (with("version", 2.1.into()), "Invalid content body"),
        (
            with("meta", BASE64_STANDARD.encode([1; 65]).into()),
            "at most 64 bytes",
        ),
        (with("extraField", "extraValue".into()), "extraField"),
        (
            with("payload", BASE64_STANDARD.encode(vec![1; 200 << 10]).into()),
            "Failed to publish",
        ),
        (
            with("contentTopic", "t".repeat(2_000).into()),
            "Failed to publish",
        ),
        (json!({"contentTopic": CONTENT_TOPIC}), "payload"),
        (json!([]), "Invalid content body"),
    ];
    for (message, words) in cases {
        place
            .client
            .post(&of_topic(&shard(0)), &message)
            .await
            .refuses(400, words);
        place
            .client
            .post("/relay/v1/auto/messages", &message)
            .await
            .refuses(400, words);
    }
    for topics in [json!(["/waku/2/default-waku/proto"]), json!([shard(0), ""])] {
        let path = "/relay/v1/subscriptions";
        place
            .client
            .post(path, &topics)
            .await
            .refuses(400, "Invalid pubsub topic(s)");
        place
            .client
            .delete(path, &topics)
            .await
            .refuses(400, "Invalid pubsub topic(s)");
    }
    let many: Vec<String> = (0..1_025).map(shard).collect();
    let refused = place
        .client
        .post("/relay/v1/subscriptions", &json!(many))
        .await;
    refused.refuses(400, "expected at most 1024, got 1025");
    place
        .client
        .get("/relay/v1/messages/%ff")
        .await
        .refuses(400, "");
    assert_eq!(stored(place.client).await, 0);
    place.node.stop().await;
}

#[tokio::test]
async fn a_node_that_does_not_relay_names_the_setting() {
    let place = Place::holding(0).await;
    let words = "/relay endpoints are not available. Please check your configuration: --relay";
    let topics = json!([shard(0)]);
    for path in ["/relay/v1/subscriptions", "/relay/v1/auto/subscriptions"] {
        place.client.post(path, &topics).await.refuses(404, words);
        place.client.delete(path, &topics).await.refuses(404, words);
    }
    for path in [of_topic(&shard(0)), of_content(CONTENT_TOPIC)] {
        place.client.get(&path).await.refuses(404, words);
    }
    for path in [of_topic(&shard(0)), "/relay/v1/auto/messages".into()] {
        place
            .client
            .post(&path, &message("hi"))
            .await
            .refuses(404, words);
    }
    place.node.stop().await;
}
