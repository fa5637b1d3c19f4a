//! Answers queries from an archive.

use prost::Message;
use sync_core::{Bound, Id, Item, Range, TopicFilter};

use super::query::{BadRequest, Selection, StoreQuery};
use super::wire::{StoreQueryResponse, StoredMessage, status};
use crate::archive::{Archive, ArchiveError, Scan};
use crate::limits::StoreLimits;
use crate::record::Key;

/// What stands for a request's id if the request wasn't read, as nwaku has it.
const NO_REQUEST_ID: &str = "N/A";
/// Tags, lengths and hash of a message in a response, and some to spare, in bytes.
const ENTRY_OVERHEAD: usize = 64;

/// Answers a request; both without the stream's length prefix. Whatever the request is, the answer
/// is a response with a status.
///
/// A page is in the order (timestamp, hash), whichever its direction, and bounded by count and by
/// bytes. A cursor is given only if more messages match.
pub async fn serve(archive: &dyn Archive, limits: &StoreLimits, request: &[u8]) -> Vec<u8> {
    answer(archive, limits, request).await.encode_to_vec()
}

/// As [`serve`], for those who want to know what was given.
pub async fn answer(
    archive: &dyn Archive,
    limits: &StoreLimits,
    request: &[u8],
) -> StoreQueryResponse {
    match StoreQuery::parse(request, limits) {
        Ok(query) => respond(archive, limits, query).await,
        Err(bad) => refuse(bad),
    }
}

/// The response to a peer that asks too often, without having read its request.
#[must_use]
pub fn too_many_requests() -> Vec<u8> {
    let response = StoreQueryResponse {
        request_id: NO_REQUEST_ID.into(),
        status_code: status::TOO_MANY_REQUESTS,
        status_desc: "TOO_MANY_REQUESTS".into(),
        ..StoreQueryResponse::default()
    };
    response.encode_to_vec()
}

fn refuse(bad: BadRequest) -> StoreQueryResponse {
    StoreQueryResponse {
        request_id: bad.request_id.unwrap_or_else(|| NO_REQUEST_ID.into()),
        status_code: status::BAD_REQUEST,
        status_desc: format!("BAD_REQUEST: {}", bad.reason),
        ..StoreQueryResponse::default()
    }
}

/// Why a query that was understood has no answer.
enum Failure {
    UnknownCursor,
    Archive(ArchiveError),
}

impl From<ArchiveError> for Failure {
    fn from(error: ArchiveError) -> Self {
        Self::Archive(error)
    }
}

async fn respond(
    archive: &dyn Archive,
    limits: &StoreLimits,
    query: StoreQuery,
) -> StoreQueryResponse {
    let request_id = query.request_id.clone();
    let failed = |what: &str| StoreQueryResponse {
        request_id: request_id.clone(),
        status_code: status::BAD_RESPONSE,
        status_desc: format!("BAD_RESPONSE: archive error: DRIVER_ERROR: {what}"),
        ..StoreQueryResponse::default()
    };
    match page(archive, limits, query).await {
        Ok((messages, cursor)) => StoreQueryResponse {
            request_id,
            status_code: status::OK,
            status_desc: "OK".into(),
            messages,
            pagination_cursor: cursor.map(|hash| hash.0.to_vec()),
        },
        Err(Failure::UnknownCursor) => failed("cursor not found"),
        Err(Failure::Archive(error)) => {
            // Its words name paths of this machine.
            tracing::error!(%error, "a store query failed");
            failed("the archive can't be read")
        }
    }
}

async fn page(
    archive: &dyn Archive,
    limits: &StoreLimits,
    query: StoreQuery,
) -> Result<(Vec<StoredMessage>, Option<Id>), Failure> {
    let behind = match query.cursor {
        None => Range::ALL,
        Some(hash) => match &archive.locate(&[hash]).await?[..] {
            [key] => range_behind(&key.item, query.forward),
            _ => return Err(Failure::UnknownCursor),
        },
    };
    // One more than the page takes, to see whether there is more.
    let most = query.limit + 1;
    let mut keys = match query.selection {
        Selection::Hashes {
            hashes,
            pubsub_topics,
        } => located(archive, &hashes, &pubsub_topics, &behind, query.forward).await?,
        Selection::Content {
            range,
            pubsub_topics,
            content_topics,
        } => {
            let scan = Scan {
                pubsub_topics,
                content_topics,
                backward: !query.forward,
                limit: most,
                ..Scan::of_range(range.intersect(&behind))
            };
            scanned(archive, scan).await?
        }
    };
    let fitting = fitting(&keys, query.limit, limits.page_bytes, query.include_data);
    let more = fitting < keys.len();
    keys.truncate(fitting);
    let cursor = keys.last().filter(|_| more).map(|key| key.item.id);
    if !query.forward {
        keys.reverse();
    }
    Ok((stored(archive, keys, query.include_data).await?, cursor))
}

fn range_behind(cursor: &Item, forward: bool) -> Range {
    if forward {
        Range::new(Bound::after(cursor), Bound::Infinity)
    } else {
        Range::new(Bound::MIN, Bound::Before(*cursor))
    }
}

/// The keys of hashes, in the direction of the pages.
async fn located(
    archive: &dyn Archive,
    hashes: &[Id],
    pubsub_topics: &TopicFilter,
    range: &Range,
    forward: bool,
) -> Result<Vec<Key>, ArchiveError> {
    let mut keys = archive.locate(hashes).await?;
    keys.retain(|key| pubsub_topics.allows(&key.pubsub_topic) && range.contains(&key.item));
    if !forward {
        keys.reverse();
    }
    Ok(keys)
}

/// The first `scan.limit` matches.
async fn scanned(archive: &dyn Archive, mut scan: Scan) -> Result<Vec<Key>, ArchiveError> {
    let most = scan.limit;
    let mut keys = Vec::new();
    loop {
        let page = archive.scan(&scan).await?;
        keys.extend(page.keys);
        match page.rest {
            Some(rest) if keys.len() < most => {
                scan.limit = most - keys.len();
                scan = scan.on(rest);
            }
            _ => return Ok(keys),
        }
    }
}

/// How many of the keys fit a page: at least one, if there is one.
fn fitting(keys: &[Key], limit: usize, page_bytes: usize, include_data: bool) -> usize {
    let mut bytes = 0;
    let fits = |key: &&Key| {
        let data = key.message_bytes + key.pubsub_topic.len();
        bytes += ENTRY_OVERHEAD + if include_data { data } else { 0 };
        bytes <= page_bytes
    };
    let fitting = keys.iter().take(limit).take_while(fits).count();
    fitting.max(usize::from(!keys.is_empty()))
}

async fn stored(
    archive: &dyn Archive,
    keys: Vec<Key>,
    include_data: bool,
) -> Result<Vec<StoredMessage>, ArchiveError> {
    let hashes: Vec<Id> = keys.iter().map(|key| key.item.id).collect();
    if !include_data {
        let bare = |hash: Id| StoredMessage {
            message_hash: Some(hash.0.to_vec()),
            ..StoredMessage::default()
        };
        return Ok(hashes.into_iter().map(bare).collect());
    }
    let records = archive.lookup(&hashes).await?;
    let with_data = |record: crate::record::Record| {
        let hash = record.hash();
        let (pubsub_topic, message) = record.into_parts();
        StoredMessage {
            message_hash: Some(hash.0.to_vec()),
            message: Some(message),
            pubsub_topic: Some(pubsub_topic.to_string()),
        }
    };
    Ok(records.into_iter().map(with_data).collect())
}

#[cfg(test)]
mod tests;
