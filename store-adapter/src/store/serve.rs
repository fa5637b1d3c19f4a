//! Answers queries from an archive.

use prost::Message;
use sync_core::{Bound, Id, Item, Range, TopicFilter};

use super::query::{BadRequest, Selection, StoreQuery};
use super::wire::{StoreQueryResponse, StoredMessage, status};
use crate::archive::{Archive, ArchiveError, Scan};
use crate::limits::{ARCHIVE_SCAN_ROWS, StoreLimits};
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
    /// All rows that are looked at for one request were, and none of them matches; the hash of the
    /// last one.
    TooMuchWork(Option<Id>),
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
    let failed = |status_code, status_desc| StoreQueryResponse {
        request_id: query.request_id.clone(),
        status_code,
        status_desc,
        ..StoreQueryResponse::default()
    };
    let driver_error = |what: &str| {
        let description = format!("BAD_RESPONSE: archive error: DRIVER_ERROR: {what}");
        failed(status::BAD_RESPONSE, description)
    };
    match page(archive, limits, &query).await {
        Ok(page) => StoreQueryResponse {
            request_id: query.request_id,
            status_code: status::OK,
            status_desc: "OK".into(),
            messages: page.messages,
            pagination_cursor: page.cursor.map(bytes_of),
        },
        Err(Failure::UnknownCursor) => driver_error("cursor not found"),
        Err(Failure::TooMuchWork(last)) => StoreQueryResponse {
            pagination_cursor: last.map(bytes_of),
            ..failed(
                status::SERVICE_UNAVAILABLE,
                format!(
                    "SERVICE_UNAVAILABLE: none of {} messages matches, and that is as many as are \
                     looked at for one request; ask for a shorter time, or go on behind the cursor",
                    limits.query_rows
                ),
            )
        },
        Err(Failure::Archive(error)) => {
            // Its words name paths of this machine.
            tracing::error!(%error, "a store query failed");
            driver_error("the archive can't be read")
        }
    }
}

fn bytes_of(hash: Id) -> Vec<u8> {
    hash.0.to_vec()
}

#[derive(Default)]
struct Page {
    messages: Vec<StoredMessage>,
    cursor: Option<Id>,
}

async fn page(
    archive: &dyn Archive,
    limits: &StoreLimits,
    query: &StoreQuery,
) -> Result<Page, Failure> {
    let mut behind = match query.cursor {
        None => Range::ALL,
        Some(hash) => match &archive.locate(&[hash]).await?[..] {
            [key] => range_behind(&key.item, query.forward),
            // Only its timestamp would tell where to go on, and a hash doesn't: also for one that
            // was removed meanwhile.
            _ => return Err(Failure::UnknownCursor),
        },
    };
    let page_bytes = limits.page_bytes.saturating_sub(query.request_id.len());
    let mut rows = limits.query_rows;
    loop {
        let Found { mut keys, on_from } = find(archive, query, &behind, &mut rows).await?;
        let fitting = fitting(&keys, query.limit, page_bytes, query.include_data);
        let more = fitting < keys.len();
        keys.truncate(fitting);
        let Some(last) = keys.last().map(|key| key.item) else {
            return match on_from {
                None => Ok(Page::default()),
                Some(last) => Err(Failure::TooMuchWork(last)),
            };
        };
        let cursor = if more {
            Some(last.id)
        } else {
            on_from.map(|walked| walked.unwrap_or(last.id))
        };
        if !query.forward {
            keys.reverse();
        }
        let messages = stored(archive, keys, query.include_data).await?;
        if messages.is_empty() && cursor.is_some() {
            // Removed since they were found. Clients take an empty page for the last one.
            behind = range_behind(&last, query.forward);
            continue;
        }
        return Ok(Page { messages, cursor });
    }
}

/// Keys that match, in the direction of the pages.
struct Found {
    keys: Vec<Key>,
    /// Where to go on, if the search ended before it was through: behind this hash, if there is one.
    on_from: Option<Option<Id>>,
}

/// The matches `behind` the cursor: one more than the page takes, to see whether there is more.
async fn find(
    archive: &dyn Archive,
    query: &StoreQuery,
    behind: &Range,
    rows: &mut usize,
) -> Result<Found, ArchiveError> {
    match &query.selection {
        Selection::Hashes {
            hashes,
            pubsub_topics,
        } => Ok(Found {
            keys: located(archive, hashes, pubsub_topics, behind, query.forward).await?,
            on_from: None,
        }),
        Selection::Content {
            range,
            pubsub_topics,
            content_topics,
        } => {
            let scan = Scan {
                pubsub_topics: pubsub_topics.clone(),
                content_topics: content_topics.clone(),
                backward: !query.forward,
                limit: query.limit + 1,
                ..Scan::of_range(range.intersect(behind))
            };
            scanned(archive, scan, rows).await
        }
    }
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

/// The first `scan.limit` matches, as far as `rows` allow.
async fn scanned(
    archive: &dyn Archive,
    mut scan: Scan,
    rows: &mut usize,
) -> Result<Found, ArchiveError> {
    let (most, whole) = (scan.limit, scan.range);
    let mut keys = Vec::new();
    loop {
        let page = archive.scan(&scan).await?;
        keys.extend(page.keys);
        *rows = rows.saturating_sub(ARCHIVE_SCAN_ROWS);
        let on_from = match page.rest {
            Some(rest) if keys.len() < most && *rows > 0 => {
                scan.limit = most - keys.len();
                scan = scan.on(rest);
                continue;
            }
            Some(rest) if keys.len() < most => {
                Some(last_before(archive, whole, rest, scan.backward).await?)
            }
            _ => None,
        };
        return Ok(Found { keys, on_from });
    }
}

/// The hash of the last row that a walk of `whole` has come by, if `rest` is left to it.
async fn last_before(
    archive: &dyn Archive,
    whole: Range,
    rest: Range,
    backward: bool,
) -> Result<Option<Id>, ArchiveError> {
    let walked = if backward {
        Range::new(rest.upper, whole.upper)
    } else {
        Range::new(whole.lower, rest.lower)
    };
    let nearest = Scan {
        backward: !backward,
        limit: 1,
        ..Scan::of_range(walked)
    };
    let page = archive.scan(&nearest).await?;
    Ok(page.keys.first().map(|key| key.item.id))
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
