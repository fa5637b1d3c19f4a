//! Store v3 by the most naive means: a sorted list, filtered.

use store_adapter::Record;
use store_adapter::store::StoreQueryRequest;
use sync_core::Id;

/// What a store of these records answers: the hashes of a page, and whether more match; `None` for a
/// cursor that it doesn't know. The records are in the order (timestamp, hash).
pub(crate) fn answer(records: &[Record], request: &StoreQueryRequest) -> Option<(Vec<Id>, bool)> {
    let cursor = match &request.pagination_cursor {
        None => None,
        Some(cursor) => Some(
            records
                .iter()
                .find(|r| r.hash().0[..] == cursor[..])?
                .item(),
        ),
    };
    let mut found: Vec<&Record> = records
        .iter()
        .filter(|record| matches(record, request))
        .filter(|record| match (cursor, request.pagination_forward) {
            (None, _) => true,
            (Some(cursor), true) => record.item() > cursor,
            (Some(cursor), false) => record.item() < cursor,
        })
        .collect();
    let limit = match request.pagination_limit {
        None | Some(0) => 20,
        Some(limit) => usize::try_from(limit.min(100)).unwrap(),
    };
    let more = found.len() > limit;
    if request.pagination_forward {
        found.truncate(limit);
    } else {
        found.drain(..found.len().saturating_sub(limit));
    }
    Some((found.into_iter().map(Record::hash).collect(), more))
}

pub(crate) fn matches(record: &Record, request: &StoreQueryRequest) -> bool {
    let time = record.message().timestamp();
    let topic = request.pubsub_topic.as_deref();
    let topics = &request.content_topics;
    let hashes = &request.message_hashes;
    topic.is_none_or(|topic| topic.is_empty() || topic == &**record.pubsub_topic())
        && (topics.is_empty() || topics.contains(&record.message().content_topic))
        && request.time_start.is_none_or(|start| time >= start)
        && request.time_end.is_none_or(|end| time <= end)
        && (hashes.is_empty() || hashes.iter().any(|hash| hash[..] == record.hash().0[..]))
}
