//! Request and response as they stand on the wire.
//!
//! Fields that deployed nodes always write, also when they are empty or zero, are `required` here,
//! which makes the codec write them too; none is missed when it isn't there.

use sync_core::Id;

use crate::message::WakuMessage;

/// Codes of [`StoreQueryResponse::status_code`].
pub mod status {
    /// The query was answered.
    pub const OK: u32 = 200;
    /// The archive couldn't answer; also for a cursor that it doesn't know.
    pub const BAD_RESPONSE: u32 = 300;
    /// The request can't be understood.
    pub const BAD_REQUEST: u32 = 400;
    /// The peer asks too often.
    pub const TOO_MANY_REQUESTS: u32 = 429;
    /// The answer takes more work than is done for one request. With a cursor, the search goes on
    /// behind that.
    pub const SERVICE_UNAVAILABLE: u32 = 503;
}

/// A query.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct StoreQueryRequest {
    /// Chosen by the client; the response repeats it.
    #[prost(string, required, tag = "1")]
    pub request_id: String,
    /// Whether messages are asked for, and not their hashes alone.
    #[prost(bool, required, tag = "2")]
    pub include_data: bool,
    /// Messages published on this topic only.
    #[prost(string, optional, tag = "10")]
    pub pubsub_topic: Option<String>,
    /// Messages of these content topics only; none for all.
    #[prost(string, repeated, tag = "11")]
    pub content_topics: Vec<String>,
    /// Not before this time, in nanoseconds since 1970.
    #[prost(sint64, optional, tag = "12")]
    pub time_start: Option<i64>,
    /// Not after this time, in nanoseconds since 1970.
    #[prost(sint64, optional, tag = "13")]
    pub time_end: Option<i64>,
    /// Messages of these hashes only, 32 bytes each; none for all.
    #[prost(bytes = "vec", repeated, tag = "20")]
    pub message_hashes: Vec<Vec<u8>>,
    /// The hash behind which (or before which, if not forward) the page begins.
    #[prost(bytes = "vec", optional, tag = "51")]
    pub pagination_cursor: Option<Vec<u8>>,
    /// Whether pages go from the oldest to the newest message.
    #[prost(bool, required, tag = "52")]
    pub pagination_forward: bool,
    /// Most messages in the page.
    #[prost(uint64, optional, tag = "53")]
    pub pagination_limit: Option<u64>,
}

impl StoreQueryRequest {
    /// Asks for the messages of `hashes`, all in one page as far as the server allows.
    #[must_use]
    pub fn by_hashes(request_id: impl Into<String>, hashes: &[Id], include_data: bool) -> Self {
        Self {
            request_id: request_id.into(),
            include_data,
            message_hashes: hashes.iter().map(|hash| hash.0.to_vec()).collect(),
            pagination_forward: true,
            pagination_limit: Some(hashes.len() as u64),
            ..Self::default()
        }
    }

    /// Asks for the first page of all messages from time `start` to time `end`, both included, in
    /// nanoseconds since 1970, oldest first.
    #[must_use]
    pub fn by_times(
        request_id: impl Into<String>,
        start: i64,
        end: i64,
        include_data: bool,
    ) -> Self {
        Self {
            request_id: request_id.into(),
            include_data,
            time_start: Some(start),
            time_end: Some(end),
            pagination_forward: true,
            pagination_limit: Some(crate::limits::STORE_PAGE_MAX as u64),
            ..Self::default()
        }
    }

    /// The same query for the page behind `cursor`.
    #[must_use]
    pub fn behind(mut self, cursor: Id) -> Self {
        self.pagination_cursor = Some(cursor.0.to_vec());
        self
    }
}

/// A page of messages, or why there is none.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct StoreQueryResponse {
    /// That of the request; `N/A` if the request wasn't read.
    #[prost(string, required, tag = "1")]
    pub request_id: String,
    /// One of [`status`]. Only 200 is success.
    #[prost(uint32, required, tag = "10")]
    pub status_code: u32,
    /// The code in words.
    #[prost(string, required, tag = "11")]
    pub status_desc: String,
    /// The page, oldest first, whichever the direction.
    #[prost(message, repeated, tag = "20")]
    pub messages: Vec<StoredMessage>,
    /// Where the next page begins; absent on the last one.
    #[prost(bytes = "vec", optional, tag = "51")]
    pub pagination_cursor: Option<Vec<u8>>,
}

