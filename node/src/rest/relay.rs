//! `/relay`: subscriptions, messages to publish, and messages that came.

use std::sync::Arc;

use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use store_adapter::WakuMessage;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answering::{Running, Shared};
use super::body::JsonBody;
use super::message::{Message, NewContentMessage, NewMessage};
use super::problem::{self, Always, OfBodies, Problem};
use super::segment::Segment;
use super::topics::{ContentTopics, PubsubTopics, check_count, check_static_shards};
use crate::cli::time::now;
use crate::relay::{PublishError, Relay, RelayError};

pub(super) fn routes() -> OpenApiRouter<Arc<Shared>> {
    OpenApiRouter::new()
        .routes(routes!(subscribe, unsubscribe))
        .routes(routes!(subscribe_content, unsubscribe_content))
        .routes(routes!(received, publish))
        .routes(routes!(publish_content))
        .routes(routes!(received_content))
}

/// The node's relay.
fn relay(node: &Running) -> Result<&Relay, Problem> {
    node.relay.as_ref().ok_or_else(|| {
        let reason = "/relay endpoints are not available. Please check your configuration: --relay";
        Problem::not_found(reason)
    })
}

/// Subscribe to pubsub topics: messages are relayed, archived, and kept for a call.
#[utoipa::path(
    post,
    path = "/relay/v1/subscriptions",
    tag = "relay",
    request_body(content = PubsubTopics, description = "Pubsub topics of shards"),
    responses(
        (status = 200, description = "Subscribed", body = String, content_type = "text/plain"),
        (status = 400, description = "A topic isn't that of a shard, or there would be too many", body = String,
            content_type = "text/plain"),
        (status = 404, description = "The node doesn't relay", body = String, content_type = "text/plain"),
        OfBodies,
        Always,
    ),
)]
async fn subscribe(
    node: Running,
    JsonBody(topics): JsonBody<Vec<String>>,
) -> Result<Response, Problem> {
    check_static_shards(&topics)?;
    changed("Subscribe", relay(&node)?.subscribe(&topics).await)
}

/// Unsubscribe from pubsub topics.
#[utoipa::path(
    delete,
    path = "/relay/v1/subscriptions",
    tag = "relay",
    request_body(content = PubsubTopics, description = "Pubsub topics of shards"),
    responses(
        (status = 200, description = "Not subscribed any more", body = String, content_type = "text/plain"),
        (status = 400, description = "A topic isn't that of a shard", body = String, content_type = "text/plain"),
        (status = 404, description = "The node doesn't relay", body = String, content_type = "text/plain"),
        OfBodies,
        Always,
    ),
)]
async fn unsubscribe(
    node: Running,
    JsonBody(topics): JsonBody<Vec<String>>,
) -> Result<Response, Problem> {
    check_static_shards(&topics)?;
    changed("Unsubscribe", relay(&node)?.unsubscribe(&topics).await)
}

/// Subscribe to the shards of content topics.
#[utoipa::path(
    post,
    path = "/relay/v1/auto/subscriptions",
    tag = "relay",
    request_body(content = ContentTopics, description = "Content topics"),
    responses(
        (status = 200, description = "Subscribed", body = String, content_type = "text/plain"),
        (status = 400, description = "A topic has no shard, or there would be too many", body = String,
            content_type = "text/plain"),
        (status = 404, description = "The node doesn't relay", body = String, content_type = "text/plain"),
        OfBodies,
        Always,
    ),
)]
async fn subscribe_content(
    node: Running,
    JsonBody(topics): JsonBody<Vec<String>>,
) -> Result<Response, Problem> {
    check_count(&topics)?;
    changed("Subscribe", relay(&node)?.subscribe_content(&topics).await)
}

/// Unsubscribe from content topics, and so from shards that nothing else wants.
#[utoipa::path(
    delete,
    path = "/relay/v1/auto/subscriptions",
    tag = "relay",
    request_body(content = ContentTopics, description = "Content topics"),
    responses(
        (status = 200, description = "Not subscribed any more", body = String, content_type = "text/plain"),
        (status = 400, description = "A topic has no shard", body = String, content_type = "text/plain"),
        (status = 404, description = "The node doesn't relay", body = String, content_type = "text/plain"),
        OfBodies,
        Always,
    ),
)]
async fn unsubscribe_content(
    node: Running,
    JsonBody(topics): JsonBody<Vec<String>>,
) -> Result<Response, Problem> {
    check_count(&topics)?;
    changed(
        "Unsubscribe",
        relay(&node)?.unsubscribe_content(&topics).await,
    )
}

fn changed(what: &str, result: Result<(), RelayError>) -> Result<Response, Problem> {
    match result {
        Ok(()) => Ok(problem::ok()),
        Err(error @ RelayError::Stopped) => Err(Problem::unavailable(error.to_string())),
        Err(error) => Err(Problem::bad_request(format!("{what} failed: {error}"))),
    }
}

/// Messages that came on a pubsub topic since the last call, the oldest first.
#[utoipa::path(
    get,
    path = "/relay/v1/messages/{topic}",
    tag = "relay",
    params(("topic" = String, Path, description = "The pubsub topic, like /waku/2/rs/1/0, percent-encoded",
            format = "waku-pubsub-topic")),
    responses(
        (status = 200, description = "The messages", body = Vec<Message>),
        (status = 400, description = "The path can't be decoded", body = String, content_type = "text/plain"),
        (status = 404, description = "Not subscribed, or the node doesn't relay", body = String,
            content_type = "text/plain"),
        Always,
    ),
)]
async fn received(
    _: Taking,
    node: Running,
    Segment(topic): Segment,
) -> Result<Json<Vec<Message>>, Problem> {
    given(relay(&node)?.cached(&topic), &topic)
}

