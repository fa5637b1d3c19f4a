//! A request, understood: what clients of the field send is taken, what is ambiguous refused.

use prost::Message;
use sync_core::{Bound, Id, Range, TopicFilter};

use super::wire::StoreQueryRequest;
use crate::limits::StoreLimits;

/// A query that can be answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoreQuery {
    /// Chosen by the client.
    pub request_id: String,
    /// Whether messages are asked for, and not their hashes alone.
    pub include_data: bool,
    /// Which messages.
    pub selection: Selection,
    /// The hash behind which, in the direction of the pages, the page begins.
    pub cursor: Option<Id>,
    /// Whether pages go from the oldest to the newest message.
    pub forward: bool,
    /// Most messages in the page, at least 1.
    pub limit: usize,
}

/// Which messages a query is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Selection {
    /// Those of these hashes, as far as they were published on these topics.
    Hashes {
        /// The hashes, as asked for: any order, duplicates possible.
        hashes: Vec<Id>,
        /// js-waku names the topic with hashes too.
        pubsub_topics: TopicFilter,
    },
    /// Those of these times and topics.
    Content {
        /// The times; the end that the request names is included.
        range: Range,
        /// The topics they were published on.
        pubsub_topics: TopicFilter,
        /// The application's topics.
        content_topics: TopicFilter,
    },
}

/// A request that can't be answered.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{reason}")]
pub struct BadRequest {
    /// The request's id, as far as it was read.
    pub request_id: Option<String>,
    /// What was expected, and what came.
    pub reason: String,
}

impl StoreQuery {
    /// Reads a request, without the stream's length prefix.
    ///
    /// # Errors
    /// When it is too long, isn't of the format, or is ambiguous.
    pub fn parse(request: &[u8], limits: &StoreLimits) -> Result<Self, BadRequest> {
        let unread = |reason| BadRequest {
            request_id: None,
            reason,
        };
        if request.len() > limits.request_bytes {
            return Err(unread(format!(
                "expected a request of at most {} bytes, got {}",
                limits.request_bytes,
                request.len()
            )));
        }
        let request = StoreQueryRequest::decode(request)
            .map_err(|error| unread(format!("expected a store query: {error}")))?;
        let request_id = request.request_id.clone();
        Self::understand(request, limits).map_err(|reason| BadRequest {
            request_id: Some(request_id),
            reason,
        })
    }

    fn understand(request: StoreQueryRequest, limits: &StoreLimits) -> Result<Self, String> {
        if request.request_id.is_empty() {
            return Err("expected a request id, got an empty one".into());
        }
        let cursor = request.pagination_cursor.as_deref();
        let cursor = cursor.map(|bytes| id_of("a cursor", bytes)).transpose()?;
        let limit = match request.pagination_limit {
            None | Some(0) => limits.page_default,
            Some(limit) => usize::try_from(limit).unwrap_or(usize::MAX),
        };
        Ok(Self {
            cursor,
            limit: limit.clamp(1, limits.page_max.max(1)),
            forward: request.pagination_forward,
            include_data: request.include_data,
            request_id: request.request_id.clone(),
            selection: Selection::understand(request)?,
        })
    }
}

impl Selection {
    fn understand(request: StoreQueryRequest) -> Result<Self, String> {
        // Clients that can't leave a field out send an empty one.
        let topic = request.pubsub_topic.filter(|topic| !topic.is_empty());
        let pubsub_topics = TopicFilter::from_wire(topic);
        if request.message_hashes.is_empty() {
            return Ok(Self::Content {
                range: range_of(request.time_start, request.time_end),
                pubsub_topics,
                content_topics: TopicFilter::from_wire(request.content_topics),
            });
        }
        if !request.content_topics.is_empty()
            || request.time_start.is_some()
            || request.time_end.is_some()
        {
            return Err(
                "expected hashes or content topics and times, got both: ask for one of them".into(),
            );
        }
        let hashes = request.message_hashes.iter();
        Ok(Self::Hashes {
            hashes: hashes
                .map(|bytes| id_of("message hashes", bytes))
                .collect::<Result<_, _>>()?,
            pubsub_topics,
        })
    }
}

fn id_of(what: &str, bytes: &[u8]) -> Result<Id, String> {
    let id = bytes.try_into().map(Id);
    id.map_err(|_| format!("expected {what} of 32 bytes, got {}", bytes.len()))
}

/// The distance of neighbouring floating-point numbers of 64 bits between 2^60 and 2^61: as
/// nanoseconds, from 2006 to 2043.
const FLOAT_STEP: u64 = 256;

/// The items from `start` to `end`, both included. Nothing lies before 1970.
fn range_of(start: Option<i64>, end: Option<i64>) -> Range {
    let start = start.map_or(0, |start| u64::try_from(start).unwrap_or(0));
    let start = start.min(before_rounding(start));
    let upper = match end.map(u64::try_from) {
        None => Bound::Infinity,
        Some(Ok(end)) => Bound::at_time(end.max(before_rounding(end)).saturating_add(1)),
        Some(Err(_)) => Bound::MIN,
    };
    Range::new(Bound::at_time(start), upper)
}

/// The time that a client meant which computed `time` from whole milliseconds in floating point.
///
/// js-waku does, and so misses messages of exactly the time that it asks for. A time is taken for
/// such a product if it is one: a floating-point number next to a whole millisecond. Of times that
/// were never rounded one in a million is, and has its bound moved by 128 ns at most.
fn before_rounding(time: u64) -> u64 {
    const MILLISECOND: u64 = 1_000_000;
    if time >> 60 != 1 || !time.is_multiple_of(FLOAT_STEP) {
        return time;
    }
    let whole = (time + MILLISECOND / 2) / MILLISECOND * MILLISECOND;
    if whole.abs_diff(time) <= FLOAT_STEP / 2 {
        whole
    } else {
        time
    }
}

