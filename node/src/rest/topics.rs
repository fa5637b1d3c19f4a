//! Pubsub and content topics in requests.

use store_adapter::sharding::Shard;
use utoipa::ToSchema;

use super::limits::TOPICS;
use super::problem::Problem;

/// Pubsub topics.
#[derive(ToSchema)]
#[schema(max_items = 1024)]
#[expect(dead_code, reason = "describes lists that calls read")]
pub(super) struct PubsubTopics(Vec<PubsubTopic>);

/// The pubsub topic of a shard, /waku/2/rs/<cluster>/<shard>.
#[derive(ToSchema)]
#[schema(
    example = "/waku/2/rs/1/0",
    pattern = "^/waku/2/rs/(0|[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])/(0|[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$"
)]
#[expect(dead_code, reason = "describes entries of lists that calls read")]
struct PubsubTopic(String);

/// Content topics.
#[derive(ToSchema)]
#[schema(max_items = 1024)]
#[expect(dead_code, reason = "describes lists that calls read")]
pub(super) struct ContentTopics(Vec<ContentTopic>);

/// A content topic, /<application>/<version>/<name>/<encoding>.
#[derive(ToSchema)]
#[schema(
    example = "/app/1/chat/proto",
    pattern = "^(/\\+?0+)?/[^/]+/[^/]+/[^/]+/[^/]+$"
)]
#[expect(dead_code, reason = "describes entries of lists that calls read")]
pub(super) struct ContentTopic(String);

/// Refuses lists that are too long.
pub(super) fn check_count(topics: &[String]) -> Result<(), Problem> {
    if topics.len() > TOPICS {
        let count = topics.len();
        let reason = format!("Too many topics: expected at most {TOPICS}, got {count}");
        return Err(Problem::bad_request(reason));
    }
    Ok(())
}

/// Refuses topics that aren't of a shard.
pub(super) fn check_static_shards(topics: &[String]) -> Result<(), Problem> {
    check_count(topics)?;
    let bad: Vec<&String> = topics
        .iter()
        .filter(|topic| topic.parse::<Shard>().is_err())
        .collect();
    if bad.is_empty() {
        return Ok(());
    }
    Err(Problem::bad_request(format!(
        "Invalid pubsub topic(s): {bad:?}; expected /waku/2/rs/<cluster>/<shard>, like /waku/2/rs/1/0"
    )))
}