/// Messages that came with a content topic since the last call, the oldest first.
#[utoipa::path(
    get,
    path = "/relay/v1/auto/messages/{contentTopic}",
    tag = "relay",
    params(("contentTopic" = String, Path, description = "The content topic, percent-encoded",
            format = "waku-content-topic", example = "/app/1/chat/proto")),
    responses(
        (status = 200, description = "The messages", body = Vec<Message>),
        (status = 400, description = "The path can't be decoded", body = String, content_type = "text/plain"),
        (status = 404, description = "Not subscribed, or the node doesn't relay", body = String,
            content_type = "text/plain"),
        Always,
    ),
)]
async fn received_content(
    _: Taking,
    node: Running,
    Segment(topic): Segment,
) -> Result<Json<Vec<Message>>, Problem> {
    given(relay(&node)?.cached_content(&topic), &topic)
}

/// A call that takes out what it answers. It isn't made by HEAD, which is answered as GET is, without the body: what
/// was taken would be lost.
struct Taking;

impl<S: Sync> FromRequestParts<S> for Taking {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        if parts.method == Method::HEAD {
            let reason = "HEAD would take messages and give none: expected GET";
            return Err(Problem::new(StatusCode::METHOD_NOT_ALLOWED, reason));
        }
        Ok(Self)
    }
}

fn given(cached: Option<Vec<WakuMessage>>, topic: &str) -> Result<Json<Vec<Message>>, Problem> {
    let messages =
        cached.ok_or_else(|| Problem::not_found(format!("Not subscribed to topic: {topic}")))?;
    Ok(Json(messages.into_iter().map(Message::from).collect()))
}

/// Publish a message on a pubsub topic that the node is subscribed to.
#[utoipa::path(
    post,
    path = "/relay/v1/messages/{topic}",
    tag = "relay",
    params(("topic" = String, Path, description = "The pubsub topic, like /waku/2/rs/1/0, percent-encoded",
            format = "waku-pubsub-topic")),
    request_body(content = NewMessage, description = "The message"),
    responses(
        (status = 200, description = "Published", body = String, content_type = "text/plain"),
        (status = 400, description = "It can't be a message, is too long, or the node isn't subscribed to the topic",
            body = String, content_type = "text/plain"),
        (status = 404, description = "The node doesn't relay", body = String, content_type = "text/plain"),
        OfBodies,
        Always,
        (status = 500, description = "The archive can't be written", body = String, content_type = "text/plain"),
    ),
)]
async fn publish(
    node: Running,
    Segment(topic): Segment,
    JsonBody(message): JsonBody<NewMessage>,
) -> Result<Response, Problem> {
    let message = message.into_message(now()).map_err(Problem::bad_request)?;
    let published = relay(&node)?.publish(&topic, message).await;
    done(published.map(drop))
}

/// Publish a message on the shard of its content topic.
#[utoipa::path(
    post,
    path = "/relay/v1/auto/messages",
    tag = "relay",
    request_body(content = NewContentMessage, description = "The message"),
    responses(
        (status = 200, description = "Published", body = String, content_type = "text/plain"),
        (status = 400, description = "It can't be a message, is too long, its content topic has no shard, or the node \
            isn't subscribed to that", body = String, content_type = "text/plain"),
        (status = 404, description = "The node doesn't relay", body = String, content_type = "text/plain"),
        OfBodies,
        Always,
        (status = 500, description = "The archive can't be written", body = String, content_type = "text/plain"),
    ),
)]
async fn publish_content(
    node: Running,
    JsonBody(message): JsonBody<NewMessage>,
) -> Result<Response, Problem> {
    let message = message.into_message(now()).map_err(Problem::bad_request)?;
    let relay = relay(&node)?;
    let sharding = relay.autosharding();
    let sharding = sharding
        .ok_or_else(|| Problem::bad_request("Failed to publish. Autosharding is disabled"))?;
    let topic = sharding
        .pubsub_topic(&message.content_topic)
        .map_err(|error| {
            Problem::bad_request(format!("Failed to publish. Autosharding error: {error}"))
        })?;
    done(relay.publish(&topic, message).await.map(drop))
}

/// As nwaku has it, a message that nobody took is published nevertheless: it is archived, and found by
/// those who sync.
fn done(published: Result<(), PublishError>) -> Result<Response, Problem> {
    match published {
        Ok(()) | Err(PublishError::NoPeers(_)) => Ok(problem::ok()),
        Err(error @ (PublishError::Stopped | PublishError::Busy(_))) => {
            Err(Problem::unavailable(format!("Failed to publish: {error}")))
        }
        Err(PublishError::Archive(error)) => {
            // Its words name paths of this machine.
            tracing::error!(%error, "a message couldn't be published");
            Err(Problem::failed(
                "Failed to publish: the archive can't be written",
            ))
        }
        Err(error) => Err(Problem::bad_request(format!("Failed to publish: {error}"))),
    }
}