/// A message of a page.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct StoredMessage {
    /// Its hash, 32 bytes.
    #[prost(bytes = "vec", optional, tag = "1")]
    pub message_hash: Option<Vec<u8>>,
    /// The message, if it was asked for.
    #[prost(message, optional, tag = "2")]
    pub message: Option<WakuMessage>,
    /// The topic it was published on, if the message was asked for.
    #[prost(string, optional, tag = "3")]
    pub pubsub_topic: Option<String>,
}

#[cfg(test)]
mod tests {
    use prost::Message;
    use serde_json::Value;

    use super::*;
    use crate::testing::{bytes_of, message_of, vectors};

    fn text(value: &Value) -> Option<String> {
        value.as_str().map(String::from)
    }

    fn list<T>(value: &Value, read: impl Fn(&Value) -> Option<T>) -> Vec<T> {
        let values = value.as_array().unwrap();
        values.iter().map(|value| read(value).unwrap()).collect()
    }

    fn request_of(value: &Value) -> StoreQueryRequest {
        StoreQueryRequest {
            request_id: text(&value["requestId"]).unwrap(),
            include_data: value["includeData"].as_bool().unwrap(),
            pubsub_topic: text(&value["pubsubTopic"]),
            content_topics: list(&value["contentTopics"], text),
            time_start: value["startTime"].as_i64(),
            time_end: value["endTime"].as_i64(),
            message_hashes: list(&value["messageHashes"], bytes_of),
            pagination_cursor: bytes_of(&value["paginationCursor"]),
            pagination_forward: value["paginationForward"].as_bool().unwrap(),
            pagination_limit: value["paginationLimit"].as_u64(),
        }
    }

    fn stored_of(value: &Value) -> Option<StoredMessage> {
        let message = &value["message"];
        Some(StoredMessage {
            message_hash: bytes_of(&value["messageHash"]),
            message: (!message.is_null()).then(|| message_of(message)),
            pubsub_topic: text(&value["pubsubTopic"]),
        })
    }

    fn response_of(value: &Value) -> StoreQueryResponse {
        StoreQueryResponse {
            request_id: text(&value["requestId"]).unwrap(),
            status_code: u32::try_from(value["statusCode"].as_u64().unwrap()).unwrap(),
            status_desc: text(&value["statusDesc"]).unwrap(),
            messages: list(&value["messages"], stored_of),
            pagination_cursor: bytes_of(&value["paginationCursor"]),
        }
    }

    fn check<M>(name: &str, of: impl Fn(&Value) -> M)
    where
        M: Message + Default + PartialEq + std::fmt::Debug,
    {
        let vectors = vectors("store_query.json");
        let recorded = vectors[name].as_array().unwrap();
        assert!(recorded.len() >= 6);
        for vector in recorded {
            let (wire, value) = (bytes_of(&vector["wire"]).unwrap(), of(&vector["value"]));
            assert_eq!(value.encode_to_vec(), wire, "{}", vector["name"]);
            assert_eq!(M::decode(&wire[..]).unwrap(), value, "{}", vector["name"]);
            assert_eq!(value, of(&vector["decoded"]["ok"]), "{}", vector["name"]);
        }
    }

    #[test]
    fn recorded_requests_decode_and_encode_to_the_same_bytes() {
        check("storeQueryRequest", request_of);
    }

    #[test]
    fn recorded_responses_decode_and_encode_to_the_same_bytes() {
        check("storeQueryResponse", response_of);
    }

    #[test]
    fn a_request_of_a_client_that_leaves_out_defaults_is_read() {
        let request = StoreQueryRequest::decode(&b"\x0a\x01r"[..]).unwrap();
        let expected = StoreQueryRequest {
            request_id: "r".into(),
            ..StoreQueryRequest::default()
        };
        assert_eq!(request, expected);
    }
}
