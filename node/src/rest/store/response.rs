//! What answers a query, in JSON.

use std::sync::Arc;

use axum::response::Response;
use serde::Serialize;
use store_adapter::store::{StoreQueryResponse, StoredMessage};
use utoipa::ToSchema;

use crate::budget::Budget;
use crate::rest::message::Message;
use crate::rest::sent;

/// A page, or what else a store answers.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct StoreResponse {
    /// Of the query.
    request_id: String,
    /// 200 for a page; everything else is no success.
    status_code: u32,
    /// The code in words.
    status_desc: String,
    /// The page, oldest first.
    messages: Vec<Entry>,
    /// The `cursor` of the next page, 0x and 64 hexadecimal digits; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pagination_cursor: Option<String>,
}

/// A message of a page.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StoredMessage)]
struct Entry {
    /// Its hash, 0x and 64 hexadecimal digits.
    message_hash: String,
    /// The message, if it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    message: Option<Message>,
    /// The topic it was published on, if the message was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pubsub_topic: Option<String>,
}

impl From<StoreQueryResponse> for StoreResponse {
    fn from(response: StoreQueryResponse) -> Self {
        Self {
            request_id: response.request_id,
            status_code: response.status_code,
            status_desc: response.status_desc,
            messages: response.messages.into_iter().map(Entry::from).collect(),
            pagination_cursor: response.pagination_cursor.map(hexadecimal),
        }
    }
}

impl From<StoredMessage> for Entry {
    fn from(stored: StoredMessage) -> Self {
        Self {
            message_hash: hexadecimal(stored.message_hash.unwrap_or_default()),
            message: stored.message.map(Message::from),
            pubsub_topic: stored.pubsub_topic,
        }
    }
}

fn hexadecimal(bytes: Vec<u8>) -> String {
    format!("0x{}", hex::encode(bytes))
}

/// The answer in JSON, which takes of `budget` until it is sent.
pub(super) fn of(answer: StoreQueryResponse, budget: &Arc<Budget>) -> Response {
    sent::json(&StoreResponse::from(answer), budget)
}