#[cfg(test)]
mod tests {
    use sync_core::Item;

    use super::*;

    fn parse(request: &StoreQueryRequest) -> Result<StoreQuery, BadRequest> {
        StoreQuery::parse(&request.encode_to_vec(), &StoreLimits::default())
    }

    fn request() -> StoreQueryRequest {
        StoreQueryRequest {
            request_id: "r".into(),
            ..StoreQueryRequest::default()
        }
    }

    #[test]
    fn page_sizes_are_brought_into_bounds() {
        let cases = [
            (None, 20),
            (Some(0), 20),
            (Some(1), 1),
            (Some(100), 100),
            (Some(101), 100),
            (Some(u64::MAX), 100),
        ];
        for (pagination_limit, expected) in cases {
            let request = StoreQueryRequest {
                pagination_limit,
                ..request()
            };
            assert_eq!(parse(&request).unwrap().limit, expected);
        }
    }

    #[test]
    fn times_are_included_at_both_ends_and_begin_in_1970() {
        let cases = [
            (None, None, Range::ALL),
            (Some(5), Some(5), Range::of_times(5, 6)),
            (Some(-7), Some(0), Range::of_times(0, 1)),
            (Some(i64::MIN), Some(i64::MAX), Range::of_times(0, 1 << 63)),
            (
                Some(9),
                None,
                Range::new(Bound::at_time(9), Bound::Infinity),
            ),
        ];
        for (start, end, expected) in cases {
            assert_eq!(range_of(start, end), expected);
        }
        assert!(range_of(None, Some(-1)).is_empty());
        assert!(range_of(Some(6), Some(5)).is_empty());
    }

    #[test]
    fn times_that_a_client_rounded_find_the_millisecond_that_was_meant() {
        let mut rounded = 0;
        for millisecond in 1_700_000_000_000..1_700_000_001_000u64 {
            let exact = millisecond * 1_000_000;
            let sent = (millisecond as f64 * 1e6) as i64;
            rounded += usize::from(sent as u64 != exact);
            let range = range_of(Some(sent), Some(sent));
            assert!(range.contains(&Item::new(exact, Id([7; 32]))), "{sent}");
            let length = range.upper.timestamp() - range.lower.timestamp();
            assert!(length <= 129, "{length}");
        }
        assert!(rounded > 500, "{rounded}");
        // A time of its own, though a floating-point number.
        let precise = 1_700_000_000_123_456_000;
        assert_eq!(precise % 256, 0);
        let start = u64::try_from(precise).unwrap();
        let expected = Range::of_times(start, start + 1);
        assert_eq!(range_of(Some(precise), Some(precise)), expected);
    }

    #[test]
    fn requests_that_cannot_be_understood_are_refused_with_the_reason() {
        let id = |bytes| vec![7; bytes];
        let cases = [
            (StoreQueryRequest::default(), "request id"),
            (
                StoreQueryRequest {
                    message_hashes: vec![id(31)],
                    ..request()
                },
                "got 31",
            ),
            (
                StoreQueryRequest {
                    message_hashes: vec![id(32), id(0)],
                    ..request()
                },
                "got 0",
            ),
            (
                StoreQueryRequest {
                    pagination_cursor: Some(id(33)),
                    ..request()
                },
                "got 33",
            ),
            (
                StoreQueryRequest {
                    pagination_cursor: Some(id(0)),
                    ..request()
                },
                "got 0",
            ),
            (
                StoreQueryRequest {
                    message_hashes: vec![id(32)],
                    content_topics: vec!["/c".into()],
                    ..request()
                },
                "got both",
            ),
            (
                StoreQueryRequest {
                    message_hashes: vec![id(32)],
                    time_end: Some(0),
                    ..request()
                },
                "got both",
            ),
        ];
        for (request, reason) in cases {
            let error = parse(&request).unwrap_err();
            assert!(error.reason.contains(reason), "{error}");
            assert_eq!(error.request_id, Some(request.request_id));
        }
    }

    #[test]
    fn what_clients_of_the_field_send_is_taken() {
        let with_topic = StoreQueryRequest {
            message_hashes: vec![vec![7; 32]],
            pubsub_topic: Some("/t".into()),
            ..request()
        };
        let expected = Selection::Hashes {
            hashes: vec![Id([7; 32])],
            pubsub_topics: TopicFilter::from_wire(["/t"]),
        };
        assert_eq!(parse(&with_topic).unwrap().selection, expected);
        let content_alone = StoreQueryRequest {
            content_topics: vec!["/c".into()],
            pubsub_topic: Some(String::new()),
            ..request()
        };
        let expected = Selection::Content {
            range: Range::ALL,
            pubsub_topics: TopicFilter::All,
            content_topics: TopicFilter::from_wire(["/c"]),
        };
        assert_eq!(parse(&content_alone).unwrap().selection, expected);
    }

    #[test]
    fn requests_that_are_none_and_overlong_ones_are_refused() {
        let limits = StoreLimits::default();
        let garbage = StoreQuery::parse(b"\xff\xff\xff", &limits).unwrap_err();
        assert_eq!(garbage.request_id, None);
        let mut longest = request();
        longest.request_id = "r".repeat(limits.request_bytes);
        let over = longest.encode_to_vec().len() - limits.request_bytes;
        longest.request_id.truncate(limits.request_bytes - over);
        assert_eq!(longest.encode_to_vec().len(), limits.request_bytes);
        assert!(parse(&longest).is_ok());
        longest.request_id.push('r');
        assert!(parse(&longest).unwrap_err().reason.contains("at most"));
    }
}
